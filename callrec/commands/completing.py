"""Answers the shell when somebody presses Tab: with commands and options, which Click knows, and with the
names and ids of what there is, by `callrec.desk.operations.completing`.

Whatever goes wrong, nothing is said: who presses Tab asks for no error. What takes long is left out.
"""

from __future__ import annotations

import grp
import os
import pwd
import signal
import sys
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout, suppress
from functools import partial
from types import FrameType
from typing import Any

import click
from click.shell_completion import CompletionItem, shell_complete

from callrec.commands import COMPLETE
from callrec.commands.given import Given
from callrec.model.names import Named, NameKind
from callrec.visible import visible

SECONDS = 2.0
"""How long somebody waits who has pressed Tab, at most."""
FIRST_PERSON = 1000
"""The number from which a machine gives accounts and groups to people."""
_BY_METAVAR = {
    "CALL": NameKind.CALL,
    "CODE": NameKind.FACILITY,
    "ENDPOINT…": NameKind.ENDPOINT,
    "EXTENSION": NameKind.EXTENSION,
    "ID": NameKind.RECORDING,
    "ID…": NameKind.RECORDING,
    "[ID…]": NameKind.RECORDING,
    "RULE": NameKind.RULE,
    "RULE[@VERSION]": NameKind.RULE,
}
_BY_NAME = {
    "code": NameKind.FACILITY,
    "copy": NameKind.COPY,
    "dialled": NameKind.EXTENSION,
    "extension": NameKind.EXTENSION,
    "phone": NameKind.EXTENSION,
    "prompt": NameKind.PROMPT,
    "request": NameKind.REQUEST,
    "who": NameKind.ACCOUNT,
}
"""What parameters name, whichever command has them."""
_IN_COMMAND: dict[tuple[str, str], NameKind | None] = {
    ("custody ID", "id_"): NameKind.CALL,
    ("extension alias", "number"): NameKind.EXTENSION,
    ("extension move", "number"): NameKind.EXTENSION,
    ("extension remove", "number"): NameKind.EXTENSION,
    ("facility add", "code"): None,
    ("note", "id_"): NameKind.CALL,
    ("policy card", "extensions"): NameKind.EXTENSION,
    ("prompt play", "name"): NameKind.PROMPT,
    ("search", "dialled"): NameKind.EXTENSION,
    ("search", "after"): NameKind.CALL,
    ("show", "id_"): NameKind.CALL,
}
"""What is otherwise in one command; None: something new, which there is not yet."""


_FILES = {
    *(("init", "files"), ("pbx install", "passwords")),
    *(("export", "passphrase_file"), ("verify", "passphrase_file"), ("verify", "ids")),
}
"""Parameters that name files, but are texts for Click. Of the last one that is so where no recording fits."""


class _TooLate(Exception):
    """Whoever pressed Tab has waited long enough."""


def answer(program: click.Command) -> None:
    """Prints what the shell asks for, and ends this process."""
    signal.signal(signal.SIGALRM, _too_late)
    signal.setitimer(signal.ITIMER_REAL, SECONDS)
    try:
        with suppress(Exception):
            shell_complete(program, {}, "callrec", COMPLETE, os.environ[COMPLETE])
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
    sys.exit(0)


def attached(command: click.Command, path: str) -> click.Command:
    """Gives the parameters of a command, and of those below it, what completes them; returns it."""
    for parameter in command.params:
        kind, is_file = kind_of(path, parameter), (path, parameter.name) in _FILES
        if kind or is_file:
            parameter._custom_shell_complete = partial(_complete, kind, is_file)
    if isinstance(command, click.Group):
        for name, each in command.commands.items():
            attached(each, f"{path} {name}")
    return command


def kind_of(path: str, parameter: click.Parameter) -> NameKind | None:
    """Returns what a parameter of the command at a path names; None: nothing that there is."""
    name, metavar = str(parameter.name), str(parameter.metavar)
    if (path, name) in _IN_COMMAND:
        return _IN_COMMAND[path, name]
    return _BY_NAME.get(name) or _BY_METAVAR.get(metavar)


def found(ctx: click.Context, kind: NameKind, begin: str) -> list[CompletionItem[str]]:
    """Returns what there is of a kind whose name begins so; nothing where that cannot be told."""
    try:
        with redirect_stdout(None), redirect_stderr(None):
            every = [*_of_machine(kind, begin), *_of_desk(ctx, kind, begin)]
    except Exception:  # whatever it is: it is no answer
        return []
    return [
        CompletionItem(name, help=visible(about) or None)
        for name, about in {each.name: each.about for each in every}.items()
        if visible(name) == name
    ]


def _complete(
    kind: NameKind | None, is_file: bool, ctx: click.Context, parameter: click.Parameter, begin: str
) -> list[CompletionItem[str]]:
    given: Any = ctx.params.get(str(parameter.name))
    already = given if isinstance(given, tuple) else ()
    every = [each for each in found(ctx, kind, begin) if each.value not in already] if kind else []
    return every or ([CompletionItem(begin, type="file")] if is_file else [])


def _of_desk(ctx: click.Context, kind: NameKind, begin: str) -> list[Named]:
    from callrec.commands.common import desk
    from callrec.desk.operations.completing import names

    root = ctx.find_root()
    root.obj = Given(root.params.get("config"), root.params.get("desk"))
    return [*desk(ctx).do(names, kind, begin)]


def _of_machine(kind: NameKind, begin: str) -> Iterator[Named]:
    """Yields the people of this machine, and their groups, who may be given a role."""
    if kind is not NameKind.ACCOUNT:
        return
    people = {each.pw_name: each.pw_uid for each in pwd.getpwall()}
    people |= {f"@{each.gr_name}": each.gr_gid for each in grp.getgrall()}
    for name, number in people.items():
        if FIRST_PERSON <= number < 1 << 16 and number != 65534 and name.startswith(begin):
            yield Named(name, "")


def _too_late(number: int, frame: FrameType | None) -> None:
    raise _TooLate
