"""Verifies a package that somebody was given: `callrec verify FILE.zip`. Needs nothing but the file, and the
public key, if there is one to compare with."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from callrec.commands.common import Row, emit_each, say, working
from callrec.commands.given_file import read_file
from callrec.commands.passphrase import read_passphrase
from callrec.errors import EvidenceBroken
from callrec.evidence.package_check import BelievedKeys, CheckedFile, PackageCheck, keys_of
from callrec.evidence.package_zip import opened

SHOWN = ("id", "ok", "problems")
KEYS = (*SHOWN, "checked")


def verify(path: Path, keys: Sequence[str], passphrase_file: str | None, form: str | None) -> None:
    """Prints what came of checking each file of a package. Raises EvidenceBroken where one is wrong."""
    given = keys_of(read_file(Path(each)) for each in keys) if keys else None
    with opened(path, read_passphrase(passphrase_file)) as files:
        check, seen = PackageCheck(files, given), list[CheckedFile]()
        emit_each(_rows(check.results(), seen, form), KEYS if form else SHOWN, form)
    if failed := sum(not each.ok for each in seen):
        raise EvidenceBroken(
            "{count} of {total} files of the package do not verify", count=failed, total=len(seen)
        )
    _say_whole(check.signer, given, len(seen))


def _rows(found: Iterator[CheckedFile], seen: list[CheckedFile], form: str | None) -> Iterator[Row]:
    """Yields a row for each file, and keeps what they are of in `seen`. People see those that are wrong."""
    while True:
        with working("…"):
            each = next(found, None)
        if each is None:
            return
        seen.append(each)
        if form or not each.ok:
            problems = [problem.shown() for problem in each.problems]
            yield {"id": each.name, "ok": each.ok, "problems": problems, "checked": each.checked}


def _say_whole(signer: str, given: BelievedKeys | None, count: int) -> None:
    say("the package is whole: {count} files, signed by key {key}", count=count, key=signer, err=True)
    if given is None:
        say(
            "the key is the one in the package: compare it with the one the office publishes, or give --key",
            err=True,
        )
