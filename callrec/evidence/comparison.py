"""Compares what each place says of a recording: pure. The bucket has the sound, the manifest and their locks,
the custody log what was done, the catalogue's rows what a search finds and `show` tells.

The manifest is signed and the custody log a chain: where a row says otherwise than they do, the row is wrong.
Whatever differs is named, with both values.
"""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from callrec import __version__
from callrec.archive.store import StoredObject
from callrec.catalogue.calls import (
    OF_MANIFEST,
    Versions,
    as_json,
    call_row,
    extensions_of,
    read_call,
    recording_row,
)
from callrec.catalogue.custody import Entry
from callrec.catalogue.holds import Hold
from callrec.catalogue.logged import Logged
from callrec.catalogue.notes import WrittenNote
from callrec.catalogue.traces import CallRows, Row
from callrec.errors import Sentence
from callrec.evidence.afterwards import Afterwards
from callrec.evidence.differences import (
    AGAINST_LOG,
    IN_BUCKET,
    IN_DATABASE,
    IN_MANIFEST,
    Differences,
    as_text,
    columns,
    difference,
    documents,
    missing,
    same,
    sets,
)
from callrec.manifest import Manifest, RuleText
from callrec.model.calls import CallRecord

CLOCKS_APART = timedelta(hours=1)
"""By how much a clock may be wrong before that is named."""
OF_HOLDS = ("to-be-held", "to-be-released", "held", "released")
NOT_COMPARED = {
    ("calls", "id"): "it is what the row is found by, from the manifest",
    ("recordings", "id"): "it is what the row is found by",
    ("participants", "call_id"): "it is what the rows are found by",
    ("call_facilities", "call_id"): "it is what the rows are found by",
    ("calls", "more_numbers"): "it is made of the details, which are compared, by a way that may change",
    ("rules", "id"): "it is what the row is found by, from the manifest",
    ("rules", "version"): "it is what the row is found by, from the manifest",
    ("rules", "removed"): "it says what is so after the call: that the rule is in force no more",
}
"""Columns of which nothing is said elsewhere, and why that does no harm."""


# --- what is in the bucket


def of_manifest(recording_id: str, manifest: Manifest, log: Logged) -> Differences:
    """Returns where the manifest in the bucket and the custody log differ."""
    capture, audio = manifest.capture, manifest.audio
    pairs: list[tuple[str, object, object]] = [
        ("recording_id", manifest.recording_id, recording_id),
        ("audio.sha256", audio.sha256, log.sha256),
        ("created_at", manifest.created_at, log.made_at),
        ("capture.started_at", capture.started_at, log.captured_at),
        ("capture.kept_because", capture.kept_because, log.kept_because),
    ]
    if log.archived_at and manifest.created_at > log.archived_at + CLOCKS_APART:
        pairs.append(("created_at", manifest.created_at, log.archived_at))
    said = [each for each in pairs if each[2]]
    found = [difference(IN_MANIFEST, *each) for each in said if not same(each[1], each[2])]
    return found + _of_clocks(manifest)


def _of_clocks(manifest: Manifest) -> Differences:
    """Returns by how much clocks were wrong when the manifest was made, as it says itself."""
    clocks, most = manifest.clocks, CLOCKS_APART.total_seconds()
    named = {"S3": clocks.store_offset_s, "PBX": clocks.pbx_offset_s} if clocks else {}
    return [
        Sentence(
            "callrec's clock was {seconds} s ahead of that of the {other} when the manifest was made",
            seconds=round(offset),
            other=other,
        )
        for other, offset in named.items()
        if offset is not None and abs(offset) > most
    ]


def of_lock(objects: Iterable[StoredObject], now: Afterwards, at: datetime, mode: str) -> Differences:
    """Returns which objects the bucket locks for less long than the custody log wants. `mode` is that of the
    settings."""
    until, found = now.retain_until, Differences()
    if until is None or until <= at:
        return found
    for each in objects:
        if not (each.lock_mode and each.is_locked_until(until)):
            found.append(difference(IN_BUCKET, f"{each.key}, locked until", each.retain_until, until))
        elif mode == "compliance" and each.lock_mode != mode:
            found.append(difference(IN_BUCKET, f"{each.key}, lock", each.lock_mode, mode))
    return found


def of_legal_hold(objects: Iterable[StoredObject], now: Afterwards) -> Differences:
    """Returns which objects the bucket holds though the custody log does not say so, or does not hold."""
    return [
        difference(IN_BUCKET, f"{each.key}, legal hold", each.legal_hold, now.hold)
        for each in objects
        if each.legal_hold != now.hold
    ]


def is_between(entries: Iterable[Entry]) -> bool:
    """Returns whether a hold, or its end, was begun and not finished: the bucket may be held or not then."""
    about = [each.action for each in entries if each.action in OF_HOLDS]
    return bool(about) and about[-1] in OF_HOLDS[:2]


# --- the catalogue's rows


def of_recording(row: Row | None, manifest: Manifest, log: Logged, now: Afterwards) -> Differences:
    """Returns where the row of a recording is not what manifest and custody log say."""
    if row is None:
        return [missing("recordings", manifest.recording_id)]
    by_manifest = recording_row(
        manifest,
        key=log.key,
        manifest_sha256=log.manifest_sha256,
        versions=Versions(log.version, log.manifest_version),
    )
    by_log = _by_log(log, now)
    manifests = {name: value for name, value in by_manifest.items() if name not in by_log}
    found = columns(IN_DATABASE, "recordings", row, manifests)
    return found + columns(AGAINST_LOG, "recordings", row, by_log)


def of_recording_alone(row: Row | None, recording_id: str, log: Logged, now: Afterwards) -> Differences:
    """Returns where the row of a recording is not what the custody log says, which alone is to be had: it was
    destroyed, or its manifest is not there, or not to be believed."""
    if row is None:
        return [missing("recordings", recording_id)]
    known = _by_log(log, now)
    unknown = () if now.destroyed_at else ("hold",)
    for name in ("incident", "retain_until", "retained_because", *unknown):  # the manifest has the beginning
        del known[name]
    gone = {**dict.fromkeys(OF_MANIFEST), **_reason(now)} if now.destroyed_at else {}
    return columns(AGAINST_LOG, "recordings", row, {**known, **gone})


def _reason(now: Afterwards) -> dict[str, Any]:
    """Returns the columns of which the custody log says, with a destruction, what they were."""
    reason = now.destruction.reason if now.destruction else {}
    until = reason.get("retain_until")
    found = {"retain_until": datetime.fromisoformat(str(until))} if until else {}
    return found | ({"retained_because": reason["because"]} if "because" in reason else {})


def _by_log(log: Logged, now: Afterwards) -> dict[str, Any]:
    """Returns the columns of a recording of which the custody log says what they are to be."""
    said = {
        "key": log.key,
        "manifest_sha256": log.manifest_sha256,
        "version": log.version,
        "manifest_version": log.manifest_version,
        "incident": now.incident,
        "hold": now.hold,
        "retain_until": now.retain_until,
        "retained_because": now.retained_because,
        "state": now.state,
        "destroyed_at": now.destroyed_at,
    }
    return {**said, "sha256": log.sha256} if log.sha256 else said


def of_call(rows: CallRows, manifests: Sequence[Manifest], *, incident: bool) -> Differences:
    """Returns where the rows of a call are not what its manifest says; where it has several recordings, one
    of their manifests, the first of them being that of the recording. `incident`: by the custody log."""
    found = _of_call(rows, manifests[0], incident)
    if found and any(not _of_call(rows, each, incident) for each in manifests[1:]):
        return []
    return found


def _of_call(rows: CallRows, manifest: Manifest, incident: bool) -> Differences:
    call = replace(manifest.call, incident=incident)
    if rows.call is None:
        return [missing("calls", call.id)]
    expected = {name: value for name, value in call_row(call).items() if ("calls", name) not in NOT_COMPARED}
    details = _of_details(rows.call["details"], expected.pop("details"))
    found = columns(IN_DATABASE, "calls", rows.call, expected)
    return found + details + _of_participants(rows, call) + _of_facilities(rows, manifest)


def _of_details(found: Any, expected: Mapping[str, Any]) -> Differences:
    """Returns where the whole of a call, as plain JSON, is not what a manifest says, as a search reads it."""
    try:
        read = as_json(read_call(found))
    except (ValueError, TypeError, RecursionError):
        return [difference(IN_DATABASE, "calls.details", found, expected)]
    return documents(IN_DATABASE, "calls.details", read, expected)


def _of_participants(rows: CallRows, call: CallRecord) -> Differences:
    found = {(each["extension"], as_text(each["started_at"])) for each in rows.participants}
    expected = {(each, as_text(call.started_at)) for each in extensions_of(call)}
    return sets("participants", found, expected)


def _of_facilities(rows: CallRows, manifest: Manifest) -> Differences:
    """Returns where the facilities of a call differ. Manifests of version 1 and 2 name only the first."""
    found = {each["facility"] for each in rows.facilities}
    if manifest.facilities:
        return sets("call_facilities.facility", found, set(manifest.facilities))
    first = manifest.call.facility
    return [] if first is None or first in found else sets("call_facilities.facility", found, {first})


def of_rules(
    said: Iterable[RuleText], found: Mapping[tuple[int, int], RuleText], made_by: str
) -> Differences:
    """Returns where versions of rules in the database are not those of which the manifest has the text.
    `made_by` is the version of callrec that wrote it: another one may write more of a rule."""
    return [
        difference(IN_DATABASE, f"rule {each.rule}@{each.version}, {name}", there, wanted)
        for each in said
        for name, there, wanted in _of_rule(each, found.get((each.rule, each.version)), made_by)
    ]


def _of_rule(said: RuleText, found: RuleText | None, made_by: str) -> list[tuple[str, object, object]]:
    if found is None:
        return [("text", None, said.text)]
    pairs = [
        ("changed_at", found.changed_at, said.changed_at),
        ("changed_by", found.changed_by, said.changed_by),
        *_texts(found.text, said.text, whole=made_by == __version__),
    ]
    return [each for each in pairs if not same(each[1], each[2])]


def _texts(found: str, said: str, *, whole: bool) -> list[tuple[str, object, object]]:
    """Returns the pairs of what two texts of a rule say; those that only the newer one says where `whole`."""
    try:
        (there,), (wanted,) = (tomllib.loads(text)["rule"] for text in (found, said))
    except (ValueError, KeyError, TypeError):
        return [("text", found, said)]
    names = there.keys() | wanted.keys() if whole else there.keys() & wanted.keys()
    return [(name, there.get(name), wanted.get(name)) for name in sorted(names)]


def of_holds(rows: Iterable[Hold], now: Afterwards) -> Differences:
    """Returns where the holds in the database are not those of the custody log."""
    return sets("holds", {_hold(each) for each in rows}, {_hold(each) for each in now.holds}, AGAINST_LOG)


def _hold(each: Hold) -> tuple[str, str, str, str, str]:
    return each.reason, each.request or "", each.who, each.released_by or "", each.release_reason or ""


def of_notes(rows: Iterable[WrittenNote], now: Afterwards, known: Collection[str]) -> Differences:
    """Returns where notes about a call are not those of the custody log. `known` are the ids of further notes
    of which it tells, at the call's other recordings or before there was one."""
    there, told = {each.id: each for each in rows}, {each.id: each for each in now.notes}
    found = sets("notes", there.keys() - set(known), told.keys(), AGAINST_LOG)
    for id_ in there.keys() & told.keys():
        row, said = there[id_], told[id_]
        digest = hashlib.sha256(row.text.encode()).hexdigest() if said.sha256 else ""
        pairs = (("notes.who", row.who, said.who), ("notes.text, SHA-256", digest, said.sha256))
        found += [difference(AGAINST_LOG, *each) for each in pairs if each[1] != each[2]]
    return found
