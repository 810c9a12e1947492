"""Announcements: listed, added, and given to be played."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from pydantic import Base64Bytes

from callrec import ids
from callrec.desk.download import Download
from callrec.desk.operation import Session, operation
from callrec.desk.operations.rights import require_facility
from callrec.errors import CheckFailed, Refused
from callrec.files import scratch
from callrec.model.access import Role
from callrec.model.calls import Note
from callrec.model.office import is_endpoint
from callrec.model.prompts import Prompt
from callrec.pbx.events import OWN_PREFIX
from callrec.prompts.decoder import sound_in
from callrec.prompts.judgement import judge
from callrec.prompts.playable import evened

PLAYED_RATE = 16000
"""Samples a second of what people listen to."""


@dataclass(frozen=True, slots=True)
class PromptWords:
    """What an announcement is called, and its words."""

    name: str
    language: str
    text: str
    voice: str
    licence: str


@dataclass(frozen=True, slots=True)
class AddedPrompt:
    """An announcement that was added, and what people are warned of."""

    prompt: Prompt
    warnings: list[Note]


@dataclass(frozen=True, slots=True)
class PromptFile:
    """The sound of an announcement, as a WAV."""

    size: int
    sha256: str


@operation("prompt list", Role.RULES)
def list_prompts(session: Session, /) -> list[Prompt]:
    """Returns all announcements, by name and language."""
    return session.app.library.all()


@operation("prompt add", Role.RULES)
def add_prompt(session: Session, /, sound: Base64Bytes, file: str, words: PromptWords) -> AddedPrompt:
    """Judges a sound of any format, and adds it or puts it in another's place. `file` is what its file is
    called: errors name it. Raises WrongUsage where a caller could not hear it."""
    session.require_all("prompt add")
    return _added(session, sound, Path(file), words)


@operation("prompt make", Role.RULES)
def make_prompt(session: Session, /, sound: Base64Bytes, words: PromptWords) -> AddedPrompt:
    """Judges and adds what the voice has spoken where it was asked for, like any other sound."""
    session.require_all("prompt make")
    return _added(session, sound, Path(f"{words.name}.wav"), words)


def _require_own_folder(session: Session) -> None:
    """Raises Refused where an announcement would go into the folder of callrec, which an upgrade replaces."""
    if session.app.settings.prompts.directory is None:
        raise Refused(
            "the announcements that come with callrec are not changed, an upgrade replaces them: set "
            "prompts.directory to a folder of your own, such as /var/lib/callrec/prompts, run callrec init, "
            "and restart callrec"
        )


def _added(session: Session, sound: bytes, file: Path, words: PromptWords) -> AddedPrompt:
    with scratch() as copy:
        copy.write_bytes(sound)
        with copy.open("rb") as opened:
            judgement = judge(sound_in(opened, file), file)
    for fault in judgement.faults:
        raise fault
    _require_own_folder(session)
    added = session.app.library.add(
        evened(judgement),
        name=words.name,
        language=words.language,
        text=words.text,
        voice=words.voice,
        licence=words.licence,
    )
    return AddedPrompt(added, list(judgement.warnings))


@operation("prompt play", Role.RULES)
def prompt_sound(session: Session, /, name: str, language: str) -> Download[PromptFile]:
    """Gives the sound of an announcement. Raises NotFound, CheckFailed where it is not what was added."""
    library = session.app.library
    prompt = library.get(name, language)
    library.check(prompt)
    path = library.file(prompt, PLAYED_RATE)
    return Download.of(PromptFile(path.stat().st_size, prompt.sha256[PLAYED_RATE]), path)


@operation("prompt play", Role.RULES)
def ring_prompt(session: Session, /, name: str, language: str, extension: str) -> None:
    """Rings a phone and plays an announcement there. Raises CheckFailed where the PBX has no such phone."""
    library, pbx = session.app.library, session.app.pbx
    prompt = library.get(name, language)
    library.check(prompt)
    office = session.app.office()
    require_facility(session, office.facility_of(office.extension_of(f"PJSIP/{extension}-0")))
    if not is_endpoint(extension) or pbx.endpoint_state(extension) in (None, "offline"):
        raise CheckFailed("the PBX has no phone {number}, or it is not registered", number=extension)
    pbx.play_to(extension, library.sound(prompt), OWN_PREFIX + ids.new())
