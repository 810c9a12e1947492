"""The walls of the pure core: what `recording/` and `policy/` may import and call, read off the syntax tree.

import-linter holds the walls between packages (pyproject.toml), but does not see the standard library.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import callrec
from callrec.recording import actions, states
from callrec.recording.actions import PbxAction, SpoolAction

PACKAGE = Path(callrec.__file__).parent
PURE = sorted(path for room in ("recording", "policy") for path in (PACKAGE / room).glob("*.py"))

STANDARD = {
    "__future__", "bisect", "collections", "dataclasses", "datetime", "enum", "functools", "heapq",
    "itertools", "math", "operator", "re", "types", "typing", "unicodedata", "zoneinfo",
}  # fmt: skip
"""Modules of the standard library that neither wait, nor look at a clock, a file, a socket or chance."""
OTHERS = {"holidays"}
OWN = {
    "backoff", "dates", "durations", "errors", "ids", "model", "moments", "numbers", "pbx.codecs",
    "pbx.events", "pbx.mixmonitor", "policy", "recording", "texts", "times_of_day",
}  # fmt: skip
IMPURE_CALLS = {"now", "today", "utcnow", "open", "print", "input", "exec", "eval", "uuid7", "new"}
"""The clock, the console, files and new ids are given by whoever calls: see recording.environment."""


def impurities(source: str) -> Iterator[str]:
    """Every import and call in a module that the pure core must not have."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if not _is_allowed(alias.name, ""))
        if isinstance(node, ast.ImportFrom):
            module = node.module or ""
            yield from (
                f"{module}.{alias.name}" for alias in node.names if not _is_allowed(module, alias.name)
            )
        if isinstance(node, ast.Call) and _called(node.func) in IMPURE_CALLS:
            yield f"{ast.unparse(node.func)}()"


def _is_allowed(module: str, name: str) -> bool:
    top, _, rest = module.partition(".")
    if top != "callrec":
        return top in STANDARD | OTHERS
    wanted = rest or name
    return any(wanted == own or wanted.startswith(f"{own}.") for own in OWN) or f"{wanted}.{name}" in OWN


def _called(function: ast.expr) -> str:
    if isinstance(function, ast.Attribute):
        return function.attr
    return function.id if isinstance(function, ast.Name) else ""


@pytest.mark.parametrize("path", PURE, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_the_core_has_no_threads_clock_disk_or_network(path: Path) -> None:
    assert list(impurities(path.read_text("utf-8"))) == []


@pytest.mark.parametrize(
    "line",
    [
        "import threading",
        "import time",
        "from os import path",
        "import socket",
        "import subprocess as sp",
        "import structlog",
        "from pathlib import Path",
        "import random",
        "from callrec.spool.directory import Spool",
        "from callrec.prompts import Library",
        "from callrec import prompts",
        "from callrec.pbx.ari import Ari",
        "from callrec.pbx import ari",
        "from callrec.settings_file import load",
        "datetime.now(UTC)",
        "date.today()",
        "open('x')",
        "ids.new()",
    ],
)
def test_the_wall_holds(line: str) -> None:
    assert list(impurities(line))


@pytest.mark.parametrize(
    "line",
    [
        "from datetime import UTC, datetime",
        "from callrec import ids",
        "from callrec.pbx import events as ev",
        "from callrec.pbx.events import Channel",
        "from callrec.model.prompts import Prompt",
        "ids.derived(at, 'x')",
    ],
)
def test_the_wall_has_its_doors(line: str) -> None:
    assert not list(impurities(line))


def test_every_action_is_in_the_union_of_its_performer() -> None:
    """By their names: a class with slots is made twice, and the first one may still be there."""
    made = {each.__name__ for base in (actions._OfCall, actions._Making) for each in base.__subclasses__()}
    to_pbx, to_spool = ({each.__name__ for each in union.__args__} for union in (PbxAction, SpoolAction))
    assert to_pbx | to_spool == made - {"_Making"} and not to_pbx & to_spool


def test_the_tables_of_states_run() -> None:
    """A table that only tests and pages read is worth nothing: the core advances by each of them."""
    sources = [path.read_text("utf-8") for path in PURE if path.name != "states.py"]
    for name in ("LIVE", "CAPTURE", "KEEPING"):
        assert isinstance(getattr(states, name), dict)
        assert any(f"advance({name}," in source for source in sources), name


def test_no_test_file_imports_from_another() -> None:
    for path in Path(__file__).parents[1].rglob("*.py"):
        if not re.search(r"\bfrom\b.*\btest_", path.read_text("utf-8")):
            continue  # to read them all as Python takes a second
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.ImportFrom):
                assert ".test_" not in f".{node.module or ''}", path.name
