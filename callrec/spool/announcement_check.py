"""Checks that the announcements of a call are in its recording: only what can be heard there is proved.

The PBX reports a prompt as played to its end also where no packets flowed into which it could be mixed.
One that the dialplan played before the connection is not in the recording: of that, the PBX's word counts.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import numpy as np
import soundfile
import soxr

from callrec.errors import CallrecError
from callrec.model.calls import IN_CALL, Announcement, CallRecord, Note, remark
from callrec.spool import prompt_search
from callrec.spool.sound import STAFF_CHANNEL, Samples, Wav

MARGIN_S = 1.0
"""How much earlier and later than reported a prompt is looked for."""

PromptFile = Callable[[Announcement], Path]
"""Returns the sound of an announcement, at 8 kHz. Raises CallrecError where nobody has it any more."""


def checked(call: CallRecord, recording: Path, began_at: datetime, prompt_file: PromptFile) -> CallRecord:
    """Returns the call with what was found of its announcements in a recording that began at a moment.

    One that was reported as heard to its end and is not found is not complete, and a note says so.
    """
    announcements, notes = [], list(call.notes)
    for each in call.announcements:
        found, note = _found(each, recording, began_at, prompt_file)
        announcements.append(found)
        notes += [note] if note else []
    return replace(call, announcements=tuple(announcements), notes=tuple(notes))


def _found(
    each: Announcement, recording: Path, began_at: datetime, prompt_file: PromptFile
) -> tuple[Announcement, Note | None]:
    if each.leg != IN_CALL or not each.complete:
        return each, None
    try:
        prompt = np.concatenate(list(Wav(prompt_file(each)).blocks(prompt_search.RATE)))
    except (CallrecError, OSError) as error:  # the recording is archived all the same
        unknown = remark(
            "announcement {prompt} could not be looked for in the recording: {problem}",
            prompt=each.prompt,
            problem=error,
        )
        return replace(each, complete=False), unknown
    begin = (each.started_at - began_at).total_seconds() - MARGIN_S
    sound = _heard(recording, begin, begin + len(prompt) / prompt_search.RATE + 2 * MARGIN_S)
    if prompt_search.is_heard(prompt, sound):
        return replace(each, in_recording=True), None
    missing = remark("announcement {prompt} was played, but not found in the recording", prompt=each.prompt)
    return replace(each, complete=False, in_recording=False), missing


def _heard(recording: Path, begin_s: float, end_s: float) -> Samples:
    """Returns what the party outside heard from second to second of a recording, at the rate of prompts."""
    with soundfile.SoundFile(recording) as sound:
        first = min(max(0, round(begin_s * sound.samplerate)), sound.frames)
        sound.seek(first)
        frames = max(0, round(end_s * sound.samplerate) - first)
        heard = sound.read(frames, dtype="int16", always_2d=True)[:, STAFF_CHANNEL]
        resampled: Samples = soxr.resample(heard, sound.samplerate, prompt_search.RATE)
    return resampled
