"""search, show, verify, fetch and status on recordings: whole lists, told limits, the right exit codes."""

from __future__ import annotations

import csv
import io
import json
import os
import pwd
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from callrec.app import App
from callrec.catalogue import alerts, calls, custody, finding, tables
from callrec.catalogue.columns import Id
from callrec.commands import main
from callrec.commands.search import KEYS, row
from callrec.desk.operations.searching import found_call
from callrec.errors import StoreUnreachable
from callrec.evidence.findings import Findings
from callrec.evidence.verification import Verifier
from callrec.model.access import EVERYWHERE
from callrec.model.alerts import AlertState, Delivery
from callrec.model.office import Conventions
from tests.tampering import altered
from tests.unit.bench import Bench, BenchAfter, believe
from tests.unit.program import BOM, table
from tests.unit.samples import CALL_ID, RECORDING_ID, START, alert, call, captured_call

Run = Callable[..., tuple[int, str, str]]
MISSING = "01b20000-0000-7000-8000-000000000009"
IDS = [RECORDING_ID[:-1] + str(number) for number in (1, 2, 3)]


@pytest.fixture
def run(
    bench: Bench, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Run:
    """The program on the bench's database, spool and store: exit code, stdout, stderr."""
    monkeypatch.chdir(tmp_path)
    for name, value in (
        ("CALLREC_LANG", "en"),
        ("CALLREC_CATALOGUE__URL", f"sqlite:///{tmp_path}/catalogue.db"),
        ("CALLREC_SPOOL__DIRECTORY", str(tmp_path / "spool")),
    ):
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("CALLREC_EVIDENCE__KEYS", str(tmp_path / "keys"))
    monkeypatch.setattr(App, "store", bench.store)

    def call_main(*arguments: str) -> tuple[int, str, str]:
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main(list(arguments))
        out, err = capsys.readouterr()
        return int(ended.value.code or 0), out, err

    assert call_main("init", "--non-interactive")[0] == 0
    believe(tmp_path / "keys")
    return call_main


@pytest.fixture
def archived(bench_after: BenchAfter) -> list[str]:
    """Three recordings in the archive."""
    bench_after(_archive_three)
    return IDS


def _archive_three(bench: Bench) -> None:
    for number, id_ in enumerate(IDS):
        bench.track("callrec/r-1-external", 500, 1.0)
        bench.track("callrec/r-1-staff", 1000, 1.0)
        bench.spool.hand_over(captured_call(recording_id=id_, call={"id": CALL_ID[:-1] + str(number)}))
        assert bench.archiver.archive(id_)


def _key(bench: Bench, id_: str) -> str:
    with bench.database.read() as connection:
        return finding.recording(connection, id_, reach=EVERYWHERE).key


def test_verify_says_each_and_goes_on_past_a_broken_one(bench: Bench, archived: list[str], run: Run) -> None:
    bench.store.versions[_key(bench, archived[1])] = [b"somebody's"]
    code, out, err = run("verify", "--all", "--json")
    rows = json.loads(out)
    assert [each["problems"] == [] for each in rows] == [True, False, True]
    assert [(each["id"], each["ok"]) for each in rows] == list(
        zip(archived, (True, False, True), strict=True)
    )
    assert all(list(each) == ["id", "ok", "problems", "checked"] for each in rows)
    assert code == 5 and err.strip() == "callrec: 1 of 3 recordings do not verify"
    code, out, _ = run("verify", "--all", "--csv")
    assert [each["ok"] for each in csv.DictReader(io.StringIO(out))] == ["True", "False", "True"]
    code, out, _ = run("verify", "--all")
    assert code == 5 and [line.split()[:2] for line in out.splitlines()] == [
        [archived[0], "yes"],
        [archived[1], "no"],
        [archived[2], "yes"],
    ]


@pytest.mark.parametrize("form", ["--json", "--csv"])
def test_what_was_verified_is_told_when_the_store_goes_away(
    archived: list[str], run: Run, monkeypatch: pytest.MonkeyPatch, form: str
) -> None:
    real, seen = Verifier.verify, iter(range(2))

    def away(self: Verifier, recording_id: str, **said: Any) -> Findings:
        if next(seen, None) is None:
            raise StoreUnreachable("the store is away")
        return real(self, recording_id, **said)

    monkeypatch.setattr(Verifier, "verify", away)
    code, out, err = run("verify", "--all", form)
    rows = json.loads(out) if form == "--json" else table(out)
    assert [each["id"] for each in rows] == archived[:2]
    assert code == 3 and "the store is away" in err


def test_rows_are_printed_as_they_come(
    archived: list[str], run: Run, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    real, told = Verifier.verify, []

    def listening(self: Verifier, recording_id: str, **said: Any) -> Findings:
        told.append(capsys.readouterr().out)
        return real(self, recording_id, **said)

    monkeypatch.setattr(Verifier, "verify", listening)
    assert run("verify", *archived)[0] == 0
    assert told[0] == "" and archived[0] in told[1] and archived[1] in told[2]


def test_a_run_that_was_interrupted_says_how_to_go_on(
    archived: list[str], run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = Verifier.verify

    def away(self: Verifier, recording_id: str, **said: Any) -> Findings:
        if recording_id == archived[1]:
            raise StoreUnreachable("the store is away")
        return real(self, recording_id, **said)

    with monkeypatch.context() as patch:
        patch.setattr(Verifier, "verify", away)
        code, _, err = run("verify", "--all")
        assert code == 3 and f"go on with --after {archived[0]}" in err
        assert "--after" not in run("verify", *archived)[2]
    code, out, _ = run("verify", "--all", "--after", archived[0], "--json")
    assert code == 0 and [each["id"] for each in json.loads(out)] == archived[1:]


def test_what_was_begun_since_a_day(archived: list[str], run: Run) -> None:
    """The id tells when: no column of the catalogue is asked."""
    began = datetime.fromtimestamp(int(archived[0].replace("-", "")[:12], 16) / 1000, UTC)
    for days, count in ((-1, 3), (2, 0)):
        since = f"{began + timedelta(days=days):%Y-%m-%d}"
        code, out, _ = run("verify", "--since", since, "--json")
        assert (code, len(json.loads(out))) == ((0, count) if count else (1, 0))
        assert len(json.loads(run("verify", "--since", since, "--sample", "2", "--json")[1])) == min(count, 2)


@pytest.mark.parametrize(
    "arguments",
    [
        ["--all", "--sample", "1"],
        [IDS[0], "--all"],
        [IDS[0], "--since", "2026-11-01"],
        [IDS[0], "--after", IDS[1]],
        ["--all", "--after", IDS[1][:20]],
        ["--after", IDS[1]],
    ],
)
def test_what_to_verify_has_to_make_sense(archived: list[str], run: Run, arguments: list[str]) -> None:
    assert run("verify", *arguments)[:2] == (2, "")


def test_what_has_no_row_or_is_nobodys_is_found(bench: Bench, archived: list[str], run: Run) -> None:
    with bench.database.begin() as connection:
        kept = finding.recording(connection, archived[2], reach=EVERYWHERE)
        connection.execute(tables.recordings.delete().where(tables.recordings.c.id == kept.id))
    bench.store.put_over(f"recordings/shiba/2026/11/22/{MISSING}.flac", b"somebody's")
    code, out, err = run("verify", "--all", "--json")
    rows = {each["id"]: each for each in json.loads(out)}
    assert code == 5 and [*rows] == [*archived, MISSING] and "2 of 4" in err
    assert [each["ok"] for each in rows.values()] == [True, True, False, False]
    assert "has no row" in rows[archived[2]]["problems"][0] and rows[MISSING]["checked"] == ["bucket"]
    code, out, _ = run("verify", archived[2], "--json")
    assert code == 5 and [each["id"] for each in json.loads(out)] == [archived[2]]


def test_a_row_that_makes_no_sense_ends_no_run(bench: Bench, archived: list[str], run: Run) -> None:
    with bench.database.begin() as connection:
        connection.exec_driver_sql(
            "UPDATE recordings SET silences = '{broken' WHERE id = ?", (Id.to_bytes(archived[1]),)
        )
    for chosen in (["--all"], archived):
        code, out, _ = run("verify", *chosen, "--json")
        assert code == 5 and [each["ok"] for each in json.loads(out)] == [True, False, True]


def test_what_was_put_over_is_said(bench: Bench, archived: list[str], run: Run) -> None:
    bench.store.put_over(_key(bench, archived[0]), b"somebody's")
    code, out, err = run("verify", archived[0], "--json")
    (told,) = json.loads(out)
    (problem,) = told["problems"]
    assert code == 1 and told["ok"] and "something was put over recordings/" in problem
    assert "1 of 1 recordings are whole, but somebody put something over them" in err


def test_an_id_that_is_none_ends_verify_before_it_begins(archived: list[str], run: Run) -> None:
    code, out, err = run("verify", archived[0], "%%%%%%%%")
    assert (code, out) == (2, "") and "%%%%%%%% is no id" in err
    code, out, _ = run("verify", archived[0], "ffffffff")
    assert (code, out) == (1, "")


def test_an_id_that_is_none_ends_fetch_before_it_begins(
    archived: list[str], run: Run, tmp_path: Path
) -> None:
    code, out, _ = run("fetch", archived[0], "ffffffff", "-o", str(tmp_path / "out"))
    assert (code, out) == (1, "") and not (tmp_path / "out").exists()


def test_an_altered_log_is_said_for_the_recording_it_is_about(
    bench: Bench, archived: list[str], run: Run
) -> None:
    with bench.database.begin() as connection:
        (first, *_) = custody.of(connection, archived[0])
        change = tables.custody.update().where(tables.custody.c.seq == first.seq).values(who="nobody")
        with altered(connection):
            connection.execute(change)
    for chosen in ([archived[0]], ["--all"]):
        code, _, err = run("verify", *chosen)
        assert code == 5 and f"the custody log was altered at row {first.seq}" in err
    assert run("verify", archived[2])[0] == 0


@pytest.mark.parametrize(
    ("arguments", "header"),
    [
        (["verify", "--all"], "id,ok,problems,checked"),
        (["search", "2020-01-01"], ",".join(KEYS)),
        (["facility", "list"], "code,name,extensions,support_phone,support_mail"),
    ],
)
def test_an_empty_csv_has_its_header(run: Run, arguments: list[str], header: str) -> None:
    assert run(*arguments, "--csv")[1] == f"{BOM}{header}\r\n"
    assert json.loads(run(*arguments, "--json")[1]) == []


def test_the_header_of_a_search_is_that_of_its_rows(archived: list[str], bench: Bench) -> None:
    with bench.database.read() as connection:
        found = finding.look_up(connection, archived[0], reach=EVERYWHERE)
    shown = row(found_call(found), Conventions("Asia/Tokyo", ()), {})
    assert [key for key in shown if not key.startswith("_")] == list(KEYS)


def test_a_search_that_was_cut_says_so(archived: list[str], run: Run) -> None:
    code, out, err = run("search", "--limit", "2", "--json")
    assert code == 0 and len(json.loads(out)) == 2
    last = json.loads(out)[-1]["id"]
    offer = f"narrow the search, raise --limit, or go on with --after {last}"
    assert err == f"there are more than these 2: {offer}\n"
    code, rest, err = run("search", "--limit", "2", "--after", last, "--json")
    assert not err and [each["id"] for each in json.loads(rest)] not in ([], [last])
    whole = json.loads(run("search", "--limit", "3", "--json")[1])
    assert json.loads(out) + json.loads(rest) == whole
    assert run("search", "--after", "ffffffff")[0] == run("show", "ffffffff")[0] != 0
    code, out, err = run("search", "--limit", "3", "--json")
    assert len(json.loads(out)) == 3 and not err


def test_nonsense_is_no_id(archived: list[str], run: Run) -> None:
    for command in ("show", "fetch"):
        code, out, err = run(command, "%%%%%%%%")
        assert (code, out) == (2, "") and "is no id, nor the beginning of one" in err


def test_where_nothing_can_be_written_is_said(archived: list[str], run: Run, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    code, _, err = run("fetch", archived[0], "-o", str(tmp_path / "file" / "x"))
    assert code == 1 and "cannot be written" in err and "bug" not in err


def test_a_damaged_call_does_not_hide_the_status(bench: Bench, run: Run) -> None:
    bench.spool.save_call(call())
    (bench.spool.directory / "calls" / "x.json").write_text("{")
    _, out, _ = run("status", "--json")
    assert json.loads(out)["waiting_calls"] == 2


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({"LOGNAME": "somebody", "USER": "somebody"}, "{me}"),
        ({"SUDO_USER": "{other}"}, "{me} (sudo: {other})"),
        ({"SUDO_USER": "{me}"}, "{me}"),
        ({"SUDO_USER": "no such account"}, "{me}"),
    ],
)
def test_who_acts_is_the_account_and_not_a_variable(
    run: Run, monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], expected: str
) -> None:
    me = pwd.getpwuid(os.getuid()).pw_name
    names = {"me": me, "other": next(each.pw_name for each in pwd.getpwall() if each.pw_name != me)}
    monkeypatch.delenv("SUDO_USER", raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value.format(**names))
    assert App.__new__(App).who == expected.format(**names)


def test_show_tells_when_the_alert_went_out(run: Run, bench: Bench) -> None:
    """By its call, also while the mail is not taken; the other ways say when they were."""
    mail = Delivery("mail", "help@city.example", tries=3, first_at=START, problem="450 later")
    hook = Delivery("webhook", "", AlertState.SENT, 1, START, START)
    with bench.database.begin() as connection:
        calls.save_call(connection, call())
        for each in (mail, hook):
            alerts.save(connection, alert(), replace(each, tries=1))
            alerts.save(connection, alert(), each)
        alerts.save(connection, alert(call_id=CALL_ID[:-1] + "b", id=RECORDING_ID), hook)
    shown = run("show", CALL_ID)[1]
    assert "help alert: mail help@city.example  not sent yet (3 tries), 450 later" in shown
    assert "help alert: webhook  sent 2026-11-22 10:00:00 (1 tries)" in shown
    told = json.loads(run("show", CALL_ID, "--json")[1])["alerts"]
    assert [(each["way"], each["state"], each["sent_at"]) for each in told] == [
        ("mail", "waiting", None),
        ("webhook", "sent", START.isoformat()),
    ]
