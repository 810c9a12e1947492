"""Where callrec looks for its configuration and its desk when nobody says so. Known to every command, before
settings are read: it imports nothing that takes time."""

from __future__ import annotations

import os
from pathlib import Path

CONFIGURATION = (Path("callrec.toml"), Path("/etc/callrec/callrec.toml"))
DESK_SOCKET = Path("/run/callrec/desk.sock")


def find_file(given: str | None) -> Path | None:
    """Returns the configuration file to use; None when there is none and none was asked for."""
    wanted = given or os.environ.get("CALLREC_CONFIG")
    if wanted:
        return Path(wanted)
    return next((place for place in CONFIGURATION if _may_be(place)), None)


def _may_be(place: Path) -> bool:
    """Returns whether a file is there, or may be, in a folder that is closed to this process.

    The folder where somebody stands is not meant where it is closed: that of root, for `sudo -u callrec`.
    """
    try:
        return place.is_file()
    except PermissionError:
        return place.is_absolute()
