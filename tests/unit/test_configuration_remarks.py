"""The remarks of callrec.toml: in both languages, and nothing else of the file is another."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from callrec.configuration import Answers, render, write_file
from callrec.configuration_remarks import JAPANESE, in_japanese, remarked

ODD = Answers(prompts="/srv/お知らせ", pbx_prompts="/pbx # 1", secret_key='a # b\u2028# "c"')
EXAMPLE = re.compile(r'# [a-z_]+ = (?:"[^"]*"|\S+)')


@pytest.fixture(params=[Answers(), ODD], ids=["usual", "odd"])
def files(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """A file in each language."""
    found = {}
    for spoken in ("en", "ja"):
        monkeypatch.setenv("CALLREC_LANG", spoken)
        found[spoken] = render(request.param)
    return found


def test_keys_values_and_examples_are_the_same(files: dict[str, str]) -> None:
    assert tomllib.loads(files["ja"]) == tomllib.loads(files["en"])
    assert EXAMPLE.findall(files["ja"]) == EXAMPLE.findall(files["en"])
    assert remarked(files["ja"]) == remarked(files["en"])


def test_every_remark_is_there_in_both_languages(files: dict[str, str]) -> None:
    places = remarked(files["en"])
    assert len(places) == len(set(places)), "two remarks at one place: only one of them has Japanese words"
    assert set(places) == set(JAPANESE)


def test_no_remark_is_left_in_english(files: dict[str, str]) -> None:
    remarks = [each for each in files["ja"].split("\n") if each.startswith("# ") and not EXAMPLE.match(each)]
    address = "sqlite:////"
    assert [
        each for each in remarks if each.isascii() and address not in each and "-o FOLDER" not in each
    ] == []
    assert all(each.isascii() or each in files["ja"] for each in files["en"].split("\n") if each[:1] == "[")


def test_a_remark_that_nobody_has_put_into_japanese_stays() -> None:
    text = "[pbx]\n# A setting of tomorrow.\ntomorrow = 1\n# A short name.\nname = 2\n"
    assert in_japanese(text).replace(JAPANESE["pbx.name"], "A short name.") == text


@pytest.mark.parametrize(("locale", "begins"), [("ja_JP.UTF-8", "# callrec の設定"), ("C", "# callrec. Any")])
def test_the_locale_says_which(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, locale: str, begins: str
) -> None:
    for name in ("CALLREC_LANG", "LC_ALL", "LC_MESSAGES"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("LANG", locale)
    write_file(tmp_path / "callrec.toml", Answers())
    assert (tmp_path / "callrec.toml").read_text("utf-8").startswith(begins)
