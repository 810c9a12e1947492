"""Finds the lines of a PBX's own dialplan that call what callrec brings: left behind without it, they end
calls with 603."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from callrec.asterisk_files.reading import Line, headers, lines, text_of
from callrec.asterisk_files.texts import template

OTHER_DIALPLANS = {"extensions.ael": "//", "extensions.lua": "--"}
"""Files of the dialplan in other languages, and what begins a comment there."""


@cache
def called() -> re.Pattern[str]:
    """Returns what finds the name of a context or menu that callrec brings; those of its keys harm nobody."""
    brought = (*headers(template("extensions.conf")), *headers(template("confbridge.conf")))
    names = "|".join(re.escape(name) for name, added in brought if not added)
    return re.compile(rf"(?<![\w-])(?:{names})(?![\w-])")


def gate_lines(etc: Path) -> Iterator[Line]:
    """Yields the lines, with file and number."""
    for line in lines(etc / "extensions.conf", etc):
        if called().search(line.text):
            yield line
    for name, comment in OTHER_DIALPLANS.items():
        for number, text in enumerate(text_of(etc / name).split("\n"), 1):
            if called().search(text.partition(comment)[0]):
                yield Line(etc / name, number, text.strip())
