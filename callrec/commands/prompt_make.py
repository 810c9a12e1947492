"""callrec prompt make: has the shipped voice speak an announcement."""

from __future__ import annotations

import subprocess
from pathlib import Path

import click

from callrec.commands.common import desk, say
from callrec.commands.new_file import write_new_file
from callrec.desk.operations import prompts as operations
from callrec.errors import CheckFailed, WrongUsage
from callrec.model.prompts import RATES
from callrec.prompts import voice
from callrec.prompts.decoder import Sound
from callrec.prompts.index import check_words
from callrec.prompts.judgement import judge
from callrec.prompts.playable import evened
from callrec.prompts.wordings import words_for
from callrec.wording import note


@click.command("make")
@click.option("--name", help="What rules call it. Some names have words of their own.")
@click.option("--text", help="The words; default: those that its name has.")
@click.option("--office", metavar="NAME", help="What your office is called, in place of 〇〇区役所.")
@click.option("--language", default=voice.LANGUAGE, help="The voice speaks ja.")
@click.option("--reading", metavar="TEXT", help="How to read it, where the voice reads the words wrongly.")
@click.option(
    "-o",
    "--output",
    metavar="FILE.wav",
    type=click.Path(path_type=Path),
    help="Write the sound here, and add nothing. A file that is there stays.",
)
@click.option("--listen", is_flag=True, help="Play it on this machine, and add nothing.")
@click.pass_context
def make(
    ctx: click.Context,
    name: str | None,
    text: str | None,
    office: str | None,
    language: str,
    reading: str | None,
    output: Path | None,
    listen: bool,
) -> None:
    """Have the shipped voice speak an announcement, and add it, or put it in another's place.

    The voice speaks Japanese. How it reads the words is printed: look whether names are right.
    """
    trial = listen or output is not None
    if name is None and not trial:
        raise WrongUsage("say what rules are to call it: --name")
    words = words_for(name, text, office)
    check_words("trial" if name is None else name, language, words, reading or "")
    if language != voice.LANGUAGE:
        raise WrongUsage(
            "the voice speaks Japanese only: have somebody speak {language}, and use callrec prompt add",
            language=language,
        )
    read = words if reading is None else reading
    say("read as: {reading}", reading=voice.reading_of(read))
    sound = voice.spoken(read)
    if trial:
        _try(sound, output, listen=listen)
    else:
        report(
            desk(ctx).do(
                operations.make_prompt,
                voice.as_wav(sound),
                operations.PromptWords(str(name), language, words, voice.MEI, voice.LICENCE),
            )
        )


def _try(sound: Sound, output: Path | None, *, listen: bool) -> None:
    """Writes or plays what a caller would hear."""
    judgement = judge(sound, Path("words"))
    for fault in judgement.faults:
        raise fault
    made = evened(judgement)
    if output is not None:
        write_new_file(output, made.files[max(RATES)])
        say("{path}: {seconds} s", path=output, seconds=f"{made.seconds:.1f}")
    if listen and not is_heard(made.files[max(RATES)]):
        raise CheckFailed("this machine plays no sound: give -o FILE.wav and hear that elsewhere")


def is_heard(sound: bytes) -> bool:
    """Plays a WAV on this machine. Returns whether that was possible."""
    player = ["ffplay", "-v", "error", "-nodisp", "-autoexit", "-f", "wav", "-i", "pipe:0"]
    try:
        done = subprocess.run(player, input=sound, capture_output=True, check=False)
    except FileNotFoundError as error:
        raise CheckFailed("ffplay is not installed: apt-get install ffmpeg") from error
    return not done.returncode and b"audio open failed" not in done.stderr  # its exit code alone says nothing


def report(added: operations.AddedPrompt) -> None:
    """Says what was added, and what is to be thought of."""
    for warning in added.warnings:
        say("warning: {warning}", err=True, warning=note(warning))
    say(
        "prompt {name} ({language}) added: {seconds} s",
        name=added.prompt.name,
        language=added.prompt.language,
        seconds=f"{added.prompt.seconds:.1f}",
    )
