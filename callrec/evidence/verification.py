"""Verifies recordings: reads sound and manifest back from the bucket, and compares what bucket, custody log
and catalogue say of them (callrec.evidence.comparison).

Whatever is wrong with one recording is told of that one: damaged rows, objects that are missing or that the
server does not give. Only a bucket or a database that is away ends everything.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from callrec.archive.retrieval import Notes
from callrec.catalogue import custody, rules, traces
from callrec.catalogue.custody import Entry
from callrec.catalogue.database import Database
from callrec.catalogue.logged import Logged, logged
from callrec.errors import EvidenceBroken, NotFound, Sentence
from callrec.evidence import comparison
from callrec.evidence.afterwards import Afterwards, after, at_first
from callrec.evidence.beside import BesideVerifier, VerifiedStore
from callrec.evidence.findings import Archived, Findings, Told
from callrec.evidence.reading import Missing, Reading
from callrec.evidence.trust import Trust
from callrec.manifest import Manifest, RuleText, differences, read, require_manifest, require_sound
from callrec.model.captures import RetainedBecause
from callrec.rulebook import office_file
from callrec.signing import parsed

NOTE = "note"
TIMES = 3
"""How often a recording is looked at that somebody does something with at the same time."""


class Verifier:
    """Verifies recordings of one archive; `note` enters that into the custody log.

    `mode` is how the bucket is to lock: governance, compliance or off.
    """

    def __init__(
        self,
        store: VerifiedStore,
        database: Database,
        trust: Trust,
        note: Notes,
        clock: Callable[[], datetime],
        *,
        zone: ZoneInfo,
        mode: str,
    ) -> None:
        self._reading, self._database, self._trust, self._note = Reading(store), database, trust, note
        self._clock, self._zone, self._mode = clock, zone, mode
        self._beside = BesideVerifier(store, database, trust)

    def verify(self, recording_id: str, *, altered: Sentence | None = None, decode: bool = False) -> Findings:
        """Verifies one recording, and enters that into the custody log. `altered`: what is wrong with its
        rows of that log. With `decode` its sound is decoded, too.

        Raises NotFound for one that is being destroyed as its time is over, or was meanwhile; and
        StoreUnreachable or CatalogueUnreachable where bucket or database are away.
        """
        for _ in range(TIMES):
            found = Findings(recording_id, problems=[altered] if altered else [])
            told = self._told(found)
            self._look(found, told, decode=decode)
            if not found.problems or self._told(Findings(recording_id)).entries == told.entries:
                break  # else somebody did something with it meanwhile, and some was seen before, some after
        if not found.gone or found.problems:
            self._enter(found)
        return found

    def _look(self, found: Findings, told: Told, *, decode: bool) -> None:
        with found.looking("custody"):
            found.gone = _alone(found.id, told.entries).destroyed_at is not None
        if found.gone:
            self._is_right_beside(found, told)
            self._compare_alone(found, told)
        else:
            self._verify(found, told, decode=decode)

    def is_gone(self, recording_id: str) -> bool:
        """Returns whether a recording was destroyed, and all that tells of it agrees. Writes nothing down."""
        found = Findings(recording_id)
        told = self._told(found)
        with found.looking("custody"):
            found.gone = _alone(recording_id, told.entries).destroyed_at is not None
        if found.gone:
            self._look(found, told, decode=False)
        return found.gone and not found.problems

    def of_call(self, call_id: str, recording_ids: Iterable[str]) -> list[str]:
        """Returns those of some recordings that are of a call whose id begins so, as their manifests say."""
        found = [(each, self._archived(each)) for each in recording_ids]
        return [id_ for id_, each in found if each and each.manifest.call.id.startswith(call_id)]

    def _told(self, found: Findings) -> Told:
        entries = list[Entry]()
        with self._database.read() as connection:
            row = traces.recording_of(connection, found.id)
            with found.looking("custody"):
                entries = custody.of(connection, found.id)
        return Told(row, entries, logged(entries))

    def _verify(self, found: Findings, told: Told, *, decode: bool) -> None:
        if not told.log.key:
            if told.row is None:
                raise NotFound("there is no recording or call {id}: see callrec search", id=found.id)
            silent = Sentence("the custody log does not say that recording {id} was archived", id=found.id)
            found.problems.append(silent)
        archived = self._manifest(found, told)
        self._sound(found, told, archived, decode=decode)
        if self._is_right_beside(found, told) and found.missing:
            self._require_wanted(found.id)
        self._versions(found, told.place)
        if archived is None:
            self._compare_alone(found, told)
        else:
            self._lock(found, told, archived.now)
            self._compare(found, told, archived)

    def _is_right_beside(self, found: Findings, told: Told) -> bool:
        """Returns whether what lies beside it is as the custody log says: what is stated of its end, too."""
        before = len(found.problems)
        with found.looking("custody"):
            now = _alone(found.id, told.entries)
            if told.place.key:
                self._beside.verify(found, told, now)
        return len(found.problems) == before

    def _require_wanted(self, recording_id: str) -> None:
        """Raises NotFound for a recording that is not there because it is being destroyed, or was since."""
        with self._database.read() as connection:
            now = _alone(recording_id, custody.of(connection, recording_id))
        if now.destroyed_at:
            raise NotFound("recording {id} was destroyed meanwhile: see callrec show {id}", id=recording_id)
        if now.destruction:
            raise NotFound(
                "recording {id} is being destroyed, as its time is over: see callrec show {id}",
                id=recording_id,
            )

    # --- what is in the bucket

    def _manifest(self, found: Findings, told: Told) -> Archived | None:
        """Returns the manifest of a recording; None where it must not be believed."""
        place = told.place
        with found.looking("manifest"):
            data = self._reading.data(place.manifest_key, place.manifest_version)
            require_manifest(found.id, hashlib.sha256(data).hexdigest(), place.manifest_sha256)
            manifest = read(data)
            if self._is_believed(found, data, told.log):
                found.problems += comparison.of_manifest(found.id, manifest, told.log)
                return Archived(manifest, parsed(data), after(at_first(manifest), told.entries))
        return None

    def _is_believed(self, found: Findings, data: bytes, log: Logged) -> bool:
        """Returns whether a manifest is signed by a key of ours, or older than the first of them."""
        try:
            signed = self._trust.is_signed(data, log.archived_at, log.archived_row)
        except EvidenceBroken as error:
            found.checked.append("signature")
            found.problems.append(Sentence("the manifest of {id}: {problem}", id=found.id, problem=error))
            return False
        if signed:
            found.checked.append("signature")
        else:
            found.remarks.append(Sentence("the manifest of {id} is older than signatures", id=found.id))
        return True

    def _sound(self, found: Findings, told: Told, archived: Archived | None, *, decode: bool) -> None:
        place, expected = told.place, told.log.sha256 or told.place.sha256
        with found.looking("sound"):
            pcm = archived.manifest.audio.pcm_sha256 if archived else ""
            facts = self._reading.facts(place.key, place.version, pcm)
            require_sound(found.id, facts.sha256, expected)
            if archived:
                found.checked.append("content")
                found.problems += differences(archived.manifest, facts)
            if archived and decode:
                found.checked.append("decoded")
                found.problems += differences(
                    archived.manifest, self._reading.decoded(place.key, place.version)
                )

    def _versions(self, found: Findings, place: Logged) -> None:
        """Object Lock does not keep others from putting something over an object (decision 6)."""
        with found.looking("versions"):
            there = [each for each in place.objects if each[1] and each[0] not in found.missing]
            found.covered = [key for key, version in there if self._reading.newest(key) != version]

    def _lock(self, found: Findings, told: Told, now: Afterwards) -> None:
        if self._mode == "off":
            return
        there = [each for each in told.place.objects if each[0] not in found.missing]
        with found.looking("lock"):
            heads = [self._reading.head(*each) for each in there]
            found.problems += comparison.of_lock(heads, now, self._clock(), self._mode)
            if not comparison.is_between(told.entries):
                found.problems += comparison.of_legal_hold(heads, now)

    # --- the catalogue's rows

    def _compare_alone(self, found: Findings, told: Told) -> None:
        """Compares the row of a recording with the custody log alone."""
        with found.looking("row"):
            now = _alone(found.id, told.entries)
            if told.log.key:
                found.problems += comparison.of_recording_alone(told.row, found.id, told.log, now)

    def _compare(self, found: Findings, told: Told, archived: Archived) -> None:
        manifest = archived.manifest
        with found.looking("row"):
            found.problems += comparison.of_recording(told.row, manifest, told.log, archived.now)
            siblings = self._siblings(found.id, manifest.call.id)
            incident = any(each.now.incident for each in (archived, *siblings))
            with self._database.read() as connection:
                rows = traces.call_of(connection, manifest.call.id)
                incident = incident or traces.was_incident(connection, manifest.call.id)
            manifests = [each.manifest for each in (archived, *siblings)]
            found.problems += comparison.of_call(rows, manifests, incident=incident)
            self._compare_written(found, archived)
            self._compare_rules(found, manifest)

    def _siblings(self, recording_id: str, call_id: str) -> list[Archived]:
        """Returns the other recordings of a call of which the manifest can be had and is believed."""
        with self._database.read() as connection:
            others = [each for each in traces.recordings_of(connection, call_id) if each != recording_id]
        found = [self._archived(each) for each in others]
        return [each for each in found if each and each.manifest.call.id == call_id]

    def _archived(self, recording_id: str) -> Archived | None:
        unused = Findings(recording_id)
        try:
            return self._manifest(unused, self._told(unused))
        except Missing:
            return None

    def _compare_written(self, found: Findings, archived: Archived) -> None:
        call_id, own = archived.manifest.call.id, {each.id for each in archived.now.notes}
        known = set[str]()
        with self._database.read() as connection:
            held, written = traces.written_of(connection, found.id, call_id)
            if any(each.id not in own for each in written):
                others = ["", *traces.recordings_of(connection, call_id)]
                entries = [entry for id_ in others for entry in custody.of(connection, id_)]
                known = {str(entry.details.get(NOTE)) for entry in entries} - own
        found.problems += comparison.of_holds(held, archived.now)
        found.problems += comparison.of_notes(written, archived.now, known)

    def _compare_rules(self, found: Findings, manifest: Manifest) -> None:
        keys = [(each.rule, each.version) for each in manifest.rules]
        with self._database.read() as connection:
            there = rules.versions(connection, keys)
        texts = {
            key: RuleText(*key, office_file.rule_text(rule, self._zone), rule.changed_at, rule.changed_by)
            for key, rule in there.items()
        }
        found.problems += comparison.of_rules(manifest.rules, texts, manifest.software.callrec)

    # --- what is written down

    def _enter(self, found: Findings) -> None:
        covered = {"covered": found.covered} if found.covered else {}
        with self._database.begin() as connection:
            if found.problems:
                problem = "; ".join(map(str, found.problems))
                self._note(connection, found.id, "broken", problem=problem, **covered)
            else:
                self._note(connection, found.id, "verified", **covered)


def _alone(recording_id: str, entries: Sequence[Entry]) -> Afterwards:
    """Returns how a recording stands by the custody log alone: what the manifest begins with is not known."""
    return after(Afterwards(recording_id, False, None, RetainedBecause.RULE), entries)
