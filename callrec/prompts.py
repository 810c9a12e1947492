"""The announcements: what is said, in which language, in files the PBX can play.

A library is a folder with prompts.toml and, for each language, `<name>.wav` (8 kHz) and
`<name>.wav16` (16 kHz), both 16-bit mono: Asterisk picks the one that fits the call.
"""

from __future__ import annotations

import hashlib
import re
import shutil
from dataclasses import dataclass
from pathlib import Path

import tomlkit
from pydub import AudioSegment
from pydub.exceptions import CouldntDecodeError
from tomlkit.exceptions import TOMLKitError

from callrec.errors import CheckFailed, NotFound, WrongConfiguration, WrongUsage
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


@dataclass(frozen=True, slots=True)
class Prompt:
    """One announcement in one language. `sha256` holds the hash of the file of each rate (Hz)."""

    name: str
    language: str
    text: str
    voice: str
    licence: str
    seconds: float
    sha256: dict[int, str]

    @property
    def text_sha256(self) -> str:
        """What a manifest keeps to prove which words were played."""
        return hashlib.sha256(self.text.encode()).hexdigest()


class Library:
    """The announcements in one folder."""

    def __init__(self, directory: Path, pbx_directory: str | None = None) -> None:
        self.directory = directory
        self._pbx_directory = pbx_directory or str(directory.absolute())

    @classmethod
    def of(cls, settings: PromptSettings) -> Library:
        """The library the settings name; the one that comes with callrec where they name none."""
        return cls(settings.directory or shipped("prompts"), settings.pbx_directory)

    def all(self) -> list[Prompt]:
        """Every prompt, by name and language."""
        found = [
            _prompt(name, language, dict(entry))
            for name, languages in self._index().items()
            for language, entry in languages.items()
        ]
        return sorted(found, key=lambda prompt: (prompt.name, prompt.language))

    def get(self, name: str, language: str) -> Prompt:
        for prompt in self.all():
            if (prompt.name, prompt.language) == (name, language):
                return prompt
        raise NotFound(
            "there is no prompt {name} in language {language}: see callrec prompt list",
            name=name,
            language=language,
        )

    def file(self, prompt: Prompt, rate: int) -> Path:
        return self.directory / prompt.language / f"{prompt.name}.{RATES[rate]}"

    def sound(self, prompt: Prompt) -> str:
        """The prompt as the PBX names it: a path without its ending."""
        return f"{self._pbx_directory}/{prompt.language}/{prompt.name}"

    def check(self, prompt: Prompt) -> None:
        """Raises CheckFailed when a file of the prompt is missing or is not the one that was added."""
        for rate, expected in prompt.sha256.items():
            path = self.file(prompt, rate)
            if not path.is_file():
                raise CheckFailed("the prompt file {path} is missing: add the prompt again", path=path)
            if _sha256(path) != expected:
                raise CheckFailed("the prompt file {path} was changed: add the prompt again", path=path)

    def add(
        self, source: Path, *, name: str, language: str, text: str, voice: str = "", licence: str = ""
    ) -> Prompt:
        """Takes a sound file of any format into the library, at even loudness.

        Refuses what is unreadable, silent or longer than 60 s, and then changes nothing.
        """
        _check_words(name, language, text)
        sound = _even(_read(source))
        (self.directory / language).mkdir(parents=True, exist_ok=True)
        hashes = {
            rate: _write(sound, rate, self.directory / language / f"{name}.{ending}")
            for rate, ending in RATES.items()
        }
        prompt = Prompt(name, language, text, voice, licence, len(sound) / 1000, hashes)
        self._enter(prompt)
        return prompt

    def _index(self) -> tomlkit.TOMLDocument:
        path = self.directory / INDEX
        try:
            return tomlkit.parse(path.read_text("utf-8"))
        except FileNotFoundError:
            return tomlkit.document()
        except (OSError, TOMLKitError) as error:
            raise WrongConfiguration(
                "{path} cannot be read: {problem}", path=path, problem=str(error)
            ) from error

    def _enter(self, prompt: Prompt) -> None:
        index = self._index()
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
    """Whether the converter that `add` and some formats of `fetch` need is installed."""
    return bool(shutil.which("ffmpeg") and shutil.which("ffprobe"))


def _prompt(name: str, language: str, entry: dict[str, object]) -> Prompt:
    hashes = entry["sha256"]
    assert isinstance(hashes, dict)
    return Prompt(
        name=name,
        language=language,
        text=str(entry["text"]),
        voice=str(entry["voice"]),
        licence=str(entry["licence"]),
        seconds=float(str(entry["seconds"])),
        sha256={int(rate): str(digest) for rate, digest in hashes.items()},
    )


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
    try:
        sound = _decoded(source)
    except (CouldntDecodeError, IndexError, KeyError, OSError) as error:
        raise WrongUsage("{path} is no sound file that ffmpeg can read", path=source) from error
    if sound.duration_seconds > LONGEST_SECONDS:
        raise WrongUsage(
            "{path} lasts {seconds} s: an announcement may last 60 s at most",
            path=source,
            seconds=round(sound.duration_seconds),
        )
    if not len(sound) or sound.dBFS < SILENCE_DBFS:
        raise WrongUsage("{path} is silent: nobody would hear the announcement", path=source)
    return sound


def _decoded(source: Path) -> AudioSegment:
    if source.suffix.lower() != ".wav":
        return AudioSegment.from_file(source)
    with source.open("rb") as file:  # pydub would leave it open
        return AudioSegment.from_file(file, format="wav")


def _even(sound: AudioSegment) -> AudioSegment:
    """Mono, 16 bit, at the usual loudness, without clipping."""
    mono = sound.set_channels(1).set_sample_width(2)
    gain = min(LOUDNESS_DBFS - mono.dBFS, PEAK_DBFS - mono.max_dBFS)
    return mono.apply_gain(gain)


def _write(sound: AudioSegment, rate: int, path: Path) -> str:
    partial = path.with_name(path.name + ".partial")
    # ffmpeg resamples with a filter, pydub alone without; bitexact leaves out what is not sound.
    options = ["-ar", str(rate), "-map_metadata", "-1", "-fflags", "+bitexact", "-flags", "+bitexact"]
    sound.export(partial, format="wav", parameters=options).close()
    digest = _sha256(partial)
    partial.replace(path)
    return digest


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
