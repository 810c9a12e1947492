"""Keeps what a process cannot do now, until it can: for the log once, for `callrec status` as long as it
lasts, and for who is told of the recorder's illness (callrec.health)."""

from __future__ import annotations

import itertools
import re
import threading
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

import structlog

from callrec.errors import CallrecError, Sentence
from callrec.failures import told

log = structlog.get_logger()

Said = str | Sentence | CallrecError
"""What is said of a problem: best a sentence, which each reader has in their own language."""
_CHANGES = re.compile(r"[0-9a-f]{8}-[0-9a-f-]{27}|(?<![A-Za-z])\d+(?:[.,:]\d+)*")
"""What differs between two problems of one kind: ids and figures, but for S3 and the like."""


@dataclass(frozen=True, slots=True)
class Problem:
    """What cannot be done now. `name` tells it from others, `since` is callrec's clock."""

    name: str
    said: Sentence
    since: datetime

    @property
    def kind(self) -> str:
        """Its name without ids and figures: by this the same illness is known again, a week later too."""
        return _CHANGES.sub("…", self.name)


class Problems:
    """The problems of a process, by name. Any thread may use it."""

    def __init__(self, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._now = now
        self._lock = threading.Lock()
        self._problems: dict[str, Problem] = {}

    def attempt(self, name: str, step: Callable[[], object]) -> bool:
        """Does one thing and returns whether it could be done. An error is a problem until it can."""
        try:
            step()
        except (CallrecError, OSError) as error:
            if self.add(name, error if isinstance(error, CallrecError) else told(error)):
                log.warning("keeping house", step=name, problem=str(error))
        except Exception as error:
            if self.add(name, repr(error)):
                log.exception("a bug: please report it", step=name)
        else:
            self.clear(name)
            return True
        return False

    def add(self, name: str, said: Said) -> bool:
        """Notes a problem. Returns whether it is a new one: one that lasts need not fill the log.

        `name` stays the same as long as it is the same illness, whatever figures the words have.
        """
        sentence = _sentence(said)
        with self._lock:
            before = self._problems.get(name)
            since = before.since if before else self._now()
            self._problems[name] = Problem(name, sentence, since)
        return before is None or str(before.said) != str(sentence)

    def clear(self, name: str) -> None:
        """Forgets a problem, and logs that it is over."""
        with self._lock:
            before = self._problems.pop(name, None)
        if before is not None:
            log.info("a problem is over", step=name, problem=str(before.said))

    def keep(self, kind: str, names: Collection[str]) -> None:
        """Clears the problems whose names begin with `kind`, except these, which can still be there."""
        with self._lock:
            gone = [name for name in self._problems if name.startswith(kind) and name not in names]
        for name in gone:
            self.clear(name)

    def take(self, part: str, said: Iterable[Said]) -> None:
        """Notes what a part says of itself now, in place of what it said before.

        Each is named by its words, without what fills them, and numbered where several are alike: it keeps
        its number as long as it says the same.
        """
        every = [(_words(each), _sentence(each)) for each in said]
        names: set[str] = set()
        numbers: dict[str, int] = {}
        with self._lock:
            before = {(_base(name), str(each.said)): name for name, each in self._problems.items()}
        every.sort(key=lambda each: (f"{part}: {each[0]}", str(each[1])) not in before)  # those first
        for words, sentence in every:
            base = f"{part}: {words}"
            known = before.get((base, str(sentence)))
            name = known if known and known not in names else _free(base, names, numbers)
            names.add(name)
            self.add(name, sentence)
        self.keep(f"{part}: ", names)

    def all(self) -> list[Problem]:
        """Returns the problems there are, the oldest first."""
        with self._lock:
            return sorted(self._problems.values(), key=lambda each: (each.since, each.name))

    def texts(self) -> set[str]:
        """Returns the problems in words, in the language of this process."""
        return {each.said.shown() for each in self.all()}


def _sentence(said: Said) -> Sentence:
    match said:
        case Sentence():
            return said
        case CallrecError():
            return said.sentence
        case str():
            return Sentence("{text}", text=said)


def _words(said: Said) -> str:
    """Returns the words of what is said, without what fills them."""
    return _CHANGES.sub("…", said if isinstance(said, str) else said.template)


def _base(name: str) -> str:
    """Returns a numbered name without its number."""
    return name.rpartition(" (")[0]


def _free(base: str, taken: Collection[str], numbers: dict[str, int]) -> str:
    """Returns a name with the first number that is not taken. Up to `numbers` all are, by base."""
    for number in itertools.count(numbers.get(base, 0) + 1):
        if (name := f"{base} ({number})") not in taken:
            break
    numbers[base] = number
    return name
