"""What manifests say of the clocks: to the second, and asked for once in a while."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from callrec import clocks
from callrec.app import App
from callrec.app.manifest_sources import AppSources
from callrec.errors import CatalogueUnreachable, Unreachable
from callrec.health.clock_watch import OLDEST_S
from callrec.model.office import Extension, Facility
from callrec.model.rules import Mode, Rule, Scope
from callrec.policy.office import Office
from tests.unit.samples import DECISION, call

AT = datetime(2026, 11, 29, 12, 0, 7, tzinfo=UTC)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The servers that were asked for their time, AT; those of Asterisk are away."""
    found: list[str] = []

    def told(url: str, *_: Any) -> datetime:
        found.append(url)
        if "8088" in url:
            raise Unreachable("{url} does not tell its time", url=url)
        return AT

    monkeypatch.setattr(clocks, "time_at", told)
    return found


@pytest.mark.parametrize(
    ("fraction", "ahead"), [(0.0, 0), (0.4, 0), (0.6, 0), (0.999, 0), (1.6, 1), (-0.7, -1)]
)
def test_clocks_that_agree_are_not_apart(
    app: App, asked: list[str], monkeypatch: pytest.MonkeyPatch, fraction: float, ahead: int
) -> None:
    """A server tells whole seconds, so it always seems to be behind."""
    monkeypatch.setattr(App, "now", AT + timedelta(seconds=fraction))
    monkeypatch.setattr(app.clock_watch, "_seconds", lambda: 0.0)
    found = AppSources(app).clocks()
    assert (found.store_offset_s, found.pbx_offset_s) == (ahead, None)


def test_recordings_of_ten_minutes_share_a_comparison(app: App, asked: list[str]) -> None:
    """Each costs the archiver two requests, and seconds where a server is away."""
    clock, sources = [0.0], AppSources(app)
    app.clock_watch._seconds = lambda: clock[0]
    app.clock_watch._wall = lambda: AT + timedelta(seconds=clock[0])
    for clock[0] in (0.0, 1.0, OLDEST_S):
        sources.clocks()
    assert len(asked) == 2
    clock[0] = OLDEST_S + 1
    sources.clocks()
    assert len(asked) == 4


def test_what_is_known_in_memory_needs_no_catalogue(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only a rule that is in force no more is asked for; without it no manifest is signed."""

    def away() -> None:
        raise CatalogueUnreachable("the database is away")

    monkeypatch.setattr(app.database, "read", away)
    rule = Rule(1, 1, Scope.EVERYWHERE, None, Mode.AUTOMATIC, changed_at=AT, changed_by="tanaka")
    office = Office(
        [Facility("shiba", "芝地区総合支所"), Facility("azabu", "麻布地区総合支所")],
        [Extension("2101", "azabu")],
        [rule],
    )
    sources = AppSources(app, office=lambda: office)
    assert sources.facility_name("shiba") == "芝地区総合支所" and sources.facility_name("gone") == "gone"
    assert sources.facilities(call()) == ("azabu", "shiba")
    said = sources.rule(DECISION)
    assert said and (said.rule, said.version, said.changed_by) == (1, 1, "tanaka")
    with pytest.raises(CatalogueUnreachable):
        sources.rule(replace(DECISION, version=2))
