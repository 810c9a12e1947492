"""The office in a file: it comes back as it was, and a damaged one is not believed."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from callrec.app import App
from callrec.errors import CheckFailed, NotFound
from callrec.model.office import Extension, Facility
from callrec.model.rules import Direction, Holidays, Mode, Rule, Scope, Unannounced
from callrec.policy.hours import parse_hours
from callrec.policy.office import Office
from callrec.settings import Settings, SpoolSettings
from callrec.spool import snapshot
from tests.unit.samples import START

RULE = Rule(
    7,
    3,
    Scope.FACILITY,
    "shiba",
    Mode.AUTOMATIC,
    START,
    "港区",
    hours=parse_hours("mon-fri 08:30-17:15, sat"),
    holidays=Holidays.EXCLUDE,
    effective_until=START + timedelta(days=1),
    languages=("ja", "en"),
    beep_s=15,
    unannounced=Unannounced.DISCARD,
)
OFFICE = Office(
    [
        Facility("shiba", "芝地区総合支所", "2900", ("a@x.example", "b@x.example")),
        Facility("azabu", "麻布地区総合支所", "", ()),
        Facility("akasaka", "赤坂地区総合支所"),
    ],
    [
        Extension("2101", "shiba", "窓口1", aliases=("2101-WS", "992101")),
        Extension("6000", "shiba", service=True),
    ],
    [RULE, replace(RULE, id=8, scope=Scope.EVERYWHERE, target=None, mode=Mode.NEVER)],
    revision=12,
)


def test_it_comes_back_as_it_was(tmp_path: Path) -> None:
    snapshot.write(tmp_path / "office.json", OFFICE, START)
    saved = snapshot.read(tmp_path / "office.json")
    assert (saved.revision, saved.saved_at) == (12, START)
    assert list(saved.rules) == sorted(OFFICE.rules, key=lambda rule: rule.id)
    assert {each.number: each for each in saved.extensions} == OFFICE.extensions
    assert {each.code: each for each in saved.facilities} == OFFICE.facilities


def test_the_app_decides_by_it_as_before(tmp_path: Path) -> None:
    app = App(Settings(spool=SpoolSettings(directory=tmp_path)))
    app.make_spool()
    app.save_office(OFFICE)
    again, _ = app.saved_office()
    facts = OFFICE.facts(Direction.INBOUND, ["2101"], None, START)
    assert again.decide(facts) == OFFICE.decide(facts) and again.revision == OFFICE.revision
    assert not (tmp_path / snapshot.FILE).stat().st_mode & 0o077


def test_there_may_be_none(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="there is no copy of the rules"):
        snapshot.read(tmp_path / "office.json")


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_damage_is_noticed(tmp_path: Path, data: st.DataObject) -> None:
    path = tmp_path / "office.json"
    snapshot.write(path, OFFICE, START)
    whole = path.read_bytes()
    place = data.draw(st.integers(0, len(whole) - 1))
    damaged = whole[:place] + data.draw(st.sampled_from([b"", b"7", b"x", b'"'])) + whole[place + 1 :]
    path.write_bytes(damaged)
    try:
        saved = snapshot.read(path)
    except CheckFailed as error:
        assert "cannot be used" in str(error) and "\n" not in str(error)
    else:
        assert json.loads(damaged) == json.loads(whole), "only what means the same passes"
        assert saved.rules


def test_a_file_of_another_version_is_not_guessed_at(tmp_path: Path) -> None:
    path = tmp_path / "office.json"
    snapshot.write(path, OFFICE, START)
    path.write_text(path.read_text().replace('"schema": 1', '"schema": 2'))
    with pytest.raises(CheckFailed, match="version 2, this callrec reads 1"):
        snapshot.read(path)


def test_a_write_that_fails_leaves_the_old_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "office.json"
    snapshot.write(path, OFFICE, START)

    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        snapshot.write(path, Office(), START)
    assert snapshot.read(path).revision == 12
