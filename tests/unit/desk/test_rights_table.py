"""The table of who may do what, in the reference, is that of the operations."""

from __future__ import annotations

import pytest

from callrec.desk.operation import OPERATIONS
from callrec.model.access import Role
from tests import reference


@pytest.fixture
def rows(monkeypatch: pytest.MonkeyPatch) -> dict[str, list[str]]:
    """The cells of each command."""
    monkeypatch.setenv("LANGUAGE", "en")
    lines = reference.reference().partition(reference.RIGHTS)[2].splitlines()[2:]
    found = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return {name.strip("`"): cells for name, *cells in found}


def test_each_command_has_a_row(rows: dict[str, list[str]]) -> None:
    assert list(rows) == reference.commands()
    assert all(cells[-1] == reference.YES for cells in rows.values()), "who works directly may do everything"


def test_a_row_says_what_the_operation_says(rows: dict[str, list[str]]) -> None:
    assert rows["facility add"] == ["●", "", "", "", "●"] and rows["custody ID"] == ["", "", "", "●", "●"]
    assert rows["prompt check"] == ["●"] * 5, "it asks nothing"
    assert rows["access show"] == ["○", "○", "○", "●", "●"] and rows["access grant"] == [""] * 4 + ["●"]
    for each in OPERATIONS.values():
        for role, cell in zip(Role, rows.get(each.command, []), strict=False):
            assert role not in each.roles or cell == reference.YES, each.command
