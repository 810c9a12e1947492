"""What was noticed of calls is told for a day, or until somebody has seen it."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from callrec.model.flaws import Flaw
from callrec.spool.directory import Spool
from callrec.spool.flaws import FOLDER, Flaws


@pytest.fixture
def flaws(tmp_path: Path) -> Flaws:
    return Spool(tmp_path).flaws


def _age(folder: Path, age: timedelta) -> None:
    for path in (folder / FOLDER).glob("*.json"):
        path.write_text(json.dumps({"at": (datetime.now(UTC) - age).isoformat()}))


def test_they_are_counted_by_kind_and_call(flaws: Flaws) -> None:
    for call in ("01a-2", "01a-1", "01a-2"):
        flaws.add(call, Flaw.NO_SOUND)
    flaws.add("01a-1", Flaw.ANNOUNCEMENT_FAILED)
    assert flaws.recent() == {Flaw.NO_SOUND: ["01a-1", "01a-2"], Flaw.ANNOUNCEMENT_FAILED: ["01a-1"]}
    flaws.forget()
    assert flaws.recent() == {}


def test_after_a_day_they_are_told_no_more(flaws: Flaws, tmp_path: Path) -> None:
    flaws.add("01a-1", Flaw.NO_SOUND)
    _age(tmp_path, timedelta(hours=23))
    assert flaws.recent()
    _age(tmp_path, timedelta(hours=25))
    assert not flaws.recent()
    flaws.add("01a-2", Flaw.NO_SOUND)
    assert [path.name for path in (tmp_path / FOLDER).iterdir()] == ["01a-2.no-sound.json"]


def test_a_damaged_one_is_passed_over(flaws: Flaws, tmp_path: Path) -> None:
    for name in ("01a-1.no-sound.json", "01a-2.unheard-of.json"):
        (tmp_path / FOLDER / name).write_text("")
    assert flaws.recent() == {}


@pytest.mark.parametrize("found", ["null", "{}", '{"at": 7}', "\udcff"])
def test_one_of_another_form_is_passed_over_too(flaws: Flaws, tmp_path: Path, found: str) -> None:
    flaws.add("01a-1", Flaw.NO_SOUND)
    (tmp_path / FOLDER / "01a-2.no-sound.json").write_bytes(found.encode("utf-8", "surrogateescape"))
    (tmp_path / FOLDER / "copy of 01a-1.json").write_text("")
    assert flaws.recent() == {Flaw.NO_SOUND: ["01a-1"]}
