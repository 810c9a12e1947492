"""Runs the examples of commands: what has to be done before one is an example itself, of another command."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import click

from callrec.commands import examples, program

RECORDING, COPY, REQUEST = "019abcde-f012", "019abcde-f013", "2026-0001"
"""What stands in examples for a recording, a copy and a request that there are."""
_APPROVED = ("request open", "request add", "request approve")
_HANDED_OVER = (*_APPROVED, "fetch", "request hand-over")
BEFORE: dict[str, tuple[str, ...]] = {
    "rule show": ("rule add",),
    "rule history": ("rule add",),
    "rule check": ("rule add",),
    "rule change": ("rule add",),
    "rule end": ("rule add",),
    "rule remove": ("rule add",),
    "rule import": ("rule export",),
    "prompt add": ("prompt check",),
    "hold add": ("request open", "request add"),
    "hold release": ("request open", "request add", "hold add"),
    "access revoke": ("access grant",),
    "request show": ("request open",),
    "request approve": ("request open",),
    "request refuse": ("request open",),
    "request add": ("request open",),
    "request hand-over": (*_APPROVED, "fetch"),
    "request withdraw": _HANDED_OVER,
    "request return": _HANDED_OVER,
    "request destroyed": _HANDED_OVER,
    "request close": ("request open",),
    "fetch": _APPROVED,
    "link": _APPROVED,
    "export": _APPROVED,
    "custody verify": ("custody anchor",),
    "verify": (*_APPROVED, "export"),
}
"""By a command: those of which the first example goes before its own."""
LOGGED = {"level": "info", "timestamp": "2026-11-22T01:00:00Z"}
OTHERS = {"request approve": "tanaka", "request refuse": "tanaka"}
"""Who does what sato, who does all else, must not do."""
RUN_BY_THE_DEMO = (
    *("doctor", "status", "rule check", "prompt play", "reconcile", "testcall", "purge", "desk"),
    *("fetch", "link", "export", "hold add", "hold release", "retain"),
)
"""Commands that need a PBX, or more of a bucket than that it keeps what it is given: in test_demo.py."""
RUN_ELSEWHERE = (
    *("demo", "serve", "backup", "restore", "upgrade"),
    *("pbx install", "pbx check", "pbx remove", "service install", "service remove"),
)
"""What needs a machine of its own: test_demo.py begins with the first, test_ready.py has the second; then
test_backup.py, test_install.py and test_services.py."""


def words(line: str, names: Mapping[str, str]) -> list[str]:
    """Returns the arguments of an example, with what there is in place of what is made up."""
    for made_up, there in names.items():
        line = line.replace(made_up, there)
    program, *arguments = shlex.split(line)
    assert program == "callrec"
    return arguments


@dataclass(frozen=True, slots=True)
class Parsed:
    """A line as Click reads it: the path of its command, and what is given to that."""

    path: str
    given: tuple[str, ...]


def parsed(line: str) -> Parsed:
    """Reads a line as the program would, and does not do it. Raises click.UsageError."""
    context = program.make_context("callrec", words(line, {}))
    rest: list[str] = []
    while isinstance(context.command, click.Group):
        rest = [*context._protected_args, *context.args]
        name, command, rest = context.command.resolve_command(context, rest)
        assert name and command
        context = command.make_context(name, list(rest), context)
    return Parsed(context.command_path.removeprefix("callrec "), tuple(rest))


def before(path: str) -> Iterator[tuple[str, str]]:
    """Yields the examples without which a command would have nothing to do, each with its command."""
    for each in BEFORE.get(path, ()):
        yield each, examples.EXAMPLES[each][0]


def story(path: str) -> Iterator[tuple[str, str]]:
    """Yields the examples of a command, and before them those without which there would be nothing to do;
    each with its command."""
    yield from before(path)
    for line in examples.EXAMPLES[path]:
        yield path, line


def lay_out(folder: Path, recording: str, sound: bytes) -> None:
    """Puts the files that examples name into a folder."""
    files = {
        "extensions.csv": "number,facility,name\n2103,shiba,窓口3\n",
        "init.toml": 'database_url = "sqlite:///new.db"\nspool = "new"\n',
        "spans.toml": '[[span]]\nfrom = "00:00"\nto = "00:01"\n',
        "serve.log": json.dumps({"event": "over", "recording": recording, **LOGGED}) + "\n",
    }
    for name, text in files.items():
        (folder / name).write_text(text, "utf-8")
    (folder / "init.toml").chmod(0o600)
    (folder / "shiba.wav").write_bytes(sound)


def copy_in(out: str) -> str:
    """Returns the id of the copy that handing over has printed."""
    return str(re.findall(r"[0-9a-f]{8}-[0-9a-f-]{27}", out)[-1])
