"""Writes the generated pages of the documentation: python -m tests.reference

The table of who may do what is made of the operations of the desk, as `callrec access show` goes by them.
"""

from __future__ import annotations

import ast
import inspect
import json
import os
import textwrap
from functools import cache
from pathlib import Path
from typing import Any

import click
from pydantic import TypeAdapter
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

from callrec import language, manifest
from callrec.commands import COMMANDS, program, translate
from callrec.desk import operations
from callrec.desk.operations.access import roles_by_command
from callrec.model.access import Role

DOCS = Path(__file__).parents[1] / "docs"
WIDTH = 96
TITLE = "Manifest of a recording of callrec"
RIGHTS = """## Who may do what

A role is given for everywhere or for facilities (`callrec access grant`). "direct" is whoever can read
callrec.toml. ● yes, ○ of oneself, also without any role.

役割は全体または施設ごとに与えます(`callrec access grant`)。「直接」は callrec.toml を読める人です。
● できる、○ 自分についてのみ(役割がなくても可)。

"""
JAPANESE = {
    Role.RULES: "ルール担当",
    Role.HANDLER: "取扱者",
    Role.MANAGER: "管理責任者",
    Role.AUDITOR: "監査担当",
}
YES, OF_ONESELF = "●", "○"


def reference() -> str:
    """docs/reference.md: the help of every command."""
    translate(program)
    head = "# Commands\n\nMade from the commands' own help by `make reference`.\n"
    return "\n".join([head, *map(_block, _contexts()), _rights()])


def commands() -> list[str]:
    """Every command as people call it, such as `rule add`, in the order of the help."""
    return list(_commands())


@cache
def _commands() -> tuple[str, ...]:
    return tuple(
        each.command_path.removeprefix("callrec ")
        for each in _contexts()
        if not isinstance(each.command, click.Group)
    )


def _contexts() -> list[click.Context]:
    """Those of the program, and of every command and group below it, in the order of the help."""
    root = _context("callrec", program)
    found = [root]
    for name in COMMANDS:
        command = program.get_command(root, name)
        assert command is not None
        found += _below(_context(name, command, root))
    return found


def _below(context: click.Context) -> list[click.Context]:
    groups = context.command.commands if isinstance(context.command, click.Group) else {}
    inside = [_below(_context(name, each, context)) for name, each in groups.items()]
    return [context, *(each for found in inside for each in found)]


def _rights() -> str:
    """The table of commands and roles. Whoever can read callrec.toml may do everything."""
    operations.load()
    known = roles_by_command()
    rows = [_row(command, *known.get(command, (frozenset[Role](), False))) for command in commands()]
    head = ["command / コマンド", *(f"{role} / {JAPANESE[role]}" for role in Role), "direct / 直接"]
    lines = [head, ["---", *[":---:"] * (len(Role) + 1)], *rows]
    return RIGHTS + "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _row(command: str, roles: frozenset[Role], anybody: bool) -> list[str]:
    marks = [YES if role in roles else OF_ONESELF if anybody else "" for role in Role]
    return [f"`{command}`", *marks, YES]


def schema() -> str:
    """docs/manifest.schema.json: the JSON Schema of manifests."""
    made = TypeAdapter(manifest.Manifest).json_schema(schema_generator=Documented)
    head = {"$schema": Documented.schema_dialect, "$id": manifest.SCHEMA}
    definitions = dict(sorted(made.pop("$defs").items()))
    whole = {**head, **made, "title": TITLE, "$defs": definitions}
    return json.dumps(whole, indent=2, ensure_ascii=False) + "\n"


class Documented(GenerateJsonSchema):
    """A JSON Schema with the docstrings of classes, their fields and the members of enums.

    Pydantic itself knows those of classes only, or it would read source files whenever callrec starts.
    """

    def dataclass_schema(self, schema: core_schema.DataclassSchema) -> JsonSchemaValue:
        made, (about, said) = super().dataclass_schema(schema), docstrings(schema["cls"])
        known = made["properties"].items()
        properties = {name: {"description": said.get(name, ""), **each} for name, each in known}
        head = {"title": made["title"], "description": about, "type": "object", "properties": properties}
        return {**head, **made, **head}

    def enum_schema(self, schema: core_schema.EnumSchema) -> JsonSchemaValue:
        """Each value with what it means, which a list of values cannot tell."""
        cls = schema["cls"]
        about, said = docstrings(cls)
        values = [{"const": each.value, "description": said.get(each.name, "")} for each in list(cls)]
        return {"title": cls.__name__, "description": about, "type": "string", "oneOf": values}

    def field_title_should_be_set(self, schema: Any) -> bool:
        """Titles made of names (Pcm Sha256) tell nothing that the names do not."""
        return False

    def sort(self, value: JsonSchemaValue, parent_key: str | None = None) -> JsonSchemaValue:
        """What a thing is comes first, whatever the alphabet says."""
        return value


def docstrings(cls: type) -> tuple[str, dict[str, str]]:
    """The docstring of a class, and the strings below its fields or members by their names."""
    (tree,) = ast.parse(textwrap.dedent(inspect.getsource(cls))).body
    assert isinstance(tree, ast.ClassDef)
    found = {}
    for field, below in zip(tree.body, tree.body[1:], strict=False):
        match field, below:
            case (
                ast.AnnAssign(target=ast.Name(name)) | ast.Assign(targets=[ast.Name(name)]),
                ast.Expr(value=ast.Constant(value=str(text))),
            ):
                found[name] = flowing(inspect.cleandoc(text))
    return flowing(ast.get_docstring(tree) or ""), found


def flowing(text: str) -> str:
    """A docstring without its line breaks, but for those between paragraphs."""
    return "\n\n".join(" ".join(paragraph.split()) for paragraph in text.split("\n\n"))


def _context(name: str, command: click.Command, parent: click.Context | None = None) -> click.Context:
    """The context a command is called in: its parents' settings (-h beside --help) hold for it."""
    width = {"terminal_width": WIDTH, "max_content_width": WIDTH}
    return command.make_context(name, [], parent, resilient_parsing=True, **width)


def _block(context: click.Context) -> str:
    text = "\n".join(line.rstrip() for line in context.get_help().splitlines())
    return f"## {context.command_path}\n\n```\n{text}\n```\n"


def main() -> None:
    os.environ["CALLREC_LANG"] = "en"
    language.use()
    (DOCS / "reference.md").write_text(reference(), "utf-8")
    (DOCS / "manifest.schema.json").write_text(schema(), "utf-8")


if __name__ == "__main__":
    main()
