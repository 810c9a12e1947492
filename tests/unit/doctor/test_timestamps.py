"""The authority of time-stamps as doctor sees it: asked, and believed by the roots of the office."""

from __future__ import annotations

from pathlib import Path

import pytest

from callrec.app import App
from callrec.doctor.check import Result
from callrec.settings import EvidenceSettings
from tests.authority import Authority, answering, authority
from tests.unit.doctor.look import check, with_settings


@pytest.fixture(scope="module")
def tsa(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return authority(tmp_path_factory.mktemp("tsa") / "one")


def _look(app: App, tsa: Authority) -> Result:
    with answering(tsa) as url:
        made = with_settings(app, evidence=EvidenceSettings(tsa_url=url, tsa_ca_file=tsa.root))
        try:
            return check(made, "time-stamps")
        finally:
            made.close()


def test_without_one_nothing_is_asked(app: App) -> None:
    assert check(app, "time-stamps") == Result("time-stamps", True, "no authority is set (evidence.tsa_url)")


def test_one_that_stamps(app: App, tsa: Authority) -> None:
    found = _look(app, tsa)
    assert found.ok and "127.0.0.1 stamps, by a certificate that ends on 20" in found.found


def test_one_that_is_away_is_told_before_an_anchor_waits_for_it(app: App, tsa: Authority) -> None:
    tsa.away = True
    try:
        found = _look(app, tsa)
    finally:
        tsa.away = False
    assert not found.ok and "gives no time-stamp" in found.found


def test_one_that_the_roots_do_not_vouch_for(app: App, tsa: Authority, tmp_path: Path) -> None:
    other = authority(tmp_path / "other")
    with answering(tsa) as url:
        made = with_settings(app, evidence=EvidenceSettings(tsa_url=url, tsa_ca_file=other.root))
        found = check(made, "time-stamps")
        made.close()
    assert not found.ok and "is not by the authority of evidence.tsa_ca_file" in found.found
