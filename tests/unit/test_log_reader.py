"""One call's lines out of a log: all of them, in order, and none of another call."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from callrec.errors import NotFound
from callrec.log_reader import of_call, of_journal, of_lines

CALL, OTHER = "01a20000-0000-7000-8000-00000000000a", "01a20000-0000-7000-8000-00000000000b"
RECORDING = "01a20000-0000-7000-8000-000000000001"


def _line(second: int, event: str, **values: Any) -> str:
    at = f"2026-11-22T01:00:{second:02}.5Z"
    return json.dumps({"timestamp": at, "level": "info", "event": event, **values})


LINES = [
    _line(1, "answered", call=CALL, linkedid="1.0", extension="2101"),
    _line(2, "answered", call=OTHER, linkedid="2.0"),
    "Traceback (most recent call last):",
    '["no", "line"]',
    '{"event": "of something else"}',
    _line(9, "archived", recording=RECORDING),
    _line(4, "refused by the PBX", linkedid="1.0"),
    _line(3, "record", call=CALL, recording=RECORDING, segment=1),
    _line(7, "archived", recording="of another"),
]


@pytest.mark.parametrize("id_", [CALL, RECORDING, "1.0"])
def test_a_call_is_collected_by_whichever_id(id_: str) -> None:
    found = of_call([id_], of_lines(LINES))
    assert [each.event for each in found] == ["answered", "record", "refused by the PBX", "archived"]
    assert found[1].values == {"call": CALL, "recording": RECORDING, "segment": "1"}
    assert found[0].at.isoformat() == "2026-11-22T01:00:01.500000+00:00"


def test_what_the_log_does_not_know_is_told() -> None:
    with pytest.raises(NotFound, match="the log says nothing of 9"):
        of_call(["9.0"], of_lines(LINES))


def test_a_value_that_looks_like_two_lines_is_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    at = {"CALLREC_TIMESTAMP": "2026-11-22T01:00:00Z", "PRIORITY": "6", "CALLREC_CALL": CALL}
    entries = [{**at, "CALLREC_EVENT": "announcement", "CALLREC_PROMPT": "a\u2028b\x85c"}, at]
    lines = [json.dumps(each, ensure_ascii=False) for each in entries]
    (tmp_path / "journal").write_text("\n".join(lines) + "\n", "utf-8")
    asked = tmp_path / "journalctl"
    asked.write_text(f"#!/bin/sh\ncat '{tmp_path}/journal'\n")
    asked.chmod(0o700)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    (line,) = of_call([CALL], of_journal())
    assert line.values == {"call": CALL, "prompt": "a\u2028b\x85c"}
