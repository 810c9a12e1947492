"""On a real full disk, a command makes the whole file or none, and makes it when there is room again."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.integration.full_disk import try_on_full_disk
from tests.unit.program import Done


@pytest.mark.parametrize(
    ("name", "pages", "arguments"),
    [
        ("office.toml", 0, ["rule", "export"]),
        ("chart.png", 2, ["facility", "report", "--chart"]),
        ("features.conf", 0, ["pbx", "config", "-o"]),
        ("callrec.toml", 0, ["init"]),
    ],
)
def test_a_full_disk_leaves_no_half_file(
    office: Callable[..., Done], tmp_path: Path, name: str, pages: int, arguments: list[str]
) -> None:
    assert office("facility", "add", "shiba", "--name", "芝地区総合支所").code == 0
    disk = tmp_path / "disk"
    given = ["--config", str(tmp_path / "callrec.toml"), *arguments, str(disk / name)]
    if arguments == ["init"]:
        here = ["--database-url", f"sqlite:///{tmp_path}/c.db", "--spool", str(tmp_path / "spool")]
        given = ["--config", str(disk / name), "init", "--non-interactive", *here]
    tried = try_on_full_disk(disk, pages, *given)
    assert tried.code in (1, 2) and tried.left == []
    assert tried.complaint.strip() == f"callrec: {disk / name} cannot be written: the disk is full"
    (made,) = tried.made.iterdir()
    assert tried.again == 0 and made.name == name and made.stat().st_size > pages * 4096
