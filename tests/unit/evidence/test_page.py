"""The page of a package says what the manifest says, and nothing in it is obeyed."""

from __future__ import annotations

import base64
import hashlib
import re
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pytest
import soundfile

from callrec.evidence.package import PAGES
from callrec.evidence.page.moments import day_and_time, offset, time_only
from callrec.evidence.page.summary import _number, _ticks
from callrec.evidence.page.waveform import outline, waveform
from callrec.language import choose, speaking, translated
from tests.unit.bench import TOKYO, Bench
from tests.unit.evidence import packages
from tests.unit.samples import RECORDING_ID

pages = pytest.mark.parametrize("name", PAGES.values())


@pages
def test_nothing_in_it_is_obeyed(bench: Bench, tmp_path: Path, name: str) -> None:
    packages.archive(bench)
    page = packages.contents(packages.package(bench, tmp_path, for_whom=packages.EVIL))[name].decode()
    assert page.count("&lt;script&gt;alert(1)&lt;/script&gt; \\u202e") >= 2, "of a note, and of the request"
    assert "<script>alert" not in page and "\u202e" not in page


@pages
def test_it_asks_for_nothing_and_runs_only_its_own_script(package_files: dict[str, bytes], name: str) -> None:
    page = package_files[name].decode()
    (data, script) = re.findall(r"<script[^>]*>(.*?)</script>", page, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}'" in page and "default-src 'none'" in page
    assert "<" not in data, "it cannot end the block that it is in"
    assert not re.search(r"\b(?:src|href)=\"(?:https?:|//)", page)
    assert not re.search(r"<[^>]+ on\w+=", page), "no element has a script of its own"


@pages
def test_it_says_what_happened(package_files: dict[str, bytes], name: str) -> None:
    page = package_files[name].decode()
    assert page.count('<span class="badge key">') == 3 and page.count('<span class="badge gap">') == 1
    assert page.count('<span class="badge silence">') == 1
    assert 'data-seek="5.0">0:05.0 – 0:06.5<' in page and 'data-seek="8.0">0:08.0 – 0:08.6<' in page
    assert page.count('<span class="badge announcement">') == 2, "also the one before the connection"
    assert f"recordings/{RECORDING_ID}.flac" in page and "words of notice" in page
    assert "[[rule]]" in page and "+81312345678" in page


def test_the_waveform_is_that_of_both_sides(tmp_path: Path) -> None:
    left = np.concatenate([np.full(8000, 16000), np.zeros(8000)])
    right = np.concatenate([np.zeros(8000), np.full(8000, -8000)])
    soundfile.write(tmp_path / "s.wav", np.stack([left, right], axis=1).astype(np.int16), 8000)
    found = waveform(tmp_path / "s.wav", 10)
    assert found.seconds == 2.0
    assert found.external == (1.0,) * 5 + (0.0,) * 5 and found.staff == (0.0,) * 5 + (0.5,) * 5


def test_no_sound_is_a_line(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "s.wav", np.zeros((0, 2), dtype=np.int16), 8000)
    found = waveform(tmp_path / "s.wav", 4)
    assert found.seconds == 0 and found.external == (0.0,) * 4
    assert outline(found.external, 100, 10, 10).startswith("M0,9.5L25,9.5") and _ticks(0, 0) == [
        (0.0, "0:00")
    ]


def test_places_of_the_time_axis() -> None:
    assert _ticks(10.0, 0.0) == [(each * 10.0, f"0:{each:02}") for each in range(0, 11, 2)]
    assert _ticks(5.0, 2.5)[0] == (10.0, "0:03"), "of a clip the times are those of the recording"
    assert len(_ticks(7200.0, 0.0)) == 5 and _ticks(7200.0, 0.0)[-1] == (100.0, "2:00:00")


def test_no_badge_hides_another() -> None:
    events = [{"there": True, "left": 5.0, "width": 0.0} for _ in range(3)] + [{"there": False}]
    _number(events)
    assert [each["number"] for each in events] == [1, 2, 3, 4]
    places = [each["badge"] for each in events[:3]]
    assert places[0] == 5.0 and all(b - a >= 3 for a, b in pairwise(places))


def test_moments_in_both_languages() -> None:
    at = datetime(2026, 11, 21, 15, 4, 5, 678_900, tzinfo=UTC)
    with speaking("ja"):
        assert day_and_time(at, TOKYO) == "令和8年11月22日（日）0時04分05秒" and choose() == "ja"
        with speaking("en"):
            assert day_and_time(at, TOKYO) == "2026-11-22 (Sun) 00:04:05"
            assert translated("extension") == "extension"
        assert translated("extension") == "内線"
    assert day_and_time(at, ZoneInfo("UTC")).endswith("15:04:05") or choose() == "ja"
    assert time_only(at, TOKYO) == "00:04:05.6"
    assert [offset(each) for each in (0, 59.96, 61.04, 3725.5)] == ["0:00.0", "1:00.0", "1:01.0", "1:02:05.5"]
