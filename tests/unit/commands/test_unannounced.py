"""What becomes of a call that cannot be announced, as an option of rules: written, read and told."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from callrec import language
from callrec.model.rules import Mode, Unannounced
from callrec.policy.decide import decide
from callrec.policy.rules import RuleSet
from tests.unit.policy.samples import CALL, rule
from tests.unit.program import Done

Office = Callable[..., Done]
ADD = ("rule", "add", "--everywhere", "--mode", "automatic")
STRICT = (*ADD, "--unannounced", "discard")


def test_the_rule_that_wins_says_what_becomes_of_it() -> None:
    wide = rule(1, "automatic", unannounced=Unannounced.DISCARD)
    narrow = rule(2, "automatic", "extension", "2101")
    assert decide(CALL, RuleSet([wide])).unannounced is Unannounced.DISCARD
    assert decide(CALL, RuleSet([wide, narrow])).unannounced is Unannounced.RECORD
    never = decide(CALL, RuleSet([rule(1, "never", unannounced=Unannounced.DISCARD)]))
    assert (never.mode, never.unannounced) == (Mode.NEVER, Unannounced.RECORD), "nothing is recorded"


def test_a_rule_gets_it_and_loses_it(office: Office) -> None:
    assert office(*ADD).code == 0
    assert "nothing is recorded" not in office("rule", "list").out
    assert office("rule", "change", "1", "--unannounced", "discard").code == 0
    assert "cannot be played, nothing is recorded" in office("rule", "list").out
    assert office("rule", "change", "1", "--unannounced", "record").code == 0
    said = [json.loads(office("rule", "show", f"1@{each}", "--json").out) for each in (1, 2, 3)]
    assert [each["unannounced"] for each in said] == ["record", "discard", "record"]
    assert "unannounced calls: not recorded\n" in office("rule", "show", "1@2").out
    told = office("rule", "history", "1").out
    assert "unannounced calls: recorded all the same → not recorded" in told
    (_, second, _) = json.loads(office("rule", "history", "1", "--json").out)
    assert (second["old"], second["new"]) == ({"unannounced": "record"}, {"unannounced": "discard"})


@pytest.mark.parametrize(
    ("spoken", "words"),
    [
        ("en", "where the announcement cannot be played, nothing is recorded"),
        ("ja", "録音のお知らせを再生できない場合は、まったく録音しません"),
    ],
)
def test_explain_tells_of_it(
    office: Office, monkeypatch: pytest.MonkeyPatch, spoken: str, words: str
) -> None:
    assert office(*STRICT).code == 0
    said = json.loads(office("rule", "explain", "--extension", "2101", "--json").out)
    assert said["unannounced"] == "discard"
    monkeypatch.setenv("CALLREC_LANG", spoken)
    told = office("rule", "explain", "--extension", "2101").out
    monkeypatch.setenv("CALLREC_LANG", "en")
    language.use()
    assert words in told


def test_a_file_holds_it_where_it_is_not_the_default(office: Office, tmp_path: Path) -> None:
    assert office(*STRICT).code == 0 and office(*ADD, "--priority", "1").code == 0
    assert office("rule", "export", "office.toml").code == 0
    file = tmp_path / "office.toml"
    text = file.read_text("utf-8")
    assert text.count("unannounced") == 1 and 'unannounced = "discard"' in text
    file.write_text(text.replace('unannounced = "discard"\n', ""), "utf-8")
    dry = office("rule", "import", "office.toml", "--dry-run").out
    assert "unannounced calls: not recorded → recorded all the same" in dry
    assert office("rule", "import", "office.toml").code == 0
    assert json.loads(office("rule", "show", "1", "--json").out)["unannounced"] == "record"
    file.write_text(file.read_text("utf-8") + 'unannounced = "perhaps"\n', "utf-8")
    assert "perhaps is none of record, discard" in office("rule", "import", "office.toml").err


def test_check_finds_one_that_announces_nothing(office: Office) -> None:
    assert office(*STRICT, "--announce", "none").code == 0
    found = office("rule", "check", "--offline")
    assert found.code == 1 and "no announcement is played that could fail" in found.out
