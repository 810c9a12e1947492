"""What is said before the command, for all commands."""

from __future__ import annotations

from typing import NamedTuple


class Given(NamedTuple):
    """The configuration file, and the socket of the desk; None: not said."""

    config: str | None = None
    desk: str | None = None
