"""The names of what the dialplan records, as the dialplan itself makes them."""

from __future__ import annotations

import re

import pytest

from callrec.pbx import mixmonitor
from callrec.resources import shipped


@pytest.mark.parametrize(
    ("channel", "file"),
    [
        ("1795309207.12", "callrec/fallback-1795309207.12"),
        ("demo-1795309207.12", "callrec/fallback-demo-1795309207.12"),
        ("区役所 a,b/c-1.2", "callrec/fallback-abc-1.2"),
    ],
)
def test_a_channel_names_its_file(channel: str, file: str) -> None:
    assert mixmonitor.file_of(channel) == file
    assert mixmonitor.is_of_dialplan(f"{file}-external")


def test_no_recording_of_snoops_is_of_the_dialplan() -> None:
    assert not mixmonitor.is_of_dialplan("callrec/01a20000-0000-7000-8000-000000000001-1-external")


def test_the_dialplan_makes_the_same_name() -> None:
    dialplan = shipped("asterisk/callrec/extensions.conf").read_text("utf-8")
    made = re.findall(r"CALLREC_FILE=.*?(callrec/fallback-)\$\{FILTER\(([^,]+),\$\{UNIQUEID\}\)\}", dialplan)
    assert made == [(mixmonitor.RECORDED, r"0-9A-Za-z._\-")] * 2
