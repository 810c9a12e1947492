"""Keeps how the test calls went, in a file of the spool: `callrec testcall` writes it, status and metrics
read it.

How one is made is the matter of `testcall`, what a person has to do about one that failed, of who shows it.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from callrec.files import write_whole

FILE = "testcalls.json"


@dataclass(frozen=True, slots=True)
class TestCallResult:
    """How the latest test call of one facility went."""

    facility: str
    """Its code."""
    at: datetime
    """When it began, by callrec's clock."""
    ok: bool
    """Whether it was recorded, archived, verified, and its tones were heard."""
    problem: str = ""
    """Why not, in English; empty where it went well."""
    recording_id: str = ""
    """Empty where nothing was recorded."""
    took_s: float = 0.0
    """Seconds until it was known."""
    succeeded_at: datetime | None = None
    """When the latest one began that went well; None: none did."""

    __test__ = False  # pytest collects what is named so


_RESULTS: TypeAdapter[list[TestCallResult]] = TypeAdapter(list[TestCallResult])


def results(spool: Path) -> list[TestCallResult]:
    """Returns the latest result of each facility, by its code; nothing before the first test call, or where
    the file is damaged."""
    try:
        return _RESULTS.validate_json((spool / FILE).read_bytes())
    except (FileNotFoundError, ValidationError):
        return []


def keep(spool: Path, result: TestCallResult) -> None:
    """Replaces the result of a facility. Raises OSError when the disk does not take it."""
    others = [each for each in results(spool) if each.facility != result.facility]
    found = sorted([*others, result], key=lambda each: each.facility)
    write_whole(spool / FILE, _RESULTS.dump_json(found))


def keep_only(spool: Path, facilities: Collection[str]) -> None:
    """Forgets the results of all but these facilities, by their codes: of one that is gone nobody will ever
    make another test call. Raises OSError when the disk does not take it."""
    found = results(spool)
    left = [each for each in found if each.facility in facilities]
    if left != found:
        write_whole(spool / FILE, _RESULTS.dump_json(left))
