"""What is not alike is found by two looks, and resolved through the spool, or told to a person."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, cast

import pytest

from callrec import ids
from callrec.catalogue import calls, custody, destructions, finding, notes
from callrec.catalogue.calls import AWAY, ArchivedRecording
from callrec.catalogue.tables import recordings
from callrec.controller.controller import Controller
from callrec.controller.drafts import FAMILY, DraftMirror, State
from callrec.errors import CheckFailed, PbxUnreachable, StoreUnreachable
from callrec.health.differences import Difference, Kind, made_at
from callrec.health.filed_look import YOUNG, FiledLook, FiledParts
from callrec.health.reconciliation import (
    AGAIN,
    EVERY,
    EVERY_DAY,
    Comparison,
    Comparisons,
    Reconciler,
    Resolved,
    reconcile,
)
from callrec.health.recorded_look import RecordedLook, RecordedParts
from callrec.health.stored_names import SHARE, StoredNames
from callrec.model.access import EVERYWHERE
from callrec.model.calls import DecisionChange, Note
from callrec.model.captures import CapturedCall, KeptBecause
from callrec.model.found import SearchQuery
from callrec.model.rules import Mode
from callrec.pbx.events import Channel
from callrec.policy.decide import Defaults
from callrec.problems import Problems
from tests.unit.bench import TOKYO, Bench, Clock
from tests.unit.channels import channel
from tests.unit.controller.astdb import AstDbInMemory
from tests.unit.fakes import AstDb
from tests.unit.samples import CALL_ID, DECISION, RECORDING_ID, START, call, captured_call, checkpoint

AT = made_at(RECORDING_ID)
WANTED = [f"callrec/{RECORDING_ID}-1-{side}" for side in ("external", "staff")]
TALK = START + timedelta(seconds=5), START + timedelta(seconds=20)
STANDBY = [f"callrec/{RECORDING_ID}-1s-{side}" for side in ("external", "staff")]


@dataclass
class FolderPbx:
    """A PBX whose stored recordings are the files of a folder."""

    folder: Path
    there: list[Channel] = field(default_factory=list)
    hung_up: list[str] = field(default_factory=list)
    lists: int = 0
    away: bool = False

    def channels(self) -> list[Channel]:
        if self.away:
            raise PbxUnreachable("the PBX is away")
        return self.there

    def stored(self) -> list[str]:
        self.lists += 1
        return [str(path.relative_to(self.folder)) for path in self.folder.glob("*/*")]

    def stored_size(self, name: str) -> int | None:
        path = self.folder / name
        return path.stat().st_size if path.exists() else None

    def hang_up(self, channel_id: str) -> None:
        self.hung_up.append(channel_id)


@dataclass
class Compared:
    """The looks at what a bench has, and the bench."""

    bench: Bench
    pbx: FolderPbx
    look: RecordedLook
    followed: set[str]

    def found(self) -> list[Kind]:
        return [each.kind for each in self.look.look(whole=True)]

    def resolve(self) -> None:
        for each in self.look.look(whole=True):
            self.look.resolve(each)


@pytest.fixture(autouse=True)
def no_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("callrec.health.reconciliation.SETTLE_SECONDS", 0.0)


@pytest.fixture
def compared(bench: Bench) -> Compared:
    bench.spool.made_at = lambda: AT - timedelta(days=1)  # type: ignore[method-assign]
    pbx, followed = FolderPbx(bench.pbx), set[str]()
    bench.pbx.mkdir()
    parts = RecordedParts(
        pbx,
        AstDb,
        bench.spool,
        bench.database,
        "pbx",
        Defaults(),
        lambda: followed,
        bench.archiver.take_back,
        lambda: cast(Any, bench.store),
    )
    return Compared(bench, pbx, RecordedLook(parts), followed)


def _tracks(bench: Bench, names: list[str]) -> None:
    for name, hertz in zip(names, (500, 1000), strict=False):
        bench.track(name, hertz)


def _recording(bench: Bench, id_: str = RECORDING_ID) -> ArchivedRecording | None:
    with bench.database.read() as connection:
        return calls.find_recording(connection, id_)


def _save(bench: Bench, **changes: Any) -> None:
    with bench.database.begin() as connection:
        calls.save_call(connection, call(started_at=AT, answered_at=AT, ended_at=AT, **changes))


# --- tracks without a draft


def test_what_was_wanted_is_archived_under_its_own_id(compared: Compared) -> None:
    _tracks(compared.bench, WANTED)
    compared.resolve()
    compared.bench.later()
    decision = compared.bench.manifest(_recording(compared.bench)).call.decision
    assert decision and decision.reason == "found"
    assert not list(compared.bench.pbx.glob("*/*")) and compared.found() == []


def test_one_side_alone_is_archived_with_silence_for_the_other(compared: Compared) -> None:
    _tracks(compared.bench, WANTED[:1])
    compared.resolve()
    compared.bench.later()
    assert _recording(compared.bench)


def test_what_was_on_standby_is_destroyed_and_its_row_says_so(compared: Compared) -> None:
    _tracks(compared.bench, STANDBY)
    compared.resolve()
    compared.bench.later()
    with compared.bench.database.read() as connection:
        (hit,) = finding.search(connection, SearchQuery(all_calls=True), reach=EVERYWHERE)
    assert hit.call.discarded_at and RECORDING_ID in hit.call.notes[0].text and not hit.recording
    assert not list(compared.bench.pbx.glob("*/*")) and compared.found() == []


@pytest.mark.parametrize(
    ("mode", "names", "kept"), [(Mode.AUTOMATIC, WANTED, True), (Mode.STANDBY, STANDBY, False)]
)
def test_the_call_of_that_moment_gets_what_is_found(
    compared: Compared, mode: Mode, names: list[str], kept: bool
) -> None:
    _save(compared.bench, decision=replace(DECISION, mode=mode))
    _tracks(compared.bench, names)
    compared.resolve()
    compared.bench.later()
    found = _recording(compared.bench)
    assert bool(found) is kept and (not found or found.call_id == CALL_ID)
    with compared.bench.database.read() as connection:
        assert calls.was_discarded(connection, CALL_ID) is not kept


def test_what_was_on_standby_is_not_destroyed_while_its_call_goes_on(compared: Compared) -> None:
    spool = compared.bench.spool
    spool.save_open_call(call(started_at=AT, ended_at=None, decision=replace(DECISION, mode=Mode.STANDBY)))
    _tracks(compared.bench, STANDBY)
    assert compared.found() == []
    spool.forget_open_call(CALL_ID)
    assert compared.found() == [Kind.UNWANTED]


def test_a_call_of_which_something_waits_is_not_said_to_be_destroyed(compared: Compared) -> None:
    """A take-over would take what waits for done."""
    _save(compared.bench, decision=replace(DECISION, mode=Mode.STANDBY))
    compared.bench.spool.hand_over(captured_call(recording_id=CALL_ID.replace("a", "b")))
    _tracks(compared.bench, STANDBY)
    compared.resolve()
    assert not compared.bench.spool.discard_of(RECORDING_ID).whole


def test_several_segments_become_a_recording_each(compared: Compared) -> None:
    _tracks(compared.bench, WANTED)
    _tracks(compared.bench, [name.replace("-1-", "-2-") for name in WANTED])
    compared.resolve()
    assert len(compared.bench.spool.waiting()) == 2
    compared.bench.later()
    assert not list(compared.bench.pbx.glob("*/*"))


@pytest.mark.parametrize("destroyed", [False, True])
def test_a_later_segment_that_was_found_is_known_when_it_comes_again(
    compared: Compared, destroyed: bool
) -> None:
    """It became a recording of its own, whose id the names of its tracks do not have."""
    bench, second = compared.bench, [name.replace("-1-", "-2-") for name in WANTED]
    _tracks(bench, second)
    compared.resolve()
    bench.later()
    if destroyed:
        with bench.database.begin() as connection:
            connection.execute(recordings.update().values(state="destroyed", silences=None))
    _tracks(bench, second)
    assert compared.found() == [Kind.CAME_BACK if destroyed else Kind.LEFT_BEHIND]
    compared.resolve()
    bench.later()
    assert not list(bench.pbx.glob("*/*")) and compared.found() == []
    with bench.database.read() as connection:
        row = connection.execute(recordings.select()).one()
    assert row.state == ("destroyed" if destroyed else "archived") and not bench.spool.waiting()


def test_what_is_followed_is_left_alone_and_what_nobody_follows_is_hung_up(compared: Compared) -> None:
    _tracks(compared.bench, WANTED)
    snoop = f"callrec.{RECORDING_ID}-1-staff"
    compared.pbx.there = [channel(snoop, "Snoop/1.0-0")]
    compared.followed.add(RECORDING_ID)
    assert compared.found() == []
    compared.followed.clear()
    compared.resolve()
    assert compared.pbx.hung_up == [snoop]


def _archived(compared: Compared) -> CapturedCall:
    captured = captured_call()
    compared.bench.captured()
    compared.bench.later()
    assert _recording(compared.bench) and not list(compared.bench.pbx.glob("*/*"))
    return captured


def _renamed(captured: CapturedCall, names: list[str] = WANTED) -> CapturedCall:
    """The capture with the names that callrec gives its tracks."""
    segment = captured.capture.segments[0]
    external, staff = (
        replace(track, name=name)
        for track, name in zip((segment.external, segment.staff), names, strict=True)
    )
    segments = (replace(segment, external=external, staff=staff),)
    return replace(captured, capture=replace(captured.capture, segments=segments))


def test_what_the_archive_has_is_destroyed_when_it_comes_again(compared: Compared) -> None:
    """As when the PBX comes back from a copy of its disk."""
    _tracks(compared.bench, WANTED)
    compared.bench.spool.hand_over(_renamed(captured_call()))
    compared.bench.later()
    before = _recording(compared.bench)
    _tracks(compared.bench, WANTED)
    assert compared.found() == [Kind.LEFT_BEHIND]
    compared.resolve()
    compared.bench.later()
    assert not list(compared.bench.pbx.glob("*/*")) and _recording(compared.bench) == before


def test_what_the_bucket_has_lost_is_not_destroyed_on_the_pbx(compared: Compared) -> None:
    """As when a copy of the PBX's disk is brought back for this very reason."""
    _tracks(compared.bench, WANTED)
    compared.bench.spool.hand_over(_renamed(captured_call()))
    compared.bench.later()
    for key in list(compared.bench.store.versions):
        data = compared.bench.store.versions.pop(key)
        _tracks(compared.bench, WANTED)
        assert compared.found() == [Kind.UNCLEAR]
        compared.bench.store.versions[key] = data
    assert compared.found() == [Kind.LEFT_BEHIND]


def test_what_was_destroyed_is_destroyed_again_and_the_custody_log_says_so(compared: Compared) -> None:
    _archived(compared)
    with compared.bench.database.begin() as connection:
        connection.execute(recordings.update().values(state="destroyed", silences=None))
    _tracks(compared.bench, WANTED)
    assert compared.found() == [Kind.CAME_BACK]
    compared.resolve()
    compared.bench.later()
    assert not list(compared.bench.pbx.glob("*/*")) and compared.found() == []
    with compared.bench.database.read() as connection:
        assert custody.of(connection, RECORDING_ID)[-1].action == "came-back"


def test_a_later_segment_of_what_was_destroyed_is_not_archived_anew(compared: Compared) -> None:
    _archived(compared)
    with compared.bench.database.begin() as connection:
        connection.execute(recordings.update().values(state="destroyed", silences=None))
    _tracks(compared.bench, [name.replace("-1-", "-2-") for name in WANTED])
    assert compared.found() == [Kind.CAME_BACK]
    compared.resolve()
    assert compared.bench.spool.waiting() == [RECORDING_ID]
    compared.bench.later()
    assert not list(compared.bench.pbx.glob("*/*")) and compared.found() == []
    with compared.bench.database.read() as connection:
        assert connection.execute(recordings.select()).one().state == "destroyed"


@pytest.mark.parametrize(
    ("because", "kind"), [(KeptBecause.KEY, Kind.UNCLEAR), (None, Kind.UNWANTED), ("damaged", Kind.UNCLEAR)]
)
def test_what_another_machine_was_to_keep_is_not_destroyed_here(
    compared: Compared, monkeypatch: pytest.MonkeyPatch, because: Any, kind: Kind
) -> None:
    """A take-over while AMI was away has not read its draft, and a key may have been pressed there."""
    database, made = AstDbInMemory(), checkpoint()
    mirror = DraftMirror(database.open, lambda: True, Problems(), lambda id_: False)
    kept = None if because == "damaged" else because
    mirror.note(State.OPEN, replace(made, capture=replace(made.capture, kept_because=kept)))
    mirror.copy()
    drafts = {key: "?" if because == "damaged" else value for key, value in database.tree(FAMILY).items()}
    monkeypatch.setattr(AstDb, "tree", lambda _, family: drafts if family == FAMILY else {})
    _tracks(compared.bench, STANDBY)
    assert drafts and compared.found() == [kind]


def test_what_a_key_may_have_kept_is_not_destroyed_when_the_key_is_forgotten(compared: Compared) -> None:
    compared.bench.spool.note_lost_key()
    _tracks(compared.bench, STANDBY)
    assert compared.found() == [Kind.UNCLEAR]


def test_what_has_a_damaged_draft_is_not_destroyed(compared: Compared) -> None:
    spool = compared.bench.spool
    (spool.directory / "checkpoints" / f"{RECORDING_ID}.json").write_text("{")
    assert spool.checkpoints() == []
    _tracks(compared.bench, STANDBY)
    assert compared.found() == [Kind.UNCLEAR]


def test_what_was_fetched_and_declared_lost_has_not_turned_up(compared: Compared) -> None:
    """Files without sound, or that cannot be read, would be found again and lost again for ever."""
    captured = _renamed(captured_call())
    compared.bench.spool.hand_over(captured)
    folder = compared.bench.spool.folder(RECORDING_ID)
    (folder / "1-external.wav").write_bytes(b"")
    (folder / "1-staff.wav.damaged").write_bytes(b"")
    compared.bench.spool.quarantine(RECORDING_ID)
    _tracks(compared.bench, WANTED)
    assert compared.found() == []


@pytest.mark.parametrize("recorded", ["demo-{stamp}.5", "demo-{stamp}.6"])
def test_what_the_dialplan_recorded_is_archived_once(compared: Compared, recorded: str) -> None:
    """As when the PBX comes back from a copy of its disk; the half of a Local channel, whose file it may be,
    is nobody's in the call."""
    stamp = int(AT.timestamp())
    channel_id = recorded.format(stamp=stamp)
    names = [f"callrec/fallback-{channel_id}-{side}" for side in ("external", "staff")]
    captured = _renamed(captured_call(call={"linkedid": f"demo-{stamp}.5", "started_at": AT}), names)
    _tracks(compared.bench, names)
    compared.bench.spool.hand_over(captured)
    compared.bench.later()
    assert _recording(compared.bench)
    _tracks(compared.bench, names)
    assert compared.found() == [Kind.LEFT_BEHIND]


@pytest.mark.parametrize(("channel_id", "kind"), [("demo", Kind.UNCLEAR), ("other", Kind.WANTED)])
def test_a_manifest_that_cannot_be_read_says_nothing_of_other_calls(
    compared: Compared, channel_id: str, kind: Kind
) -> None:
    """It may name what the dialplan recorded of its own call; that of another is archived all the same."""
    stamp = int(AT.timestamp())
    captured = _renamed(captured_call(call={"linkedid": f"demo-{stamp}.9", "started_at": AT}))
    _tracks(compared.bench, WANTED)
    compared.bench.spool.hand_over(captured)
    compared.bench.later()
    (key,) = [key for key in compared.bench.store.versions if key.endswith(".json")]
    del compared.bench.store.versions[key]
    _tracks(
        compared.bench, [f"callrec/fallback-{channel_id}-{stamp}.9-{side}" for side in ("external", "staff")]
    )
    assert compared.found() == [kind]


def _of_dialplan(compared: Compared) -> None:
    """Calls of one moment that the dialplan recorded: archived, and their sound is on the PBX again."""
    bench, stamp = compared.bench, int(AT.timestamp())
    for number in range(3):
        channel_id = f"demo-{stamp}.{number}"
        names = [f"callrec/fallback-{channel_id}-{side}" for side in ("external", "staff")]
        _tracks(bench, names)
        made = {"id": f"{CALL_ID[:-1]}{number}", "linkedid": channel_id, "started_at": AT}
        captured = _renamed(captured_call(call=made, recording_id=f"{RECORDING_ID[:-1]}{number}"), names)
        bench.spool.hand_over(captured)
        bench.later()
        _tracks(bench, names)


def test_each_manifest_is_read_once_and_no_transaction_waits_for_it(
    compared: Compared, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench, under_way, asked = compared.bench, list[int](), list[str]()
    _of_dialplan(compared)
    begin, get = bench.database.read, bench.store.read

    @contextmanager
    def reading() -> Iterator[Any]:
        with begin() as connection:
            under_way.append(1)
            yield connection
            under_way.pop()

    def read(key: str, version: str | None = None) -> Iterator[bytes]:
        assert not under_way
        asked.append(key)
        return get(key, version)

    monkeypatch.setattr(bench.database, "read", reading)
    monkeypatch.setattr(bench.store, "read", read)
    assert compared.found() == [Kind.LEFT_BEHIND] * 3
    assert len(asked) == len(set(asked)) == 3


def test_a_bucket_that_is_away_is_asked_once(compared: Compared, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each answer that does not come takes seconds."""
    asked = list[str]()
    _of_dialplan(compared)

    def away() -> None:
        asked.append("")
        raise StoreUnreachable("the store is away")

    monkeypatch.setattr(compared.bench.store, "_answer", away)
    assert compared.found() == [Kind.UNCLEAR] * 3 and len(asked) == 1


@pytest.mark.parametrize("ahead", [timedelta(0), timedelta(hours=5)])
def test_what_the_dialplan_recorded_and_was_destroyed_is_not_archived_anew(
    compared: Compared, ahead: timedelta
) -> None:
    """No recording is named by its tracks, and of the manifest nothing is left: its id tells. The PBX's clock
    may have been `ahead`."""
    bench, stamp = compared.bench, int((AT + ahead).timestamp())
    channel_id = f"demo-{stamp}.5"
    names = [f"callrec/fallback-{channel_id}-{side}" for side in ("external", "staff")]
    id_ = ids.of_fallback_recording("pbx", channel_id, AT + ahead + timedelta(seconds=0.7))
    captured = _renamed(captured_call(call={"linkedid": channel_id, "started_at": AT}), names)
    _tracks(bench, names)
    bench.spool.hand_over(replace(captured, capture=replace(captured.capture, recording_id=id_)))
    bench.later()
    with bench.database.begin() as connection:
        connection.execute(recordings.update().values(state="destroyed", silences=None))
    _tracks(bench, names)
    assert compared.found() == [Kind.CAME_BACK]
    compared.resolve()
    assert bench.spool.waiting() == [id_]
    bench.later()
    assert not list(bench.pbx.glob("*/*")) and compared.found() == []
    with bench.database.read() as connection:
        assert connection.execute(recordings.select()).one().state == "destroyed"
        assert custody.of(connection, id_)[-1].action == "came-back"


def test_what_was_declared_lost_is_given_back_when_it_turns_up(compared: Compared) -> None:
    compared.bench.spool.hand_over(_renamed(captured_call()))
    compared.bench.spool.quarantine(RECORDING_ID)
    assert compared.found() == []
    _tracks(compared.bench, WANTED)
    assert compared.found() == [Kind.TURNED_UP]
    compared.resolve()
    compared.bench.later()
    assert _recording(compared.bench) and compared.bench.spool.quarantined() == []


# --- catalogue and bucket


@pytest.fixture
def filed(bench: Bench) -> FiledLook:
    def no_rebuilding() -> Any:
        raise AssertionError("nothing is to be written")

    return FiledLook(
        FiledParts(
            bench.database, lambda: cast(Any, bench.store), bench.spool, no_rebuilding, TOKYO, call().pbx
        )
    )


def test_a_recording_whose_object_is_gone_is_found(bench: Bench, filed: FiledLook) -> None:
    bench.captured()
    bench.later()
    now = START + timedelta(hours=1)
    assert filed.look(now) == []
    (key,) = [key for key in bench.store.versions if key.endswith(".flac")]
    data = bench.store.versions.pop(key)
    assert [(each.kind, each.about) for each in filed.look(now)] == [(Kind.NO_OBJECT, RECORDING_ID)]
    assert filed.look(now + timedelta(days=9)) == [], "it is looked at the last days only"
    assert len(filed.look(now + timedelta(days=9), days=31)) == 1
    bench.store.versions[key] = data
    assert filed.look(now) == []


def test_what_is_being_destroyed_is_not_missed(bench: Bench, filed: FiledLook) -> None:
    """Its destruction was stopped between its two objects, which is told otherwise."""
    bench.captured()
    bench.later()
    with bench.database.begin() as connection:
        found = destructions.find(connection, RECORDING_ID)
        assert found
        destructions.begin(connection, found, who="callrec", at=START)
    (key,) = [key for key in bench.store.versions if key.endswith(".flac")]
    data = bench.store.versions.pop(key)
    assert filed.look(START + timedelta(hours=1)) == []
    bench.store.versions[key] = data
    assert filed.look(START + timedelta(hours=1)) == []


def test_an_object_without_a_row_is_found(bench: Bench, filed: FiledLook) -> None:
    bench.captured()
    bench.later()
    with bench.database.begin() as connection:
        connection.execute(recordings.delete())
    kinds = [each.kind for each in filed.look(START + timedelta(hours=1))]
    assert kinds == [Kind.NO_ROW, Kind.NO_RECORDING]


def test_an_answered_call_without_a_recording_is_told_until_a_person_says_why(
    bench: Bench, filed: FiledLook
) -> None:
    with bench.database.begin() as connection:
        calls.save_call(connection, call())
    now = START + timedelta(hours=1)
    assert [each.kind for each in filed.look(now)] == [Kind.NO_RECORDING]
    bench.spool.save_call(call())
    assert filed.look(now) == [], "its row is still on its way"
    bench.spool.remove_call(CALL_ID)
    with bench.database.begin() as connection:
        notes.add(connection, CALL_ID, who="sato", text="the disk was full", at=START)
    assert filed.look(now) == []


SECOND = timedelta(seconds=1)


@pytest.mark.parametrize(
    ("other", "told"),
    [
        ({}, False),
        ({"linkedid": "demo-9.9"}, True),
        ({"pbx": "elsewhere"}, True),
        ({"answered_at": TALK[0] - 300 * SECOND}, False),
        ({"answered_at": TALK[0] + 3 * SECOND}, True),
        ({"ended_at": TALK[1] - 3 * SECOND}, True),
        ({"ended_at": TALK[1] + 300 * SECOND}, False),
    ],
)
def test_a_row_of_a_call_that_another_row_has_all_the_sound_of_is_not_told(
    bench: Bench, filed: FiledLook, other: dict[str, Any], told: bool
) -> None:
    """While callrec is away, each passage of the gate has a row; the dialplan records at one of them."""
    bench.captured(call={"answered_at": TALK[0], "ended_at": TALK[1], **other})
    bench.later()
    away = (Note(AWAY, AWAY, {}),)
    twice = replace(call(), id=CALL_ID[:-1] + "9", answered_at=TALK[0], ended_at=TALK[1], notes=away)
    with bench.database.begin() as connection:
        calls.save_call(connection, twice)
    found = filed.look(START + timedelta(hours=1))
    assert [(each.kind, each.about) for each in found] == [(Kind.NO_RECORDING, twice.id)] * told


def test_what_was_put_just_now_may_be_another_machine_s_which_has_yet_to_prove_it(
    bench: Bench, filed: FiledLook, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.captured()
    bench.later()
    with bench.database.begin() as connection:
        connection.execute(recordings.delete())
    put = START + timedelta(hours=1) - YOUNG / 2
    listed = bench.store.listed
    monkeypatch.setattr(
        bench.store, "listed", lambda prefix: (replace(each, at=put) for each in listed(prefix))
    )
    kinds = [each.kind for each in filed.look(START + timedelta(hours=1))]
    assert Kind.NO_ROW not in kinds


def test_an_object_of_which_no_row_can_be_made_is_told(bench: Bench) -> None:
    asked: list[tuple[str, str]] = []

    class Nothing:
        def only(self, base: str, id_: str) -> list[Any]:
            asked.append((base, id_))
            return []

    parts = FiledParts(
        bench.database,
        lambda: cast(Any, bench.store),
        bench.spool,
        lambda: cast(Any, Nothing()),
        TOKYO,
        "pbx",
    )
    with pytest.raises(CheckFailed, match="no row can be made of it"):
        FiledLook(parts).resolve(Difference(Kind.NO_ROW, RECORDING_ID, key="a/b.flac"))
    assert asked == [("a/b", RECORDING_ID)], "and not the whole bucket"


def test_what_waits_for_the_archive_at_another_pbx_is_its_own_matter(bench: Bench, filed: FiledLook) -> None:
    with bench.database.begin() as connection:
        calls.save_call(connection, call(pbx="another"))
    assert filed.look(START + timedelta(hours=1)) == []


@pytest.mark.parametrize(("later", "count"), [(Mode.AUTOMATIC, 1), (Mode.MANUAL, 0)])
def test_who_joins_a_call_later_may_have_wanted_it_recorded(
    bench: Bench, filed: FiledLook, later: Mode, count: int
) -> None:
    never, then = replace(DECISION, mode=Mode.NEVER), replace(DECISION, mode=later)
    with bench.database.begin() as connection:
        changed = (DecisionChange(START, ("2102",), then),)
        calls.save_call(connection, call(decision=never, decision_changes=changed))
    assert len(filed.look(START + timedelta(hours=1))) == count


# --- two looks


def _comparison(
    *looks: list[Difference], resolve: Callable[[Difference], None] = lambda each: None
) -> Comparison:
    rest = iter(looks)
    return Comparison("recorded", lambda: next(rest), resolve)


SNOOP, UNCLEAR = Difference(Kind.SNOOP, "a"), Difference(Kind.UNCLEAR, "b")


def test_only_what_is_still_there_is_resolved() -> None:
    done: list[Difference] = []
    looks = ([SNOOP, UNCLEAR], [UNCLEAR, SNOOP, Difference(Kind.SNOOP, "new")])
    found = list(reconcile(_comparison(*looks, resolve=done.append), lambda: None))
    assert found == [Resolved(UNCLEAR), Resolved(SNOOP, done=True)] and done == [SNOOP]
    dry = list(reconcile(_comparison(*looks, resolve=done.append), lambda: None, dry_run=True))
    assert dry == [Resolved(UNCLEAR), Resolved(SNOOP)] and done == [SNOOP]


def test_what_cannot_be_resolved_says_why_and_the_others_are() -> None:
    def resolve(each: Difference) -> None:
        if each is SNOOP:
            raise PbxUnreachable("away")

    found = list(
        reconcile(
            _comparison([SNOOP, SNOOP], [SNOOP, Difference(Kind.SNOOP, "a")], resolve=resolve), lambda: None
        )
    )
    assert [bool(each.problem) for each in found] == [True, False]


@dataclass
class Link:
    """What a controller says of its link."""

    link_up: bool = True
    link_changed_at: object = 1


def test_it_looks_at_every_link_every_five_minutes_and_at_more_once_a_day() -> None:
    looked: list[tuple[str, bool]] = []
    left = [UNCLEAR]

    def comparison(name: str) -> Callable[[bool], Comparison]:
        def made(more: bool) -> Comparison:
            looked.append((name, more))
            return Comparison(name, lambda: left if name == "recorded" else [], lambda each: None)

        return made

    clock, link, problems = Clock(), Link(), Problems()
    both = Comparisons(comparison("recorded"), comparison("filed"), None)
    work = Reconciler(both, cast(Controller, link), problems, clock, lambda: None)
    work._look()
    assert looked == [("recorded", True), ("filed", True)]
    assert [("b" in each, "callrec reconcile" in each) for each in problems.texts()] == [(True, True)]
    work._look()
    assert len(looked) == 2
    link.link_changed_at = 2
    work._look()
    clock.now += EVERY.total_seconds()
    left.clear()
    work._look()
    assert looked[2:] == [("recorded", True), ("filed", False), ("recorded", False), ("filed", False)]
    assert not problems.texts()
    link.link_up, link.link_changed_at = False, 3
    clock.now += EVERY_DAY.total_seconds()
    work._look()
    assert looked[6:] == [("filed", True)], "without a link the PBX is another controller's matter"


def _filed_reconciler(look: FiledLook, hours: Callable[[], float], problems: Problems) -> Reconciler:
    """One that looks at one day each time, and at nine once a day, so long after the sample call."""

    def filed(daily: bool) -> Comparison:
        days = 9 if daily else 1

        def now() -> datetime:
            return START + timedelta(hours=hours())

        return Comparison(
            "filed",
            lambda: look.look(now(), days=days),
            look.resolve,
            lambda left: look.still(left, now(), days=days),
        )

    def recorded(more: bool) -> Comparison:
        return Comparison("recorded", list, lambda each: None)

    both = Comparisons(recorded, filed, None)
    return Reconciler(both, cast(Controller, Link()), problems, Clock(), lambda: None)


def test_a_call_is_told_at_every_look_of_the_days_that_only_the_daily_one_sees(
    bench: Bench, filed: FiledLook
) -> None:
    """Also on the day on which it passes from those that are looked at each time to the others."""
    with bench.database.begin() as connection:
        calls.save_call(connection, call())
    problems, hours = Problems(), [1.0]
    work = _filed_reconciler(filed, lambda: hours[0], problems)
    for hour in (1, 13, 15, 37, 60):  # it is 10 o'clock in Tokyo at first, and midnight after 14 hours
        hours[0], work._due = hour, 0.0
        work._look()
        assert [CALL_ID in each for each in problems.texts()] == [True], hour
    with bench.database.begin() as connection:
        notes.add(connection, CALL_ID, who="sato", text="the disk was full", at=START)
    work._due = 0.0
    work._look()
    assert not problems.texts()


def test_an_object_of_which_no_row_can_be_made_is_told_between_the_daily_looks(
    bench: Bench, filed: FiledLook, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.captured()
    bench.later()
    with bench.database.begin() as connection:
        connection.execute(recordings.delete())
        notes.add(connection, CALL_ID, who="sato", text="its row is gone", at=START)

    class Nothing:
        def only(self, base: str, id_: str) -> list[Any]:
            return []

    parts = replace(filed._parts, rebuilding=lambda: cast(Any, Nothing()))
    problems = Problems()
    work = _filed_reconciler(FiledLook(parts), lambda: 60.0, problems)
    for _ in range(3):
        work._due = 0.0
        work._look()
        assert ["no row can be made" in each for each in problems.texts()] == [True]


def test_nothing_is_done_by_one_look_alone_when_it_is_to_end() -> None:
    def nothing(each: Difference) -> None:
        raise AssertionError("it was seen once only")

    def recorded(more: bool) -> Comparison:
        return Comparison("recorded", lambda: [SNOOP], nothing)

    def filed(more: bool) -> Comparison:
        return Comparison("filed", list, lambda each: None)

    problems = Problems()
    parts = Comparisons(recorded, filed, None)
    work = Reconciler(parts, cast(Controller, Link()), problems, Clock(), lambda: None)
    work.stop()
    work._look()
    assert not problems.texts()


def test_a_recording_that_lacks_both_objects_is_named_once(bench: Bench, filed: FiledLook) -> None:
    bench.captured()
    bench.later()
    bench.store.versions.clear()
    problems = Problems()
    _filed_reconciler(filed, lambda: 1.0, problems)._look()
    (told,) = problems.texts()
    assert told.count(RECORDING_ID) == 1


def test_a_part_that_was_away_is_asked_again_soon() -> None:
    asked: list[bool] = []

    def away() -> list[Difference]:
        asked.append(True)
        if len(asked) == 1:
            raise PbxUnreachable("it is away")
        return []

    def filed(more: bool) -> Comparison:
        return Comparison("filed", away, lambda each: None)

    def recorded(more: bool) -> Comparison:
        return Comparison("recorded", list, lambda each: None)

    problems, clock = Problems(), Clock()
    parts = Comparisons(recorded, filed, None)
    work = Reconciler(parts, cast(Controller, Link()), problems, clock, lambda: None)
    work._look()
    assert problems.texts() == {"it is away"}
    clock.now += AGAIN.first
    work._look()
    assert not problems.texts()


def test_what_cannot_be_resolved_hides_no_other() -> None:
    def refused(each: Difference) -> None:
        raise PbxUnreachable("it cannot be")

    def recorded(more: bool) -> Comparison:
        return Comparison("recorded", lambda: [SNOOP, UNCLEAR], refused)

    def filed(more: bool) -> Comparison:
        return Comparison("filed", list, lambda each: None)

    problems = Problems()
    parts = Comparisons(recorded, filed, None)
    work = Reconciler(parts, cast(Controller, Link()), problems, Clock(), lambda: None)
    work._look()
    assert len(problems.texts()) == 2 and any("it cannot be" in each for each in problems.texts())


def test_a_part_that_is_away_is_a_problem_and_the_others_are_compared() -> None:
    def away(more: bool) -> Comparison:
        def look() -> list[Difference]:
            raise StoreUnreachable("the bucket is away")

        return Comparison("filed", look, lambda each: None)

    clock, problems = Clock(), Problems()
    recorded = Comparisons(lambda more: _comparison([UNCLEAR], [UNCLEAR]), away, None)
    work = Reconciler(recorded, cast(Controller, Link()), problems, clock, lambda: None)
    work._look()
    assert len(problems.texts()) == 2


# --- names


def test_a_list_that_takes_long_is_asked_for_seldom(tmp_path: Path) -> None:
    (tmp_path / "callrec").mkdir()
    (tmp_path / "callrec/one").write_bytes(b"x")
    pbx, clock = FolderPbx(tmp_path), Clock()

    class Slow:
        def stored(self) -> list[str]:
            clock.now += 5
            return pbx.stored()

        def stored_size(self, name: str) -> int | None:
            return pbx.stored_size(name)

    names = StoredNames(Slow(), clock)
    assert names.look((), whole=False) == {"callrec/one"} and pbx.lists == 1
    (tmp_path / "callrec/two").write_bytes(b"x")
    clock.now += 300
    assert names.look(("callrec/two", "callrec/three"), whole=False) == {"callrec/one", "callrec/two"}
    (tmp_path / "callrec/one").unlink()
    assert names.look((), whole=False) == {"callrec/two"} and pbx.lists == 1
    clock.now += 5 * SHARE
    names.look((), whole=False)
    names.look((), whole=True)
    assert pbx.lists == 3
