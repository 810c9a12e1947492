"""callrec rule, from the command line: what is said, what is refused, and that nothing was changed then."""

from __future__ import annotations

import csv
import json
import shlex
import socketserver
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import pytest

from callrec import language
from callrec.demo.processes import free_port
from tests.unit.program import Done

Office = Callable[..., Done]
DOCS = Path(__file__).parents[2] / "docs"


@pytest.fixture
def shiba(office: Office) -> Office:
    """An office with a facility, an extension, and a queue."""
    assert office("facility", "add", "shiba", "--name", "芝地区総合支所").code == 0
    assert office("extension", "add", "2101", "--facility", "shiba", "--name", "窓口1").code == 0
    assert office("extension", "add", "6000", "--facility", "shiba", "--service").code == 0
    return office


class _Refusing(socketserver.StreamRequestHandler):
    """A PBX that lets everyone in and allows nothing, in its own words on the wire."""

    def handle(self) -> None:
        with suppress(ConnectionError):  # the probe of a session hangs up at once
            self._answer()

    def _answer(self) -> None:
        self.wfile.write(b"Asterisk Call Manager/11.0.0\r\n")
        action = ""
        for line in self.rfile:
            text = line.decode().strip()
            if text.startswith("Action: "):
                action = text.removeprefix("Action: ")
            elif text.startswith("ActionID: "):
                id_ = text
            elif not text:
                allowed = action.lower() in ("login", "logoff")
                said = (
                    "Success\r\nMessage: Authentication accepted"
                    if allowed
                    else "Error\r\nMessage: Permission denied"
                )
                self.wfile.write(f"Response: {said}\r\n{id_}\r\n\r\n".encode())


@pytest.fixture
def refusing_ami(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), _Refusing) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        port = int(server.server_address[1])
        monkeypatch.setenv("CALLREC_PBX__AMI_HOST", "127.0.0.1")
        monkeypatch.setenv("CALLREC_PBX__AMI_PORT", str(port))
        yield port
        server.shutdown()


def add(office: Office, *arguments: str) -> int:
    done = office("rule", "add", *arguments, "--quiet")
    assert done.code == 0, done.err
    return int(done.out)


def explain(office: Office, *arguments: str) -> dict[str, Any]:
    done = office("rule", "explain", *arguments, "--json")
    assert done.code == 0, done.err
    found: dict[str, Any] = json.loads(done.out)
    return found


def listed(office: Office) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(office("rule", "list", "--json").out)
    return found


OFFICE_HOURS = ("--hours", "mon-fri 08:30-17:15", "--holidays", "exclude")


def test_a_rule_with_all_conditions_is_listed_as_it_was_added(shiba: Office) -> None:
    add(
        shiba,
        *("--extension", "２１０１", "--mode", "standby", "--direction", "inbound", *OFFICE_HOURS),
        *("--from", "2040-04-01", "--until", "R23.3.31", "--retain", "30d", "--priority", "2"),
    )
    (rule,) = listed(shiba)
    assert rule["target"] == "2101" and rule["hours"] == "mon-fri 08:30-17:15"
    assert rule["holidays"] == "exclude" and rule["priority"] == 2
    assert rule["effective_from"] == "2040-03-31T15:00:00+00:00", "midnight in Tokyo"
    assert rule["effective_until"] == "2041-03-31T15:00:00+00:00", "its last day is included"
    assert "2041-03-31" in shiba("rule", "list").out


def test_a_caller_is_written_as_people_do_and_kept_as_e164(shiba: Office) -> None:
    add(shiba, "--caller", "０９０-1234-5678", "--mode", "never")
    assert [rule["target"] for rule in listed(shiba)] == ["+819012345678"]
    asked = explain(shiba, "--extension", "2101", "--caller", "09012345678")
    assert (asked["mode"], asked["reason"]) == ("never", "never")


def test_explain_has_the_keys_of_the_contract(shiba: Office) -> None:
    first = add(shiba, "--everywhere", "--mode", "standby")
    second = add(shiba, "--extension", "2101", "--mode", "automatic", "--retain", "7d", *OFFICE_HOURS)
    assert explain(shiba, "--extension", "2101", "--direction", "inbound", "--at", "2026-11-24 10:00") == {
        "mode": "automatic",
        "announce": "before-connect",
        "languages": ["ja"],
        "retain_days": 7,
        "beep_s": None,
        "rule": second,
        "version": 1,
        "reason": "extension",
        "considered": [
            {"rule": second, "won": True, "why": "won"},
            {"rule": first, "won": False, "why": "narrower-scope"},
        ],
    }
    closed = explain(shiba, "--extension", "2101", "--at", "2026-11-24 17:15")
    assert (closed["rule"], closed["considered"][0]["why"]) == (first, "other-hours")
    holiday = explain(shiba, "--extension", "2101", "--at", "2026-11-23T10:00+09:00")
    assert (holiday["mode"], holiday["considered"][0]["why"]) == ("standby", "on-holiday")


def test_without_a_rule_the_built_in_default_is_explained(shiba: Office) -> None:
    found = explain(shiba, "--extension", "2101")
    assert (found["rule"], found["version"], found["mode"], found["considered"]) == (None, None, "never", [])
    assert "No rule is about this call" in shiba("rule", "explain", "--extension", "2101").out


def test_a_service_number_and_who_answers_are_explained_together(shiba: Office) -> None:
    add(shiba, "--extension", "6000", "--mode", "standby", "--announce", "before-connect")
    answers = add(shiba, "--extension", "2101", "--mode", "automatic", "--announce", "none")
    gate = explain(shiba, "--number", "6000")
    assert (gate["mode"], gate["announce"]) == ("standby", "before-connect")
    both = explain(shiba, "--number", "6000", "--extension", "2101")
    assert (both["mode"], both["announce"], both["rule"]) == ("automatic", "before-connect", answers)
    assert "number dialled: 6000" in shiba("rule", "explain", "--number", "6000").out


@pytest.mark.parametrize(
    ("spoken", "words"),
    [
        ("en", ["2026-11-23 (Mon, Labor Thanksgiving Day) 10:00", "窓口1, 芝地区総合支所 (shiba)"]),
        (
            "en",
            ["recorded automatically: rule 1@1 for the facility applies", "the phone rings, in ja"],
        ),
        ("en", ["rule 2@1 (extension 2101, Mon-Fri 08:30-17:15, not on public holidays, not recorded)"]),
        ("en", ["does not apply: it is not for public holidays"]),
        ("ja", ["2026-11-23 (月, 勤労感謝の日) 10:00", "施設に対するルール 1@1 が適用されます"]),
        (
            "ja",
            ["ルール 2@1（内線 2101, 月-金 08:30-17:15, 祝日を除く, 録音しない）", "祝日を除くルールです"],
        ),
    ],
)
def test_the_explanation_can_be_read_out(
    shiba: Office, monkeypatch: pytest.MonkeyPatch, spoken: str, words: list[str]
) -> None:
    add(shiba, "--facility", "shiba", "--mode", "automatic")
    add(shiba, "--extension", "2101", "--mode", "never", *OFFICE_HOURS)
    monkeypatch.setenv("CALLREC_LANG", spoken)
    told = shiba("rule", "explain", "--extension", "2101", "--at", "2026-11-23 10:00").out
    monkeypatch.setenv("CALLREC_LANG", "en")
    language.use()
    assert all(word in told for word in words), told


def test_changes_are_versions_that_can_be_shown(shiba: Office) -> None:
    add(shiba, "--facility", "shiba", "--mode", "automatic")
    done = shiba("rule", "change", "1", "--mode", "manual", "--hours", "sat,sun", "--retain", "1y")
    assert (done.code, done.out) == (0, "rule 1@2 is in force now\n")
    assert shiba("rule", "change", "1", "--hours", "always", "--retain", "default").code == 0
    (rule,) = listed(shiba)
    assert (rule["version"], rule["mode"], rule["hours"], rule["retain_days"]) == (3, "manual", None, None)
    steps = json.loads(shiba("rule", "history", "1", "--json").out)
    assert [(step["version"], step["old"].get("mode"), step["new"].get("mode")) for step in steps] == [
        (1, None, "automatic"),
        (2, "automatic", "manual"),
        (3, None, None),
    ]
    assert all(step["changed_by"] and step["changed_at"] for step in steps)
    told = shiba("rule", "history", "1").out
    assert "mode: recorded automatically → recorded when staff press the key" in told
    assert json.loads(shiba("rule", "show", "1@2", "--json").out)["hours"] == "sat-sun 00:00-24:00"
    assert "rule 1@1: facility shiba, recorded automatically" in shiba("rule", "show", "1@1").out
    assert shiba("rule", "remove", "1").code == 0
    assert "removed by" in shiba("rule", "show", "1").out
    assert json.loads(shiba("rule", "history", "1", "--json").out)[-1]["removed"] is True


def test_a_rule_that_was_ended_stays_in_explanations(shiba: Office) -> None:
    add(shiba, "--everywhere", "--mode", "never")
    add(shiba, "--extension", "2101", "--mode", "automatic")
    refused = shiba("rule", "change", "1", "--mode", "automatic")
    assert refused.code == 4 and "lifted only by removing or ending it" in refused.complaint
    assert explain(shiba, "--extension", "2101")["mode"] == "never"
    assert shiba("rule", "end", "1").code == 0
    found = explain(shiba, "--extension", "2101")
    assert (found["mode"], found["rule"]) == ("automatic", 2)
    assert {"rule": 1, "won": False, "why": "over"} in found["considered"]
    assert "2040-03-31" in shiba("rule", "end", "2", "--until", "2040-03-31").out


FACILITY = ("rule", "add", "--facility", "shiba", "--mode", "automatic")
WRONG: list[tuple[tuple[str, ...], int, str]] = [
    (("rule", "add", "--facility", "nowhere", "--mode", "never"), 1, "there is no facility nowhere"),
    ((*FACILITY, "--from", "2040-04-01", "--until", "2040-03-31"), 2, "--until must not be before --from"),
    ((*FACILITY, "--until", "2020-01-01"), 2, "--until 2020-01-01 is over already"),
    ((*FACILITY, "--from", "soon"), 2, "soon is not a date"),
    ((*FACILITY, "--hours", "8-17"), 2, "8-17 are no hours: write for instance mon-fri 08:30-17:15"),
    ((*FACILITY, "--hours", "25:00-26:00"), 2, "are no hours"),
    ((*FACILITY, "--hours", "09:00-09:00"), 2, "begin and end at once"),
    ((*FACILITY, "--holidays", "sometimes"), 2, "'sometimes' is not one of"),
    ((*FACILITY, "--language", ","), 2, "needs a language"),
    ((*FACILITY, "--prompt", "unknown"), 1, "no prompt unknown"),
    ((*FACILITY, "--caller", "0312345678"), 2, "say whom the rule is about, once"),
    (("rule", "add", "--extension", "21o1", "--mode", "never"), 2, "21o1 is no number"),
    (("rule", "add", "--caller", "anyone", "--mode", "never"), 2, "anyone is no number"),
    ((*FACILITY, "--retain", "36526d"), 2, "--retain can be 36525 days (100 years) at most"),
    ((*FACILITY, "--retain-incident", "9999y"), 2, "--retain-incident can be 36525 days"),
    ((*FACILITY, "--retain", "9" * 400 + "d"), 2, "is not a duration"),
    ((*FACILITY, "--priority", "99999999999999999999"), 2, "--priority can be from -1000000 to 1000000"),
    ((*FACILITY, "--priority", "-3000000000"), 2, "--priority can be from"),
    ((*FACILITY, "--until", "9999-12-31"), 2, "9999-12-31 is not a date"),
    ((*FACILITY, "--from", "0001-01-01"), 2, "0001-01-01 is not a date"),
    ((*FACILITY, "--hours", "08:30-17:15 平日"), 2, "weekdays come after hours"),
    ((*FACILITY, "--beep", "4s"), 2, "--beep can be from 5s to 300s"),
    ((*FACILITY, "--beep", "301s"), 2, "--beep can be from 5s to 300s"),
    ((*FACILITY, "--beep", "15.5s"), 2, "15.5s is not a"),
    ((*FACILITY, "--beep", "15"), 2, "15 is not a duration"),
    ((*FACILITY, "--beep", "often"), 2, "often is not a duration"),
    (("rule", "change", "1", "--beep", "1h"), 2, "--beep can be from 5s to 300s"),
    (("rule", "change", "1", "--beep", "none"), 2, "rule 1 is so already"),
    (("rule", "change", "1", "--retain", "9999y"), 2, "--retain can be 36525 days"),
    (("rule", "change", "99999999999999999999", "--mode", "never"), 1, "there is no rule 9999"),
    (("rule", "end", "99999999999999999999"), 1, "there is no rule 99999999999999999999"),
    (("rule", "remove", "99999999999999999999"), 1, "there is no rule 99999999999999999999"),
    (("rule", "remove", "-1"), 2, "No such option"),
    (("rule", "history", "99999999999999999999"), 1, "there has never been a rule 9999"),
    (("search", "--limit", "99999999999999999999"), 2, "is not in the range"),
    (("rule", "change", "1"), 2, "say what to change"),
    (("rule", "change", "1", "--mode", "automatic"), 2, "rule 1 is so already"),
    (("rule", "change", "1", "--prompt", "unknown"), 1, "no prompt unknown"),
    (("rule", "change", "1", "--until", "2020-01-01"), 2, "is over already"),
    (("rule", "change", "9", "--mode", "never"), 1, "there is no rule 9"),
    (("rule", "end", "9"), 1, "there is no rule 9"),
    (("rule", "end", "1", "--until", "2020-01-01"), 2, "is over already"),
    (("rule", "show", "x"), 2, "x names no rule"),
    (("rule", "show", "1@7"), 1, "rule 1 has no version 7"),
    (("rule", "show", "9"), 1, "there has never been a rule 9"),
    (("rule", "history", "9"), 1, "there has never been a rule 9"),
    (("rule", "explain"), 2, "say which call"),
    (("rule", "explain", "--extension", "2101", "--at", "then"), 2, "then is not a date"),
    (("rule", "explain", "--extension", "2101", "--at", "2026-11-22 25:00"), 2, "is not a time"),
    (("rule", "explain", "--extension", "x"), 2, "x is no number"),
    (("extension", "add", "21a1", "--facility", "shiba"), 2, "an extension is a number"),
    (("extension", "add", "２１０１", "--facility", "shiba"), 4, "there is an extension 2101 already"),
    (("extension", "move", "2101", "--facility", "nowhere"), 1, "there is no facility nowhere"),
    (("facility", "remove", "shiba"), 4, "has 2 extensions: move or remove them first"),
    (("facility", "rename", "shiba", "--name", " "), 2, "needs a name"),
]


@pytest.mark.parametrize(("arguments", "code", "complaint"), WRONG)
def test_bad_input_is_one_line_and_changes_nothing(
    shiba: Office, arguments: tuple[str, ...], code: int, complaint: str
) -> None:
    add(shiba, *FACILITY[2:])
    before = _everything()
    done = shiba(*arguments)
    assert done.code == code and complaint in done.complaint
    assert _everything() == before


def test_a_rule_that_has_not_begun_is_removed_and_not_ended(shiba: Office) -> None:
    add(shiba, *FACILITY[2:], "--from", "2040-04-01")
    done = shiba("rule", "end", "1")
    assert done.code == 4 and "callrec rule remove 1" in done.complaint


def test_an_end_is_not_moved_to_later_and_a_rule_that_is_over_not_revived(shiba: Office) -> None:
    add(shiba, *FACILITY[2:], "--until", "2040-03-31")
    later = shiba("rule", "end", "1", "--until", "2041-03-31")
    assert later.code == 4 and "rule 1 ends 2040-03-31 already" in later.complaint
    assert shiba("rule", "end", "1", "--until", "2040-02-28").code == 0
    assert shiba("rule", "end", "1").code == 0
    for again in (("rule", "end", "1"), ("rule", "end", "1", "--until", "2041-03-31")):
        done = shiba(*again)
        assert done.code == 4 and "already: to let it hold longer" in done.complaint
    assert [rule["version"] for rule in listed(shiba)] == [3]


def test_csv_holds_lists_and_changes_as_other_programs_read_them(shiba: Office) -> None:
    add(shiba, *FACILITY[2:], "--language", "ja,en")
    shiba("rule", "change", "1", "--mode", "manual")
    (rule,) = csv.DictReader(shiba("rule", "list", "--csv").out.splitlines())
    assert rule["languages"] == "ja,en"
    steps = list(csv.DictReader(shiba("rule", "history", "1", "--csv").out.splitlines()))
    assert json.loads(steps[1]["new"]) == {"mode": "manual"}


def test_the_help_tells_when_a_manual_recording_is_announced(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "in mode manual always on-start" in " ".join(office("rule", "add", "--help").out.split())
    monkeypatch.setenv("CALLREC_LANG", "ja")
    told = "".join(office("rule", "add", "--help").out.split())
    monkeypatch.setenv("CALLREC_LANG", "en")
    language.use()
    assert "manualでは常にon-start" in told


def _everything() -> list[str]:
    """All that the database holds."""
    with closing(sqlite3.connect("c.db")) as connection:
        return list(connection.iterdump())


def test_check_tells_what_to_look_at(shiba: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CALLREC_PBX__AMI_PORT", str(free_port()))
    add(shiba, *FACILITY[2:])
    assert shiba("rule", "check", "--offline").code == 0
    add(shiba, "--everywhere", "--mode", "never")
    done = shiba("rule", "check", "--offline", "--json")
    assert done.code == 1 and "to look at: 1" in done.complaint
    (finding,) = json.loads(done.out)
    assert (finding["code"], finding["kind"], finding["subject"]) == ("beaten", "rule", "1@1")
    assert "rule 2@1 always beats it" in finding["words"]
    without_pbx = shiba("rule", "check")
    assert without_pbx.code == 3 and "does not answer AMI" in without_pbx.complaint
    assert "it can never win" in without_pbx.out


def test_check_tells_what_it_found_before_the_pbx_refused(shiba: Office, refusing_ami: int) -> None:
    add(shiba, *FACILITY[2:])
    add(shiba, "--everywhere", "--mode", "never")
    done = shiba("rule", "check")
    assert done.code == 1 and "the PBX refused PJSIPShowEndpoints: Permission denied" in done.complaint
    assert "it can never win: rule 2@1 always beats it" in done.out


@pytest.mark.parametrize("spoken", ["en", "ja"])
def test_the_example_of_the_documentation_leaves_no_gap(shiba: Office, spoken: str) -> None:
    page = (DOCS / spoken / "rules.md").read_text("utf-8")
    examples = [
        line for line in page.splitlines() if line.startswith("    callrec rule add --facility shiba")
    ]
    for line in examples:
        assert shiba(*shlex.split(line)[1:], "--quiet").code == 0
    assert len(examples) == 2 and shiba("rule", "check", "--offline").out == ""
    modes = {
        at: explain(shiba, "--extension", "2101", "--direction", "inbound", "--at", at)["mode"]
        for at in ("2026-11-24 10:00", "2026-11-30 07:00", "2026-11-23 10:00", "2026-11-28 10:00")
    }
    assert list(modes.values()) == ["automatic", "standby", "standby", "standby"]
