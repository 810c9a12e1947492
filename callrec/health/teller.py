"""Tells people of the recorder's own illness, by mail and webhook: once when it begins, once when it ends,
and how things stand each day (decision 23).

It is a thread of the controller. What is to be told lies in a file of the spool until everybody has it; while
the disk cannot be written, it is told from memory. When an illness counts is the matter of `course`, what is
said of it that of `letters`.
"""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Protocol
from zoneinfo import ZoneInfo

import structlog

from callrec import ids
from callrec.backoff import Backoff
from callrec.errors import AlertNotSent, Sentence
from callrec.files import write_whole
from callrec.health.course import ILLNESSES, Course, Illness
from callrec.health.letters import LETTERS, Letter, LetterKind
from callrec.problems import Problem, Problems
from callrec.worker import Worker

log = structlog.get_logger()

FILE = "illness.json"
LOOK_SECONDS = 5.0
APART_SECONDS = 60.0
"""The least that lies between two letters of illness: what begins meanwhile is told together."""
KEPT = 50
"""How many letters wait at most; the oldest go then: what lasts is in the next one."""
TRIES = Backoff(5.0, 300.0)
GIVEN_UP_SECONDS = 86_400.0
REPORTED_AHEAD = timedelta(days=7)
"""How far ahead the day of the latest report may lie: one beyond it is of a clock that was wrong then."""


class LetterWay(Protocol):
    """A way by which a letter goes out."""

    name: str
    recipients: Sequence[str]

    def send(self, letter: Letter, recipient: str) -> None:
        """Tells one of them. Raises AlertNotSent. Takes seconds, not minutes."""


@dataclass(frozen=True, slots=True)
class Sender:
    """From whom letters are, and when the daily one is written: in minutes of the day; None: never."""

    pbx: str
    zone: ZoneInfo
    digest_at: int | None
    machine: str = field(default_factory=socket.gethostname)


@dataclass(slots=True)
class _Tried:
    """How often a letter was tried by one way, when that is due again, and until when."""

    due: float
    until: float
    count: int = 0


class Teller(Worker):
    """Writes letters of what the `problems` are and sends them by each way until they are taken."""

    def __init__(
        self,
        spool: Path,
        ways: Sequence[LetterWay],
        sender: Sender,
        problems: Callable[[], Iterable[Problem]],
        noted: Problems,
        now: Callable[[], datetime],
        clock: Callable[[], float] = time.monotonic,
        check_there: Callable[[], object] = lambda: None,
    ) -> None:
        """`noted` is told where a letter cannot be sent; `check_there` raises OSError where the spool is not
        there: nothing is written in its place."""
        self._path, self._ways, self._sender = spool / FILE, ways, sender
        self._check_there = check_there
        self._problems, self._noted, self._now, self._clock = problems, noted, now, clock
        found = self._read()
        self._course = Course.restored(ILLNESSES.validate_python(found["illnesses"]), clock)
        self._letters = LETTERS.validate_python(found["letters"])
        self._digest_day: str = found["digest_day"]
        self._next_letter = clock()
        self._first_digest = clock() + APART_SECONDS  # before, what is wrong since the start has not lasted
        self._tried: dict[tuple[str, str], _Tried] = {}
        self._saved = ""
        super().__init__(lambda: noted.attempt("telling of illness", self.work), lambda: LOOK_SECONDS)

    def work(self) -> None:
        """Looks, writes and sends what is due. Raises OSError where that is in memory only."""
        self._course.see(self._problems())
        if not self._ways:
            return
        self._write_news()
        self._write_digest()
        try:
            self._save()
        finally:
            self._send_all()
        self._save()

    # --- letters

    def _write_news(self) -> None:
        if self._clock() < self._next_letter:
            return
        news = self._course.news()
        if news:
            self._next_letter = self._clock() + APART_SECONDS
            self._write(LetterKind.ILLNESS, begun=news.begun, ended=news.ended)

    def _write_digest(self) -> None:
        """Writes how things stand, once a day of the office, from its time on."""
        here = self._now().astimezone(self._sender.zone)
        day, minute = here.date().isoformat(), here.hour * 60 + here.minute
        believed = (here + REPORTED_AHEAD).date().isoformat()
        if self._clock() < self._first_digest:
            return
        if self._sender.digest_at is None or day <= self._digest_day <= believed:
            return
        if minute >= self._sender.digest_at:
            self._digest_day = day
            self._write(LetterKind.DIGEST, lasting=tuple(self._course.open()))

    def _write(
        self,
        kind: LetterKind,
        begun: tuple[Illness, ...] = (),
        ended: tuple[Illness, ...] = (),
        lasting: tuple[Illness, ...] = (),
    ) -> None:
        pbx, machine = self._sender.pbx, self._sender.machine
        letter = Letter(ids.new(), kind, self._now(), pbx, machine, begun, ended, lasting)
        self._letters = [*self._letters, letter][-KEPT:]
        log.info("a letter of the recorder's health", kind=kind, begun=len(begun), ended=len(ended))

    # --- sending

    def _send_all(self) -> None:
        for way in self._ways:
            problem: str | Sentence = ""
            for letter in list(self._letters):
                problem = self._send_by(way, letter.id) or problem
            self._tell_way(way, problem)
        wanted = {_mark(way, each) for way in self._ways for each in way.recipients}
        self._letters = [each for each in self._letters if not wanted <= set(each.done)]
        left = {each.id for each in self._letters}
        self._tried = {key: each for key, each in self._tried.items() if key[0] in left}

    def _tell_way(self, way: LetterWay, problem: str | Sentence) -> None:
        name = f"told by {way.name}"
        if problem:
            said = Sentence(
                "nobody can be told of what is wrong here by {way}: {problem}", way=way.name, problem=problem
            )
            self._noted.add(name, said)
        elif not any(mark.startswith(way.name) and each.count for (_, mark), each in self._tried.items()):
            self._noted.clear(name)

    def _send_by(self, way: LetterWay, letter_id: str) -> str | Sentence:
        """Sends a letter to whom it is due. Returns why that failed for one of them; empty where it did
        not."""
        problem: str | Sentence = ""
        for recipient in way.recipients:
            mark = _mark(way, recipient)
            letter = next(each for each in self._letters if each.id == letter_id)
            if mark in letter.done or not self._is_due(letter_id, mark):
                continue
            failed = self._try(way, letter, recipient, self._tried[letter_id, mark])
            if not failed:
                self._done(letter_id, mark)
            problem = failed or problem
        return problem

    def _is_due(self, letter_id: str, mark: str) -> bool:
        now = self._clock()
        tried = self._tried.setdefault((letter_id, mark), _Tried(now, now + GIVEN_UP_SECONDS))
        return tried.due <= now

    def _try(self, way: LetterWay, letter: Letter, recipient: str, tried: _Tried) -> str | Sentence:
        """Returns why a letter was not taken, to be tried again; empty where it was, or is given up."""
        self.pulse.beat()
        now = self._clock()
        try:
            way.send(letter, recipient)
        except AlertNotSent as error:
            tried.due, tried.count = now + TRIES.after(tried.count), tried.count + 1
            log.warning("a letter was not taken", way=way.name, problem=str(error), tries=tried.count)
            return "" if now >= tried.until else Sentence(error.template, **error.values)
        return ""

    def _done(self, letter_id: str, mark: str) -> None:
        self._tried.pop((letter_id, mark), None)
        self._letters = [
            replace(each, done=(*each.done, mark)) if each.id == letter_id else each for each in self._letters
        ]

    # --- what survives a restart

    def _read(self) -> dict[str, Any]:
        empty: dict[str, Any] = {"illnesses": [], "letters": [], "digest_day": ""}
        try:
            found = json.loads(self._path.read_text("utf-8"))
            ILLNESSES.validate_python(found["illnesses"])
            LETTERS.validate_python(found["letters"])
            return {**empty, **found, "digest_day": str(found["digest_day"])}
        except FileNotFoundError:
            return empty
        except (OSError, ValueError, KeyError, TypeError) as error:
            log.error("what was told of illness cannot be read: it is told again", problem=str(error))
            return empty

    def _save(self) -> None:
        told = {
            "illnesses": ILLNESSES.dump_python(list(self._course.known.values()), mode="json"),
            "letters": LETTERS.dump_python(self._letters, mode="json"),
            "digest_day": self._digest_day,
        }
        data = json.dumps(told, ensure_ascii=False)
        if data != self._saved:
            self._check_there()
            write_whole(self._path, data.encode())
            self._saved = data


def _mark(way: LetterWay, recipient: str) -> str:
    return f"{way.name}:{recipient}"
