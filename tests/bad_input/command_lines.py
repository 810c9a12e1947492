"""Command lines for every command there is: a new command or option is tried without being named here."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from random import Random

import click

from callrec.commands import COMMANDS, Program, program
from tests.bad_input import texts

NOT_TRIED = {"demo", "desk", "service"}
"""The first makes a system of its own, the second serves until it is told to end and takes nothing, the third
changes the units and accounts of the machine. All have tests of their own."""

ENDLESS = {"watch", "wait"}
"""Options with which a command goes on until somebody ends it."""

ALWAYS = {"etc"}
"""Options without which a command changes what is outside the folder: the machine's own PBX."""

_OF_A_KIND = {
    "FILE.csv": "table.csv",
    "FILE.toml": "office.toml",
    "FILE": "sound.wav",
}
"""The file of the folder that belongs to an argument, by its metavar."""


def commands() -> dict[tuple[str, ...], click.Command]:
    """Returns every command that does something, by its words."""
    found: dict[tuple[str, ...], click.Command] = {}
    context = click.Context(program)
    assert isinstance(program, Program)
    for name in sorted(set(COMMANDS) - NOT_TRIED):
        command = program.get_command(context, name)
        if isinstance(command, click.Group):
            found.update({(name, sub): each for sub, each in command.commands.items()})
        elif command is not None:
            found[name,] = command
    return found


def command_line(
    chance: Random, words: tuple[str, ...], command: click.Command, ids: Sequence[str]
) -> list[str]:
    """Returns a command line: each argument and option in turn may be missing, right, or wrong.

    `ids` are those of recordings that there are.
    """
    line = list(words)
    for parameter in command.params:
        if isinstance(parameter, click.Argument):
            count = chance.randint(0, 3) if parameter.nargs == -1 else int(chance.random() < 0.97)
            line += [_value(chance, parameter, ids) for _ in range(count)]
        elif parameter.name not in ENDLESS and chance.random() < _how_often(parameter):
            line.append(max(parameter.opts, key=len))
            if not getattr(parameter, "is_flag", False):
                line.append(_value(chance, parameter, ids))
    if chance.random() < 0.05:
        line.insert(chance.randint(0, len(line)), texts.text(chance))
    return [texts.as_the_system_gives(each) for each in line]


def _how_often(parameter: click.Parameter) -> float:
    if parameter.name in ALWAYS:
        return 1.0
    return 0.9 if parameter.required else 0.25


def _value(chance: Random, parameter: click.Parameter, ids: Sequence[str]) -> str:
    if isinstance(parameter.type, click.Choice) and chance.random() < 0.8:
        return str(chance.choice(list(parameter.type.choices)))
    if isinstance(parameter.type, click.IntRange) and chance.random() < 0.6:
        return str(chance.randint(0, 3))
    if isinstance(parameter.type, click.Path) and chance.random() < 0.8:
        name = (parameter.metavar or "").strip("[]")
        return chance.choice((_OF_A_KIND.get(name, "sound.wav"), "missing", "folder", "new"))
    value = _likely(chance, parameter, ids) if chance.random() < 0.5 else texts.text(chance)
    is_path = isinstance(parameter.type, click.Path) or parameter.name in ("chart", "database_url", "spool")
    return texts.inside(value) if is_path else value


def _likely(chance: Random, parameter: click.Parameter, ids: Sequence[str]) -> str:
    """Returns a value that the parameter may well take, so that more than its reader is tried."""
    fitting = {
        "number": "2101", "extension": "2101", "facility": "shiba", "code": "shiba", "name": "notice",
        "caller": "03-1234-5678", "date": "2026-11-22", "on": "2026-11-22", "at": "2026-11-22 10:30",
        "from": "2026-11-01", "until": "2027-11-30", "retain": "90d", "retain_incident": "5y",
        "language": "ja", "prompt": "notice", "text": "録音します", "rule": "1", "ids": chance.choice(ids),
        "id_": chance.choice(ids), "hours": "mon-fri 08:30-17:15", "endpoints": "2101-ws", "phone": "2102",
        "mail": "help@city.example", "clip": "0..1", "beep": "15s", "min_duration": "1s",
        "request": f"{datetime.now(UTC).year}-0001", "due": "2999-12-31",
    }  # fmt: skip
    return fitting.get(parameter.name or "", "") or texts.text(chance)
