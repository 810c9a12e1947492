"""Reads what the dialplan wrote down while callrec was away: its journal of calls, and the keys.

On a thread of its own: it asks the PBX for long, and no call may wait for that. What a line becomes is
`adoption`'s matter.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from typing import Protocol

import structlog

from callrec.controller.controller import Controller, parsed_keys
from callrec.errors import Sentence
from callrec.fallback import journal
from callrec.fallback.adoption import Adoption
from callrec.pbx.events import Channel, RawKeyPress
from callrec.problems import Problems
from callrec.worker import Worker

log = structlog.get_logger()

SECONDS, SOON_SECONDS = 60.0, 2.0
"""How long it waits for the next look: soon, while a line waits for something."""
LINE = "journal line "
"""How the names of problems with single lines begin."""
GONE_FOR = timedelta(seconds=2)
"""How long a channel must be gone before it is believed that nobody will write the end of its call."""


class Database(Protocol):
    """What is asked of a PBX's own database (AstDB)."""

    def tree(self, family: str) -> dict[str, str]: ...
    def delete(self, family: str, keys: Iterable[str]) -> None: ...


class JournalReader(Worker):
    """Takes over every line that can be; one that cannot stays, and is a problem.

    It looks while the controller is linked: every minute, every 2 s while a line waits, and when woken. A
    line without an end waits until its call is over: as long as its channel is there.
    """

    def __init__(
        self,
        database: Callable[[], AbstractContextManager[Database]],
        controller: Controller,
        adoption: Adoption,
        problems: Problems,
        adopted: Callable[[], None],
        channels: Callable[[], list[Channel]],
        forgotten: Callable[[list[RawKeyPress]], object] = lambda keys: None,
    ) -> None:
        """Makes a reader. `adopted` is called when something was put into the spool, to wake others;
        `forgotten` with the keys that are about to be deleted: where it raises OSError, they stay.

        `channels` returns those the PBX has. Recordings of which no line tells are the matter of
        callrec.health.reconciliation.
        """
        self._database, self._controller, self._adoption = database, controller, adoption
        self._channels, self._forgotten = channels, forgotten
        self._gone: dict[str, datetime] = {}
        self._problems, self._adopted = problems, adopted
        super().__init__(self._look, lambda: SOON_SECONDS if self._left else SECONDS)
        self._left = 0
        self._told: dict[str, int] = {}
        """The lines of calls that the controller has told of, with a mark of what had been asked of the disk
        by then."""
        self._seen: dict[str, int] = {}
        """The keys that were acted on, with a mark of what had been asked of the disk by then."""

    def _look(self) -> None:
        """Reads where the controller is linked; what fails is a problem, and tried again."""
        self._left = 0
        if self._controller.link_up:
            self._problems.attempt("read journal", self.read)

    def read(self) -> None:
        """Takes over what there is, once, and deletes the lines that are safe in the spool.

        Raises CallrecError when the PBX does not answer.
        """
        # In this order: a call that ends meanwhile has its line by the time those are looked at.
        in_fallback = self._controller.in_fallback()
        with self._database() as database:
            keys = database.tree(journal.KEYS)
            lines = database.tree(journal.FAMILY)
            self._problems.keep(LINE, {LINE + key for key in lines})
            noted = parsed_keys(keys, self._controller.pbx_ahead)
            by_call = _by_call(noted)
            lines = self._told_elsewhere(database, lines)
            going_on = self._going_on(lines)
            for key, value in lines.items():
                if key in going_on:
                    continue
                self._left += 1
                self.pulse.beat()  # a database that does not answer takes its time with each
                if self._adopt(key, value, [press for id_ in _words(value) for press in by_call[id_]]):
                    database.delete(journal.FAMILY, [key])
                    self._left -= 1
                    self._adopted()
            told_of = in_fallback.union(*map(_words, lines.values()))
            self._forget(database, keys, noted, {each.id for each in noted if each.linkedid in told_of})

    def _told_elsewhere(self, database: Database, lines: dict[str, str]) -> dict[str, str]:
        """Returns the lines without those of calls that the controller tells of itself (decision 27).

        They are deleted once all that the controller has asked of the disk by then is there.
        """
        live, told = self._controller.monitored()
        if not live and not told:
            return lines
        of = {key: journal.about(key, value) for key, value in lines.items()}
        mark, over = self._controller.asked(), {key for key, channel in of.items() if channel in told}
        self._told = {key: self._told.get(key, mark) for key in over}
        if safe := {key for key, at in self._told.items() if self._controller.is_saved(at)}:
            database.delete(journal.FAMILY, safe)
        return {key: value for key, value in lines.items() if of[key] not in live | told}

    def _going_on(self, lines: dict[str, str]) -> set[str]:
        """Returns the lines without an end whose calls may go on.

        A channel that was there when its line was read can have gone, and its line have its end, before
        those that are there are asked for: so gone is what was so a moment ago already.
        """
        without_end = {key for key, value in lines.items() if journal.is_open(value)}
        there = {each.id for each in self._channels()} if without_end else set()
        now = self._now()
        self._gone = {key: self._gone.get(key, now) for key in without_end - there}
        waiting = {key for key, since in self._gone.items() if now - since < GONE_FOR}
        self._left += len(waiting)
        return (without_end & there) | waiting

    def _now(self) -> datetime:
        return self._controller.now()

    def _forget(
        self, database: Database, keys: dict[str, str], noted: Sequence[RawKeyPress], wanted: set[str]
    ) -> None:
        """Deletes what was noted of keys that were acted on at an earlier look, once all that they have
        caused is on disk: until then a kill must find them here (decisions 12, 20).

        Before that they are taken up, if they were not: they could not be read when the link was made.
        `wanted` are those of calls of which the journal tells, or will.
        """
        if not self._controller.link_up:
            self._seen = {}
            return
        self._controller.recall(keys)
        done, mark = set(keys) - wanted, self._controller.asked()
        safe = {key for key in done & self._seen.keys() if self._controller.is_saved(self._seen[key])}
        if safe:
            self._forgotten([each for each in noted if each.id in safe])
            database.delete(journal.KEYS, safe)
        self._seen = {key: self._seen.get(key, mark) for key in done - safe}

    def _adopt(self, key: str, value: str, noted: Sequence[RawKeyPress]) -> bool:
        """Returns whether a line is safe in the spool now. One that cannot be adopted is a problem."""
        try:
            adopted = self._adoption.adopt(key, value, self._now(), noted, self._controller.pbx_ahead)
        except OSError:  # the disk of the spool: no line can be adopted
            raise
        except Exception as error:  # whatever a line says, those after it are adopted
            told = Sentence("line {key} of the PBX's journal cannot be adopted", key=key)
            if self._problems.add(LINE + key, told):
                log.error(
                    "a line of the PBX's journal cannot be adopted",
                    key=key,
                    value=value,
                    problem=str(error),
                )
            return False
        self._problems.clear(LINE + key)
        return adopted


def _words(value: str) -> set[str]:
    """Returns what a line names, its linked ids among it."""
    return set(re.split("[|&]", value))


def _by_call(noted: Iterable[RawKeyPress]) -> defaultdict[str, list[RawKeyPress]]:
    """Returns what was noted of keys by the linked ids of their calls."""
    found: defaultdict[str, list[RawKeyPress]] = defaultdict(list)
    for each in noted:
        found[each.linkedid].append(each)
    return found
