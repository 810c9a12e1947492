"""All that a key needs, in one place: who adds one sees here what is missing (see CONTRIBUTING).

What the type checker cannot see: a code that is free, the settings, the PBX's includes, the words, the pages.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from configparser import ConfigParser
from enum import StrEnum
from pathlib import Path

import pytest

from callrec import call_words, wording
from callrec.configuration import Answers, render
from callrec.model.alerts import AlertState
from callrec.model.calls import FeatureCode, KeyResult, Outcome
from callrec.model.captures import KeptBecause, SilenceReason
from callrec.model.rules import Announce, Direction, Holidays, Mode, Scope
from callrec.model.tones import TONES, name_of
from callrec.pbx.feature_codes import Setting, rivals
from callrec.settings import KeySettings

ROOT = Path(__file__).parents[2]
PAGES = [
    *("README.md", "README.ja.md"),
    *(
        f"docs/{language}/{page}.md"
        for page in ("staff", "rules", "calls", "legal")
        for language in ("en", "ja")
    ),
]
_SETTINGS = KeySettings().model_dump()
CODES = {key: _SETTINGS.get(key, f"no code for {key}") for key in FeatureCode}
"""The usual codes; a key without a setting must not keep the other tests from naming what it needs."""


@pytest.mark.parametrize("key", FeatureCode)
def test_a_key_has_a_setting(key: FeatureCode) -> None:
    assert key in _SETTINGS


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


def test_no_code_is_one_that_the_pbx_of_the_demo_uses() -> None:
    features = ConfigParser(delimiters=("=>", "="), inline_comment_prefixes=(";",))
    features.read(ROOT / "asterisk/demo/features.conf")
    assert features["featuremap"]
    given = features["applicationmap"] if features.has_section("applicationmap") else []
    assert list(rivals(_told(features), KeySettings().codes, given)) == []


def _told(config: Mapping[str, Mapping[str, str]]) -> Setting:
    """What a PBX says that has this features.conf."""
    return lambda _file, section, name: config[section].get(name, "") if section in config else ""


def test_no_key_uses_a_code_that_admins_are_told_to_give_to_the_pbx() -> None:
    for page in ("docs/en/admin.md", "docs/ja/admin.md"):
        (line,) = [line for line in (ROOT / page).read_text("utf-8").splitlines() if "`atxferswap`" in line]
        abort, swap = re.findall(r"`(\*\d)`", line.partition("`[general]`")[2])
        general = {"atxferabort": abort, "atxferswap": swap}
        config = {"general": general, "featuremap": {"atxfer": "*2"}}
        assert list(rivals(_told(config), KeySettings().codes, [])) == [], page


@pytest.mark.parametrize("page", PAGES)
def test_the_pages_tell_of_every_key(page: str) -> None:
    text = (ROOT / page).read_text("utf-8")
    assert [code for code in CODES.values() if f"`{code}`" not in text] == []


@pytest.mark.parametrize("page", ["docs/en/admin.md", "docs/ja/admin.md"])
def test_admins_have_a_table_of_every_key(page: str) -> None:
    text = (ROOT / page).read_text("utf-8")
    assert [key for key, code in CODES.items() if f"\n| `{code}` | `{key}` | " not in text] == []


@pytest.mark.parametrize("result", KeyResult)
def test_what_a_key_did_has_a_tone(result: KeyResult) -> None:
    assert name_of(result) in TONES


@pytest.mark.parametrize(
    ("words", "kind"),
    [
        (wording.FEATURES, FeatureCode),
        (wording.KEY_RESULTS, KeyResult),
        (wording.SILENCE_REASONS, SilenceReason),
        (call_words.KEPT_BECAUSE, KeptBecause),
        (wording.ALERT_STATES, AlertState),
        (call_words.OUTCOMES, Outcome),
        (call_words.DIRECTIONS, Direction),
        (wording.MODES, Mode),
        (wording.SCOPES, Scope),
        (wording.HOLIDAYS, Holidays),
        (wording.ANNOUNCEMENTS, Announce),
    ],
    ids=lambda each: each.__name__ if isinstance(each, type) else "",
)
def test_everything_that_is_shown_has_words(words: dict[StrEnum, str], kind: type[StrEnum]) -> None:
    assert set(words) == set(kind)
