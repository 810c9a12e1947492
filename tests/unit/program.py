"""The program run in this process, as a person would run it."""

from __future__ import annotations

import csv
import io
import unicodedata

BOM = "\ufeff"
SHIBA = (
    ("facility", "add", "shiba", "--name", "芝地区総合支所"),
    ("extension", "add", "2101", "--facility", "shiba", "--name", "窓口1"),
    ("extension", "add", "6000", "--facility", "shiba", "--service"),
)
"""The commands by which an office gets a facility, an extension, and a queue."""
HIDDEN = {"Cc", "Cf", "Cs", "Zl", "Zp"}


def has_hidden(text: str) -> bool:
    """Whether a terminal would obey something in a text, or not show it."""
    return any(unicodedata.category(sign) in HIDDEN for sign in text)


def table(out: str) -> list[dict[str, str]]:
    """The rows of a CSV file, which begins with the mark that spreadsheets look for."""
    assert out.startswith(BOM)
    return list(csv.DictReader(io.StringIO(out.removeprefix(BOM))))


class Done:
    """What a run of the program printed, and its exit code."""

    def __init__(self, code: int, out: str, err: str) -> None:
        self.code, self.out, self.err = code, out, err

    @property
    def complaint(self) -> str:
        """The one line on stderr."""
        lines = self.err.strip().splitlines()
        assert len(lines) == 1, self.err
        return lines[0]
