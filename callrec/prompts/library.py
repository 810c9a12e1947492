"""Keeps announcements in a folder: each is there with its words and all its sounds, or not at all.

A library is a folder with prompts.toml and, for each language, `<file>.wav` (8 kHz) and `<file>.wav16` (16
kHz), both 16-bit mono: Asterisk picks the one that fits the call. Beside the languages stands the folder of
the tones that staff hear (see callrec.model.tones).

An announcement that is added gets files of its own, with a part of their hash in the name, and is in force
from the moment in which prompts.toml, which names them, is replaced. What it replaces stays for a week, for
calls that hear it and for the PBX's copy of the rules; then the next addition of that announcement takes its
files away. Those of an addition that was killed go with the next addition of any.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

from callrec import files
from callrec.errors import CallrecError, CheckFailed, NotFound, Sentence, WrongConfiguration, WrongUsage
from callrec.failures import why
from callrec.model.prompts import RATES, PlayableSound, Prompt
from callrec.model.tones import FOLDER, TONES, Tones
from callrec.prompts import index
from callrec.prompts.index import Index, Replaced
from callrec.resources import shipped
from callrec.settings import PromptSettings

INDEX = "prompts.toml"
KEPT = timedelta(days=7)
"""How long what was replaced stays."""
FILE_MODE, FOLDER_MODE = 0o644, 0o755
"""The PBX's user must be able to read what it plays, and whoever runs callrec the words, whoever added them:
they are no secret, every caller hears them."""
_OWN_FILE = re.compile(
    r"(?P<stem>[a-z0-9][a-z0-9-]*?(?P<hash>-[0-9a-f]{12})?)\.wav(16)?(?P<partial>\.partial)?"
)
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
        self._read: tuple[_State, Index] | None = None

    @classmethod
    def of(cls, settings: PromptSettings) -> Library:
        """Returns the library the settings name; the one that comes with callrec where they name none."""
        return cls(settings.directory or shipped("prompts"), settings.pbx_directory)

    def all(self) -> list[Prompt]:
        """Returns every prompt, by name and language."""
        return list(self._index().prompts.values())

    def get(self, name: str, language: str) -> Prompt:
        """Returns the prompt of this name in this language. Raises NotFound."""
        found = self._index().prompts.get((name, language))
        if found is None:
            raise NotFound(
                "there is no prompt {name} in language {language}: see callrec prompt list",
                name=name,
                language=language,
            )
        return found

    def spoken(self, name: str, language: str, text_sha256: str, at: datetime) -> Prompt:
        """Returns the version of a prompt with these words that was in force at a moment. Raises NotFound."""
        self.get(name, language)
        found = self._index().spoken(name, language, text_sha256, at)
        if found is None:
            raise NotFound("prompt {name} has other words now", name=name)
        return found

    def played(self, sound: str) -> Prompt | None:
        """Returns the prompt that the PBX plays, or played, under this name; None where there is none."""
        folder, _, stem = sound.removeprefix(f"{self._pbx_directory}/").rpartition("/")
        return self._index().named(folder, stem)

    def file(self, prompt: Prompt, rate: int) -> Path:
        """Returns the path of a prompt's sound at 8000 or 16000 Hz."""
        return self.directory / prompt.language / f"{prompt.stem}.{RATES[rate]}"

    def sound(self, prompt: Prompt) -> str:
        """Returns the prompt as the PBX names it: a path without its ending."""
        return f"{self._pbx_directory}/{prompt.language}/{prompt.stem}"

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
            if _sha256(path.read_bytes()) != expected:
                raise CheckFailed("the prompt file {path} was changed: add the prompt again", path=path)

    def add(
        self, sound: PlayableSound, *, name: str, language: str, text: str, voice: str = "", licence: str = ""
    ) -> Prompt:
        """Takes an announcement into the library, sounds and words at once, and returns its prompt.

        A prompt of the same name and language is replaced. Raises WrongUsage, and then, or when this is
        stopped at any moment, nothing has changed.
        """
        index.check_words(name, language, text, voice, licence)
        hashes = {rate: _sha256(data) for rate, data in sound.files.items()}
        file = f"{name}-{_sha256('/'.join([text, *hashes.values()]).encode())[:12]}"
        prompt = Prompt(name, language, text, voice, licence, round(sound.seconds, 3), hashes, file)
        try:
            _make_folder(self.directory)
            with self._alone():
                self._put(prompt, sound)
        except OSError as error:
            raise WrongUsage(
                "the announcement cannot be put into {path}: {problem}",
                path=self.directory,
                problem=why(error),
            ) from error
        return prompt

    def _put(self, prompt: Prompt, sound: PlayableSound) -> None:
        text = self._text()
        made = self._entered(text, prompt)  # a damaged index is noticed before anything is written
        folder = self.directory / prompt.language
        try:
            _make_folder(folder)
            for rate, data in sound.files.items():
                files.write_whole(self.file(prompt, rate), data, mode=FILE_MODE)
            files.write_whole(self.directory / INDEX, made.encode(), mode=FILE_MODE)
        finally:
            self._tidy()

    def _entered(self, text: str, prompt: Prompt) -> str:
        try:
            known = index.parse(text)
            return index.entered(text, prompt, _replaced(known, prompt, datetime.now(UTC)))
        except index.Damaged as error:
            raise self._damaged(error) from error

    def _tidy(self) -> None:
        """Takes away the files of announcements that prompts.toml names no longer, or does not name yet.

        Only what `add` has written: what people put beside it stays.
        """
        with suppress(OSError, WrongConfiguration):
            files.partial_of(self.directory / INDEX).unlink(missing_ok=True)
            found = self._parsed()
            named, keys = found.files(), found.prompts
            for path in self.directory.glob("[a-z][a-z]/*"):
                own, language = _OWN_FILE.fullmatch(path.name), path.parent.name
                if not own or (not own["partial"] and (language, own["stem"]) in named):
                    continue
                if own["partial"] or own["hash"] or (own["stem"], language) in keys:
                    path.unlink()
            for folder in self.directory.glob("[a-z][a-z]"):
                with suppress(OSError):  # there is something in it
                    folder.rmdir()

    def _index(self) -> Index:
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

    def _parsed(self) -> Index:
        try:
            return index.parse(self._text())
        except index.Damaged as error:
            raise self._damaged(error) from error

    def _text(self) -> str:
        try:
            return (self.directory / INDEX).read_text("utf-8-sig")  # an editor may have put a BOM before it
        except FileNotFoundError:
            return ""
        except OSError as error:
            raise self._damaged(why(error)) from error
        except UnicodeDecodeError as error:
            raise self._damaged(Sentence("it is not UTF-8")) from error

    def _damaged(self, problem: Sentence | CallrecError) -> WrongConfiguration:
        return WrongConfiguration(
            "{path} cannot be used ({problem}): restore it from a copy, or take the wrong entry out and "
            "add that prompt again with callrec prompt add",
            path=self.directory / INDEX,
            problem=problem,
        )

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Lets only one process at a time change the library: none overwrites what another has entered."""
        descriptor = os.open(self.directory, os.O_RDONLY)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)


def _make_folder(path: Path) -> None:
    """Makes a folder that the PBX's user can read; also of one that a killed addition has left empty."""
    files.make_folder(path, FOLDER_MODE)
    if path.stat().st_uid == os.geteuid() and not any(path.iterdir()):
        path.chmod(FOLDER_MODE)


def _replaced(known: Index, prompt: Prompt, now: datetime) -> list[Replaced]:
    """Returns the earlier versions of a prompt that stay, when this one takes its place."""
    key = (prompt.name, prompt.language)
    before = known.prompts.get(key)
    kept = [each for each in known.earlier.get(key, ()) if now - each.until < KEPT]
    last = [Replaced(before, now)] if before and before.stem != prompt.stem else []
    return [each for each in [*kept, *last] if each.prompt.stem != prompt.stem]


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
