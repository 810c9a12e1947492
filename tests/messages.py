"""All that callrec says to people, found in its source, and what of it is translated.

python -m tests.messages adds what is missing to the Japanese catalogue, to be translated by hand,
and compiles it.
"""

from __future__ import annotations

import ast
import importlib
import inspect
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import click
from babel.messages.catalog import Catalog, Message
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

from callrec import commands, errors, language
from callrec.commands import COMMANDS, english, program
from tests.parsed import nodes_of

SOURCE = Path(commands.__file__).parents[1]
FOLDER = Path(language.FOLDER, "ja", "LC_MESSAGES")
PO, MO = FOLDER / "callrec.po", FOLDER / "callrec.mo"
SPEAKING = {"translated", "_", "say", "remark", "note", "refuse"}
TABLES = {
    "REASONS",
    "WHY",
    "MODES",
    "SCOPES",
    "HOLIDAYS",
    "ANNOUNCEMENTS",
    "UNANNOUNCED",
    "WEEKDAYS",
    "DIRECTIONS",
    "OUTCOMES",
    "COLUMNS",
    "ACTIONS",
    "ALERT_STATES",
    "KEPT_BECAUSE",
    "RETAINED_BECAUSE",
    "REQUEST_KINDS",
    "REQUEST_STATES",
    "REFUSALS",
    "OUTCOMES_OF_DESTRUCTION",
    "COUNTS",
    "FEATURES",
    "KEY_RESULTS",
    "SILENCE_REASONS",
    "GAP_REASONS",
    "SPOKEN",
    "FLAWS",
    "WAITS",
    "LATE",
    "ROLES",
    "WAYS",
    "STEPS",
    "QUESTIONS",
    "COMMANDS",
    "CHECKS",
    "FINDINGS",
    "SAID",
    "WILL",
    "DID",
    "TO_DO",
    "NOTES",
    "TOLD",
    "FIELDS",
    "KINDS",
    "SQLITE_KINDS",
    "SQLSTATE_KINDS",
    "CONNECTION_KINDS",
    "WORDS",
}
"""Constants whose texts are shown: the values of dictionaries, strings of tuples (of pairs: the first)."""

# Click's own words, which stand in its source.
CLICK = (
    "Usage:",
    "Options",
    "Commands",
    "Show this message and exit.",
    "Show the version and exit.",
    "Missing argument",
    "Missing option",
    "Missing command.",
    "No such command {name!r}.",
    "No such option {name!r}.",
    "Invalid value for {param_hint}: {message}",
    "Invalid value: {message}",
    "Choose from:\n\t{choices}",
    "Option {name!r} does not take a value.",
    "default: {default}",
    "required",
    "{value} is not in the range {range}.",
    "{name} {filename!r} is a file.",
    "{name} {filename!r} is a directory.",
    "{value!r} is not a valid {number_type}.",
)
CLICK_PLURALS = (
    ("Did you mean {possibility}?", "(Did you mean one of: {possibilities}?)"),
    ("Got unexpected extra argument ({args})", "Got unexpected extra arguments ({args})"),
    ("Option {name!r} requires an argument.", "Option {name!r} requires {nargs} arguments."),
    ("{value!r} is not {choice}.", "{value!r} is not one of {choices}."),
)


def collect() -> set[str]:
    """Every text that callrec can show, as it stands in the source."""
    found: set[str] = set()
    for path in SOURCE.rglob("*.py"):
        found.update(_spoken(path))
    for command in _commands(program):
        found.update(_help(command))
    return found - {""}


def catalogue() -> Catalog:
    with PO.open("rb") as file:
        return read_po(file, locale="ja")


def compiled(source: Catalog) -> bytes:
    target = BytesIO()
    write_mo(target, source)
    return target.getvalue()


def _key(message: Message) -> str:
    return str(message.id[0] if isinstance(message.id, (tuple, list)) else message.id)


def _strings(message: Message) -> list[str]:
    several = isinstance(message.string, (tuple, list))
    return [str(each or "") for each in (message.string or ())] if several else [str(message.string or "")]


def _spoken(path: Path) -> Iterator[str]:
    raised = {name for name, each in vars(errors).items() if inspect.isclass(each)} | {
        "CheckFailed",
        "NotYetClosed",
        "NotYetThere",
        "NoSound",
        "NoRoom",
        "SpoolGone",
        "_NoWay",
        "Damaged",
        "AmiRefused",
        "TakenOver",
        "_Refused",
        "RequestRefused",
        "OtherBytes",
        "TornObject",
        "_AlreadyThere",
        "OutputFailed",
        "PbxUnreachable",
    }
    speaking = SPEAKING | raised
    for node in nodes_of(path):
        if isinstance(node, ast.Call) and _name(node.func) in speaking:
            yield from _texts(node.args[:1])
        if isinstance(node, ast.Call) and _is_super_init(node.func):
            yield from _texts(node.args[:1])
        if isinstance(node, ast.Call) and _name(node.func) == "emit":
            yield from _texts(node.args[3:4])
            yield from _values(node.args[1:2])
        if isinstance(node, (ast.Assign, ast.AnnAssign)):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            if any(isinstance(target, ast.Name) and target.id in TABLES for target in targets) and node.value:
                yield from _values([node.value])
        if isinstance(node, ast.Yield) and isinstance(node.value, ast.Tuple):
            yield from _texts(node.value.elts[:1])


def _texts(nodes: list[ast.expr]) -> Iterator[str]:
    for node in nodes:
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value
        if isinstance(node, ast.IfExp):
            yield from _texts([node.body, node.orelse])


def _values(nodes: list[ast.expr]) -> Iterator[str]:
    for node in nodes:
        if isinstance(node, ast.Dict):
            yield from _texts([value for value in node.values if value])
        if isinstance(node, ast.Tuple):
            for each in node.elts:
                yield from _texts(each.elts[:1] if isinstance(each, ast.Tuple) else [each])


def _is_super_init(node: ast.expr) -> bool:
    return isinstance(node, ast.Attribute) and node.attr == "__init__" and isinstance(node.value, ast.Call)


def _name(node: ast.expr) -> str:
    return node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""


def _commands(group: click.Group) -> Iterator[click.Command]:
    yield group
    for name in COMMANDS:
        yield from _below(importlib.import_module(f"callrec.commands.{name}").command)


def _below(command: click.Command) -> Iterator[click.Command]:
    yield command
    if isinstance(command, click.Group):
        for each in command.commands.values():
            yield from _below(each)


def _help(command: click.Command) -> Iterator[str]:
    yield english(command)
    for parameter in command.params:
        if isinstance(parameter, click.Option):
            yield english(parameter)


def main() -> None:
    there = catalogue() if PO.exists() else Catalog(locale="ja", project="callrec")
    for text in sorted(collect() | set(CLICK)):
        if text not in there:
            there.add(text)
    for pair in CLICK_PLURALS:
        if pair[0] not in there:
            there.add(pair)
    said = collect() | set(CLICK) | {one for one, _ in CLICK_PLURALS}
    for stale in [_key(message) for message in there if message.id and _key(message) not in said]:
        there.delete(stale)
    FOLDER.mkdir(parents=True, exist_ok=True)
    with PO.open("wb") as file:
        write_po(file, there, sort_output=True, omit_header=False, width=110)
    MO.write_bytes(compiled(there))
    for message in there:
        if message.id and not any(_strings(message)):
            print(_key(message))  # noqa: T201


if __name__ == "__main__":
    main()
