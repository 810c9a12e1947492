"""Makes captures of tracks without a draft, as the controller would have handed them over. No I/O.

What is known of their call goes into the manifest; what is not, a note says.
"""

from __future__ import annotations

from dataclasses import replace

from callrec import ids
from callrec.fallback import journal
from callrec.health.differences import Tracks
from callrec.model.calls import CallRecord, KeyResult, Outcome, remark
from callrec.model.captures import Capture, CapturedCall, KeptBecause, Segment, Track
from callrec.model.office import UNASSIGNED
from callrec.model.rules import Mode
from callrec.policy.decide import Defaults, without_rule
from callrec.spool.tracks import SIDES

FOUND = "found"
"""The reason of a decision that callrec made long ago and has no account of any more."""


def captured(
    tracks: Tracks, call: CallRecord | None, pbx: str, defaults: Defaults, *, wanted: bool, known: bool
) -> CapturedCall:
    """Returns tracks as a capture that is over, with their call or, where that is not known, one of its own.

    `known`: the catalogue has a recording of their name, so what was found becomes another one. Made twice,
    it has the same ids.
    """
    recording = tracks.recording
    if known or tracks.number > 1 or not recording:
        recording = found_id(tracks, pbx)
    told = call or _unknown_call(tracks, pbx, defaults)
    found = (
        remark("callrec had lost sight of recording {id}: it was found on the PBX", id=recording)
        if wanted
        else remark(
            "callrec had lost sight of recording {id}: it was found on the PBX, not wanted, and destroyed",
            id=recording,
        )
    )
    told = replace(told, notes=(*told.notes, found))
    external, staff = _both(tracks)
    segment = Segment(tracks.number, _channel(tracks, told), external, staff, tracks.at)
    because = _kept_because(told) if wanted else None
    return CapturedCall(told, Capture(recording, tracks.at, because, (segment,)))


def found_id(tracks: Tracks, pbx: str) -> str:
    """Returns the id of a recording of its own that is made of tracks."""
    return ids.derived(tracks.at, f"found {pbx} {tracks.names[0].rpartition('-')[0]}")


def _both(tracks: Tracks) -> list[Track]:
    """Returns both tracks of a segment; one that the PBX does not have never began."""
    base = tracks.names[0].rpartition("-")[0]
    names = [f"{base}-{side}" for side in SIDES]
    gone = "the PBX has no file of it"
    return [Track(name, failed=None if name in tracks.names else gone) for name in names]


def _channel(tracks: Tracks, call: CallRecord) -> str:
    """Returns the channel that was recorded, as far as anything tells: the dialplan names its files so."""
    if not tracks.recording:
        return journal.channel_of(tracks.names[0])
    outside = [each.channel for each in call.participants if not each.extension]
    return outside[0] if len(outside) == 1 else ""


def _unknown_call(tracks: Tracks, pbx: str, defaults: Defaults) -> CallRecord:
    about = tracks.recording or tracks.names[0]
    mode = Mode.STANDBY if tracks.standby else Mode.AUTOMATIC
    return CallRecord(
        id=ids.derived(tracks.at, f"found call {pbx} {about}"),
        pbx=pbx,
        linkedid="" if tracks.recording else journal.channel_of(tracks.names[0]),
        direction=None,
        facility=UNASSIGNED,
        extension=None,
        number=None,
        dialled=None,
        started_at=tracks.at,
        answered_at=tracks.at,
        outcome=Outcome.ANSWERED,
        decision=without_rule(mode, FOUND, defaults),
    )


def _kept_because(call: CallRecord) -> KeptBecause:
    results = {each.result for each in call.key_presses}
    if call.decision and call.decision.mode is Mode.AUTOMATIC and not results & {KeyResult.HELP_SENT}:
        return KeptBecause.AUTOMATIC
    return KeptBecause.HELP if KeyResult.HELP_SENT in results else KeptBecause.KEY
