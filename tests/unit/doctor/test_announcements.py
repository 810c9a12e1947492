"""What doctor says of the announcements, as far as it needs no PBX."""

from __future__ import annotations

from typing import Any

import pytest

from callrec.app import App
from callrec.catalogue import rules
from callrec.model.rules import Announce, Mode, Rule, Scope
from tests.unit.doctor.look import check


def _rule(app: App, **fields: Any) -> None:
    made = {"mode": Mode.AUTOMATIC, "announce": None, **fields}
    new = Rule(0, 0, Scope.EVERYWHERE, None, changed_at=app.now, changed_by="", **made)
    with app.database.begin() as connection:
        rules.add(connection, new, who="test", at=app.now)


def test_the_announcements_of_all_rules_are_there(app: App) -> None:
    _rule(app, languages=("ja", "en"))
    result = check(app, "announcements of the rules")
    assert result.ok and result.found == "1 rules with an announcement"


def test_a_prompt_that_a_rule_names_and_nobody_added(app: App) -> None:
    _rule(app, languages=("ja", "fr"))
    result = check(app, "announcements of the rules")
    assert not result.ok
    assert "rule 1 announces with prompt notice in language fr" in result.found
    assert "callrec prompt add FILE --name notice --language fr" in result.found


@pytest.mark.parametrize("ending", ["wav", "wav16"])
def test_a_rate_that_a_rule_may_need(app: App, ending: str) -> None:
    _rule(app, languages=("ja", "en"))
    (app.library.directory / "en" / f"notice.{ending}").unlink()
    result = check(app, "announcements of the rules")
    assert not result.ok and f"en/notice.{ending} is missing" in result.found


@pytest.mark.parametrize("fields", [{"mode": Mode.NEVER}, {"announce": Announce.NONE}])
def test_what_is_never_played_need_not_be_there(app: App, fields: dict[str, Any]) -> None:
    _rule(app, prompt="nothing", **fields)
    assert check(app, "announcements of the rules").ok
