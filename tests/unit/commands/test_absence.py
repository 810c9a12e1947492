"""callrec absence: the page, the document in it, and that what is there is found wherever it is."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from html import unescape
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from callrec import account, ids
from callrec.app import App
from callrec.catalogue import calls, custody, destructions, statements, tables
from callrec.catalogue.calls import AWAY
from callrec.evidence.absence import Reason
from callrec.evidence.absence_document import Absence, read
from callrec.evidence.absence_words import REASONS, WHY
from callrec.evidence.keys import KeyFolder
from callrec.model.calls import CallRecord, Participant, remark
from callrec.model.rules import Mode
from callrec.numbers import Number
from tests.tampering import altered
from tests.unit.bench import Bench, believe
from tests.unit.evidence.verified import state
from tests.unit.program import SHIBA, Done
from tests.unit.samples import CALL_ID, DECISION, RECORDING_ID, START, call, captured_call

Office = Callable[..., Done]
DAY = timedelta(days=1)
SPAN = ("--from", "2026-11-22", "--to", "2026-11-22")
OF_2101 = ("absence", "--extension", "2101", *SPAN)
OTHER = Number("+81398765432")


@pytest.fixture
def office(
    run: Office,
    bench: Bench,
    tmp_path: Path,
    offices: Callable[..., Path],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Office:
    """The program on the bench's database, spool and store, with an extension."""
    source = offices(*SHIBA)
    text = (source / "callrec.toml").read_text("utf-8").replace(str(source), str(tmp_path))
    (tmp_path / "callrec.toml").write_text(text.replace("/c.db", "/catalogue.db"), "utf-8")
    shutil.copytree(source / "evidence", tmp_path / "evidence")
    believe(tmp_path / "evidence")
    bench.database.close()
    shutil.copy(source / "c.db", tmp_path / "catalogue.db")
    capsys.readouterr()
    monkeypatch.setattr(App, "store", bench.store)
    monkeypatch.setattr(account, "acting", lambda: "sato")
    return run


def place(bench: Bench, **changes: Any) -> CallRecord:
    """A call in the catalogue."""
    made = call(**{"id": ids.new(), **changes})
    with bench.database.begin() as connection:
        calls.save_call(connection, made, {made.facility} if made.facility else set())
    return made


def asked(office: Office, tmp_path: Path, *more: str) -> Absence:
    """The document of a page, whose signature is right."""
    done = office(*OF_2101, *more, "--json")
    assert done.code == 0, done.err
    said = json.loads(done.out)
    data = json.dumps(said, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()
    return read(data, KeyFolder(tmp_path / "evidence").public)


def statuses(document: Absence) -> dict[str, str]:
    return {each.id: each.status.value for each in document.calls}


def found_reasons(document: Absence) -> list[str]:
    return [each.reason.value for made in document.calls for each in made.findings]


def text_of(page: str) -> str:
    return unescape(page.partition("<body>")[2].partition("<script")[0])


def verified(page: Path, tmp_path: Path) -> subprocess.CompletedProcess[str]:
    """What the commands on the page print, run as they stand there."""
    html = page.read_text("utf-8")
    commands = unescape(html.partition('<pre id="commands">\n')[2].partition("</pre>")[0])
    folder = tmp_path / ids.new()
    folder.mkdir()
    shutil.copy(page, folder / "FILE.html")
    for key in (tmp_path / "evidence").glob("*.pem"):
        shutil.copy(key, folder)
    return subprocess.run(
        ["bash", "-e"], input=commands, cwd=folder, capture_output=True, text=True, check=False
    )


def is_verified(done: subprocess.CompletedProcess[str]) -> bool:
    lines = done.stdout.splitlines()
    if done.returncode or len(lines) != 3:
        return False
    page, said, signature = lines
    return page.split()[0] in said and signature == "Signature Verified Successfully"


def test_a_time_without_any_call(office: Office, tmp_path: Path) -> None:
    done = office(*OF_2101, "-o", "page.html")
    assert done.code == 0 and done.out.strip() == "page.html"
    text = text_of((tmp_path / "page.html").read_text("utf-8"))
    assert "Statement that there is no recording of calls" in text
    assert "callrec knows of no such call in this time." in text
    assert "Calls that did not pass this PBX are not known" in text and "No rule applied" in text
    assert (tmp_path / "page.html").stat().st_mode & 0o077 == 0


def test_the_commands_on_the_page_verify_it_to_the_letter(
    office: Office, bench: Bench, tmp_path: Path
) -> None:
    place(bench, notes=())
    assert office(*OF_2101, "-o", "page.html").code == 0
    page = tmp_path / "page.html"
    assert is_verified(verified(page, tmp_path)), verified(page, tmp_path)
    whole = page.read_text("utf-8")
    for before, after in (
        ("2101", "2102"),
        ("no such call", "no such calls"),
        ('id="signed">ey', 'id="signed">ez'),
        ("answered", "Answered"),
        ("<body>", "<body> "),
    ):
        if before in whole:
            page.write_text(whole.replace(before, after, 1), "utf-8")
            assert not is_verified(verified(page, tmp_path)), before


def test_it_is_in_the_custody_log_with_the_hash_and_without_the_number(
    office: Office, bench: Bench, tmp_path: Path
) -> None:
    done = office("absence", "--number", "03-1234-5678", *SPAN, "-o", "page.html")
    assert done.code == 0
    with bench.database.read() as connection:
        (row,) = connection.execute(
            sa.select(tables.custody).where(tables.custody.c.action == "absence-stated")
        )
        assert custody.broken_at(connection) is None
    assert (row.who, row.recording_id, row.details["by_number"]) == ("sato", "", True)
    assert "312345678" not in json.dumps(row.details)
    assert row.details["begin"] == "2026-11-21T15:00:00+00:00"
    assert verified(tmp_path / "page.html", tmp_path).returncode == 0


def test_each_call_of_the_scope_is_named_and_no_other(office: Office, bench: Bench, tmp_path: Path) -> None:
    never = place(bench, decision=replace(DECISION, mode=Mode.NEVER))
    late = place(bench, started_at=START - DAY, ended_at=START)
    place(bench, extension="2102", participants=(), started_at=START)
    place(bench, started_at=START + DAY, ended_at=START + DAY)
    document = asked(office, tmp_path)
    assert set(statuses(document)) == {never.id, late.id}
    other = place(bench, number=OTHER, participants=(), decision=replace(DECISION, mode=Mode.MANUAL))
    document = asked(office, tmp_path, "--number", "03-9876-5432")
    assert statuses(document) == {other.id: "absent"} and document.calls[0].number == OTHER


def test_numbers_of_others_are_not_told(office: Office, bench: Bench, tmp_path: Path) -> None:
    place(bench)
    place(bench, number=None, participants=())
    assert office("rule", "add", "--caller", "03-1234-5678", "--mode", "never").code == 0
    assert office(*OF_2101, "-o", "page.html").code == 0
    html, document = (tmp_path / "page.html").read_text("utf-8"), asked(office, tmp_path)
    assert "312345678" not in html and "1234-5678" not in html
    assert [each.number_is for each in document.calls] == ["not-shown", "withheld"]
    assert "312345678" not in office(*OF_2101, "--json").out
    shown = office(*OF_2101, "--number", "0312345678", "-o", "with.html")
    assert shown.code == 0 and "+81312345678" in (tmp_path / "with.html").read_text("utf-8")


def test_what_cannot_be_said_of_a_number_is_counted(office: Office, bench: Bench, tmp_path: Path) -> None:
    place(bench, number=None, participants=())
    erased = place(bench, number=None, participants=())
    with bench.database.begin() as connection:
        change = tables.calls.update().where(tables.calls.c.id == erased.id)
        connection.execute(change.values(erased_at=START + 9 * DAY))
    document = asked(office, tmp_path, "--number", "0312345678")
    limits = document.limits
    assert (document.calls, limits.withheld, limits.erased, limits.erased_until) == ((), 1, 1, START)
    office(*OF_2101, "--number", "0312345678", "-o", "page.html")
    text = text_of((tmp_path / "page.html").read_text("utf-8"))
    assert "as it was withheld: 1." in text and "Of these nothing can be said about the number." in text
    assert asked(office, tmp_path).limits.withheld == 0, "nobody asked about a number"


def test_what_is_recorded_is_named_as_there_and_the_title_says_so(
    office: Office, bench: Bench, tmp_path: Path
) -> None:
    bench.captured()
    assert bench.archiver.archive(RECORDING_ID)
    document = asked(office, tmp_path)
    assert statuses(document) == {CALL_ID: "exists"} and found_reasons(document) == ["kept"]
    office(*OF_2101, "-o", "page.html")
    text = text_of((tmp_path / "page.html").read_text("utf-8"))
    assert "Statement on recordings of calls" in text and RECORDING_ID in text
    assert "With a recording: 1." in text and "there is no recording" not in text


def test_what_waits_in_the_spool_is_there(office: Office, bench: Bench, tmp_path: Path) -> None:
    bench.spool.hand_over(captured_call())
    document = asked(office, tmp_path)
    assert statuses(document) == {CALL_ID: "exists"} and found_reasons(document) == ["waiting"]


def test_a_recording_whose_rows_were_deleted_is_found_in_the_bucket(
    office: Office, bench: Bench, tmp_path: Path
) -> None:
    bench.captured()
    assert bench.archiver.archive(RECORDING_ID)
    with bench.database.begin() as connection:
        for table in (tables.recordings, tables.participants, tables.call_facilities, tables.calls):
            connection.execute(table.delete())
    document = asked(office, tmp_path)
    assert statuses(document) == {CALL_ID: "exists"} and found_reasons(document) == ["in-bucket-only"]
    assert asked(office, tmp_path, "--number", "0398765432").calls == ()
    (manifest,) = [key for key in bench.store.versions if key.endswith(".manifest.json")]
    bench.store.put_over(manifest, b"{")
    assert statuses(asked(office, tmp_path)) == {CALL_ID: "exists"}, "what was put over it hides nothing"
    bench.store.versions[manifest] = [b"{"]
    document = asked(office, tmp_path)
    assert document.calls == () and document.limits.unreadable == (
        manifest.replace(".manifest.json", ".flac"),
    )
    office(*OF_2101, "-o", "page.html")
    assert "It cannot be ruled out" in text_of((tmp_path / "page.html").read_text("utf-8"))


def test_catalogue_and_bucket_that_disagree_are_told(office: Office, bench: Bench, tmp_path: Path) -> None:
    bench.captured()
    assert bench.archiver.archive(RECORDING_ID)
    with bench.database.begin() as connection:
        gone = {"state": "destroyed", "destroyed_at": START + 91 * DAY}
        connection.execute(tables.recordings.update().values(gone))
    assert found_reasons(asked(office, tmp_path)) == ["still-there"]
    versions = dict(bench.store.versions)
    bench.store.versions.clear()
    document = asked(office, tmp_path)
    assert found_reasons(document) == ["unproved"], "nothing that is signed says so"
    assert statuses(document) == {CALL_ID: "uncertain"}
    with bench.database.begin() as connection:
        connection.execute(tables.recordings.update().values({"state": "archived", "destroyed_at": None}))
    assert found_reasons(asked(office, tmp_path)) == ["missing"]
    bench.store.versions.update(versions)
    assert found_reasons(asked(office, tmp_path)) == ["kept"]


def test_one_that_was_destroyed_as_it_is_signed_is_absent(
    office: Office, bench: Bench, tmp_path: Path
) -> None:
    bench.captured()
    assert bench.archiver.archive(RECORDING_ID)
    with bench.database.begin() as connection:
        due = destructions.find(connection, RECORDING_ID)
        assert due and destructions.finish(connection, RECORDING_ID, START + timedelta(days=91))
        for action in ("destruction-begun", "destroyed"):
            at = START + timedelta(days=91)
            statements.enter(connection, RECORDING_ID, action, who="purger", at=at, **due.reason())
    bench.store.versions.clear()
    state(bench.database, bench.store)
    document = asked(office, tmp_path)
    assert found_reasons(document) == ["destroyed"] and statuses(document) == {CALL_ID: "absent"}


def test_while_the_bucket_is_away_nothing_is_stated(office: Office, bench: Bench, tmp_path: Path) -> None:
    bench.store.away = True
    done = office(*OF_2101, "-o", "page.html")
    assert done.code == 3 and not list(tmp_path.glob("page*"))
    with bench.database.read() as connection:
        assert not [each for each in custody.of(connection, "") if each.action == "absence-stated"]


def test_rules_of_the_time_and_their_changes_are_there_with_their_text(
    office: Office, bench: Bench, tmp_path: Path
) -> None:
    def change(number: int, moment: str) -> None:
        with bench.database.begin() as connection:
            rule = (tables.rules.c.id == number) & (tables.rules.c.version == 1)
            at = datetime.fromisoformat(moment).replace(tzinfo=UTC)
            connection.execute(tables.rules.update().where(rule).values(changed_at=at))

    for target in (
        ("--extension", "2101"),
        ("--facility", "shiba"),
        ("--everywhere",),
        ("--extension", "6000"),
    ):
        assert office("rule", "add", *target, "--mode", "never").code == 0
    for number, moment in (
        (1, "2026-11-20"),
        (2, "2026-11-22 01:00:00"),
        (3, "2026-11-27"),
        (4, "2026-11-20"),
    ):
        change(number, moment)
    place(bench, decision=replace(DECISION, rule=1, version=1, mode=Mode.NEVER))
    found = {each.rule: each for each in asked(office, tmp_path).rules}
    assert sorted(found) == [1, 2], "not those of later, nor of others"
    assert (found[1].in_force_at_begin, found[1].within) == (True, False)
    assert (found[2].in_force_at_begin, found[2].within) == (False, True)
    assert 'extension = "2101"' in found[1].text and found[1].changed_by == "sato"
    assert found[1].words == "extension 2101, not recorded"
    office(*OF_2101, "-o", "page.html")
    text = text_of((tmp_path / "page.html").read_text("utf-8"))
    assert 'extension = "2101"\nmode = "never"' in text and "Rule 1@1 says that such calls" in text
    assert "Made within the time asked about." in text


def test_a_broken_chain_takes_the_certainty_away(office: Office, bench: Bench, tmp_path: Path) -> None:
    assert asked(office, tmp_path).custody.problems == ()
    assert office("custody", "anchor").code == 0
    whole = asked(office, tmp_path).custody
    assert whole.is_whole and [each.fits for each in whole.around] == [True]
    with bench.database.begin() as connection, altered(connection):
        connection.execute(tables.custody.update().where(tables.custody.c.seq == 1).values(who="b"))
    document = asked(office, tmp_path)
    assert document.custody.problems and document.custody.problems[0].known is None
    office(*OF_2101, "-o", "page.html")
    text = text_of((tmp_path / "page.html").read_text("utf-8"))
    assert "Something is wrong with it:" in text and "It cannot be ruled out" in text
    assert "Statement on recordings of calls" in text and document.custody.problems[0].problem in text


def test_times_of_being_away_are_told_as_far_as_they_are_known(
    office: Office, bench: Bench, tmp_path: Path
) -> None:
    place(bench, extension="2102", participants=(), notes=(remark(AWAY),))
    document = asked(office, tmp_path)
    assert document.calls == () and [each.begin for each in document.limits.away] == [START]
    assert not document.limits.controller_running
    office(*OF_2101, "-o", "page.html")
    text = text_of((tmp_path / "page.html").read_text("utf-8"))
    assert "callrec was away: a call was under way 2026-11-22 10:00:00 – 2026-11-22 10:00:12." in text
    assert "When this page was made, callrec was not running." in text


def test_a_page_in_japanese_has_the_days_of_the_office(
    office: Office, bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place(bench)
    monkeypatch.setenv("CALLREC_LANG", "ja")
    assert office(*OF_2101, "-o", "page.html").code == 0
    html = (tmp_path / "page.html").read_text("utf-8")
    assert '<html lang="ja">' in html and "令和8年11月22日 10時00分00秒" in html
    assert is_verified(verified(tmp_path / "page.html", tmp_path))


def test_nothing_in_the_data_is_obeyed(office: Office, bench: Bench, tmp_path: Path) -> None:
    evil = '</script><script>alert(1)</script>"id="signed">\u202e'
    staff = Participant("1.1", "2101", "2101", START, START)
    place(bench, participants=(staff, replace(staff, extension=evil)))
    assert office(*OF_2101, "-o", "page.html").code == 0
    html = (tmp_path / "page.html").read_text("utf-8")
    assert html.count("<script") == 1 and "\u202e" not in html
    assert is_verified(verified(tmp_path / "page.html", tmp_path))


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("absence", *SPAN, "-o", "a.html"), 2),
        ((*OF_2101,), 2),
        ((*OF_2101, "-o", "a.pdf"), 2),
        ((*OF_2101, "--number", "", "-o", "a.html"), 2),
        ((*OF_2101, "--facility", "nowhere else", "-o", "a.html"), 1),
        (("absence", "--extension", "2101", "--from", "2026-11-22", "--to", "2026-11-21", "-o", "a.html"), 2),
        (("absence", "--extension", "2101", "--from", "2999-01-01", "--to", "2999-01-02", "-o", "a.html"), 2),
        (("absence", "--extension", "2101", "--from", "2024-01-01", "--to", "2026-01-02", "-o", "a.html"), 2),
        (("absence", "--extension", "2101", "--from", "soon", "--to", "today", "-o", "a.html"), 2),
    ],
)
def test_what_cannot_be_asked(office: Office, tmp_path: Path, arguments: tuple[str, ...], code: int) -> None:
    done = office(*arguments)
    assert done.code == code and done.complaint and not (tmp_path / "a.html").exists()


def test_a_file_that_is_there_stays_and_nothing_is_stated(
    office: Office, bench: Bench, tmp_path: Path
) -> None:
    (tmp_path / "page.html").write_text("mine")
    done = office(*OF_2101, "-o", "page.html")
    assert done.code == 4 and (tmp_path / "page.html").read_text() == "mine"
    with bench.database.read() as connection:
        assert not [each for each in custody.of(connection, "") if each.action == "absence-stated"]


def test_every_reason_has_words_with_what_belongs_to_it() -> None:
    assert set(REASONS) == set(Reason) and set(WHY) == {"incident", "person"}
    names = dict.fromkeys(("recording", "rule", "mode", "at", "until", "row", "key"), "x")
    assert all(text.format(**names) for text in (*REASONS.values(), *WHY.values()))
