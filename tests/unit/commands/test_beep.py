"""The consent beep as an option of rules: written, read and told as 15s, from the rule to the decision."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from callrec import language
from callrec.durations import parse_seconds, written_seconds
from callrec.model.rules import Mode
from callrec.policy.combine import combine
from callrec.policy.decide import decide
from callrec.policy.rules import BEEP_SECONDS, RuleSet
from tests.unit.policy.samples import CALL, rule
from tests.unit.program import Done
from tests.unit.samples import DECISION

Office = Callable[..., Done]
ADD = ("rule", "add", "--everywhere", "--mode", "automatic")


def test_seconds_are_read_as_they_are_written() -> None:
    assert all(parse_seconds(written_seconds(each)) == each for each in BEEP_SECONDS)
    assert (parse_seconds("１５ｓ"), parse_seconds("1m")) == (15, 60)


def test_the_rule_that_wins_says_whether_there_is_a_beep() -> None:
    wide, narrow = rule(1, "automatic", beep_s=15), rule(2, "automatic", "extension", "2101")
    assert decide(CALL, RuleSet([wide])).beep_s == 15
    assert decide(CALL, RuleSet([wide, narrow])).beep_s is None
    assert decide(CALL, RuleSet([rule(1, "never", beep_s=15)])).beep_s is None, "nothing is recorded"


def test_of_a_queue_and_who_answers_the_one_who_answers_counts() -> None:
    gate, answering = replace(DECISION, rule=7, beep_s=15), replace(DECISION, rule=8, beep_s=60)
    assert combine(gate, answering).beep_s == 60
    assert combine(gate, replace(answering, beep_s=None)).beep_s is None
    never = replace(gate, mode=Mode.NEVER, beep_s=None)
    assert combine(never, answering).beep_s is None


def test_a_rule_gets_a_beep_another_and_none(office: Office) -> None:
    assert office(*ADD, "--beep", "15s").code == 0
    assert "consent beep: every 15 s" in office("rule", "list").out
    assert office("rule", "change", "1", "--beep", "1m").code == 0
    assert office("rule", "change", "1", "--beep", "none").code == 0
    assert [
        json.loads(office("rule", "show", f"1@{each}", "--json").out)["beep_s"] for each in (1, 2, 3)
    ] == [
        15,
        60,
        None,
    ]
    assert "consent beep: 15 s\n" in office("rule", "show", "1@1").out
    assert "consent beep: —\n" in office("rule", "show", "1").out
    told = office("rule", "history", "1").out
    assert "consent beep: 15 s → 60 s" in told and "consent beep: 60 s → —" in told
    (_, second, _) = json.loads(office("rule", "history", "1", "--json").out)
    assert (second["old"], second["new"]) == ({"beep_s": 15}, {"beep_s": 60})


@pytest.mark.parametrize(
    ("spoken", "words"),
    [
        ("en", "consent beep: every 15 s, heard by both"),
        ("ja", "録音中のお知らせ音: 15 秒ごと（双方に聞こえます）"),
    ],
)
def test_explain_tells_of_it(
    office: Office, monkeypatch: pytest.MonkeyPatch, spoken: str, words: str
) -> None:
    assert office(*ADD, "--beep", "15s").code == 0
    assert json.loads(office("rule", "explain", "--extension", "2101", "--json").out)["beep_s"] == 15
    monkeypatch.setenv("CALLREC_LANG", spoken)
    told = office("rule", "explain", "--extension", "2101").out
    monkeypatch.setenv("CALLREC_LANG", "en")
    language.use()
    assert words in told


def test_a_file_holds_it_as_it_is_written(office: Office, tmp_path: Path) -> None:
    assert office(*ADD, "--beep", "15s").code == 0
    assert office("rule", "export", "office.toml").code == 0
    file = tmp_path / "office.toml"
    assert 'beep = "15s"' in file.read_text("utf-8")
    file.write_text(file.read_text("utf-8").replace("15s", "30s"), "utf-8")
    assert "consent beep: 15 s → 30 s" in office("rule", "import", "office.toml", "--dry-run").out
    assert office("rule", "import", "office.toml").code == 0
    assert json.loads(office("rule", "show", "1", "--json").out)["beep_s"] == 30
    file.write_text(file.read_text("utf-8").replace('beep = "30s"\n', ""), "utf-8")
    assert office("rule", "import", "office.toml").code == 0
    assert json.loads(office("rule", "show", "1", "--json").out)["beep_s"] is None
    file.write_text(file.read_text("utf-8") + 'beep = "often"\n', "utf-8")
    assert "often is not a duration" in office("rule", "import", "office.toml").err
