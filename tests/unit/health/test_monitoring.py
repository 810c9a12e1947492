"""The alert rules and the dashboard that are shipped: they work, and name only what there is."""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path

import pytest

import callrec
from callrec.health.gauges import Gauges
from callrec.health.metrics import PrometheusMeters
from tests.unit.health.ill import FIGURES

ROOT = Path(__file__).parents[3]
SHIPPED = Path(callrec.__file__).parent / "monitoring"
RULES, DASHBOARD = SHIPPED / "alerts.yml", SHIPPED / "dashboard.json"
CASES = Path(__file__).with_name("alerts_test.yml")
NAME = re.compile(r"\bcallrec_[a-z_]+\b")
PAGES = [ROOT / "docs" / language / "monitoring.md" for language in ("en", "ja")]


def _promtool(*arguments: object) -> None:
    cache = Path(os.environ.get("CALLREC_CACHE", "~/.cache/callrec")).expanduser()
    done = subprocess.run(
        [cache / "promtool", *map(str, arguments)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture
def known(tmp_path: Path) -> set[str]:
    """The names of all metrics, as rules and people write them."""
    made = PrometheusMeters()
    gauges = Gauges(tmp_path, lambda: FIGURES)
    made.registry.register(gauges)
    counted = {
        f"{each.name}_total" if each.type == "counter" else each.name for each in made.registry.collect()
    }
    return counted | {"callrec_disk_full_seconds"}


def _base(name: str) -> str:
    return re.sub(r"_seconds_(bucket|sum|count)$", "_seconds", name)


def _rules() -> dict[str, str]:
    """The expression of each rule, by its name, as promtool has found them right."""
    found = re.findall(r"- alert: (\w+)\n +expr: (.*)", RULES.read_text("utf-8"))
    assert len(found) == RULES.read_text("utf-8").count("- alert:")
    return dict(found)


def test_promtool_finds_the_rules_right() -> None:
    _promtool("check", "rules", RULES)


def test_each_rule_fires_when_it_should_and_not_while_all_is_well(tmp_path: Path) -> None:
    (tmp_path / "cases.yml").write_text(CASES.read_text("utf-8").replace("RULES", str(RULES)), "utf-8")
    _promtool("test", "rules", tmp_path / "cases.yml")


def test_there_is_a_case_for_and_against_each_rule() -> None:
    lines = [line for line in CASES.read_text("utf-8").splitlines() if "alertname" in line]
    for rule in _rules():
        cases = ["exp_alerts: [{" in line for line in lines if re.search(rf"alertname: {rule}\b", line)]
        assert set(cases) == {True, False}, rule


def test_every_metric_that_rules_and_dashboard_name_exists(known: set[str]) -> None:
    shown = [
        target["expr"]
        for panel in json.loads(DASHBOARD.read_text("utf-8"))["panels"]
        for target in panel["targets"]
    ]
    for expression in [*_rules().values(), *shown]:
        names = {_base(each) for each in NAME.findall(expression)}
        assert names and names <= known, expression


@pytest.mark.parametrize("page", PAGES, ids=["en", "ja"])
def test_every_metric_and_every_alarm_is_documented(known: set[str], page: Path) -> None:
    text = page.read_text("utf-8")
    assert set(re.findall(r"^\| `(callrec_[a-z_]+)`", text, re.MULTILINE)) == known
    alarms = [
        each for row in re.findall(r"^\| (`Callrec.*?) \|", text, re.MULTILINE) for each in row.split("`")
    ]
    assert {each for each in alarms if each.startswith("Callrec")} == set(_rules())


def test_panels_of_the_dashboard_do_not_overlap() -> None:
    taken: set[tuple[int, int]] = set()
    for panel in json.loads(DASHBOARD.read_text("utf-8"))["panels"]:
        place = panel["gridPos"]
        cells = {(place["x"] + x, place["y"] + y) for x in range(place["w"]) for y in range(place["h"])}
        assert not cells & taken and place["x"] + place["w"] <= 24, panel["title"]
        taken |= cells
