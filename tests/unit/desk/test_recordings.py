"""Recordings through the desk: what a person reaches, which roles it takes, and what has been destroyed."""

from __future__ import annotations

import json
import math
import shutil
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest

from callrec import language, settings_file
from callrec.app import App
from callrec.archive.given import Clip
from callrec.catalogue import custody as log
from callrec.catalogue import destructions, statements, tables
from callrec.catalogue.database import Database
from callrec.desk.direct import DirectDesk
from callrec.desk.operations import custody, giving, keeping, searching, verification
from callrec.errors import NotFound, WrongUsage
from callrec.model.access import Role
from callrec.model.found import SearchQuery
from tests import two_facilities
from tests.tampering import altered
from tests.two_facilities import BOTH, CLAIMS, ME, NUMBERS, OTHER, OWN, Desk, call_of
from tests.unit.bench import believe, make_bench
from tests.unit.desk.server_thread import serving
from tests.unit.evidence.verified import state
from tests.unit.fakes import MemoryStore
from tests.unit.program import Done
from tests.unit.samples import START

FIRST = datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=9)))
LAST = datetime(9999, 12, 31, 23, tzinfo=timezone(-timedelta(hours=9)))
"""Moments that UTC does not have."""


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory, empty_catalogue: Path) -> tuple[Path, MemoryStore]:
    """A catalogue and a bucket with the three recordings, made once."""
    folder = tmp_path_factory.mktemp("filled")
    shutil.copy(empty_catalogue, folder / "catalogue.db")
    database = Database(f"sqlite:///{folder}/catalogue.db")
    bench = make_bench(folder, database)
    two_facilities.fill(bench)
    database.close()
    return folder / "catalogue.db", bench.store


@pytest.fixture
def desk(
    filled: tuple[Path, MemoryStore],
    office: Callable[..., Done],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Iterator[Desk]:
    """The desk of two facilities; nobody has a role."""
    shutil.copy(filled[0], tmp_path / "c.db")
    there = {key: list(versions) for key, versions in filled[1].versions.items()}
    store = MemoryStore(there, dict(filled[1].until))
    monkeypatch.setattr(App, "store", store)
    for name in ("SDL_AUDIODRIVER", "SDL_DISKAUDIOFILE", "SDL_DISKAUDIODELAY"):
        monkeypatch.setenv(name, "")  # to be put back
    capsys.readouterr()
    app = App(settings_file.load(str(tmp_path / "callrec.toml")))
    believe(app.settings.evidence.keys)
    with closing(app), serving(app, tmp_path / "desk.sock") as socket:
        yield Desk(app, socket, office)


@pytest.mark.parametrize("claim", CLAIMS, ids=lambda claim: claim.__name__)
def test_within_reach(desk: Desk, claim: Callable[[Desk], None]) -> None:
    desk.grant(Role.HANDLER)
    desk.grant(Role.AUDITOR)
    claim(desk)


COMMANDS = {
    "search": Role.HANDLER,
    f"show {OWN}": Role.HANDLER,
    f"fetch {OWN} -o out": Role.HANDLER,
    f"play {OWN}": Role.HANDLER,
    f"verify {OWN}": Role.AUDITOR,
}


@pytest.mark.parametrize("role", [None, *Role])
def test_each_role_may_do_what_is_its_own(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, role: Role | None
) -> None:
    monkeypatch.setenv("SDL_AUDIODRIVER", "disk")
    monkeypatch.setenv("SDL_DISKAUDIOFILE", "played")
    monkeypatch.setenv("SDL_DISKAUDIODELAY", "0")
    if role:
        desk.grant(role, ())
    for command, needed in COMMANDS.items():
        done = desk(*command.split())
        assert done.code == (0 if role is needed else 4), command
        assert role is needed or "it needs the role" in done.complaint
    refused = [each.details["command"] for each in desk.log("")]
    expected = [each.split()[0] for each, needed in COMMANDS.items() if needed is not role]
    assert refused == expected  # each command, and not what it asks before to read a date
    assert {each.who for each in desk.log("")} == {ME}


def test_a_role_for_everywhere_reaches_all(desk: Desk) -> None:
    desk.grant(Role.HANDLER, ())
    assert {each["id"] for each in json.loads(desk("search", "--json").out)} == {OWN, OTHER, BOTH}


def test_what_does_not_verify_is_told_in_the_language_of_who_asks(
    desk: Desk, filled: tuple[Path, MemoryStore], monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.grant(Role.AUDITOR, ())
    store = desk.app.store
    assert isinstance(store, MemoryStore)
    store.versions[next(key for key in store.objects if OWN in key and key.endswith(".flac"))][0] += b"more"
    with desk.app.database.begin() as connection, altered(connection):
        row = tables.custody.c.recording_id == BOTH
        connection.execute(tables.custody.update().where(row).values(who="nobody"))
    for tongue, words in (("en", "the sound of"), ("ja", "音声")):
        monkeypatch.setenv("CALLREC_LANG", tongue)
        done = desk("verify", OWN, OTHER, BOTH, "--json")
        found = {each["id"]: each for each in json.loads(done.out)}
        assert done.code == 5 and [each["ok"] for each in found.values()] == [False, True, False]
        assert words in found[OWN]["problems"][0] and "content" not in found[OWN]["checked"]
        (problem,) = found[BOTH]["problems"]
        assert problem in done.complaint
    language.use("en")


# --- what has been destroyed


@pytest.fixture
def destroyed(desk: Desk) -> Desk:
    at, store = START + timedelta(days=90), desk.app.store
    assert isinstance(store, MemoryStore)
    with desk.app.database.begin() as connection:
        due = destructions.find(connection, OWN)
        assert due and destructions.finish(connection, OWN, at)
        for action in ("destruction-begun", "destroyed"):
            statements.enter(connection, OWN, action, who="purger", at=at, **due.reason())
    for key, _ in due.objects:
        del store.versions[key]
    state(desk.app.database, store)
    desk.grant(Role.HANDLER)
    desk.grant(Role.AUDITOR)
    return desk


def test_what_was_destroyed_is_found_and_shown_still(destroyed: Desk) -> None:
    found = {each["id"]: each["state"] for each in json.loads(destroyed("search", "--json").out)}
    assert found == {OWN: "destroyed", BOTH: "archived"}
    shown = json.loads(destroyed("show", OWN, "--json").out)
    assert (shown["state"], shown["manifest"], shown["silences"]) == ("destroyed", {}, [])
    assert "state: destroyed at 2027-02-20 10:00:00" in destroyed("show", OWN).out


def test_who_asks_for_what_was_destroyed_is_told_when_and_why(destroyed: Desk) -> None:
    said = "was destroyed at 2027-02-20 10:00:00: rule 1@1 kept it until 2027-02-20 10:00:12"
    for command in ("fetch", "play", "verify"):
        for id_ in (OWN, call_of(OWN)):
            done = destroyed(command, id_)
            assert (done.code, done.out) == (1, "") and f"recording {OWN} {said}" in done.complaint
    with destroyed.app.database.begin() as connection:
        connection.execute(tables.recordings.update().values(retained_because="person"))
    assert "it was to be kept until 2027-02-20" in destroyed("fetch", OWN).complaint
    done = destroyed("verify", OWN, "--json")
    assert done.code == 5 and "retained_because: person" in json.loads(done.out)[0]["problems"][0]


def test_all_that_is_verified_is_what_is_there(destroyed: Desk) -> None:
    done = destroyed("verify", "--all", "--json")
    assert done.code == 0 and [each["id"] for each in json.loads(done.out)] == [BOTH]


def test_who_asks_for_what_nobody_destroyed_is_told_that(destroyed: Desk) -> None:
    """Rows say that it was destroyed, and nothing that is signed does."""
    store = destroyed.app.store
    assert isinstance(store, MemoryStore)
    for key in [each for each in store.versions if ".statements/" in each]:
        del store.versions[key]
    for asked in (OWN, "--all"):
        done = destroyed("verify", asked, "--json")
        told = next(each for each in json.loads(done.out) if each["id"] == OWN)
        assert done.code == 5 and "destruction-begun, and nothing signed" in told["problems"][0]


def test_what_is_half_destroyed_is_no_broken_evidence(desk: Desk) -> None:
    desk.grant(Role.HANDLER)
    desk.grant(Role.AUDITOR)
    with desk.app.database.begin() as connection:
        due = destructions.find(connection, OWN, for_change=True)
        assert due
        destructions.begin(connection, due, who="purger", at=START)
        statements.enter(connection, OWN, "destruction-begun", who="purger", at=START, **due.reason())
    store = desk.app.store
    assert isinstance(store, MemoryStore)
    del store.versions[due.key]
    for command in ("fetch", "play", "verify"):
        done = desk(command, OWN)
        assert done.code == 1 and f"recording {OWN} is being destroyed" in done.complaint
    done = desk("verify", "--all", "--json")
    assert done.code == 0 and [each["id"] for each in json.loads(done.out)] == [BOTH]


def test_a_number_that_was_erased_is_a_dash(destroyed: Desk) -> None:
    with destroyed.app.database.begin() as connection:
        row = tables.calls.c.id == call_of(OWN)
        connection.execute(tables.calls.update().where(row).values(erased_at=START))
    shown = destroyed("show", OWN).out
    assert "number: —" in shown
    rows = {each["id"]: each["number"] for each in json.loads(destroyed("search", "--json").out)}
    assert rows[OWN] is None and rows[BOTH]


# --- what nobody types


def test_values_are_checked_by_the_desk(desk: Desk) -> None:
    here = DirectDesk(desk.app)
    for ids, clip, request in (
        ([OWN], None, "7\n2026-11-22"),
        ([OWN], Clip(math.nan, 1.0), None),
        ([OWN], Clip(-1.0, 1.0), None),
        (["\0" * 8], None, None),
    ):
        with pytest.raises(WrongUsage):
            here.do(giving.recordings_to_fetch, ids, clip, request)
    for begin in (math.nan, math.inf, -1.0, 10.0):
        with pytest.raises(WrongUsage):
            here.do(giving.play, OWN, begin)
    for wanted in (
        SearchQuery(sort="none"),
        SearchQuery(limit=-1),
        SearchQuery(note="　"),
        SearchQuery(note="x" * 501),
        SearchQuery(mode="\0"),
        SearchQuery(begin=START.replace(tzinfo=None)),
        SearchQuery(begin=FIRST),
        SearchQuery(end=LAST),
    ):
        with pytest.raises(WrongUsage):
            here.do(searching.search, wanted)
    for span in ((FIRST, START), (START, LAST)):
        with pytest.raises(WrongUsage, match="is not a date"):
            here.do(custody.report_custody, *span)
    for until in (FIRST, LAST, LAST.replace(tzinfo=UTC)):
        kept = here.do(keeping.retain, [OWN], until, "苦情")
        with pytest.raises(WrongUsage, match="is not a date"):
            next(kept)
    with pytest.raises(WrongUsage):
        here.do(verification.verify_recordings, [OWN], everything=True)


def test_ids_may_be_pasted_as_a_list_and_count_once(desk: Desk) -> None:
    here = DirectDesk(desk.app)
    pasted = [f'"{OWN}"、{BOTH[:13].upper()}', f" {OWN}\r\n"]
    assert here.do(giving.recordings_to_fetch, pasted) == [OWN, BOTH]
    with pytest.raises(WrongUsage, match="is too short for an id"):
        here.do(giving.recordings_to_fetch, [","])
    with pytest.raises(NotFound):
        here.do(giving.recordings_to_fetch, [OWN, "ffffffff"])
    with pytest.raises(WrongUsage, match="10001 ids are too many at once: at most 10000"):
        here.do(giving.recordings_to_fetch, [",".join(f"{each:08x}" for each in range(10_001))])


def test_the_id_of_a_call_stands_for_all_its_recordings(desk: Desk, tmp_path: Path) -> None:
    desk.grant(Role.HANDLER, ())
    with desk.app.database.begin() as connection:
        moved = tables.recordings.update().where(tables.recordings.c.id == BOTH)
        connection.execute(moved.values(call_id=call_of(OWN)))
    assert desk("fetch", call_of(OWN), "-o", "out").code == 0
    assert {each.name for each in Path("out").glob("*.flac")} == {f"{OWN}.flac", f"{BOTH}.flac"}
    assert desk("fetch", OWN, "-o", "one").code == 0
    assert [each.name for each in Path("one").glob("*.flac")] == [f"{OWN}.flac"]
    shown = desk("show", call_of(OWN))
    assert f"recording: {OWN}\n" in shown.out and f"other recordings: {BOTH}\n" in shown.out
    assert json.loads(desk("show", call_of(OWN), "--json").out)["other_recordings"] == [BOTH]
    assert "other recordings" not in desk("show", OWN).out
    refused = desk("play", call_of(OWN))
    assert refused.code == 2 and f"has 2 recordings: name one of {OWN}, {BOTH}" in refused.complaint


def test_the_custody_of_a_call_is_that_of_all_its_recordings(desk: Desk) -> None:
    desk.grant(Role.AUDITOR, ())
    with desk.app.database.begin() as connection:
        moved = tables.recordings.update().where(tables.recordings.c.id == BOTH)
        connection.execute(moved.values(call_id=call_of(OWN)))
        log.append(connection, call_of(OWN), "noted", who=ME, at=START)
    told = json.loads(desk("custody", call_of(OWN), "--json").out)
    assert {each["recording_id"] for each in told} == {OWN, BOTH, call_of(OWN)}
    assert [each["seq"] for each in told] == sorted(each["seq"] for each in told)
    alone = json.loads(desk("custody", OWN, "--json").out)
    assert {each["recording_id"] for each in alone} == {OWN}


def test_a_page_on_absence_is_about_what_is_within_reach_and_says_so(desk: Desk) -> None:
    """Neither from the catalogue nor from the bucket anything of another facility is on it."""
    span = ("--from", "2026-11-22", "--to", "2026-11-22", "--json")
    desk.grant(Role.AUDITOR)
    assert desk("absence", "--facility", "shiba", *span).code == 4, "who only reads the log"
    desk.grant(Role.HANDLER)
    for number, expected in ((NUMBERS[OTHER], []), (NUMBERS[OWN], [call_of(OWN)])):
        said = json.loads(desk("absence", "--number", number, *span).out)
        assert [each["id"] for each in said["calls"]] == expected
        assert said["limits"]["facilities"] == ["shiba"]
    said = json.loads(desk("absence", "--facility", "shiba", *span).out)
    assert {each["id"] for each in said["calls"]} == {call_of(OWN), call_of(BOTH)}
    with desk.app.database.begin() as connection:  # somebody has deleted what hangs on a recording
        for table in (tables.recordings, tables.participants, tables.call_facilities):
            of = table.c.id == OTHER if table is tables.recordings else table.c.call_id == call_of(OTHER)
            connection.execute(table.delete().where(of))
    said = json.loads(desk("absence", "--number", NUMBERS[OTHER], *span).out)
    assert said["calls"] == [] and said["limits"]["unreadable"] == []
    for refused in (("--facility", "azabu"), ("--extension", "2201")):
        done = desk("absence", *refused, *span)
        assert done.code == 4 and "has no role for" in done.complaint
    assert [each.details["command"] for each in desk.log("") if each.action == "refused"] == ["absence"] * 3
    assert len([each for each in desk.log("") if each.action == "absence-stated"]) == 4
