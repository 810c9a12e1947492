"""Chooses the way to callrec: directly, for whoever can read callrec.toml, else through the desk.

`--desk SOCKET`, else `CALLREC_DESK`, else callrec.toml where it is found and can be read, else
/run/callrec/desk.sock.
"""

from __future__ import annotations

import os
from pathlib import Path

from callrec.settings import DeskSettings
from callrec.settings_file import find_file


def socket_to_use(config: str | None, given: str | None) -> Path | None:
    """Returns the socket of the desk that is to be asked; None where callrec.toml is to be read."""
    named = given or os.environ.get("CALLREC_DESK")
    if named:
        return Path(named)
    usual = DeskSettings().socket
    found = find_file(config)
    if found is None:
        return usual if usual.is_socket() else None
    return usual if _is_closed(found) else None


def _is_closed(path: Path) -> bool:
    """Returns whether a file is there, or may be, and this process must not read it."""
    try:
        with path.open("rb"):
            return False
    except PermissionError:
        return True
    except OSError:
        return False
