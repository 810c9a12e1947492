"""What nobody wanted kept: gone everywhere before anybody is told that it is."""

from __future__ import annotations

import pytest

from callrec.catalogue import calls, custody, destructions, finding
from callrec.errors import PbxUnreachable
from callrec.model.access import EVERYWHERE
from callrec.model.captures import Custody, Segment, Track
from tests.told import told_by
from tests.unit.bench import Bench
from tests.unit.samples import CALL_ID, END, RECORDING_ID, START, checkpoint, over, segment


def _discarded(bench: Bench, *, whole: bool = True) -> None:
    """A capture that stayed on standby, with its tracks on the PBX."""
    tracks = [Track(f"callrec/d-1-{side}", START, END) for side in ("external", "staff")]
    for track in tracks:
        bench.track(track.name, 500)
    open_call = checkpoint(segments=(segment(external=tracks[0], staff=tracks[1]),), kept_because=None)
    bench.spool.save_checkpoint(open_call)
    bench.spool.save_call(open_call.call)
    bench.spool.discard(over(open_call), whole=whole)


def test_it_is_destroyed_and_its_call_says_so(bench: Bench) -> None:
    _discarded(bench)
    assert bench.spool.checkpoints() == []
    bench.archiver.work()
    assert not list((bench.pbx / "callrec").iterdir()) and bench.store.objects == {}
    assert bench.spool.discards() == [] and bench.spool.waiting() == []
    with bench.database.read() as connection:
        call = finding.call(connection, CALL_ID, reach=EVERYWHERE)
        assert call.discarded_at is not None and call.discarded_at >= END
        assert custody.of(connection, RECORDING_ID) == [], "it never was in custody"
        assert calls.find_recording(connection, RECORDING_ID) is None


def test_a_row_that_comes_late_does_not_take_back_that_it_is_destroyed(bench: Bench) -> None:
    """The disk was full when it was to be written, and not a moment later for the discard."""
    _discarded(bench)
    late = bench.spool.call_of(CALL_ID)
    bench.archiver.work()
    bench.spool.save_call(late)
    bench.archiver.work()
    with bench.database.read() as connection:
        assert finding.call(connection, CALL_ID, reach=EVERYWHERE).discarded_at is not None
    assert bench.spool.calls() == []


def test_nothing_is_said_while_the_pbx_may_still_have_it(bench: Bench) -> None:
    _discarded(bench)
    destroy = bench.discarder._destroy

    def refuses(name: str) -> None:
        raise PbxUnreachable("the PBX is away")

    bench.discarder._destroy = refuses
    bench.archiver.work()
    with bench.database.read() as connection:
        assert finding.call(connection, CALL_ID, reach=EVERYWHERE).discarded_at is None
    assert bench.spool.discards() == [RECORDING_ID] and "the PBX is away" in told_by(bench.archiver)
    bench.discarder._destroy = destroy
    bench.clock.now += 60
    bench.archiver.work()
    with bench.database.read() as connection:
        assert finding.call(connection, CALL_ID, reach=EVERYWHERE).discarded_at is not None
    assert told_by(bench.archiver) == []


def test_what_was_kept_of_the_same_call_is_not_touched(bench: Bench) -> None:
    bench.captured()
    kept: Segment = bench.spool.captured_call(RECORDING_ID).capture.segments[0]
    _discarded(bench, whole=False)
    bench.archiver.work()
    with bench.database.read() as connection:
        assert finding.recording(connection, RECORDING_ID, reach=EVERYWHERE).call_id == CALL_ID
        assert finding.call(connection, CALL_ID, reach=EVERYWHERE).discarded_at is None
    assert kept.external.name in bench.deleted, "let go once the archive had it"
    assert bench.spool.discards() == []


# --- what was destroyed and comes back


@pytest.fixture
def back(bench: Bench) -> Bench:
    """A spool and a PBX of before, with a recording that was destroyed since; its call has no number."""
    bench.captured()
    bench.archiver.work()
    bench.store.versions.clear()
    with bench.database.begin() as connection:
        due = destructions.find(connection, RECORDING_ID, for_change=True)
        assert due
        destructions.begin(connection, due, who="purger", at=END)
        destructions.finish(connection, RECORDING_ID, END)
    bench.captured()
    return bench


def _last(bench: Bench) -> list[str]:
    with bench.database.read() as connection:
        return [each.action for each in custody.of(connection, RECORDING_ID)][3:]


@pytest.mark.parametrize("away", [False, True])
def test_what_was_destroyed_and_comes_back_is_destroyed_there_too(
    back: Bench, monkeypatch: pytest.MonkeyPatch, away: bool
) -> None:
    """Also while the archive is away."""
    if away:
        monkeypatch.setattr(back.recordings, "archive", back.recordings.prepare)
    back.archiver.work()
    assert told_by(back.archiver) == [] and back.spool.waiting() == back.spool.quarantined() == []
    assert not list((back.pbx / "callrec").iterdir()) and back.store.objects == {}
    with back.database.read() as connection:
        kept = calls.find_recording(connection, RECORDING_ID)
    assert kept and kept.state is Custody.DESTROYED and kept.silences is None
    assert _last(back) == ["came-back"]


def test_it_is_written_down_before_and_done_until_the_pbx_has_it_no_more(back: Bench) -> None:
    destroy = back.discarder._destroy

    def refuses(name: str) -> None:
        raise PbxUnreachable("the PBX is away")

    back.discarder._destroy = refuses
    back.archiver.work()
    assert _last(back) == ["came-back"] and "the PBX is away" in told_by(back.archiver)
    assert back.spool.waiting() == [RECORDING_ID]
    back.discarder._destroy = destroy
    back.later()
    assert told_by(back.archiver) == [] and back.spool.waiting() == []
    assert _last(back) == ["came-back"]
