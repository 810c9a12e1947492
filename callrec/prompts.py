"""Keeps the announcements: what is said, in which language, in files the PBX can play.

A library is a folder with prompts.toml and, for each language, `<name>.wav` (8 kHz) and `<name>.wav16` (16
kHz), both 16-bit mono: Asterisk picks the one that fits the call. Beside the languages stands the folder of
the tones that staff hear (see callrec.model.tones). Which call gets which announcement is the matter of
callrec.policy; the PBX plays it.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import tempfile
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tomlkit
from pydantic import StringConstraints, TypeAdapter, ValidationError
from pydub import AudioSegment  # decision 8
from pydub.exceptions import CouldntDecodeError

from callrec.errors import CheckFailed, NotFound, WrongConfiguration, WrongUsage
from callrec.model.prompts import Prompt
from callrec.model.tones import FOLDER, TONES, Tones
from callrec.resources import shipped
from callrec.settings import PromptSettings

RATES = {8000: "wav", 16000: "wav16"}
LOUDNESS_DBFS = -20.0
PEAK_DBFS = -1.0
SILENCE_DBFS = -50.0
LONGEST_SECONDS = 60.0
INDEX = "prompts.toml"
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,31}")
_LANGUAGE = re.compile(r"[a-z]{2}")

Name = Annotated[str, StringConstraints(pattern=f"^{_NAME.pattern}$")]
Language = Annotated[str, StringConstraints(pattern=f"^{_LANGUAGE.pattern}$")]
Key = tuple[str, str]


@dataclass(frozen=True, slots=True)
class _Entry:
    """What prompts.toml says of one announcement."""

    text: str
    seconds: float
    sha256: dict[int, str]
    voice: str = ""
    licence: str = ""


_INDEX = TypeAdapter(dict[Name, dict[Language, _Entry]])
_State = tuple[int, int, int] | None
"""By what a changed prompts.toml is noticed; None: there is none."""


class Library:
    """The announcements in one folder. Safe to use from several threads.

    The index is read again when prompts.toml was changed: the controller asks it for every call, and for
    every extension when it copies the rules to the PBX. A damaged index raises WrongConfiguration.
    """

    def __init__(self, directory: Path, pbx_directory: str | None = None) -> None:
        self.directory = directory
        self._pbx_directory = pbx_directory or str(directory.absolute())
        self._read: tuple[_State, dict[Key, Prompt]] | None = None

    @classmethod
    def of(cls, settings: PromptSettings) -> Library:
        """Returns the library the settings name; the one that comes with callrec where they name none."""
        return cls(settings.directory or shipped("prompts"), settings.pbx_directory)

    def all(self) -> list[Prompt]:
        """Returns every prompt, by name and language."""
        return list(self._prompts().values())

    def get(self, name: str, language: str) -> Prompt:
        """Returns the prompt of this name in this language. Raises NotFound."""
        found = self._prompts().get((name, language))
        if found is None:
            raise NotFound(
                "there is no prompt {name} in language {language}: see callrec prompt list",
                name=name,
                language=language,
            )
        return found

    def file(self, prompt: Prompt, rate: int) -> Path:
        """Returns the path of a prompt's sound at 8000 or 16000 Hz."""
        return self.directory / prompt.language / f"{prompt.name}.{RATES[rate]}"

    def sound(self, prompt: Prompt) -> str:
        """Returns the prompt as the PBX names it: a path without its ending."""
        return f"{self._pbx_directory}/{prompt.language}/{prompt.name}"

    @property
    def tones(self) -> Tones:
        """What staff hear of their keys, and the consent beep, as the PBX plays them."""
        return Tones(self._pbx_directory)

    def pbx_files(self) -> list[str]:
        """Returns every sound file of the library, as the PBX names it: prompts, then tones."""
        tones = [f"{self._pbx_directory}/{FOLDER}/{name}" for name in TONES]
        sounds = [*map(self.sound, self.all()), *tones]
        return [f"{sound}.{ending}" for sound in sounds for ending in RATES.values()]

    def check_tones(self) -> None:
        """Raises CheckFailed when a tone is missing. Other sounds under the same names are fine."""
        for name in TONES:
            for ending in RATES.values():
                path = self.directory / FOLDER / f"{name}.{ending}"
                if not path.is_file():
                    raise CheckFailed(
                        "the tone {path} is missing: copy the folder {folder} there", path=path, folder=FOLDER
                    )

    def check(self, prompt: Prompt) -> None:
        """Raises CheckFailed when a file of the prompt is missing or is not the one that was added."""
        for rate in RATES:
            path, expected = self.file(prompt, rate), prompt.sha256.get(rate)
            if not path.is_file():
                raise CheckFailed("the prompt file {path} is missing: add the prompt again", path=path)
            if _sha256(path) != expected:
                raise CheckFailed("the prompt file {path} was changed: add the prompt again", path=path)

    def add(
        self, source: Path, *, name: str, language: str, text: str, voice: str = "", licence: str = ""
    ) -> Prompt:
        """Takes a sound file of any format into the library, at even loudness, and returns its prompt.

        Raises NotFound for a file that is not there and WrongUsage for one that is unreadable, silent or
        longer than 60 s, and then changes nothing. A prompt of the same name and language is replaced.
        """
        _check_words(name, language, text)
        sound = _even(_read(source))
        self.directory.mkdir(parents=True, exist_ok=True)
        with self._alone():
            index = self._index()  # a damaged one is noticed before anything is replaced
            (self.directory / language).mkdir(exist_ok=True)
            hashes = {
                rate: _write(sound, rate, self.directory / language / f"{name}.{ending}")
                for rate, ending in RATES.items()
            }
            prompt = Prompt(name, language, text, voice, licence, len(sound) / 1000, hashes)
            self._enter(index, prompt)
        return prompt

    def _prompts(self) -> dict[Key, Prompt]:
        # Its state is taken before it is read: a change in between is noticed the next time.
        state = self._state()
        if self._read is None or self._read[0] != state:
            self._read = state, self._parsed()
        return self._read[1]

    def _state(self) -> _State:
        try:
            found = (self.directory / INDEX).stat()
        except OSError:
            return None
        return found.st_mtime_ns, found.st_size, found.st_ino

    def _parsed(self) -> dict[Key, Prompt]:
        try:
            entries = _INDEX.validate_python(tomllib.loads(self._text()))
        except (tomllib.TOMLDecodeError, ValidationError) as error:
            raise self._damaged(error) from error
        found = [
            Prompt(name, language, each.text, each.voice, each.licence, each.seconds, each.sha256)
            for name, languages in entries.items()
            for language, each in languages.items()
        ]
        found.sort(key=lambda prompt: (prompt.name, prompt.language))
        return {(prompt.name, prompt.language): prompt for prompt in found}

    def _text(self) -> str:
        try:
            return (self.directory / INDEX).read_text("utf-8")
        except FileNotFoundError:
            return ""
        except (OSError, UnicodeDecodeError) as error:
            raise self._damaged(error) from error

    def _damaged(self, error: Exception) -> WrongConfiguration:
        return WrongConfiguration(
            "{path} cannot be used ({problem}): restore it from a copy, or take the wrong entry out and "
            "add that prompt again with callrec prompt add",
            path=self.directory / INDEX,
            problem=_problem(error),
        )

    def _index(self) -> tomlkit.TOMLDocument:
        """Returns prompts.toml, to be changed; comments and order in it stay."""
        self._prompts()
        return tomlkit.parse(self._text())

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Lets only one process at a time change the library: none overwrites what another has entered."""
        descriptor = os.open(self.directory, os.O_RDONLY)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)

    def _enter(self, index: tomlkit.TOMLDocument, prompt: Prompt) -> None:
        names = index.setdefault(prompt.name, tomlkit.table(is_super_table=True))
        names[prompt.language] = {
            "text": prompt.text,
            "voice": prompt.voice,
            "licence": prompt.licence,
            "seconds": round(prompt.seconds, 3),
            "sha256": {str(rate): digest for rate, digest in prompt.sha256.items()},
        }
        partial = self.directory / f"{INDEX}.partial"
        partial.write_text(tomlkit.dumps(index), "utf-8")
        partial.replace(self.directory / INDEX)


def ffmpeg_is_here() -> bool:
    """Returns whether the converter that `add` and some formats of `fetch` need is installed."""
    return bool(shutil.which("ffmpeg") and shutil.which("ffprobe"))


def _problem(error: Exception) -> str:
    """Returns what is wrong with prompts.toml, in one line."""
    if not isinstance(error, ValidationError):
        return str(error)
    first = error.errors()[0]
    return f"{'.'.join(map(str, first['loc']))}: {first['msg']}"


def _check_words(name: str, language: str, text: str) -> None:
    if not _NAME.fullmatch(name):
        raise WrongUsage("{name} is no name for a prompt: write a-z, 0-9 and -, at most 32", name=name)
    if not _LANGUAGE.fullmatch(language):
        raise WrongUsage("{language} is no language: write two letters such as ja or en", language=language)
    if not text.strip():
        raise WrongUsage("the prompt's words are missing: give them with --text, they are kept as evidence")


def _read(source: Path) -> AudioSegment:
    if not source.is_file():
        raise NotFound("there is no file {path}", path=source)
    sound = _decoded(source)
    if sound.duration_seconds > LONGEST_SECONDS:
        raise WrongUsage("{path} is too long: an announcement may last 60 s at most", path=source)
    if not len(sound) or sound.dBFS < SILENCE_DBFS:
        raise WrongUsage("{path} is silent: nobody would hear the announcement", path=source)
    return sound


def _decoded(source: Path) -> AudioSegment:
    """Returns the sound, 16 bit, of one that is too long only the beginning. Raises WrongUsage.

    By ffmpeg itself: pydub goes by the ending of the name, and makes 8 bits of what a PBX wrote in µ-law.
    """
    with tempfile.TemporaryDirectory(prefix="callrec-") as folder:
        plain = Path(folder) / "sound.wav"
        options = ["-vn", "-t", str(LONGEST_SECONDS + 1), "-codec:a", "pcm_s16le"]
        command = ["ffmpeg", "-v", "error", "-nostdin", "-i", str(source.absolute()), *options, str(plain)]
        try:
            subprocess.run(command, capture_output=True, check=True)
            with plain.open("rb") as file:  # pydub would leave it open
                return AudioSegment.from_file(file, format="wav")
        except (subprocess.CalledProcessError, CouldntDecodeError, OSError) as error:
            raise WrongUsage("{path} is no sound file that ffmpeg can read", path=source) from error


def _even(sound: AudioSegment) -> AudioSegment:
    """Returns the sound in mono, 16 bit, at the usual loudness, without clipping."""
    mono = sound.set_channels(1).set_sample_width(2)
    gain = min(LOUDNESS_DBFS - mono.dBFS, PEAK_DBFS - mono.max_dBFS)
    return mono.apply_gain(gain)


def _write(sound: AudioSegment, rate: int, path: Path) -> str:
    """Writes the sound at `rate` Hz into a file and returns the file's SHA-256, in hexadecimal."""
    partial = path.with_name(path.name + ".partial")
    # ffmpeg resamples with a filter, pydub alone without; bitexact leaves out what is not sound.
    options = ["-ar", str(rate), "-map_metadata", "-1", "-fflags", "+bitexact", "-flags", "+bitexact"]
    sound.export(partial, format="wav", parameters=options).close()
    digest = _sha256(partial)
    partial.replace(path)
    return digest


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
