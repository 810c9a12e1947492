"""Writes the generated pages of the documentation: python -m tests.reference"""

from __future__ import annotations

import json
import os
from pathlib import Path

import click

from callrec import language, manifest
from callrec.commands import COMMANDS, program, translate

DOCS = Path(__file__).parents[1] / "docs"
WIDTH = 96


def reference() -> str:
    """docs/reference.md: the help of every command."""
    translate(program)
    blocks = [
        "# Commands\n\nMade from the commands' own help by `make reference`.\n",
        _block(_context("callrec", program)),
    ]
    root = _context("callrec", program)
    for name in COMMANDS:
        command = program.get_command(root, name)
        assert command is not None
        context = _context(name, command, root)
        blocks.append(_block(context))
        if isinstance(command, click.Group):
            blocks += [_block(_context(sub, each, context)) for sub, each in command.commands.items()]
    return "\n".join(blocks)


def schema() -> str:
    """docs/manifest.schema.json: the JSON Schema of manifests."""
    return json.dumps(manifest.schema(), indent=2, ensure_ascii=False) + "\n"


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
