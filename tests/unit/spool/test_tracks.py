"""Tracks that the PBX lacks or that cannot be read: waited for, noted, and never let go unseen."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from callrec.catalogue import calls, custody, finding
from callrec.errors import PbxUnreachable
from callrec.manifest import Manifest
from callrec.model.access import EVERYWHERE
from callrec.model.calls import Participant
from callrec.model.captures import GIVEN_UP, Segment, Silence, SilenceReason, Track
from callrec.spool.quarantine import Quarantine
from callrec.spool.recording_builder import NoSound
from callrec.spool.tracks import ABSENT_SECONDS, ABSENT_TIMES, LOST_SECONDS, NotYetThere
from tests.told import told_by
from tests.unit.bench import Bench, make_bench
from tests.unit.samples import CALL_ID, END, RECORDING_ID, START, captured_call, segment
from tests.unit.wave import tone, write_wav

EXTERNAL, STAFF = "callrec/r-1-external", "callrec/r-1-staff"
QUARTER = LOST_SECONDS / 4


@pytest.fixture(autouse=True)
def _quarters(monkeypatch: pytest.MonkeyPatch) -> None:
    """A quarter of the time after which sound is lost may count at a time: a day has five passes."""
    monkeypatch.setattr("callrec.spool.absences.MOST_BETWEEN_SECONDS", QUARTER)


def _until_believed(bench: Bench) -> None:
    for _ in range(ABSENT_TIMES):
        bench.later(ABSENT_SECONDS / 2)


def _for_a_day(bench: Bench) -> None:
    for _ in range(round(LOST_SECONDS / QUARTER) + 1):
        bench.later(QUARTER)


def _lost(bench: Bench) -> None:
    """A recording of which a PBX that has others has had nothing for a day."""
    bench.spool.hand_over(captured_call())
    bench.track("voicemail/1", 500)
    _for_a_day(bench)
    assert bench.spool.quarantined() == [RECORDING_ID]


def _log(bench: Bench) -> list[str]:
    with bench.database.read() as connection:
        return [entry.action for entry in custody.of(connection, RECORDING_ID)]


def _archived(bench: Bench) -> Manifest:
    bench.archiver.work()
    assert bench.spool.waiting() == [], told_by(bench.archiver)
    with bench.database.read() as connection:
        kept = calls.find_recording(connection, RECORDING_ID)
    return bench.manifest(kept)


def test_a_track_that_comes_late_is_not_missed(bench: Bench) -> None:
    bench.track(EXTERNAL, 500)
    bench.spool.hand_over(captured_call())
    bench.archiver.work()
    assert bench.spool.waiting() == [RECORDING_ID] and not bench.store.objects
    bench.track(STAFF, 1000)
    bench.later()
    assert _archived(bench).placements[0].missing == ()
    assert sorted(bench.deleted) == [EXTERNAL, STAFF]


@pytest.mark.parametrize("behind", [timedelta(seconds=0), timedelta(seconds=50)])
def test_a_track_that_the_pbx_still_writes_is_waited_for(bench: Bench, behind: timedelta) -> None:
    """Also where its clock is behind ours, by less than is told of: what it writes yet would be deleted."""
    end = datetime.now(UTC) - behind
    begin = end - timedelta(seconds=10)
    tracks = [Track(name, begin, end) for name in (EXTERNAL, STAFF)]
    captured = captured_call(segments=(segment(external=tracks[0], staff=tracks[1]),), ended_at=end)
    for name in (EXTERNAL, STAFF):
        bench.track(name, 500)
    write_wav(bench.pbx / STAFF, tone(500, 4.0), closed=False)
    bench.spool.hand_over(captured)
    bench.later(1.0)
    assert bench.spool.waiting() and not bench.store.objects and not bench.archiver.problems()
    bench.track(STAFF, 500)
    bench.later(5.0)
    assert _archived(bench).audio.duration_s == 10.0
    assert not (bench.pbx / STAFF).exists() and not bench.spool.quarantined()


def test_one_missing_track_is_kept_with_silence_and_a_note(bench: Bench) -> None:
    bench.track(EXTERNAL, 500)
    bench.spool.hand_over(captured_call())
    _until_believed(bench)
    manifest = _archived(bench)
    assert manifest.placements[0].missing == ("staff",)
    assert [note.text for note in manifest.call.notes] == [
        f"the PBX has no sound of track {STAFF}: silence stands in for it"
    ]
    assert bench.deleted == [EXTERNAL], "what was never fetched is not deleted"


def test_a_track_that_never_began_is_not_waited_for(bench: Bench) -> None:
    bench.track(EXTERNAL, 500)
    never = segment(staff=Track(STAFF, failed=GIVEN_UP))
    bench.spool.hand_over(captured_call(segments=(never,)))
    manifest = _archived(bench)
    assert manifest.placements[0].missing == ("staff",)
    assert len(manifest.call.notes) == 1, "the other side of the segment was recorded without it"


def test_a_segment_that_never_began_is_no_matter(bench: Bench) -> None:
    """Somebody answered before what was asked for had begun, and the next segment took its place."""
    for name in (EXTERNAL, STAFF):
        bench.track(name, 500)
    given_up = [Track(f"callrec/{RECORDING_ID}-2-{side}", failed=GIVEN_UP) for side in ("external", "staff")]
    never = segment(number=2, external=given_up[0], staff=given_up[1])
    bench.spool.hand_over(captured_call(segments=(segment(), never)))
    assert not _archived(bench).call.notes


def test_a_recording_without_sound_is_written_down_as_lost(bench: Bench) -> None:
    failed = segment(external=Track(EXTERNAL, failed="No such file or directory"))
    bench.spool.hand_over(captured_call(segments=(failed,)))
    bench.archiver.work()
    assert "it will be asked again" in told_by(bench.archiver)[0]
    bench.track("voicemail/1", 500)
    _for_a_day(bench)
    with bench.database.read() as connection:
        found = finding.look_up(connection, CALL_ID, reach=EVERYWHERE)
        assert [entry.action for entry in custody.of(connection, RECORDING_ID)] == ["lost"]
    assert found.recording is None
    assert [note.text for note in found.call.notes] == [
        f"recording {RECORDING_ID} is lost: No such file or directory"
    ]
    assert (bench.spool.directory / "quarantine" / RECORDING_ID / "captured.json").exists()
    assert bench.spool.waiting() == [] and not bench.deleted
    assert "look at them" in told_by(bench.archiver)[0]


@pytest.mark.parametrize("begun", [False, True])
def test_of_a_call_that_was_over_at_once_no_sound_is_missed(bench: Bench, begun: bool) -> None:
    """Answered and hung up: the PBX refuses to record it, or has begun and heard nothing."""
    refused = "404 Provided channel was not found"
    gone = segment(external=Track(EXTERNAL, failed=refused), staff=Track(STAFF, failed=refused))
    if begun:
        for name in (EXTERNAL, STAFF):
            bench.track(name, 500, 0.0)
    begin, at_once = START + timedelta(seconds=2), START + timedelta(seconds=2.05)
    moment = segment(external=Track(EXTERNAL, begin, at_once), staff=Track(STAFF, begin, at_once))
    bench.spool.hand_over(captured_call(segments=(moment if begun else gone,), ended_at=at_once))
    bench.archiver.work()
    assert bool(bench.spool.waiting()) is not begun and not told_by(bench.archiver)
    for _ in range(ABSENT_TIMES):  # seconds: nobody waits for what is not to come
        bench.later(2)
    with bench.database.read() as connection:
        found = finding.look_up(connection, CALL_ID, reach=EVERYWHERE)
        assert not custody.of(connection, RECORDING_ID)
    assert [note.text for note in found.call.notes] == ["the call was over before there was sound to record"]
    assert not bench.spool.waiting() and not bench.spool.quarantined() and not told_by(bench.archiver)
    assert bench.deleted == ([EXTERNAL, STAFF] if begun else [])


def test_of_a_call_that_was_over_at_once_half_of_it_begun_nothing_is_missed_for_long(bench: Bench) -> None:
    """One file is there and empty, and may be written yet; the other was never begun: both are waited for."""
    end = datetime.now(UTC)
    begin = end - timedelta(seconds=0.05)
    bench.track(STAFF, 500, 0.0)
    half = segment(external=Track(EXTERNAL), staff=Track(STAFF, begin, end))
    bench.spool.hand_over(captured_call(segments=(half,), started_at=begin, ended_at=end))
    bench.archiver.work()
    for _ in range(40):
        bench.later(0.5)
    assert not bench.spool.waiting() and not told_by(bench.archiver) and bench.deleted == [STAFF]


def test_sound_of_a_short_call_whose_disk_is_away_is_asked_for_again(bench: Bench) -> None:
    begin, at_once = START + timedelta(seconds=2), START + timedelta(seconds=2.5)
    moment = segment(external=Track(EXTERNAL, begin, at_once), staff=Track(STAFF, begin, at_once))
    bench.spool.hand_over(captured_call(segments=(moment,), ended_at=at_once))
    bench.archiver.work()
    for _ in range(ABSENT_TIMES):
        bench.later(2)
    assert bench.spool.waiting() == [RECORDING_ID]
    assert "is its folder of recordings there?" in told_by(bench.archiver)[0]


def test_of_a_call_whose_end_nobody_saw_the_sound_is_missed(bench: Bench) -> None:
    """The controller was killed before the PBX was told to record: the call may have lasted for long."""
    gone = segment(external=Track(EXTERNAL), staff=Track(STAFF))
    at_once = START + timedelta(seconds=2.05)
    bench.spool.hand_over(captured_call(segments=(gone,), ended_at=at_once, call={"ended_at": None}))
    bench.track("voicemail/1", 500)
    bench.archiver.work()
    _until_believed(bench)
    assert not _log(bench), "its sound may be on a disk that is away"
    _for_a_day(bench)
    assert _log(bench), "that it was lost is written down"
    assert "look at them" in told_by(bench.archiver)[0]


def test_other_failures_do_not_count_towards_a_loss(bench: Bench) -> None:
    """However often the PBX did not answer, one 404 after that is only the first."""
    bench.away.add("pbx")
    bench.spool.hand_over(captured_call())
    bench.track("voicemail/1", 500)
    for _ in range(10):
        bench.later(1000)
        with pytest.raises(PbxUnreachable):
            bench.builder.build(RECORDING_ID)
    bench.away.clear()
    waits = [0.0] * (ABSENT_TIMES - 1) + [QUARTER] * round(LOST_SECONDS / QUARTER)
    for wait in [*waits[:-1], QUARTER - 1]:
        bench.clock.now += wait
        with pytest.raises(NotYetThere):
            bench.builder.build(RECORDING_ID)
    bench.clock.now += 1
    with pytest.raises(NoSound):
        bench.builder.build(RECORDING_ID)


def test_while_the_pbx_was_away_nothing_counts_towards_a_loss(bench: Bench) -> None:
    bench.spool.hand_over(captured_call())
    bench.track("voicemail/1", 500)
    for _ in range(ABSENT_TIMES):
        bench.later()
    bench.later(2 * LOST_SECONDS)
    assert bench.spool.waiting() == [RECORDING_ID]


def test_with_its_folder_away_nothing_is_lost_and_half_is_not_taken_for_all(bench: Bench) -> None:
    """One side was fetched before the folder went. The PBX has no other file either: it stays asked."""
    bench.track(EXTERNAL, 500)
    bench.spool.hand_over(captured_call())
    bench.archiver.work()
    away = bench.pbx.with_name("away")
    bench.pbx.rename(away)
    bench.pbx.mkdir()
    other = RECORDING_ID[:-1] + "2"
    bench.spool.hand_over(captured_call(recording_id=other, segments=(segment(2),)))
    _for_a_day(bench)
    assert bench.spool.waiting() == [RECORDING_ID, other] and not bench.spool.quarantined()
    assert len(told_by(bench.archiver)) == 2
    bench.pbx.rmdir()
    away.rename(bench.pbx)
    for name in (STAFF, "callrec/r-2-external", "callrec/r-2-staff"):
        bench.track(name, 1000)
    bench.later()
    assert _archived(bench).placements[0].missing == ()


def test_a_folder_that_was_away_for_days_is_waited_for_as_long_again(bench: Bench) -> None:
    """Where another recording is there a moment before its own disk, nothing is lost at once."""
    bench.spool.hand_over(captured_call())
    for _ in range(2):
        _for_a_day(bench)
    bench.track("voicemail/1", 500)
    bench.later(QUARTER)
    assert bench.spool.waiting() == [RECORDING_ID] and not _log(bench)
    _for_a_day(bench)
    assert _log(bench) == ["lost"]


def test_one_side_is_not_given_up_in_the_moment_in_which_the_folder_comes_back(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its track was asked for just before, and whether there are others just after."""
    bench.track(EXTERNAL, 500)
    bench.spool.hand_over(captured_call())
    bench.archiver.work()
    (bench.pbx / EXTERNAL).unlink()
    _for_a_day(bench)

    monkeypatch.setattr(bench.tracks, "_has_others", lambda names: True)
    bench.later()
    assert bench.spool.waiting() == [RECORDING_ID] and not bench.store.objects


def test_a_restart_does_not_begin_to_wait_anew(bench: Bench, tmp_path: Path) -> None:
    bench.spool.hand_over(captured_call())
    bench.track("voicemail/1", 500)
    again = make_bench(tmp_path, bench.database, bench.store)
    for each in (bench, again):
        for _ in range(round(LOST_SECONDS / QUARTER / 2) + 2):
            each.later(QUARTER)
    assert again.spool.quarantined() == [RECORDING_ID]


def test_what_was_lost_and_turns_up_is_archived(bench: Bench) -> None:
    _lost(bench)
    found = Quarantine(bench.spool).captures()[RECORDING_ID]
    assert {each.external.name for each in found.capture.segments} == {EXTERNAL}
    bench.track(EXTERNAL, 500)
    bench.track(STAFF, 1000)
    assert bench.archiver.take_back(RECORDING_ID)
    bench.archiver.work()
    manifest = _archived(bench)
    assert [note.text for note in manifest.call.notes] == [
        f"recording {RECORDING_ID} was declared lost, and its sound was found again"
    ]
    assert _log(bench) == ["lost", "found-again", "captured", "spooled", "archived"]
    with bench.database.read() as connection:
        assert finding.call(connection, CALL_ID, reach=EVERYWHERE) == manifest.call
    assert not bench.spool.quarantined() and not told_by(bench.archiver)
    assert not bench.archiver.take_back(RECORDING_ID)


@pytest.mark.parametrize("step", ["give_back", "move"])
def test_taking_back_can_be_repeated(bench: Bench, monkeypatch: pytest.MonkeyPatch, step: str) -> None:
    """A crash before or after it was noted leaves it in the quarantine, and one note and one entry in all."""
    _lost(bench)

    def fails(*_: object) -> None:
        raise OSError("power failure")

    with monkeypatch.context() as patch, pytest.raises(OSError, match="power"):
        owner = "Quarantine.give_back" if step == "give_back" else "move"
        patch.setattr(f"callrec.spool.quarantine.{owner}", fails)
        bench.archiver.take_back(RECORDING_ID)
    assert bench.archiver.take_back(RECORDING_ID) and bench.spool.waiting() == [RECORDING_ID]
    assert len(bench.spool.captured_call(RECORDING_ID).call.notes) == 1
    assert _log(bench) == ["lost", "found-again"] and not bench.spool.quarantined()


def test_what_is_lost_twice_is_found_twice(bench: Bench) -> None:
    _lost(bench)
    assert bench.archiver.take_back(RECORDING_ID)
    _until_believed(bench)
    assert bench.spool.waiting() == [RECORDING_ID], "it is waited for anew"
    _for_a_day(bench)
    assert bench.spool.quarantined() == [RECORDING_ID] and bench.archiver.take_back(RECORDING_ID)
    assert _log(bench) == ["lost", "found-again", "lost", "found-again"]


def test_what_the_archive_has_in_part_stays_for_people(bench: Bench) -> None:
    bench.track(EXTERNAL, 500, 6.0)
    bench.track(STAFF, 1000)
    bench.spool.hand_over(captured_call())
    bench.archiver.work()
    assert bench.spool.quarantined() == [RECORDING_ID] and not bench.archiver.take_back(RECORDING_ID)
    assert bench.spool.quarantined() == [RECORDING_ID] and not bench.archiver.take_back("nobody's")


DAMAGED = {
    "nothing": b"",
    "a torn header": b"RIFF\x24\0\0\0WAVEfmt \x10\0\0\0\x01\0",
    "no sound": b"<html>" * 100,
    "stereo": b"RIFF\x24\0\0\0WAVEfmt \x10\0\0\0\x01\0\x02\0" + b"\0" * 40,
}


@pytest.mark.parametrize("damage", list(DAMAGED))
def test_a_damaged_track_does_not_block_and_is_kept(bench: Bench, damage: str) -> None:
    bench.track(EXTERNAL, 500)
    (bench.pbx / STAFF).write_bytes(DAMAGED[damage])
    bench.spool.hand_over(captured_call())
    manifest = _archived(bench)
    assert manifest.placements[0].missing == ("staff",)
    (note,) = manifest.call.notes
    assert note.text.startswith(f"track {STAFF} cannot be read (")
    assert bench.deleted == [EXTERNAL] and (bench.pbx / STAFF).exists()
    quarantined = bench.spool.directory / "quarantine" / RECORDING_ID
    assert (quarantined / "1-staff.wav.damaged").read_bytes() == DAMAGED[damage]
    assert "look at them" in told_by(bench.archiver)[0]


def test_only_damaged_tracks_are_no_recording_and_are_kept(bench: Bench) -> None:
    for name in (EXTERNAL, STAFF):
        bench.track(name, 500)
        (bench.pbx / name).write_bytes(b"RIFF")
    bench.spool.hand_over(captured_call())
    bench.archiver.work()
    assert f"({EXTERNAL}, {STAFF})" in told_by(bench.archiver)[0]
    _until_believed(bench)
    assert bench.spool.quarantined() == [RECORDING_ID] and not bench.deleted and not bench.store.objects


def test_a_copy_that_was_damaged_in_the_spool_is_fetched_again(bench: Bench) -> None:
    for name in (EXTERNAL, STAFF):
        bench.track(name, 500)
    bench.spool.hand_over(captured_call())
    Path(bench.spool.folder(RECORDING_ID) / "1-staff.wav").write_bytes(b"torn")
    assert _archived(bench).placements[0].missing == ()


@pytest.mark.parametrize("header", [False, True])
def test_a_file_without_sound_may_still_be_written(bench: Bench, header: bool) -> None:
    """Within seconds of the end it is asked for again instead of being called damaged, or empty: the PBX
    writes 32 KB at a time, so of a short call there is nothing, or a header alone, before the end."""
    bench.track(EXTERNAL, 500)
    (bench.pbx / STAFF).write_bytes(b"")
    if header:
        write_wav(bench.pbx / STAFF, np.array([], np.int16))
    bench.spool.hand_over(captured_call(ended_at=datetime.now(UTC)))
    bench.archiver.work()
    assert bench.spool.waiting() == [RECORDING_ID] and told_by(bench.archiver) == []
    bench.track(STAFF, 1000)
    bench.later()
    assert _archived(bench).placements[0].missing == ()


def test_a_file_whose_call_ends_tomorrow_is_not_waited_for_until_then(bench: Bench) -> None:
    """As the PBX's clock says, which is a day ahead: ten seconds by a clock that nobody sets are enough."""
    bench.track(EXTERNAL, 500)
    (bench.pbx / STAFF).write_bytes(b"")
    bench.spool.hand_over(captured_call(ended_at=datetime.now(UTC) + timedelta(days=1)))
    bench.archiver.work()
    assert bench.spool.waiting() == [RECORDING_ID]
    bench.later(11)
    assert _archived(bench).placements[0].missing == ("staff",)


def test_a_capture_that_ended_before_it_began_was_not_over_at_once(bench: Bench) -> None:
    """The clock was set back: its sound is asked for as patiently as any other."""
    bench.spool.hand_over(captured_call(ended_at=START - timedelta(hours=1)))
    with pytest.raises(NotYetThere):
        bench.archiver.archive(RECORDING_ID)


@pytest.mark.parametrize("jump", [timedelta(days=1), timedelta(days=365 * 80)])
def test_a_clock_that_was_set_between_two_segments_costs_no_silence(bench: Bench, jump: timedelta) -> None:
    """One that was set by a day cost gigabytes, and one in 2106 all memory."""
    begin = START + jump
    late = [
        Track(f"callrec/r-2-{side}", begin, begin + timedelta(seconds=10)) for side in ("external", "staff")
    ]
    for track in (EXTERNAL, STAFF, *(each.name for each in late)):
        bench.track(track, 500)
    second = segment(2, external=late[0], staff=late[1])
    pause = Silence(begin + timedelta(seconds=2), begin + timedelta(seconds=3), SilenceReason.PRIVACY)
    bench.spool.hand_over(
        captured_call(segments=(segment(), second), silences=(pause,), ended_at=begin + timedelta(seconds=10))
    )
    made = _archived(bench)
    assert [round(each.offset_s) for each in made.placements] == [0, 10]
    assert made.audio.duration_s == pytest.approx(20, abs=0.1)
    (silence,) = made.capture.silences
    assert silence.started_at - made.capture.began_at == timedelta(seconds=12), (
        "it is where it was in the talk"
    )
    (note,) = [each for each in made.call.notes if "a clock was set" in each.text]
    assert note.values["number"] == "2"


def test_a_track_dated_long_after_the_other_begins_with_it(bench: Bench) -> None:
    late = Track(STAFF, START + timedelta(days=1), None)
    for track in (EXTERNAL, STAFF):
        bench.track(track, 500)
    bench.spool.hand_over(captured_call(segments=(segment(staff=late),)))
    assert _archived(bench).audio.duration_s == pytest.approx(10, abs=0.1)


@pytest.mark.parametrize("ended_at", [datetime(1970, 1, 1, tzinfo=UTC), datetime(2106, 1, 1, tzinfo=UTC)])
def test_a_recording_of_no_possible_time_is_kept_for_its_days_from_now(
    bench: Bench, ended_at: datetime
) -> None:
    bench.track(EXTERNAL, 500)
    bench.track(STAFF, 1000)
    bench.spool.hand_over(captured_call(call={"ended_at": ended_at}))
    days = _archived(bench).retain_until - datetime.now(UTC)
    assert timedelta(days=89) < days <= timedelta(days=90)


def test_what_somebody_else_recorded_began_its_length_before_its_end(bench: Bench) -> None:
    """What is silent in it is counted from its end, which is known. So the sound tells of the answer, too."""
    for name in (EXTERNAL, STAFF, "2-external", "2-staff"):
        bench.track(name, 500, 2.0)
    guess, end = START + timedelta(seconds=4), START + timedelta(seconds=5)
    first = Segment(1, "1.0", Track(EXTERNAL, None, end), Track(STAFF, None, end), guess)
    second = Segment(2, "1.0", Track("2-external", end, END), Track("2-staff", end, END))
    took_part = (Participant("1.0", "+81312345678", None, guess, END),)
    bench.spool.hand_over(
        captured_call(
            segments=(first, second),
            started_at=guess,
            call={"answered_at": guess, "participants": took_part},
        )
    )
    bench.archiver.work()
    manifest = _archived(bench)
    length = timedelta(seconds=manifest.placements[0].duration_s)
    assert length.total_seconds() == pytest.approx(2.0, abs=0.001)
    assert manifest.capture.began_at == manifest.call.answered_at == end - length
    assert manifest.call.participants[0].joined_at == end - length
    assert manifest.placements[1].offset_s == pytest.approx(length.total_seconds(), abs=0.001)
