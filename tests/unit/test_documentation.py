"""Generated pages are up to date, links lead somewhere, and both languages have the same pages."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from callrec import manifest
from tests import reference
from tests.unit.samples import call, captured_call

ROOT = Path(__file__).parents[2]
PAGES = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]


def test_the_reference_is_that_of_the_commands(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LANGUAGE", "en")
    assert (ROOT / "docs/reference.md").read_text("utf-8") == reference.reference(), "run make reference"


def test_the_schema_is_that_of_the_manifest() -> None:
    assert (ROOT / "docs/manifest.schema.json").read_text("utf-8") == reference.schema(), "run make reference"


def test_every_field_of_a_manifest_is_in_the_schema() -> None:
    known = json.loads(reference.schema())
    assert set(known["properties"]) == set(manifest.Manifest.__dataclass_fields__)
    assert known["additionalProperties"] is False
    for name, made in (("CallRecord", call()), ("Capture", captured_call().capture)):
        assert set(known["$defs"][name]["properties"]) == set(made.__dataclass_fields__)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#:]+?)(?:#[^)]*)?\)", page.read_text("utf-8")):
        assert (page.parent / target).exists(), f"{page.name}: {target}"


def test_both_languages_have_the_same_pages() -> None:
    english, japanese = ({path.name for path in (ROOT / "docs" / each).iterdir()} for each in ("en", "ja"))
    assert english == japanese


@pytest.mark.parametrize(
    "page", [ROOT / "README.md", *(ROOT / "docs/en" / name for name in ("admin.md", "legal.md", "rules.md"))]
)
def test_commands_that_are_shown_exist(page: Path) -> None:
    known = set(re.findall(r"^## (callrec.*)$", reference.reference(), re.MULTILINE))
    for line in re.findall(r"^[ \t]+(callrec .*)$", page.read_text("utf-8"), re.MULTILINE):
        words = line.split()
        assert " ".join(words[:2]) in known, line
        options = {word for word in words if word.startswith("--")}
        text = reference.reference()
        assert all(option in text for option in options), line
