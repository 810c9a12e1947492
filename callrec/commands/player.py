"""Plays sound on this machine as it comes, by the player that is there: nothing of it is put on the disk."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from callrec.errors import CheckFailed


@dataclass(frozen=True, slots=True)
class Player:
    """A program that plays a WAV from its standard input, and ends when that does."""

    command: tuple[str, ...]
    failure: str = "\0"
    """What it says of a failure that its exit code conceals."""

    @property
    def name(self) -> str:
        return self.command[0]


PLAYERS = (
    # ffplay ends with 0 where there is no sound card.
    Player(("ffplay", "-nodisp", "-autoexit", "-loglevel", "error", "-i", "pipe:0"), "Failed to open file"),
    Player(("mpv", "--no-config", "--no-video", "--really-quiet", "-")),
    Player(("paplay",)),
)
_MOST_SAID = 1 << 16


def find() -> Player:
    """Returns the player of this machine. Raises CheckFailed where there is none."""
    found = next((each for each in PLAYERS if shutil.which(each.name)), None)
    if found is None:
        raise CheckFailed(
            "there is no player on this machine: apt-get install ffmpeg, which has ffplay (mpv and paplay "
            "will do, too)"
        )
    return found


def play(player: Player, sound: Iterable[bytes]) -> None:
    """Plays sound to its end, or until the player is closed. Raises CheckFailed where it cannot."""
    with _memory() as said:
        code = _run(player, sound, said)
        words = os.pread(said, _MOST_SAID, 0).decode(errors="replace")
    if code or player.failure in words:
        raise CheckFailed(
            "{player} could not play it (exit code {code}): see whether it plays anything else",
            player=player.name,
            code=code,
        )


def _run(player: Player, sound: Iterable[bytes], said: int) -> int:
    """Runs a player on some sound. Returns its exit code."""
    process = subprocess.Popen(
        player.command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=said, bufsize=0
    )
    try:
        with suppress(BrokenPipeError):  # it was closed
            _feed(process, sound)
        return process.wait()
    except BaseException:
        process.terminate()
        process.wait()
        raise


def _feed(process: subprocess.Popen[bytes], sound: Iterable[bytes]) -> None:
    assert process.stdin is not None
    with process.stdin as pipe:
        for chunk in sound:
            left = memoryview(chunk)
            while left:
                left = left[pipe.write(left) :]


@contextmanager
def _memory() -> Iterator[int]:
    """Gives a file in memory, for what a player says: a pipe would have to be emptied meanwhile."""
    descriptor = os.memfd_create("player")
    try:
        yield descriptor
    finally:
        os.close(descriptor)
