"""All that a key needs, in one place: who adds one sees here what is missing (see CONTRIBUTING).

What the type checker cannot see: words, settings, the PBX's includes, the pages for staff.
"""

from __future__ import annotations

import re
import runpy
from enum import StrEnum
from pathlib import Path

import pytest

from callrec import wording
from callrec.configuration import Answers, render
from callrec.model.alerts import AlertState
from callrec.model.calls import FeatureCode, KeyResult, Outcome
from callrec.model.captures import KeptBecause, SilenceReason
from callrec.model.rules import Announce, Direction, Holidays, Mode, Scope
from callrec.model.tones import TONES, name_of
from callrec.settings import KeySettings

ROOT = Path(__file__).parents[2]
CODES = KeySettings().codes


@pytest.mark.parametrize("key", FeatureCode)
def test_a_key_has_a_setting_in_every_new_configuration(key: FeatureCode) -> None:
    assert f'\n{key} = "{CODES[key]}"\n' in render(Answers())


@pytest.mark.parametrize("key", FeatureCode)
def test_the_pbx_knows_a_key(key: FeatureCode) -> None:
    folder = ROOT / "asterisk/callrec"
    features, menu, dialplan = (
        (folder / f"{name}.conf").read_text("utf-8") for name in ("features", "confbridge", "extensions")
    )
    assert f"callrec-{key} => @KEY_{key.upper()}@,self,Gosub(callrec-key,s,1({key}))" in features
    assert f"@KEY_{key.upper()}@ = dialplan_exec(callrec-key,{key},1)" in menu
    for name in ("CALLREC_KEYS", "DYNAMIC_FEATURES"):
        (names,) = re.findall(rf"^{name} = (.*)$", dialplan, re.MULTILINE)
        assert f"callrec-{key}" in names.split("#"), name


def test_the_installer_has_the_usual_codes() -> None:
    installer = runpy.run_path(str(ROOT / "asterisk/install"))
    assert installer["KEYS"] == {str(key): code for key, code in CODES.items()}


@pytest.mark.parametrize(
    "page", ["docs/en/staff.md", "docs/ja/staff.md", "docs/en/rules.md", "docs/ja/rules.md"]
)
def test_the_pages_tell_of_every_key(page: str) -> None:
    text = (ROOT / page).read_text("utf-8")
    assert [code for code in CODES.values() if f"`{code}`" not in text] == []


@pytest.mark.parametrize("result", KeyResult)
def test_what_a_key_did_has_a_tone(result: KeyResult) -> None:
    assert name_of(result) in TONES


@pytest.mark.parametrize(
    ("words", "kind"),
    [
        (wording.FEATURES, FeatureCode),
        (wording.KEY_RESULTS, KeyResult),
        (wording.SILENCE_REASONS, SilenceReason),
        (wording.KEPT_BECAUSE, KeptBecause),
        (wording.ALERT_STATES, AlertState),
        (wording.OUTCOMES, Outcome),
        (wording.DIRECTIONS, Direction),
        (wording.MODES, Mode),
        (wording.SCOPES, Scope),
        (wording.HOLIDAYS, Holidays),
        (wording.ANNOUNCEMENTS, Announce),
    ],
    ids=lambda each: each.__name__ if isinstance(each, type) else "",
)
def test_everything_that_is_shown_has_words(words: dict[StrEnum, str], kind: type[StrEnum]) -> None:
    assert set(words) == set(kind)
