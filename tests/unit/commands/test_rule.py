"""callrec rule, from the command line: rules are added, changed, ended, listed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from callrec import language
from tests.unit.program import table
from tests.unit.rule_program import FACILITY, OFFICE_HOURS, Office, add, explain, listed


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


def test_a_table_without_lines_has_the_header_of_one_with_lines(office: Office) -> None:
    lists = (("facility", "list"), ("rule", "list"), ("rule", "check", "--offline"))
    empty = [office(*each, "--csv").out.splitlines() for each in lists]
    office("facility", "add", "shiba", "--name", "芝")
    add(office, *FACILITY[2:])
    filled = [office(*each, "--csv").out.splitlines() for each in lists]
    assert [each[0] for each in empty] == [each[0] for each in filled]
    assert all(len(each) == 1 for each in empty) and all(len(each) > 1 for each in filled)


def test_a_caller_is_written_as_people_do_and_kept_as_e164(shiba: Office) -> None:
    add(shiba, "--caller", "０９０-1234-5678", "--mode", "never")
    assert [rule["target"] for rule in listed(shiba)] == ["+819012345678"]
    asked = explain(shiba, "--extension", "2101", "--caller", "09012345678")
    assert (asked["mode"], asked["reason"]) == ("never", "never")


def test_a_caller_that_no_line_has_is_told_of_at_once(shiba: Office) -> None:
    done = shiba("rule", "add", "--caller", "03-1234-56789", "--mode", "never")
    assert done.code == 0
    assert done.complaint.startswith("warning: 03123456789 is no number of any line that is known")


def test_a_caller_of_a_file_that_no_line_has_is_told_of(shiba: Office, tmp_path: Path) -> None:
    file = tmp_path / "office.toml"
    file.write_text("[[rule]]\ncaller = '03-1234-56789'\nmode = 'never'\n")
    done = shiba("rule", "import", str(file), "--dry-run")
    assert (done.code, done.complaint.split(" is no number")[0]) == (0, "warning: 03123456789")


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
    assert (
        "rule 1@1: facility 芝地区総合支所 (shiba), recorded automatically"
        in shiba("rule", "show", "1@1").out
    )
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
    (rule,) = table(shiba("rule", "list", "--csv").out)
    assert rule["languages"] == "ja,en"
    steps = table(shiba("rule", "history", "1", "--csv").out)
    assert json.loads(steps[1]["new"]) == {"mode": "manual"}


def test_the_help_tells_when_a_manual_recording_is_announced(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "on-start for all others, and in mode manual" in " ".join(
        office("rule", "add", "--help").out.split()
    )
    monkeypatch.setenv("CALLREC_LANG", "ja")
    told = "".join(office("rule", "add", "--help").out.split())
    monkeypatch.setenv("CALLREC_LANG", "en")
    language.use()
    assert "モードmanualではon-startです" in told


@pytest.mark.parametrize("form", [(), ("--json",), ("--csv",)])
def test_people_read_a_facility_by_its_name_and_programs_by_its_code(
    shiba: Office, form: tuple[str, ...]
) -> None:
    add(shiba, "--facility", "shiba", "--mode", "automatic")
    place = "芝地区総合支所 (shiba)"
    for noun in ("rule", "extension"):
        told = shiba(noun, "list", *form).out
        assert (place in told) is not bool(form) and "shiba" in told
    if not form:
        assert f"facility {place}, recorded automatically" in shiba("rule", "history", "1").out
