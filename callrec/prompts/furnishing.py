"""Furnishes an office's own library with what comes with callrec: what it lacks, and nothing else.

The announcements of an office stand outside the folder in which callrec is installed: an upgrade replaces
that one, and takes what was added there away. What the office has under a name stays as it is, also where
callrec comes with other words now: what callers are told changes by `callrec prompt add` alone.
"""

from __future__ import annotations

from callrec import files
from callrec.errors import WrongConfiguration
from callrec.failures import why
from callrec.model.prompts import RATES, PlayableSound, Prompt
from callrec.model.tones import FOLDER, TONES
from callrec.prompts.library import FILE_MODE, FOLDER_MODE, Library

OUTER_MODE = 0o711
"""Of the folder in which a library is made: the PBX's user goes through it, and lists nothing that is beside
the library."""


def furnish(library: Library, source: Library) -> list[Prompt]:
    """Puts the announcements and tones of `source` that a library lacks into it; returns the announcements.

    Raises WrongConfiguration where the folder cannot be written.
    """
    make_way(library)
    there = {(each.name, each.language) for each in library.all()}
    lacking = [each for each in source.all() if (each.name, each.language) not in there]
    for prompt in lacking:
        _add(library, source, prompt)
    try:
        _put_tones(library, source)
    except OSError as error:
        raise _unusable(library, error) from error
    return lacking


def make_way(library: Library) -> None:
    """Makes the folder in which a library is to be, where it is missing. Raises WrongConfiguration."""
    try:
        files.make_folder(library.directory.parent, OUTER_MODE)
    except OSError as error:
        raise _unusable(library, error) from error


def _unusable(library: Library, error: OSError) -> WrongConfiguration:
    return WrongConfiguration(
        "prompts.directory {path} cannot be used: {problem}", path=library.directory, problem=why(error)
    )


def _add(library: Library, source: Library, prompt: Prompt) -> None:
    sounds = {rate: source.file(prompt, rate).read_bytes() for rate in RATES}
    library.add(
        PlayableSound(sounds, prompt.seconds),
        name=prompt.name,
        language=prompt.language,
        text=prompt.text,
        voice=prompt.voice,
        licence=prompt.licence,
    )


def _put_tones(library: Library, source: Library) -> None:
    folder = library.directory / FOLDER
    files.make_folder(folder, FOLDER_MODE)
    for name in TONES:
        for ending in RATES.values():
            path = folder / f"{name}.{ending}"
            if not path.exists():
                data = (source.directory / FOLDER / path.name).read_bytes()
                files.write_whole(path, data, mode=FILE_MODE)
