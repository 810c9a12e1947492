"""callrec prompt: lists, adds and plays the announcements."""

from __future__ import annotations

import subprocess
from pathlib import Path

import click

from callrec import ids
from callrec.commands.common import app, emit, lists, say
from callrec.errors import CheckFailed
from callrec.pbx.events import OWN_PREFIX
from callrec.prompts import ffmpeg_is_here

COLUMNS = {"name": "name", "language": "language", "seconds": "seconds", "text": "words"}


@click.group()
def command() -> None:
    """The announcements."""


@command.command("list")
@lists
@click.pass_context
def list_(ctx: click.Context, form: str | None) -> None:
    """List the announcements."""
    rows = [
        {
            "name": each.name,
            "language": each.language,
            "text": each.text,
            "seconds": each.seconds,
            "voice": each.voice,
            "licence": each.licence,
            "text_sha256": each.text_sha256,
        }
        for each in app(ctx).library.all()
    ]
    emit(rows, COLUMNS, form, "no announcement yet", prose="text")


@command.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--name", required=True, help="What rules call it.")
@click.option("--language", required=True, help="Two letters, such as ja or en.")
@click.option("--text", required=True, help="The words that are spoken: they are kept as evidence.")
@click.option("--voice", default="", help="Who speaks.")
@click.option("--licence", default="", help="Under which terms it may be used.")
@click.pass_context
def add(ctx: click.Context, /, file: Path, **words: str) -> None:
    """Add an announcement from a sound FILE of any format, or put another in its place."""
    if not ffmpeg_is_here():
        raise CheckFailed("ffmpeg is not installed, it reads and converts sound: apt-get install ffmpeg")
    added = app(ctx).library.add(file, **words)
    say(
        "prompt {name} ({language}) added: {seconds} s",
        name=added.name,
        language=added.language,
        seconds=f"{added.seconds:.1f}",
    )


@command.command()
@click.argument("name")
@click.option("--language", default="ja", help="Two letters, such as ja or en.")
@click.option("--to", "extension", metavar="EXTENSION", help="Ring this phone and play it there.")
@click.pass_context
def play(ctx: click.Context, name: str, language: str, extension: str | None) -> None:
    """Play an announcement, on this machine or to a phone."""
    here = app(ctx)
    prompt = here.library.get(name, language)
    here.library.check(prompt)
    if extension:
        if here.pbx.endpoint_state(extension) in (None, "offline"):
            raise CheckFailed("the PBX has no phone {number}, or it is not registered", number=extension)
        with here.ami() as ami:
            ami.play_to(extension, here.library.sound(prompt), OWN_PREFIX + ids.new())
        say("extension {number} rings", number=extension)
    else:
        _play_here(here.library.file(prompt, 16000))


def _play_here(sound: Path) -> None:
    player = ["ffplay", "-v", "error", "-nodisp", "-autoexit", "-f", "wav", str(sound)]
    try:
        done = subprocess.run(player, capture_output=True, text=True, check=False)
    except FileNotFoundError as error:
        raise CheckFailed("ffplay is not installed: apt-get install ffmpeg") from error
    if done.returncode or "audio open failed" in done.stderr:  # its exit code alone says nothing
        raise CheckFailed("this machine plays no sound: give --to EXTENSION to hear it at a phone")
