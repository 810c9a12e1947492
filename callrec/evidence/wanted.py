"""Says what rows the catalogue is to have of a recording or request: pure, by what the bucket says of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from callrec.catalogue import calls
from callrec.catalogue.columns import read_row
from callrec.catalogue.rebuilding import Rows
from callrec.catalogue.statements import TOMBSTONES
from callrec.catalogue.tables import metadata
from callrec.errors import EvidenceBroken
from callrec.evidence.afterwards import Afterwards, after, at_first
from callrec.evidence.bucket import FoundRecording
from callrec.evidence.statement import Statement
from callrec.manifest import RuleText
from callrec.model.calls import CallRecord
from callrec.texts import folded


@dataclass(frozen=True, slots=True)
class WantedRecording:
    """What the catalogue is to have of a recording. `is_whole`: its manifest is there; else there are only
    the statements of its destruction, in which the call has no numbers."""

    now: Afterwards
    call: CallRecord
    facilities: tuple[str, ...]
    rows: Rows
    """But for those of the call."""
    is_whole: bool
    rules: tuple[RuleText, ...] = ()
    """The versions of rules that decided, as the manifest has them."""

    @property
    def row(self) -> dict[str, Any]:
        """The row of the recording."""
        return self.rows["recordings"][0]


def wanted(found: FoundRecording, said: Sequence[Statement]) -> WantedRecording | None:
    """Returns what the catalogue is to have of a recording, after all that is `said`; None where nothing in
    the bucket says whose it is. Raises EvidenceBroken for what contradicts itself."""
    if found.manifest is None:
        return _of_tombstone([each for each in said if each.action in TOMBSTONES])
    now, manifest = after(at_first(found.manifest), said), found.manifest
    if now.destroyed_at:
        raise EvidenceBroken(
            "recording {id} is said to be destroyed, and its manifest is there", id=manifest.recording_id
        )
    row = calls.recording_row(
        manifest,
        key=found.key,
        manifest_sha256=found.manifest_sha256,
        versions=found.versions,
    )
    if found.versions.audio is None and found.versions.manifest is not None:
        del row["version"]  # its sound is not there: which one it was, the bucket does not tell
    rows = {
        "recordings": [{"id": found.id, **row, **_afterwards(now)}],
        "holds": [asdict(each) for each in now.holds],
        "notes": _notes(now),
        "destructions": _destruction(now),
    }
    return WantedRecording(now, manifest.call, manifest.facilities, rows, is_whole=True, rules=manifest.rules)


def _of_tombstone(said: Sequence[Statement]) -> WantedRecording | None:
    told = next((each.details for each in said if each.details.get("recording")), None)
    if told is None:
        return None
    try:
        kept, call = calls.told(told["recording"]), calls.read_call(told["call"])
        facilities = tuple(map(str, told["facilities"]))
    except (KeyError, TypeError, ValueError) as error:
        raise EvidenceBroken(
            "what is said of the destruction of recording {id} cannot be understood", id=said[0].recording_id
        ) from error
    begin = Afterwards(kept.id, kept.incident, kept.retain_until, kept.retained_because)
    now = after(begin, said)
    known = kept.__dataclass_fields__.keys() - calls.OF_MANIFEST
    columns = {name: getattr(kept, name) for name in known}
    row = {**columns, **_afterwards(now), **dict.fromkeys(calls.OF_MANIFEST)}
    rows = {"recordings": [row], "destructions": _destruction(now)}
    return WantedRecording(now, call, facilities, rows, is_whole=False)


def _afterwards(now: Afterwards) -> dict[str, Any]:
    """Returns the columns of a recording that people may have changed since it was archived."""
    return {name: getattr(now, name) for name in calls.AFTERWARDS}


def _notes(now: Afterwards) -> list[dict[str, Any]]:
    return [
        {
            "id": each.id,
            "call_id": each.call_id,
            "at": each.at,
            "who": each.who,
            "text": each.text,
            "folded": folded(each.text),
        }
        for each in now.notes
        if each.text is not None
    ]


def _destruction(now: Afterwards) -> list[dict[str, Any]]:
    """Returns the row of a destruction, but for what stopped it: the next run will know that."""
    going = now.destruction
    if going is None:
        return []
    begun = {"begun_at": going.begun_at, "begun_by": going.begun_by, "finished_at": going.finished_at}
    return [{"recording_id": now.recording_id, **begun, "reason": dict(going.reason)}]


def wanted_of_request(said: Sequence[Statement]) -> Rows:
    """Returns the rows that the catalogue is to have of a request: as the newest statement about it says.
    Raises EvidenceBroken."""
    newest = max(said, key=lambda each: each.id)
    try:
        return {
            name: [read_row(metadata.tables[name], row) for row in rows]
            for name, rows in newest.details["stands"].items()
        }
    except (KeyError, TypeError, ValueError) as error:
        raise EvidenceBroken(
            "what is said of request {number} cannot be understood", number=newest.request
        ) from error
