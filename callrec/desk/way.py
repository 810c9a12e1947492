"""Chooses the way to callrec: directly, for whoever can read callrec.toml, else through the desk.

`--desk SOCKET`, else what `--config FILE` leads to, else `CALLREC_DESK`, else callrec.toml where it is found
and can be read, else /run/callrec/desk.sock. Whoever must not read callrec.toml goes through the desk.
"""

from __future__ import annotations

import os
from pathlib import Path

from callrec import places

LONGEST_PATH = 107
"""Bytes that the kernel allows for the path of a socket."""


def socket_to_use(config: str | None, given: str | None) -> Path | None:
    """Returns the socket of the desk that is to be asked; None where callrec.toml is to be read.

    `config` and `given` are what was said as --config and --desk.
    """
    named = given or (None if config else os.environ.get("CALLREC_DESK"))
    if named:
        return Path(named)
    usual = places.DESK_SOCKET
    found = places.find_file(config)
    if found is None:
        return usual if _is_there(usual) else None
    return Path(os.environ.get("CALLREC_DESK") or usual) if _is_closed(found) else None


def _is_there(socket: Path) -> bool:
    """Returns whether there is a socket, or one may be where this process must not look: it will be told."""
    try:
        return socket.is_socket()
    except OSError:
        return True


def _is_closed(path: Path) -> bool:
    """Returns whether a file is there, or may be, and this process must not read it."""
    try:
        with path.open("rb"):
            return False
    except PermissionError:
        return True
    except OSError:
        return False
