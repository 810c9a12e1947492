"""Reads the passphrase of a package: from a file that nobody else can read, or standard input."""

from __future__ import annotations

import sys
from pathlib import Path

from callrec.commands.given_file import MOST_BYTES, read_file
from callrec.errors import Refused, WrongUsage
from callrec.failures import why
from callrec.permissions import too_wide

SHORTEST = 8


def read_passphrase(name: str | None) -> str | None:
    """Returns the first line of a file; None without one. It is never an argument: others see those.

    Raises Refused where others can read the file, and WrongUsage where there is no usable passphrase in it.
    """
    if name is None:
        return None
    if name != "-" and too_wide([Path(name)]):
        raise Refused("others can read {path}: chmod 600 {path}, and choose another passphrase", path=name)
    try:
        text = sys.stdin.readline(MOST_BYTES) if name == "-" else read_file(Path(name)).decode()
    except (OSError, UnicodeDecodeError) as error:
        raise WrongUsage("{path} cannot be read: {problem}", path=name, problem=why(error)) from error
    line = text.partition("\n")[0].removesuffix("\r")
    if len(line) < SHORTEST:
        raise WrongUsage("the passphrase in {path} is shorter than {count} signs", path=name, count=SHORTEST)
    return line
