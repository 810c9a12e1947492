"""Writes files that people name: never in another's place."""

from __future__ import annotations

from pathlib import Path

from callrec.errors import Refused, WrongUsage
from callrec.failures import why
from callrec.files import write_new


def write_new_file(path: Path, data: bytes) -> None:
    """Makes a file, whole or not at all. Raises Refused where there is one, WrongUsage where it cannot be."""
    try:
        write_new(path, data)
    except FileExistsError as error:
        raise Refused("{path} is there already: give another name", path=path) from error
    except OSError as error:
        raise WrongUsage("{path} cannot be written: {problem}", path=path, problem=why(error)) from error
