"""Generated pages are up to date, links lead somewhere, and both languages have the same pages."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from callrec import language, manifest, wording
from callrec.files import PARTIAL
from callrec.spool import lock, snapshot, status, version
from callrec.spool.directory import CAPTURED, SENT, Spool
from tests import reference
from tests.parsed import tree_of
from tests.unit.samples import call, captured_call

ROOT = Path(__file__).parents[2]
PAGES = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]


def test_the_reference_is_that_of_the_commands(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LANGUAGE", "en")
    assert (ROOT / "docs/reference.md").read_text("utf-8") == reference.reference(), "run make reference"


def test_the_reference_is_the_same_after_japanese_help(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LANGUAGE", "en")  # for it to be as before at the end
    language.use("ja")
    assert "このヘルプを表示" in reference.reference()
    test_the_reference_is_that_of_the_commands(monkeypatch)


def test_the_schema_is_that_of_the_manifest() -> None:
    assert (ROOT / "docs/manifest.schema.json").read_text("utf-8") == reference.schema(), "run make reference"


def test_every_field_of_a_manifest_is_in_the_schema() -> None:
    known = json.loads(reference.schema())
    assert set(known["properties"]) == set(manifest.Manifest.__dataclass_fields__)
    assert known["additionalProperties"] is False
    for name, made in (("CallRecord", call()), ("Capture", captured_call().capture)):
        assert set(known["$defs"][name]["properties"]) == set(made.__dataclass_fields__)


def test_everything_in_the_schema_is_described() -> None:
    bare = [place for place, each in _described(json.loads(reference.schema())) if not each["description"]]
    assert not bare, "write a docstring below the field"


def test_what_can_be_null_says_when_and_times_say_by_which_clock() -> None:
    for place, each in _described(json.loads(reference.schema())):
        types = [each, *each.get("anyOf", ())]
        text = each["description"]
        if any(kind.get("type") == "null" for kind in types):
            assert "null" in text.lower(), place
        if any(kind.get("format") == "date-time" for kind in types):
            assert "clock" in text or "Computed by callrec" in text, place


def test_codes_of_decisions_are_explained_in_the_schema() -> None:
    known = json.loads(reference.schema())["$defs"]
    for name, field, codes in (("Decision", "reason", wording.REASONS), ("Candidate", "why", wording.WHY)):
        text = known[name]["properties"][field]["description"]
        assert set(re.findall(r"`([a-z-]+)`", text)) >= set(codes)


def _described(
    found: Any, place: str = "manifest", *, named: bool = True
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Whatever in a schema needs a description: objects, their properties, enums and each of their values."""
    if isinstance(found, list):
        for number, each in enumerate(found):
            yield from _described(each, f"{place}[{number}]", named=place.endswith(".oneOf"))
    if isinstance(found, dict):
        if named or "enum" in found:
            yield place, {"description": "", **found}
        for name, each in found.items():
            yield from _described(each, f"{place}.{name}", named=place.endswith((".properties", ".$defs")))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#:]+?)(?:#[^)]*)?\)", page.read_text("utf-8")):
        assert (page.parent / target).exists(), f"{page.name}: {target}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_to_headings(page: Path) -> None:
    for name, fragment in re.findall(r"\]\(([^)#:]*)#([^)]+)\)", page.read_text("utf-8")):
        text = (page.parent / name if name else page).read_text("utf-8")
        headings = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
        assert fragment in {_anchor(each) for each in headings}, f"{page.name}: {name}#{fragment}"


def _anchor(heading: str) -> str:
    """By which name GitHub finds a heading: small letters, hyphens for blanks, no punctuation."""
    return re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_row_of_a_table_has_the_cells_of_its_head(page: Path) -> None:
    head, wrong = None, []
    for line in page.read_text("utf-8").splitlines():
        cells = re.sub(r"`[^`]*`|\\\|", "", line).count("|") if line.lstrip().startswith("|") else None
        head = head if head and cells else cells
        wrong += [line] if cells != head else []
    assert not wrong


def test_both_languages_have_the_same_pages() -> None:
    english, japanese = ({path.name for path in (ROOT / "docs" / each).iterdir()} for each in ("en", "ja"))
    assert english == japanese


def _names(path: Path) -> set[str]:
    """What a module defines: functions, classes, constants, and methods as Class.method."""
    found = set()
    for node in tree_of(path).body:
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            found.add(node.name)
        if isinstance(node, ast.ClassDef):
            found |= {f"{node.name}.{each.name}" for each in node.body if isinstance(each, ast.FunctionDef)}
        if isinstance(node, (ast.Assign, ast.AnnAssign)):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            found |= {each.id for each in targets if isinstance(each, ast.Name)}
    return found


@pytest.mark.parametrize("name", ["CONTRIBUTING.md", "docs/architecture.md"])
def test_the_code_that_is_named_exists(name: str) -> None:
    places = re.findall(r"`([a-z_/]+\.py)(?::([A-Za-z_.]+))?`", (ROOT / name).read_text("utf-8"))
    assert len(places) > 10
    for path, symbol in places:
        found = [base / path for base in (ROOT / "callrec", ROOT) if (base / path).is_file()]
        in_a_room = found if found else list((ROOT / "callrec").glob(f"*/{path}"))
        assert in_a_room, path
        assert not symbol or symbol in _names(in_a_room[0]), f"{path}:{symbol}"


def test_every_file_of_the_spool_is_in_the_architecture(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    spool.folder("a-recording").mkdir()
    spool.quarantine("a-recording")
    (tmp_path / "alerts/an-alert.json").touch()
    spool.give_up_alert("an-alert")
    made = {path.name for path in tmp_path.rglob("*") if path.is_dir()} - {"a-recording"}
    named = {lock.FILE, snapshot.FILE, status.FILE, version.MARK, CAPTURED, SENT, PARTIAL}
    architecture = (ROOT / "docs/architecture.md").read_text("utf-8")
    assert len(made) > 8
    assert [name for name in made | named if not re.search(rf"`[^`]*{re.escape(name)}\b", architecture)] == []


def test_every_decision_has_a_date_and_a_status_and_is_in_the_index() -> None:
    index = (ROOT / "docs/decisions/README.md").read_text("utf-8")
    for page in sorted((ROOT / "docs/decisions").glob("0*.md")):
        _, _, under_the_title, *_ = page.read_text("utf-8").splitlines()
        assert re.match(r"20\d\d-\d\d-\d\d · ", under_the_title), page.name
        assert f"]({page.name})" in index, page.name


def test_every_package_says_what_it_does() -> None:
    for path in sorted((ROOT / "callrec").glob("*/__init__.py")):
        said = ast.get_docstring(tree_of(path)) or ""
        assert len(said.split()) > 30, path.parent.name


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_tests_that_are_named_exist(page: Path) -> None:
    for name in re.findall(r"\btest_[a-z0-9_]+\b(?!\.py)", page.read_text("utf-8")):
        assert name in _tests(), f"{page.name}: {name}"


@cache
def _tests() -> set[str]:
    files = (ROOT / "tests").rglob("test_*.py")
    return {name for path in files for name in re.findall(r"def (\w+)\(", path.read_text("utf-8"))}


@cache
def _reference() -> str:
    return (ROOT / "docs/reference.md").read_text("utf-8")  # the first test compares it


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_commands_that_are_shown_exist(page: Path) -> None:
    text = _reference()
    known = set(re.findall(r"^## (callrec.*)$", text, re.MULTILINE))
    for line in re.findall(r"^[ \t]+(callrec [a-z].*)$", page.read_text("utf-8"), re.MULTILINE):
        words = line.split()
        assert " ".join(words[:2]) in known, line
        options = {word for word in words if word.startswith("--")}
        assert all(option in text for option in options), line
