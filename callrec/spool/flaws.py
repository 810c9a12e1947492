"""Keeps for a day what was noticed of calls that a person should look into; `callrec status` tells it.

flaws/{call}.{kind}.json, a file each, with the moment at which it was noticed. The call's row has it for
good, as a note.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from callrec.files import write_whole
from callrec.model.flaws import Flaw

FOLDER = "flaws"
SHOWN_FOR = timedelta(days=1)


class Flaws:
    """The flaws noticed within the last day, in a spool directory. Several processes may use it."""

    def __init__(self, spool: Path) -> None:
        self._folder = spool / FOLDER

    def add(self, call_id: str, flaw: Flaw) -> None:
        """Keeps a flaw of a call; twice is the same as once. Drops what is older than a day."""
        for path, _, _, at in self._all():
            if datetime.now(UTC) - at >= SHOWN_FOR:
                path.unlink(missing_ok=True)
        write_whole(
            self._folder / f"{call_id}.{flaw}.json", json.dumps({"at": str(datetime.now(UTC))}).encode()
        )

    def recent(self) -> dict[Flaw, list[str]]:
        """Returns the ids of the calls that have each flaw, the latest call last."""
        found: dict[Flaw, list[str]] = {}
        for _, call_id, flaw, at in self._all():
            if datetime.now(UTC) - at < SHOWN_FOR:
                found.setdefault(flaw, []).append(call_id)
        return found

    def forget(self) -> None:
        """Forgets all of them: somebody has seen them."""
        for path, *_ in self._all():
            path.unlink(missing_ok=True)

    def _all(self) -> Iterator[tuple[Path, str, Flaw, datetime]]:
        """Yields each flaw: its file, call, kind and moment. The calls are in the order of time."""
        for path in sorted(self._folder.glob("*.json")):
            try:
                call_id, kind, _ = path.name.split(".")
                at = datetime.fromisoformat(json.loads(path.read_text())["at"]).astimezone(UTC)
                yield path, call_id, Flaw(kind), at
            except (FileNotFoundError, ValueError, TypeError, KeyError):  # acknowledged just now, or damaged
                continue
