"""Reads a file of sound of any usual format, by ffmpeg; refuses what is none, or is not whole.

ffmpeg gets the open file and nothing else: no name by which it would guess, and no format that lists other
files (playlists, patterns of pictures), so that it can read nothing but this file. What it says goes to no
person: it is sorted by kind.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import stat
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from callrec.errors import CheckFailed, NotFound, WrongUsage
from callrec.failures import why
from callrec.prompts import file_ends

LONGEST_SECONDS = 60.0
"""Nobody listens longer before anything happens, and the fallback plays it to every caller."""
MOST_BYTES = 1 << 28
"""What ffmpeg may give back: more than 60 s of six channels at 96 kHz. It bounds the memory."""
PATIENCE_SECONDS = 120.0
LEAST_RATE, HIGHEST_RATE = 4000, 768_000
"""Samples a second: below, half of what makes words understood is missing; above, nobody records."""
FORMATS = (
    "aac,ac3,aiff,amr,ape,asf,au,avi,caf,dsf,eac3,flac,flv,gsm,matroska,mov,mp3,mpc,mpc8,mpeg,mpegts,ogg,rm,"
    "tta,voc,w64,wav,wv,alaw,g722,mulaw,s16le"
)
"""The containers that hold their sound themselves, by ffmpeg's names."""
_ULAW, _ALAW = ("-f", "mulaw", "-sample_rate", "8000"), ("-f", "alaw", "-sample_rate", "8000")
HEADERLESS = {
    ".ulaw": _ULAW,
    ".ul": _ULAW,
    ".alaw": _ALAW,
    ".al": _ALAW,
    ".sln": ("-f", "s16le", "-sample_rate", "8000"),
    ".sln16": ("-f", "s16le", "-sample_rate", "16000"),
    ".g722": ("-f", "g722"),
    ".gsm": ("-f", "gsm"),
}
"""What an Asterisk writes without a header: nothing but the ending of the name tells what it is."""
LOST_SECONDS = 0.1
"""By so much what comes out may be shorter than the file says: coders pad, and round."""
_ERROR = re.compile(r"\[(error|fatal|panic)\]")
_CORRUPT = re.compile(r"corrupt|Missing GSM magic", re.IGNORECASE)
_ESTIMATED = "Estimating duration"
_FILE = "file:/dev/stdin"
_INPUT = ("-v", "level+warning", "-protocol_whitelist", "file,pipe", "-format_whitelist", FORMATS)
_IGNORED = {"FFREPORT", "AV_LOG_FORCE_COLOR"}
"""Variables by which ffmpeg would write elsewhere or otherwise."""


@dataclass(frozen=True, slots=True)
class Sound:
    """What was in a file."""

    samples: NDArray[np.float32]
    """By time and channel; full scale is 1."""
    rate: int
    """Samples a second."""
    coding: str
    """How the file holds them, by ffmpeg's name, such as ``mp3`` or ``pcm_s16le``."""

    @property
    def seconds(self) -> float:
        """How long it is."""
        return len(self.samples) / self.rate


@dataclass(frozen=True, slots=True)
class _Description:
    """What a file says of its first track of sound. `seconds`: None where it is not said, or estimated."""

    container: str
    coding: str
    rate: int
    channels: int
    seconds: float | None
    options: tuple[str, ...]


def ffmpeg_is_here() -> bool:
    """Returns whether the converter that `add` and some formats of `fetch` need is installed."""
    return bool(shutil.which("ffmpeg") and shutil.which("ffprobe"))


def decoded(path: Path) -> Sound:
    """Returns the sound of a file, of one that is too long only the beginning.

    Raises NotFound, WrongUsage for what is no sound or is damaged, CheckFailed where ffmpeg is missing.
    """
    with opened(path) as file:
        return sound_in(file, path)


def sound_in(file: BinaryIO, path: Path) -> Sound:
    """Returns the sound of an open file, which errors call `path`; one without a header is what the ending
    says."""
    if not os.fstat(file.fileno()).st_size:
        raise WrongUsage("{path} is empty: get a whole copy of it", path=path)
    described = _described(file, path)
    samples, log = _samples(file, described, path)
    is_sound = bool(np.isfinite(samples).all())  # a WAV of floats may hold anything
    if not is_sound or _is_damaged(file, described, len(samples) / described.rate, log):
        raise WrongUsage("{path} is damaged or cut off: get a whole copy of it", path=path)
    if not len(samples):
        raise WrongUsage("{path} is silent: nobody would hear the announcement", path=path)
    return Sound(samples, described.rate, described.coding)


@contextmanager
def opened(path: Path) -> Iterator[BinaryIO]:
    """Opens a file of sound. Raises NotFound, and WrongUsage where it cannot be read or is none."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)  # a pipe would keep us waiting
    except FileNotFoundError as error:
        raise NotFound("there is no file {path}", path=path) from error
    except (OSError, ValueError) as error:
        raise WrongUsage("{path} cannot be read: {problem}", path=path, problem=why(error)) from error
    found = os.fstat(descriptor)
    if not stat.S_ISREG(found.st_mode):
        os.close(descriptor)
        raise WrongUsage("{path} is a folder or a device: give a file of sound", path=path)
    with os.fdopen(descriptor, "rb") as file:
        yield file


def _described(file: BinaryIO, path: Path) -> _Description:
    """Returns what the file says of itself, or, where that is nothing, the ending of its name."""
    raw = HEADERLESS.get(path.suffix.lower())
    for options in ((), raw) if raw else ((),):
        answer, log = _probed(file, options, path)
        if "format" in answer:
            return _description(answer, log, options, path)
    raise WrongUsage("{path} is no sound file that ffmpeg can read", path=path)


def _probed(file: BinaryIO, options: Sequence[str], path: Path) -> tuple[dict[str, Any], str]:
    wanted = "stream=codec_name,sample_rate,channels,duration,start_time:format=format_name,duration"
    command = ["-of", "json", "-select_streams", "a:0", "-show_entries", wanted]
    done = _run(["ffprobe", *_INPUT, *options, *command, _FILE], file, path)
    try:
        answer: dict[str, Any] = json.loads(done.stdout)
    except ValueError:
        return {}, ""
    return answer, _text(done.stderr)


def _description(answer: dict[str, Any], log: str, options: Sequence[str], path: Path) -> _Description:
    if not (streams := answer.get("streams")):
        raise WrongUsage("there is no sound in {path}", path=path)
    stream, container = streams[0], answer["format"]
    rate, channels = int(stream.get("sample_rate", 0)), int(stream.get("channels", 0))
    if not 0 < rate <= HIGHEST_RATE or not channels:
        raise WrongUsage("{path} is no sound file that ffmpeg can read", path=path)
    if rate < LEAST_RATE:
        raise WrongUsage(
            "{path} has only {rate} samples a second: a telephone has 8000", path=path, rate=rate
        )
    said = stream.get("duration", container.get("duration"))
    seconds = float(said) - max(0.0, float(stream.get("start_time", 0))) if said else None
    if _ESTIMATED in log:
        seconds = None
    coding = stream.get("codec_name", "")
    return _Description(
        container["format_name"].split(",")[0], coding, rate, channels, seconds, tuple(options)
    )


def _samples(file: BinaryIO, of: _Description, path: Path) -> tuple[NDArray[np.float32], str]:
    """Returns the samples and what ffmpeg says of them. That it gave up is an error in what it says."""
    limits = ["-t", str(LONGEST_SECONDS + 1), "-fs", str(MOST_BYTES)]
    output = ["-map", "0:a:0", *limits, "-ar", str(of.rate), "-ac", str(of.channels), "-f", "f32le", "pipe:1"]
    detect = ["-nostdin", "-err_detect", "crccheck+bitstream+explode"]
    done = _run(["ffmpeg", *_INPUT, *detect, *of.options, "-i", _FILE, *output], file, path)
    if len(done.stdout) >= MOST_BYTES - (MOST_BYTES >> 8):
        raise WrongUsage("{path} is too long: an announcement may last 60 s at most", path=path)
    frame = 4 * of.channels
    whole = done.stdout[: len(done.stdout) // frame * frame]
    log = _text(done.stderr) + ("[error]" if done.returncode else "")
    return np.frombuffer(whole, "<f4").reshape(-1, of.channels), log


def _is_damaged(file: BinaryIO, of: _Description, seconds: float, log: str) -> bool:
    """Tells by ffmpeg's complaints, by the length, and by the structure of the file."""
    if _ERROR.search(log):
        return True
    if _CORRUPT.search(log) and not file_ends.is_of_unknown_length(file, of.container):
        return True
    least = 0.0 if of.seconds is None else min(of.seconds, LONGEST_SECONDS)
    lost = 0.0 if of.coding.startswith("pcm_") else LOST_SECONDS
    return seconds < least - lost - 0.5 / of.rate or file_ends.is_cut_off(file, of.container)


def _run(command: Sequence[str], file: BinaryIO, path: Path) -> subprocess.CompletedProcess[bytes]:
    environment = {name: value for name, value in os.environ.items() if name not in _IGNORED}
    try:
        return subprocess.run(
            command, stdin=file, capture_output=True, check=False, timeout=PATIENCE_SECONDS, env=environment
        )
    except FileNotFoundError as error:
        raise CheckFailed(
            "ffmpeg is not installed, it reads and converts sound: apt-get install ffmpeg"
        ) from error
    except subprocess.TimeoutExpired as error:
        raise WrongUsage("ffmpeg cannot read {path} in two minutes", path=path) from error


def _text(log: bytes) -> str:
    return log.decode(errors="replace")
