"""Writes the generated pages of the documentation: python -m tests.reference"""

from __future__ import annotations

import json
import os
from pathlib import Path

import click

from callrec import language, manifest
from callrec.commands import COMMANDS, program

DOCS = Path(__file__).parents[1] / "docs"
WIDTH = 96


def reference() -> str:
    """docs/reference.md: the help of every command."""
    blocks = [
        "# Commands\n\nMade from the commands' own help by `make reference`.\n",
        _block("callrec", program),
    ]
    root = click.Context(program, info_name="callrec")
    for name in COMMANDS:
        command = program.get_command(root, name)
        assert command is not None
        blocks.append(_block(f"callrec {name}", command))
        if isinstance(command, click.Group):
            blocks += [_block(f"callrec {name} {sub}", each) for sub, each in command.commands.items()]
    return "\n".join(blocks)


def schema() -> str:
    """docs/manifest.schema.json: the JSON Schema of manifests."""
    return json.dumps(manifest.schema(), indent=2, ensure_ascii=False) + "\n"


def _block(path: str, command: click.Command) -> str:
    context = click.Context(command, info_name=path, terminal_width=WIDTH, max_content_width=WIDTH)
    text = "\n".join(line.rstrip() for line in command.get_help(context).splitlines())
    return f"## {path}\n\n```\n{text}\n```\n"


def main() -> None:
    os.environ["CALLREC_LANG"] = "en"
    language.use()
    (DOCS / "reference.md").write_text(reference(), "utf-8")
    (DOCS / "manifest.schema.json").write_text(schema(), "utf-8")


if __name__ == "__main__":
    main()
