"""callrec incident, hold, retain and note, as a person runs them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from callrec.app import App
from callrec.catalogue import custody, notes
from callrec.catalogue.database import Database
from callrec.lifecycle.protection import Protection
from tests.unit.fakes import LockingStore
from tests.unit.kept_recording import archive, discarded, now_of, request
from tests.unit.program import Done, table

Office = Callable[..., Done]
DAY = timedelta(days=1)
WHY = ("--reason", "訴訟のため")


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch) -> LockingStore:
    """The bucket of the office."""
    made = LockingStore()
    monkeypatch.setattr(App, "protection", Protection(lambda: made, "governance", DAY))
    return made


@pytest.fixture
def database(office: Office, tmp_path: Path) -> Iterator[Database]:
    made = Database(f"sqlite:///{tmp_path}/c.db")
    yield made
    made.close()


@pytest.fixture
def began() -> datetime:
    """Yesterday: what is kept for ninety days since must be kept now."""
    return datetime.now(UTC).replace(microsecond=0) - DAY


def test_each_of_several_is_told(
    office: Office, store: LockingStore, database: Database, began: datetime
) -> None:
    one, other = (archive(database, store, began) for _ in range(2))
    done = office("incident", f"{one.id}、{other.call_id}", one.call_id, *WHY)
    first, second = done.out.splitlines()
    assert done.code == 0 and not done.err
    assert first.startswith(f"recording {one.id} is marked as an incident, and kept until 20")
    assert second.startswith(f"recording {other.id} is marked")
    assert "is marked as an incident already" in office("incident", one.id, *WHY).out
    done = office("incident", one.id, "--clear", *WHY)
    assert "no longer marked as an incident; it is kept until 20" in done.out
    assert office("incident", one.id, "--clear", *WHY).out == (
        f"recording {one.id} is not marked as an incident\n"
    )


@pytest.mark.parametrize(
    "arguments",
    [
        ("incident",),
        ("incident", "--clear"),
        ("hold", "add"),
        ("hold", "release"),
        ("retain", "--until", "令和30年1月1日"),
    ],
)
def test_a_wrong_one_is_said_before_anything_is_done(
    office: Office,
    store: LockingStore,
    database: Database,
    began: datetime,
    arguments: tuple[str, ...],
) -> None:
    kept = archive(database, store, began)
    nowhere, over = "01a2ffff-0000-7000-8000-000000000000", discarded(database, began, began)
    never, gone = discarded(database, began, None), archive(database, None, began, state="destroyed")
    for wrong, said in (
        (nowhere, f"there is no recording or call {nowhere}: see callrec search"),
        (never, f"call {never} was not recorded: see callrec show {never}"),
        (over, f"what was recorded of call {over} was discarded at "),
        (gone.id, f"recording {gone.id} was destroyed at "),
    ):
        done = office(*arguments, kept.id, wrong, *WHY)
        assert done.code == 1 and said in done.complaint and not done.out
    assert office(*arguments, kept.id, "nonsense", *WHY).code == 2
    assert now_of(database, kept) == kept and not store.held


def test_what_is_held_is_listed_and_released(
    office: Office, store: LockingStore, database: Database, began: datetime
) -> None:
    kept, number = archive(database, store, began), request(database, began)
    assert number == "2026-0001"
    done = office("hold", "add", kept.id, "--request", "2026-0002", *WHY)
    assert (done.code, store.held) == (1, set()) and "there is no request 2026-0002:" in done.complaint
    assert office("hold", "list").complaint == "nothing is held"
    assert office("hold", "add", kept.id, *WHY).out == f"recording {kept.id} is held\n"
    assert "is held for this reason already" in office("hold", "add", kept.id, *WHY).out
    assert office("hold", "add", kept.id, "--request", "２０２６－０００１", *WHY).code == 0
    (row, second) = json.loads(office("hold", "list", "--json").out)
    assert datetime.fromisoformat(row.pop("at")) > began and row.pop("who")
    assert row == {
        "id": kept.id,
        "facility": "shiba",
        "extension": "2101",
        "reason": "訴訟のため",
        "request": None,
    }
    assert second["request"] == "2026-0001"
    assert [each["reason"] for each in table(office("hold", "list", "--csv").out)] == ["訴訟のため"] * 2
    assert kept.id in office("hold", "list").out
    done = office("hold", "release", kept.id, *WHY)
    assert done.out == f"recording {kept.id} is held for another reason still: see callrec hold list\n"
    done = office("hold", "release", kept.id, *WHY)
    assert done.code == 4 and "(2026-0001;" in done.complaint
    done = office("hold", "release", kept.id, "--request", "2026-0001", *WHY)
    assert done.code == 0 and "is no longer held; it is kept until 20" in done.out
    done = office("hold", "release", kept.id, *WHY)
    assert done.code == 1 and "is not held" in done.complaint


def test_only_longer(office: Office, store: LockingStore, database: Database, began: datetime) -> None:
    kept = archive(database, store, began)
    day = (began + 400 * DAY).strftime("%Y-%m-%d")
    done = office("retain", kept.id, "--until", day, *WHY)
    end = now_of(database, kept).retain_until
    assert done.code == 0 and f"recording {kept.id} is kept until " in done.out and end
    assert end.astimezone(UTC).hour == 15, "the end of the day in Tokyo"
    assert end.strftime("%Y-%m-%d") == day
    assert office("retain", kept.id, "--until", day, *WHY).out.endswith(" already\n")
    assert office("retain", kept.id, "--until", "tomorrow", *WHY).code == 4
    assert office("retain", kept.id, "--until", "yesterday", *WHY).code == 2
    assert office("retain", kept.id, "--until", "2999-01-01", *WHY).code == 2
    assert now_of(database, kept).retain_until == end


def test_a_store_that_is_away_is_said_after_what_was_done(
    office: Office, store: LockingStore, database: Database, began: datetime
) -> None:
    one, other = (archive(database, store, began) for _ in range(2))
    store.before = lambda step: setattr(store, "away", len(store.held) == 2)
    done = office("hold", "add", one.id, other.id, *WHY)
    assert (done.code, done.out) == (3, f"recording {one.id} is held\n")
    assert "the store is away" in done.complaint and not now_of(database, other).hold


def test_that_the_bucket_does_not_lock_is_said_beside(
    office: Office, database: Database, began: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CALLREC_ARCHIVE__OBJECT_LOCK", "off")
    kept = archive(database, None, began)
    done = office("hold", "add", kept.id, *WHY)
    assert done.code == 0 and done.out == f"recording {kept.id} is held\n"
    assert done.complaint.startswith("the bucket does not lock") and now_of(database, kept).hold


def test_a_note_is_written_about_any_call(
    office: Office, store: LockingStore, database: Database, began: datetime
) -> None:
    kept, other = archive(database, store, began), discarded(database, began, began)
    assert office("note", kept.id, " 怒鳴られた ").out == f"the note about call {kept.call_id} is written\n"
    assert office("note", other, "録音なし").code == 0
    with database.read() as connection:
        (first,), (second,) = (notes.of_call(connection, each) for each in (kept.call_id, other))
        (entry,) = custody.of(connection, kept.id)
    assert (first.text, second.text) == ("怒鳴られた", "録音なし") and first.who
    assert entry.action == "noted" and entry.details["note"] == first.id
    assert "怒鳴" not in json.dumps(entry.details, ensure_ascii=False), "the log is for ever"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (" ", "is empty: write some words"),
        ("a\nb", "holds a control character"),
        ("\x1b[2J", "holds a control character"),
        ("あ" * 2001, "is longer than"),
    ],
)
def test_what_cannot_be_shown_is_not_written(
    office: Office, store: LockingStore, database: Database, began: datetime, text: str, said: str
) -> None:
    kept = archive(database, store, began)
    for arguments in (
        ("note", kept.id, text),
        ("incident", kept.id, "--reason", text),
        ("incident", kept.id, "--clear", "--reason", text),
        ("hold", "add", kept.id, "--reason", text),
        ("hold", "add", kept.id, *WHY, "--request", text),
        ("hold", "release", kept.id, "--reason", text),
        ("retain", kept.id, "--until", "tomorrow", "--reason", text),
    ):
        done = office(*arguments)
        assert done.code == 2 and said in done.complaint, arguments
    with database.read() as connection:
        assert custody.of(connection, kept.id) == [] and notes.of_call(connection, kept.call_id) == []


def test_all_of_it_is_shown_and_found(
    office: Office, store: LockingStore, database: Database, began: datetime
) -> None:
    kept = archive(database, store, began)
    request(database, began)
    assert office("show", kept.id).out.count("  as the rule says\n") == 1
    day = (began + 4000 * DAY).strftime("%Y-%m-%d")
    for arguments in (
        ("note", kept.id, "ﾊﾗｽﾒﾝﾄの疑い"),
        ("incident", kept.id, "--reason", "課長報告"),
        ("retain", kept.id, "--until", day, "--reason", "審査請求"),
        ("hold", "add", kept.id, "--request", "2026-0001", "--reason", "証拠保全"),
        ("hold", "release", kept.id, "--request", "2026-0001", "--reason", "終結"),
        ("hold", "add", kept.id, "--reason", "訴訟"),
    ):
        assert office(*arguments).code == 0
    lines = office("show", kept.id).out.splitlines()
    (note,) = [line for line in lines if line.startswith("note: ")]
    assert "  ﾊﾗｽﾒﾝﾄの疑い  (" in note
    begin = next(index for index, line in enumerate(lines) if line.startswith("kept until: "))
    until, marked, longer, released, held = lines[begin : begin + 5]
    assert until.endswith("  as somebody decided") and "incident: yes" in lines
    assert "  課長報告  (" in marked and marked.endswith("  marked as an incident")
    assert "  審査請求  (" in longer and longer.endswith("  kept longer")
    assert (
        released.startswith("legal hold: ")
        and "  証拠保全  (" in released
        and ", 2026-0001); released " in released
    )
    assert held.startswith("legal hold: ") and "  訴訟  (" in held and "; released" not in held
    found = json.loads(office("show", kept.id, "--json").out)
    assert [each["text"] for each in found["notes"]] == ["ﾊﾗｽﾒﾝﾄの疑い"]
    assert [each["release_reason"] for each in found["holds"]] == ["終結", None]
    assert (found["retained_because"], found["hold"], found["incident"]) == ("person", True, True)
    archive(database, store, began)
    for wanted in (("--incident",), ("--held",), ("--note", "ハラ"), ("--note", "疑い")):
        (hit,) = json.loads(office("search", *wanted, "--json").out)
        assert hit["id"] == kept.id, wanted
