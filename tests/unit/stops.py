"""Stops callrec.files at any of its steps: by a disk that is full, by a refusal, by a kill."""

from __future__ import annotations

import errno
import os
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

WRITING = ("open", "write", "fsync", "link", "rename", "replace", "mkdir", "chmod", "fchmod", "fchown")
"""What of the system callrec.files writes by."""
STEPS = (*WRITING, "unlink")
KILLED = 9


class Killed(BaseException):
    """The process is no more."""


Run = Callable[[], object]


class Stop:
    """Lets the first steps of callrec.files pass, then does `then` at each; counts them."""

    def __init__(self, after: int | None, then: Callable[[str], None]) -> None:
        self.steps, self._after, self._then = 0, after, then

    def __call__(self, name: str) -> None:
        self.steps += 1
        if self._after is not None and self.steps > self._after:
            self._then(name)


def _of_files() -> bool:
    """Whether a call of the system is one of callrec.files, by itself or through pathlib."""
    frame = sys._getframe(2)
    while frame.f_back and frame.f_globals["__name__"] == "pathlib":
        frame = frame.f_back
    return bool(frame.f_globals["__name__"] == "callrec.files")


@contextmanager
def stopping(stop: Stop, *, unnamed: bool = True) -> Iterator[None]:
    """Puts `stop` before each step. Not `unnamed`: the file system has no files without a name."""

    def before(name: str, real: Callable[..., Any]) -> Callable[..., Any]:
        def step(*arguments: Any, **named: Any) -> Any:
            if _of_files():
                if name == "open" and not unnamed and arguments[1] & os.O_TMPFILE == os.O_TMPFILE:
                    raise OSError(errno.EOPNOTSUPP, os.strerror(errno.EOPNOTSUPP))
                stop(name)
            return real(*arguments, **named)

        return step

    with pytest.MonkeyPatch.context() as patch:
        for name in STEPS:
            patch.setattr(os, name, before(name, getattr(os, name)))
        yield


def steps_of(run: Run, *, unnamed: bool = True) -> int:
    """Runs to the end and returns how many steps that takes."""
    count = Stop(None, _never)
    with stopping(count, unnamed=unnamed):
        run()
    return count.steps


def run_until_full(run: Run, after: int, *, unnamed: bool = True) -> bool:
    """Runs on a disk that is full after so many steps. Returns whether the run said so, by raising."""
    return _run_until(run, after, errno.ENOSPC, WRITING, unnamed=unnamed)


def run_until_refused(run: Run, after: int, *, unnamed: bool = True) -> bool:
    """Runs where no name may be given after so many steps. Returns whether the run said so, by raising."""
    return _run_until(run, after, errno.EACCES, ("link", "rename", "replace"), unnamed=unnamed)


def run_until_killed(run: Run, after: int, *, unnamed: bool = True) -> bool:
    """Runs until it is killed after so many steps: then it does nothing more, not even tidy up."""

    def kill(_: str) -> None:
        raise Killed

    with stopping(Stop(after, kill), unnamed=unnamed):
        try:
            run()
        except Killed:
            return True
    return False


def run_until_really_killed(run: Run, after: int) -> bool:
    """As `run_until_killed`, but in a process of its own, which ends there."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of forking beside the threads of pytest
        child = os.fork()
    if child == 0:
        try:
            with stopping(Stop(after, lambda _: os._exit(KILLED))):
                run()
        finally:
            os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == KILLED


def _run_until(run: Run, after: int, number: int, names: tuple[str, ...], *, unnamed: bool) -> bool:
    def fail(name: str) -> None:
        if name in names:
            raise OSError(number, os.strerror(number))

    with stopping(Stop(after, fail), unnamed=unnamed):
        try:
            run()
        except OSError:
            return True
    return False


def _never(_: str) -> None:
    raise AssertionError
