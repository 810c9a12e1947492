"""The command line. Click is known here only; everything it does can be done from Python as well."""

from __future__ import annotations

import importlib
import os
import sys
from typing import Any

import click

from callrec import __version__, language
from callrec.errors import CallrecError
from callrec.language import translated

# One file a noun. A command's file is imported when the command is used, so that help is quick.
COMMANDS = {
    "init": "init",
    "serve": "serve",
    "status": "status",
    "doctor": "doctor",
    "demo": "demo",
    "facility": "facility",
    "extension": "extension",
    "rule": "rule",
    "prompt": "prompt",
    "search": "search",
    "show": "show",
    "fetch": "fetch",
    "verify": "verify",
}


class Program(click.Group):
    """Finds commands by name, and speaks the user's language."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"callrec.commands.{COMMANDS[cmd_name]}")
        return translate(module.command)


def translate(command: click.Command) -> click.Command:
    """Puts the words of a command, and of those below it, into the language of this process."""
    command.help = translated(command.help or "")
    for parameter in command.params:
        if isinstance(parameter, click.Option) and parameter.help:
            parameter.help = translated(parameter.help)
    if isinstance(command, click.Group):
        for each in command.commands.values():
            translate(each)
    return command


@click.group(cls=Program, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--config", metavar="FILE", help="The configuration file (default: see CALLREC_CONFIG).")
@click.version_option(__version__, prog_name="callrec")
@click.pass_context
def program(ctx: click.Context, config: str | None) -> None:
    """Call recording for an Asterisk PBX: kept as evidence, explained, found again."""
    ctx.obj = config


def main(arguments: list[str] | None = None) -> None:
    """Runs the program and ends the process with its exit code. Errors are one line on stderr."""
    language.use()
    translate_program()
    try:
        result: Any = program.main(arguments, prog_name="callrec", standalone_mode=False)
    except CallrecError as error:
        _say(error.shown())
        sys.exit(error.exit_code)
    except click.UsageError as error:
        _say(error.format_message() + _hint(error))
        sys.exit(2)
    except click.ClickException as error:
        _say(error.format_message())
        sys.exit(error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        _say(translated("stopped"))
        sys.exit(130)
    except BrokenPipeError:
        # Whoever read our output has gone (a pager, head): no reason to complain.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    except Exception as error:
        if "CALLREC_DEBUG" in os.environ:
            raise
        _say(
            translated("a bug: {error}; run again with CALLREC_DEBUG=1 and report it").format(
                error=repr(error)
            )
        )
        sys.exit(1)
    sys.exit(result if isinstance(result, int) else 0)


def translate_program() -> None:
    program.help = translated(program.help or "")
    for parameter in program.params:
        if isinstance(parameter, click.Option) and parameter.help:
            parameter.help = translated(parameter.help)


def _hint(error: click.UsageError) -> str:
    if error.ctx is None:
        return ""
    return translated(" (see {path} --help)").format(path=error.ctx.command_path)


def _say(text: str) -> None:
    click.echo("callrec: " + " ".join(text.split()), err=True)
