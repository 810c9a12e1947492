"""callrec rule explain: what would happen with a call, for people and for programs."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest

from callrec import language
from tests.unit.rule_program import OFFICE_HOURS, Office, add, explain

DOCS = Path(__file__).parents[3] / "docs"


def test_explain_has_the_keys_of_the_contract(shiba: Office) -> None:
    first = add(shiba, "--everywhere", "--mode", "standby")
    second = add(shiba, "--extension", "2101", "--mode", "automatic", "--retain", "7d", *OFFICE_HOURS)
    assert explain(shiba, "--extension", "2101", "--direction", "inbound", "--at", "2026-11-24 10:00") == {
        "mode": "automatic",
        "announce": "before-connect",
        "languages": ["ja"],
        "retain_days": 7,
        "unannounced": "record",
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


def test_with_a_clock_that_is_moved_a_moment_is_the_one_that_was_asked_for(
    shiba: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    add(shiba, "--everywhere", "--mode", "automatic", "--until", "2040-01-01")
    monkeypatch.setenv("CALLREC_OFFICE__SHIFT_S", str(15 * 366 * 86400))
    asked = ("--extension", "2101", "--at", "2040-01-01 23:59")
    assert explain(shiba, *asked)["mode"] == "automatic", "the last day, as the explanation says"
    assert explain(shiba, "--extension", "2101")["considered"][0]["why"] == "over", "now is moved"
    assert "2040-01-01 (Sun, New Year's Day) 23:59" in shiba("rule", "explain", *asked).out


def test_a_number_that_is_dialled_with_a_prefix_meets_its_rule(
    shiba: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    add(shiba, "--everywhere", "--mode", "automatic")
    never = add(shiba, "--caller", "03-9876-5432", "--mode", "never")
    asked = ("--extension", "2101", "--direction", "outbound", "--caller", "01840398765432")
    assert explain(shiba, *asked)["mode"] == "automatic", "nobody said that 0 is a prefix"
    monkeypatch.setenv("CALLREC_OFFICE__PREFIXES", '["0", "9", "0036"]')
    assert explain(shiba, *asked)["rule"] == never
    assert "other party: +81398765432" in shiba("rule", "explain", *asked).out


def test_a_rule_that_was_written_with_a_prefix_is_about_the_number(
    shiba: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CALLREC_OFFICE__PREFIXES", '["0"]')
    add(shiba, "--everywhere", "--mode", "automatic")
    never = add(shiba, "--caller", "00398765432", "--mode", "never")
    asked = ("--extension", "2101", "--caller")
    assert explain(shiba, *asked, "+81398765432")["rule"] == never
    assert explain(shiba, *asked, "0398765432", "--direction", "outbound")["rule"] == never
    assert explain(shiba, *asked, "00398765432")["rule"] == never, "a caller who presents it so"


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


def test_the_gate_alone_does_not_say_that_a_call_is_recorded(shiba: Office) -> None:
    asked, open_ = ("rule", "explain", "--number", "6000"), "who answers decides whether it is recorded"
    assert open_ in shiba(*asked).out, "no rule for the number is no never"
    add(shiba, "--extension", "6000", "--mode", "automatic")
    assert open_ in shiba(*asked).out
    assert open_ not in shiba(*asked, "--extension", "2101").out
    assert open_ not in shiba("rule", "explain", "--extension", "2101").out
    add(shiba, "--extension", "6000", "--mode", "never")
    assert open_ not in shiba(*asked).out


def test_an_announcement_that_comes_too_late_for_the_gate_is_said_to(shiba: Office) -> None:
    add(shiba, "--extension", "2101", "--mode", "automatic", "--announce", "before-connect")
    asked, late = ("rule", "explain", "--number", "6000", "--extension", "2101"), "is not known then"
    told = shiba(*asked).out
    assert late in told and ": at the start, heard by both" in told
    assert "notice: before the phone rings" not in told, "two lines that contradict each other"
    assert "notice: before the phone rings" in shiba("rule", "explain", "--extension", "2101").out
    assert late not in shiba(*asked, "--direction", "outbound").out + shiba("rule", "explain", *asked[4:]).out
    add(shiba, "--extension", "6000", "--mode", "manual", "--announce", "before-connect")
    assert late not in shiba(*asked).out


def test_the_number_of_who_calls_at_the_place_of_the_number_dialled_is_noticed(
    shiba: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    add(shiba, "--facility", "shiba", "--mode", "automatic")
    asked = ("rule", "explain", "--extension", "2101", "--number", "03-9876-5432", "--direction", "inbound")
    assert "the number outside is given with --caller" in shiba(*asked).out
    monkeypatch.setenv("CALLREC_LANG", "ja")
    told = shiba(*asked).out
    monkeypatch.setenv("CALLREC_LANG", "en")
    language.use()
    assert "03-9876-5432 (どの施設にも属していません" in told and "--caller" in told
    assert "電話機が鳴る前に流" in told and ": 電話機が鳴る前" not in told


def test_a_number_of_a_trunk_is_known_however_it_is_written(shiba: Office) -> None:
    shiba("extension", "add", "+81312340000", "--facility", "shiba", "--service", "--name", "代表")
    rule = add(shiba, "--extension", "+81312340000", "--mode", "automatic")
    assert explain(shiba, "--number", "03-1234-0000")["rule"] == rule
    assert "(代表, 芝地区総合支所 (shiba))" in shiba("rule", "explain", "--number", "0312340000").out


@pytest.mark.parametrize(
    ("spoken", "words"),
    [
        ("en", ["2026-11-23 (Mon, Labor Thanksgiving Day) 10:00", "窓口1, 芝地区総合支所 (shiba)"]),
        (
            "en",
            ["recorded automatically: rule 1@1 for the facility applies", "the phone rings, in Japanese"],
        ),
        ("en", ["rule 2@1 (extension 2101, Mon-Fri 08:30-17:15, not on public holidays, not recorded)"]),
        ("en", ["does not apply: it is not for public holidays"]),
        ("ja", ["2026-11-23 (月, 勤労感謝の日) 10:00", "施設に対するルール 1@1 が適用されます"]),
        (
            "ja",
            [
                "ルール 2@1（内線 2101, 月-金 08:30-17:15, 祝日を除く, 録音しない）",
                "祝日を除く録音ルールです",
            ],
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


@pytest.mark.parametrize("spoken", ["en", "ja"])
def test_the_example_of_the_documentation_leaves_no_gap(shiba: Office, spoken: str) -> None:
    page = (DOCS / spoken / "rules.md").read_text("utf-8")
    section = page.split({"en": "## Conditions\n", "ja": "## 条件\n"}[spoken])[1].split("\n## ")[0]
    examples = [
        line for line in section.splitlines() if line.startswith("    callrec rule add --facility shiba")
    ]
    for line in examples:
        assert shiba(*shlex.split(line)[1:], "--quiet").code == 0
    assert len(examples) == 2 and shiba("rule", "check", "--offline").out == ""
    modes = {
        at: explain(shiba, "--extension", "2101", "--direction", "inbound", "--at", at)["mode"]
        for at in ("2026-11-24 10:00", "2026-11-30 07:00", "2026-11-23 10:00", "2026-11-28 10:00")
    }
    assert list(modes.values()) == ["automatic", "standby", "standby", "standby"]


@pytest.mark.parametrize("spoken", ["en", "ja"])
def test_the_rules_of_the_documents_announce_otherwise_after_hours(
    shiba: Office, spoken: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each command of the section is run; the last two explain a working day and a public holiday."""
    monkeypatch.setenv("CALLREC_PROMPTS__DIRECTORY", str(tmp_path / "own"))
    heading = {"en": "## Another announcement after hours", "ja": "## 夜間・休日にお知らせを変える"}[spoken]
    _, section = (DOCS / spoken / "rules.md").read_text("utf-8").split(heading)
    lines = [
        line.strip() for line in section.split("\n## ")[0].splitlines() if line.startswith("    callrec ")
    ]
    done = [shiba(*shlex.split(line)[1:]) for line in lines]
    assert [each.code for each in done] == [0] * 6
    assert "announcement day: before the phone rings" in done[-2].out
    assert "announcement night: before the phone rings" in done[-1].out
