"""Holds, longer retention and incidents: the bucket first, then the catalogue, whatever happens between."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import count
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from callrec.catalogue import custody, destructions, finding, holds, tables
from callrec.catalogue.calls import ArchivedRecording
from callrec.catalogue.database import Connection, Database
from callrec.errors import (
    CallrecError,
    EvidenceBroken,
    NotFound,
    Refused,
    Sentence,
    Unreachable,
    WrongUsage,
)
from callrec.lifecycle.keeping import Keeping, RecordingKeeping, incident_until
from callrec.lifecycle.protection import Protection
from callrec.model.access import EVERYWHERE
from callrec.model.captures import RetainedBecause
from callrec.model.found import SearchQuery
from tests.unit.fakes import LockingStore
from tests.unit.kept_recording import archive, now_of
from tests.unit.samples import START, call

DAY = timedelta(days=1)
NOW = START + DAY
LATER = NOW + timedelta(days=400)


class Killed(BaseException):
    """The process ends here."""


@dataclass
class Office:
    """A catalogue and a bucket, and what is done with both."""

    database: Database
    store: LockingStore = field(default_factory=lambda: LockingStore(now=NOW))
    mode: str = "governance"
    before_entering: Callable[[], None] = lambda: None

    def keeping(self, who: str = "sato") -> RecordingKeeping:
        protection = Protection(lambda: self.store, self.mode, DAY)
        zone = ZoneInfo("Asia/Tokyo")
        return RecordingKeeping(self.database, protection, self._log, zone, who=who, now=NOW)

    def _log(
        self, connection: Connection, recording_id: str, action: str, *, at: datetime, **details: Any
    ) -> None:
        self.before_entering()
        custody.append(connection, recording_id, action, who="sato", at=at, **details)

    def recording(self, **row: Any) -> ArchivedRecording:
        return archive(self.database, self.store, START, **row)

    def held(self, kept: ArchivedRecording) -> bool:
        """Whether the bucket holds both objects, or neither."""
        both = [(key, "0") in self.store.held for key in (kept.key, kept.manifest_key)]
        assert both[0] == both[1]
        return both[0]

    def locked(self, kept: ArchivedRecording) -> tuple[str, datetime]:
        one, other = (self.store.locked[key, "0"] for key in (kept.key, kept.manifest_key))
        assert one == other
        return one

    def log(self, kept: ArchivedRecording) -> list[str]:
        with self.database.read() as connection:
            return [each.action for each in custody.of(connection, kept.id)]

    def reasons(self, kept: ArchivedRecording) -> list[tuple[str, str | None]]:
        with self.database.read() as connection:
            return [(each.reason, each.request) for each in holds.in_force(connection, kept.id)]


@pytest.fixture
def office(database: Database) -> Office:
    return Office(database)


Act = Callable[[RecordingKeeping, ArchivedRecording], Keeping]


def hold(keeping: RecordingKeeping, kept: ArchivedRecording) -> Keeping:
    return keeping.hold(kept, "訴訟", None)


def release(keeping: RecordingKeeping, kept: ArchivedRecording) -> Keeping:
    return keeping.release(kept, "終結", None)


def retain(keeping: RecordingKeeping, kept: ArchivedRecording) -> Keeping:
    return keeping.retain(kept, LATER, "苦情")


def mark(keeping: RecordingKeeping, kept: ArchivedRecording) -> Keeping:
    return keeping.mark(kept, incident_until(call(), kept, 1), "課長報告")


def clear(keeping: RecordingKeeping, kept: ArchivedRecording) -> Keeping:
    return keeping.clear(kept, "人違い")


ACTS: dict[str, Act] = {"hold": hold, "release": release, "retain": retain, "mark": mark}


# --- holds


def test_a_hold_is_on_both_objects_and_then_in_the_catalogue(office: Office) -> None:
    kept = office.recording()
    done = hold(office.keeping(), kept)
    assert done == Keeping(kept.id, True, True, kept.retain_until, True)
    assert office.held(kept) and now_of(office.database, kept).hold
    assert office.log(kept) == ["to-be-held", "held"]
    assert not hold(office.keeping("suzuki"), kept).changed, "the same hold twice is one"
    assert office.reasons(kept) == [("訴訟", None)] and office.log(kept) == ["to-be-held", "held"]


def test_the_bucket_lets_go_with_the_last_hold(office: Office) -> None:
    kept, keeping = office.recording(), office.keeping()
    keeping.hold(kept, "訴訟", None)
    keeping.hold(kept, "調査", None)
    keeping.hold(kept, "警察", "2026-0001")
    assert keeping.release(kept, "終結", None).hold and office.held(kept)
    assert office.reasons(kept) == [("警察", "2026-0001")]
    with pytest.raises(Refused, match=r"held for other requests \(2026-0001;"):
        keeping.release(kept, "終結", None)
    with pytest.raises(Refused, match="2026-0001"):
        keeping.release(kept, "終結", "2026-0002")
    done = keeping.release(kept, "返却済", "2026-0001")
    assert not done.hold and not office.held(kept) and not now_of(office.database, kept).hold
    with office.database.read() as connection:
        *_, last = holds.of_recording(connection, kept.id)
        assert (last.released_by, last.released_at, last.release_reason) == ("sato", NOW, "返却済")
        assert holds.everywhere(connection, EVERYWHERE) == []
    with pytest.raises(NotFound, match="is not held: see callrec hold list"):
        keeping.release(kept, "終結", None)


def test_what_only_the_bucket_holds_can_be_released(office: Office) -> None:
    """After a hold that was broken off, and is not wanted any more."""
    kept = office.recording()
    office.store.held |= {(kept.key, "0"), (kept.manifest_key, "0")}
    assert not release(office.keeping(), kept).hold and not office.held(kept)


def test_a_hold_that_the_bucket_lost_is_put_there_again(office: Office) -> None:
    kept = office.recording()
    hold(office.keeping(), kept)
    office.store.held.clear()
    hold(office.keeping(), kept)
    assert office.held(kept)


def test_a_hold_that_is_added_while_the_last_is_released_stays(office: Office) -> None:
    kept = office.recording()
    hold(office.keeping(), kept)
    office.store.after = once(office, lambda: office.keeping("suzuki").hold(kept, "調査", None), "let go")
    assert release(office.keeping(), kept).hold
    assert office.held(kept) and office.reasons(kept) == [("調査", None)]


def test_a_hold_that_is_released_while_another_is_added_takes_nothing_away(office: Office) -> None:
    kept = office.recording()
    hold(office.keeping(), kept)
    office.store.held.clear()
    office.store.after = once(office, lambda: release(office.keeping("suzuki"), kept), "hold")
    assert office.keeping().hold(kept, "調査", None).hold
    assert office.held(kept) and office.reasons(kept) == [("調査", None)]


def test_two_who_release_one_of_two_holds_each_leave_none(office: Office) -> None:
    kept = office.recording()
    hold(office.keeping(), kept)
    office.keeping().hold(kept, "警察", "2026-0001")

    def other() -> None:
        office.before_entering = lambda: None
        with office.database.begin() as connection:
            there = [each for each in holds.in_force(connection, kept.id) if each.request]
            holds.release(connection, kept.id, there, "済", who="suzuki", at=NOW)

    real = office.database.begin
    with pytest.MonkeyPatch.context() as patch:
        count = 0

        def begin() -> Any:
            nonlocal count
            count += 1
            if count == 2:  # after it was seen that there is another
                patch.undo()
                other()
            return real()

        patch.setattr(office.database, "begin", begin)
        release(office.keeping(), kept)
    assert not now_of(office.database, kept).hold and not office.held(kept)


def once(office: Office, do: Callable[[], object], wanted: str) -> Callable[[str], None]:
    """Does something after the first step of a name."""

    def after(step: str) -> None:
        if step == wanted:
            office.store.after = lambda step: None
            do()

    return after


# --- retention and incidents


def test_a_longer_retention_locks_both_objects_for_longer(office: Office) -> None:
    kept = office.recording()
    until = LATER + timedelta(microseconds=1)
    assert office.keeping().retain(kept, until, "苦情").changed
    assert office.locked(kept) == ("governance", LATER + timedelta(seconds=1)), "never too short"
    now = now_of(office.database, kept)
    assert now.retain_until == until and now.retained_because is RetainedBecause.PERSON
    assert office.log(kept) == ["to-be-retained", "retained"]
    assert not office.keeping().retain(kept, until, "苦情").changed
    with pytest.raises(Refused, match=r"kept until 2027-12-28 .*longer, not shorter"):
        office.keeping().retain(kept, NOW + DAY, "間違い")
    assert now_of(office.database, kept) == now


def test_a_retention_that_cannot_be(office: Office) -> None:
    kept = office.recording()
    with pytest.raises(WrongUsage, match="is over"):
        office.keeping().retain(kept, NOW, "苦情")
    with pytest.raises(WrongUsage, match="36525 days from now at most"):
        office.keeping().retain(kept, NOW + timedelta(days=36_526), "苦情")
    assert office.log(kept) == []


def test_what_is_locked_more_strictly_stays_so(office: Office) -> None:
    kept = office.recording()
    for key in (kept.key, kept.manifest_key):
        office.store.locked[key, "0"] = ("compliance", office.store.locked[key, "0"][1])
    retain(office.keeping(), kept)
    assert office.locked(kept) == ("compliance", LATER)


def test_an_incident_is_kept_as_its_rule_says(office: Office) -> None:
    kept = office.recording()
    assert mark(office.keeping(), kept).changed
    until = START + timedelta(seconds=12, days=1827)
    now = now_of(office.database, kept)
    assert (now.incident, now.retain_until, now.retained_because) == (True, until, RetainedBecause.INCIDENT)
    assert office.locked(kept) == ("governance", until) and office.log(kept)[-1] == "marked-incident"
    assert not mark(office.keeping(), kept).changed
    with office.database.read() as connection:
        assert finding.call(connection, kept.call_id, reach=EVERYWHERE).incident
    clear(office.keeping(), kept)
    cleared = now_of(office.database, kept)
    assert not cleared.incident and cleared.retain_until == until, "the retention is not shortened"
    assert office.log(kept)[-1] == "cleared-incident" and office.locked(kept)[1] == until
    with office.database.read() as connection:
        assert not finding.call(connection, kept.call_id, reach=EVERYWHERE).incident
    assert not clear(office.keeping(), kept).changed


def test_a_call_is_an_incident_as_long_as_one_of_its_recordings_is(office: Office) -> None:
    one, other = office.recording(), office.recording()
    with office.database.begin() as connection:
        moved = tables.recordings.update().where(tables.recordings.c.id == other.id)
        connection.execute(moved.values(call_id=one.call_id))
    for kept, act, expected in (
        (one, mark, True),
        (other, mark, True),
        (one, clear, True),
        (other, clear, False),
    ):
        act(office.keeping(), now_of(office.database, kept))
        with office.database.read() as connection:
            assert finding.call(connection, one.call_id, reach=EVERYWHERE).incident is expected
            wanted = SearchQuery(incident=True)
            assert bool(finding.search(connection, wanted, reach=EVERYWHERE)) is expected


def test_an_incident_that_somebody_keeps_longer_already_stays_so(office: Office) -> None:
    kept, until = office.recording(), NOW + timedelta(days=5000)
    office.keeping().retain(kept, until, "苦情")
    mark(office.keeping(), kept)
    now = now_of(office.database, kept)
    assert (now.incident, now.retain_until, now.retained_because) == (True, until, RetainedBecause.PERSON)
    assert office.locked(kept) == ("governance", until)


def test_an_incident_of_a_call_without_a_decision_is_kept_as_by_default(office: Office) -> None:
    kept = office.recording()
    assert incident_until(call(decision=None), kept, 7) == START + timedelta(seconds=12, days=7)


# --- whatever happens


@pytest.mark.parametrize("name", ACTS)
def test_broken_off_anywhere_it_is_finished_by_doing_it_again(office: Office, name: str) -> None:
    act, ends = ACTS[name], []
    for step in range(100):
        kept = office.recording()
        if act is release:
            hold(office.keeping(), kept)
        killed = _killed_at(office, kept, act, step)
        row = now_of(office.database, kept)
        if act is not release:
            assert not row.hold or office.held(kept), "the catalogue claims nothing that is not so"
            locks = [office.store.locked[key, "0"][1] for key in (kept.key, kept.manifest_key)]
            assert row.retain_until and min(locks) >= row.retain_until
        act_again(office, kept, act)
        row = now_of(office.database, kept)
        ends.append((row.hold, office.held(kept), row.incident, row.retain_until, office.locked(kept)))
        if not killed:
            break
    assert step > 5 and len(set(ends)) == 1


def act_again(office: Office, kept: ArchivedRecording, act: Act) -> None:
    try:
        act(office.keeping(), kept)
    except NotFound:  # it had been released to the end
        assert act is release


def _killed_at(office: Office, kept: ArchivedRecording, act: Act, step: int) -> bool:
    """Whether it was killed at that step, of those before and after each change of bucket and catalogue."""
    left = step

    def tick(*_: object) -> None:
        nonlocal left
        if left == 0:
            left -= 1
            raise Killed
        left -= 1

    real = office.database.begin

    def begin() -> Any:
        tick()
        return real()

    office.store.before = office.store.after = tick
    office.before_entering = tick
    try:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(office.database, "begin", begin)
            act(office.keeping(), kept)
    except Killed:
        return True
    finally:
        office.store.before = office.store.after = lambda step: None
        office.before_entering = lambda: None
    return False


@pytest.mark.parametrize("name", ACTS)
@pytest.mark.parametrize(("ill", "error"), [("lies", EvidenceBroken), ("refuses", Unreachable)])
def test_a_bucket_that_does_not_do_it_is_not_believed(
    office: Office, name: str, ill: str, error: type[CallrecError]
) -> None:
    kept = office.recording()
    if name == "release":
        hold(office.keeping(), kept)
    before, log = now_of(office.database, kept), office.log(kept)
    setattr(office.store, ill, True)
    with pytest.raises(error):
        ACTS[name](office.keeping(), kept)
    assert now_of(office.database, kept) == before
    assert [each[:6] for each in office.log(kept)[len(log) :]] == ["to-be-"], "only that it was wanted"


def test_a_missing_object_is_said_before_anything_is_asked(office: Office) -> None:
    kept = office.recording()
    del office.store.versions[kept.manifest_key]
    with pytest.raises(EvidenceBroken, match=r"manifest\.json is missing from the archive"):
        hold(office.keeping(), kept)
    assert not office.store.held and not now_of(office.database, kept).hold


def test_where_nothing_is_locked_the_catalogue_alone_says_it(office: Office) -> None:
    kept = office.recording()
    office.mode, office.store.away = "off", True
    done = hold(office.keeping(), kept)
    assert (done.hold, done.locked) == (True, False)
    assert not mark(office.keeping(), kept).locked and not retain(office.keeping(), office.recording()).locked
    with office.database.read() as connection:
        entry, *_ = custody.of(connection, kept.id)
    assert (entry.action, entry.details["kept_by"]) == ("held", "catalogue")
    assert not release(office.keeping(), kept).hold


@pytest.mark.parametrize("act", [*ACTS.values(), clear])
def test_a_destroyed_recording_cannot_be_kept(office: Office, act: Act) -> None:
    kept = office.recording(state="destroyed", destroyed_at=NOW)
    with pytest.raises(NotFound, match="was destroyed meanwhile: see callrec show"):
        act(office.keeping(), kept)
    assert office.log(kept) == []


KEEPING = {name: ACTS[name] for name in ("hold", "retain", "mark")}


def begun(office: Office, kept: ArchivedRecording, problem: str | None = None) -> None:
    """The time of a recording is over, and its destruction was begun, and stopped by a problem."""
    with office.database.begin() as connection:
        due = destructions.find(connection, kept.id, for_change=True)
        assert due
        destructions.begin(connection, due, who="purger", at=NOW)
        if problem:
            destructions.tell(connection, kept.id, Sentence(problem))


@pytest.mark.parametrize("act", KEEPING.values(), ids=KEEPING)
@pytest.mark.parametrize("mode", ["governance", "off"])
def test_what_is_being_destroyed_cannot_be_kept_any_more(office: Office, act: Act, mode: str) -> None:
    office.mode = mode
    kept = office.recording()
    begun(office, kept)
    with pytest.raises(Refused, match=f"recording {kept.id} is being destroyed, as its time is over"):
        act(office.keeping(), kept)
    assert office.log(kept) == [] and now_of(office.database, kept) == kept and not office.store.held


@pytest.mark.parametrize("act", KEEPING.values(), ids=KEEPING)
def test_what_the_bucket_kept_from_destruction_can_be_kept(office: Office, act: Act) -> None:
    kept = office.recording()
    begun(office, kept, "the S3 server locks it")
    assert act(office.keeping(), kept).changed


@pytest.mark.parametrize("act", KEEPING.values(), ids=KEEPING)
def test_what_is_half_destroyed_is_no_broken_evidence(office: Office, act: Act) -> None:
    """Also where the bucket does not lock: there only the catalogue can say that it is too late."""
    for mode in ("governance", "off"):
        office.mode = mode
        kept = office.recording()
        begun(office, kept, "a fault")
        del office.store.versions[kept.key]
        with pytest.raises(Refused, match="is being destroyed, as its time is over"):
            act(office.keeping(), kept)
        now = now_of(office.database, kept)
        assert (now.hold, now.retain_until, now.incident) == (False, kept.retain_until, False)


@pytest.mark.parametrize("act", KEEPING.values(), ids=KEEPING)
def test_where_nothing_is_locked_it_is_too_late_once_destruction_has_begun(office: Office, act: Act) -> None:
    """Begun between the first step of keeping it and the last."""
    office.mode = "off"
    kept, keeping = office.recording(), office.keeping()
    keeping._protect = lambda row: begun(office, row)  # type: ignore[method-assign]
    with pytest.raises(Refused, match="is being destroyed"):
        act(keeping, kept)
    assert office.log(kept) == [] and now_of(office.database, kept) == kept


def test_what_lies_beside_is_held_locked_and_let_go_with_it(office: Office) -> None:
    """Statements and copies with parts covered; the objects of another recording are not touched."""
    kept, other = office.recording(), office.recording()
    base = kept.key.removesuffix(".flac")
    beside = [f"{base}.statements/1.json", f"{base}.redacted/1.flac"]
    for key in (*beside, f"{other.key.removesuffix('.flac')}.statements/1.json"):
        office.store.put_over(key, b"x")
    keeping = office.keeping()
    hold(keeping, kept)
    retain(keeping, kept)
    assert {key for key, _ in office.store.held} == {kept.key, kept.manifest_key, *beside}
    for key in beside:
        assert office.store.locked[key, "0"] == office.locked(kept)
    release(keeping, kept)
    assert office.store.held == set()


@pytest.mark.parametrize(("after", "refuses"), [(0, False), (2, False), (3, True)])
@pytest.mark.parametrize("act", KEEPING.values(), ids=KEEPING)
def test_what_was_destroyed_between_two_steps_is_no_broken_evidence(
    office: Office, act: Act, after: int, refuses: bool
) -> None:
    """Before both objects are looked at, or between that and the first change, which some servers refuse."""
    kept, keeping, asked = office.recording(), office.keeping(), count()

    def destroyed() -> LockingStore:
        """The bucket, by the time it is asked."""
        if next(asked) >= after and office.store.versions:
            begun(office, kept)
            with office.database.begin() as connection:
                destructions.finish(connection, kept.id, NOW)
            office.store.refuses = refuses
            if not refuses:
                office.store.versions.clear()
        return office.store

    keeping._protection = replace(keeping._protection, store=destroyed)
    with pytest.raises(NotFound, match="was destroyed meanwhile"):
        act(keeping, kept)
