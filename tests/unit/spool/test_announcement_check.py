"""An announcement during the call counts where it is in the recording; the gate's is the PBX's word."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest
import soundfile

from callrec.manifest import Manifest
from callrec.model.calls import IN_CALL, Announcement
from callrec.model.flaws import Flaw
from tests.unit.bench import PROMPTS, Bench
from tests.unit.samples import CALL_ID, RECORDING_ID, START, captured_call, segment
from tests.unit.wave import tone, write_wav

BEGIN = START + timedelta(seconds=2)
PLAYED = Announcement(
    "notice", "en", "", IN_CALL, BEGIN + timedelta(seconds=1), BEGIN + timedelta(seconds=5.4), True
)


def _archived(bench: Bench, heard_s: float, announcement: Announcement = PLAYED) -> Manifest:
    """A recording of 10 s in which so many seconds of the prompt are heard, below staff's tone."""
    prompt = soundfile.read(PROMPTS / "en/notice.wav", dtype="int16")[0]
    staff = tone(1000, 10.0, loud=3000)
    count = min(len(prompt), round(heard_s * 8000))
    staff[8000 : 8000 + count] = np.clip(
        staff[8000 : 8000 + count].astype(int) + prompt[:count], -32000, 32000
    )
    bench.track("callrec/r-1-external", 500)
    write_wav(bench.pbx / "callrec/r-1-staff", staff)
    bench.spool.hand_over(captured_call(segments=(segment(),), call={"announcements": (announcement,)}))
    manifest = bench.archiver.archive(RECORDING_ID)
    assert manifest is not None
    return manifest


def test_all_of_it_is_in_the_recording(bench: Bench) -> None:
    manifest = _archived(bench, 10.0)
    assert manifest.call.announcements == (replace(PLAYED, in_recording=True),)
    assert not manifest.call.notes and not bench.spool.flaws.recent()


@pytest.mark.parametrize("heard_s", [0.0, 2.0, 3.0])
def test_it_is_not_or_not_all_of_it(bench: Bench, heard_s: float) -> None:
    manifest = _archived(bench, heard_s)
    assert manifest.call.announcements == (replace(PLAYED, complete=False, in_recording=False),)
    assert [each.text for each in manifest.call.notes] == [
        "announcement notice was played, but not found in the recording"
    ]
    assert bench.spool.flaws.recent() == {Flaw.ANNOUNCEMENT_NOT_FOUND: [CALL_ID]}


def test_one_of_before_the_recording_is_not_in_it(bench: Bench) -> None:
    early = replace(PLAYED, started_at=START - timedelta(minutes=1))
    assert _archived(bench, 10.0, early).call.announcements[0].in_recording is False


def test_one_whose_sound_is_gone_proves_nothing(bench: Bench) -> None:
    manifest = _archived(bench, 10.0, replace(PLAYED, prompt="gone"))
    (played,) = manifest.call.announcements
    assert not played.complete and played.in_recording is None
    assert [each.text for each in manifest.call.notes] == [
        "announcement gone could not be looked for in the recording: there is no prompt gone"
    ]


@pytest.mark.parametrize("unheard", [replace(PLAYED, leg="1.0"), replace(PLAYED, complete=False)])
def test_others_are_as_the_pbx_told(bench: Bench, unheard: Announcement) -> None:
    """At the gate nothing is recorded; what broke off is not looked for."""
    assert _archived(bench, 0.0, unheard).call.announcements == (unheard,)
