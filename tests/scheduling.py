"""Which tests run in which process, where several run side by side (pytest --dist loadscope)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling

DATABASES = ("sqlite", "postgresql")
NEITHER = "neither"


class ByDatabase(LoadScopeScheduling):  # type: ignore[misc]
    """A process runs what one database is for, and so keeps its PBX: half of the processes are SQLite's, the
    others PostgreSQL's. Who has nothing left goes on with what needs no database, and in the end with what
    the others have not begun. The tests of one file on one database share a process, and files go by their
    names, so that two have the same order each time.
    """

    def __init__(self, config: pytest.Config, log: Any) -> None:
        super().__init__(config, log)
        config.option.loadscopereorder = False

    def _split_scope(self, nodeid: str) -> str:
        found = re.search(r"[\[-](sqlite|postgresql)[-\]]", nodeid)
        return f"{nodeid.partition('::')[0]} {found[1] if found else NEITHER}"

    def _assign_work_unit(self, node: Any) -> None:
        # Theirs is always the first.
        self.workqueue.move_to_end(chosen(self.workqueue, int(node.gateway.id[2:])), last=False)
        super()._assign_work_unit(node)


def chosen(scopes: Iterable[str], number: int) -> str:
    """Of what waits, what the process with a number runs next; the first of those that suit it equally."""
    own = DATABASES[number % len(DATABASES)]
    return min(scopes, key=lambda scope: (not scope.endswith(own), not scope.endswith(NEITHER)))
