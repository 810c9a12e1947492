"""Says what is to be changed in files, and shows it as a difference in which no password stands."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from callrec.asterisk_files.reading import FOLDER, decoded
from callrec.files import Rights

SECRET = re.compile(r"^([^;\n]*?\b\w*(?:secret|passw)\w*\s*=>?\s*)\S.*", re.IGNORECASE)
HIDDEN = "****"


@dataclass(frozen=True, slots=True)
class Change:
    """A file that is to be another one. `before` None: there is none; `after` None: there is to be none."""

    path: Path
    before: bytes | None
    after: bytes | None
    rights: Rights

    @property
    def is_ours(self) -> bool:
        """Whether the file is one of callrec's own folder."""
        return self.path.parent.name == FOLDER


def difference(change: Change, etc: Path) -> Iterator[str]:
    """Yields the lines of a unified difference; of a file of ours that is new or goes, its name alone."""
    name = str(change.path.relative_to(etc.resolve()))
    if change.is_ours and (change.before is None or change.after is None or change.before == change.after):
        sign = "+" if change.before is None else "-" if change.after is None else "="
        yield f"{sign}{sign}{sign} {name}"
        return
    before, after = (_lines(each) for each in (change.before, change.after))
    for line in difflib.unified_diff(before, after, name, name, lineterm=""):
        yield SECRET.sub(rf"\1{HIDDEN}", line.rstrip("\r"))


def _lines(data: bytes | None) -> list[str]:
    text = decoded(data or b"")
    lines = text.removesuffix("\n").split("\n") if text else []
    if text and not text.endswith("\n"):
        lines[-1] += "  (no end of line)"
    return lines
