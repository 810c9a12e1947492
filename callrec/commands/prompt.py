"""callrec prompt: lists, checks, adds and plays the announcements; `prompt_make` has them spoken."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from callrec.commands.common import Row, desk, emit, lists, say
from callrec.commands.given_file import read_open
from callrec.commands.prompt_make import is_heard, make, report
from callrec.desk.operations import prompts as operations
from callrec.errors import CallrecError, CheckFailed
from callrec.prompts.decoder import opened
from callrec.prompts.judgement import Judgement, judged
from callrec.wording import note

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
        for each in desk(ctx).do(operations.list_prompts)
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
    with opened(file) as sound:
        data = read_open(sound, file)
    added = desk(ctx).do(operations.add_prompt, data, str(file), operations.PromptWords(**words))
    report(added)


@command.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--json", "form", flag_value="json", help="Print a JSON array.")
def check(file: Path, form: str | None) -> None:
    """Say what a caller would hear of a sound FILE, and whether it can be an announcement.

    Nothing is changed. The exit code is 0 when `prompt add` would take it.
    """
    try:
        judgement = judged(file)
    except CallrecError as error:
        _report(_row(file, (error,)), form)
        raise CheckFailed(error.template, **error.values) from error
    _report(_row(file, judgement.faults, judgement), form)
    for fault in judgement.faults:
        raise CheckFailed(fault.template, **fault.values)


def _report(row: Row, form: str | None) -> None:
    """Prints what was found of a file; of one that could not be read only as JSON."""
    if form:
        emit([row], {}, form)
    elif row["seconds"] is not None:
        share = {name: f"{100 * row[name]:.1f}" for name in ("silence_share", "clipped_share")}
        row |= share
        say("length: {seconds} s, at {sample_rate} Hz, channels: {channels} ({coding})", **row)
        say("loudness of the words: {level_dbfs} dBFS; as a caller hears them: {heard_dbfs} dBFS", **row)
        say("silence: {silence_share} % of the time", **row)
        say("silence at the beginning: {silence_begin_s} s, at the end: {silence_end_s} s", **row)
        say("clipped: {clipped_share} % of the samples", **row)
        for warning in row["warnings"]:
            say("warning: {warning}", warning=warning)
        if row["usable"]:
            say("good: a caller can hear it")


def _row(file: Path, faults: Sequence[CallrecError], judgement: Judgement | None = None) -> Row:
    measures = judgement.measures if judgement else None
    return {
        "file": str(file),
        "usable": not faults,
        "problems": [each.shown() for each in faults],
        "warnings": [note(each) for each in judgement.warnings] if judgement else [],
        "seconds": measures and round(measures.seconds, 2),
        "sample_rate": measures and measures.rate,
        "channels": measures and measures.channels,
        "coding": measures and measures.coding,
        "level_dbfs": measures and round(measures.level, 1),
        "heard_dbfs": measures and round(measures.heard, 1),
        "silence_share": measures and round(max(0.0, 1 - measures.words / measures.seconds), 3),
        "silence_begin_s": measures and round(measures.silence_begin, 2),
        "silence_end_s": measures and round(measures.silence_end, 2),
        "clipped_share": measures and round(measures.clipped, 4),
    }


@command.command()
@click.argument("name")
@click.option("--language", default="ja", help="Two letters, such as ja or en.")
@click.option("--to", "extension", metavar="EXTENSION", help="Ring this phone and play it there.")
@click.pass_context
def play(ctx: click.Context, name: str, language: str, extension: str | None) -> None:
    """Play an announcement, on this machine or to a phone."""
    if extension:
        desk(ctx).do(operations.ring_prompt, name, language, extension)
        say("extension {number} rings", number=extension)
        return
    with desk(ctx).do(operations.prompt_sound, name, language) as sound:
        heard = is_heard(b"".join(sound))
    if not heard:
        raise CheckFailed("this machine plays no sound: give --to EXTENSION to hear it at a phone")


command.add_command(make)
