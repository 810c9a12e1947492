"""The command line: each command reads what was typed, lets the other packages do it, and prints what came of
it. `main` runs the program, finds the file of a command by its name, and makes an error one line on stderr
and an exit code. Each noun or verb has a file of its own (`rule` is spread over `rule_*`); `common` is the
one writer, of lists with `table` and `spreadsheet`, over the `streams` of the system; `help_page` lays out
help, `wrapping` knows where Japanese lines end, `rule_options` has the options of rules, `player` plays
sound, `office_steps` carries out imports, `facility_chart` draws, and `show_course` tells what happened
during a call; `completing` answers a shell. The script `callrec` calls it, and so does `python -m callrec`.
Click is known here only; whatever a command does can be done from Python as well."""

from __future__ import annotations

import atexit
import gc
import importlib
import inspect
import os
import sys
from functools import cache
from typing import Any

import click

from callrec import __version__, language, other_programs
from callrec.commands import help_page, streams
from callrec.commands.given import Given
from callrec.errors import CallrecError
from callrec.failures import told
from callrec.language import translated
from callrec.visible import visible

# One file a noun, and what it is for. A command's file is imported when the command is used, so that
# help is quick.
COMMANDS = {
    "init": "Write callrec.toml, and create or upgrade the database.",
    "serve": "Watch the PBX and record its calls.",
    "status": "PBX link, live captures, archive backlog, disk.",
    "doctor": "Check every part and say what to mend.",
    "log": "What the log says of one call.",
    "demo": "A whole system on this machine, and one real call through it.",
    "facility": "The facilities of the office.",
    "extension": "The extensions of the PBX and the facilities they belong to.",
    "rule": "Who records what.",
    "pbx": "The configuration of the PBX.",
    "prompt": "The announcements.",
    "policy": "The office's own papers about its recording, and cards for its phones.",
    "search": "Find recordings.",
    "show": "Show one recording or call, and why it was recorded or not.",
    "play": "Hear a recording, without a copy.",
    "fetch": "Fetch recordings with their manifests.",
    "export": "Give recordings out as a package, with all that proves them.",
    "link": "Give a link to a recording, for a time.",
    "redact": "Make a second file of a recording, with parts of it covered.",
    "verify": "Verify recordings: read back, every hash computed again.",
    "incident": "Mark recordings as incidents afterwards.",
    "hold": "Keep recordings from being destroyed, whatever their retention says.",
    "retain": "Keep recordings longer.",
    "note": "Write a note about a call.",
    "access": "Who may do what.",
    "absence": "Say on a signed page why there is no recording of calls.",
    "custody": "Who did what to recordings, and the report of it.",
    "evidence": "What recordings are proved with: the keys that sign.",
    "request": "Requests for recordings: opened, approved, handed over, returned.",
    "catalogue": "Compare the catalogue with the bucket, or make it again from there.",
    "backup": "Make a backup of all that the bucket does not have.",
    "restore": "Put a backup back where nothing is.",
    "upgrade": "Bring database and spool to this version, or say what that would do.",
    "reconcile": "Compare what should be with what is, and resolve the differences.",
    "testcall": "Make a call that rings no phone, and look whether it is recorded and archived.",
    "purge": "Destroy what is past its time, and say which rule and date decided.",
    "desk": "Serve the desk, for those who cannot read callrec.toml.",
    "completion": "Let a shell complete commands, names and ids.",
    "service": "The services by which callrec runs: units of systemd.",
}
COMPLETE = "_CALLREC_COMPLETE"
"""The variable by which a shell asks what may follow; Click's own."""


GARBAGE = 50_000
"""How many new objects there may be until garbage is looked for: what is imported is none, and is looked at
again and again else."""


class Program(click.Group):
    """The group of all commands: finds them by name, and speaks the user's language."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except BrokenPipeError as error:  # not our output, that is ReaderGone; Click would end silently
            raise CallrecError("the system refused: {problem}", problem=told(error)) from error

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        command = translate(importlib.import_module(f"callrec.commands.{cmd_name}").command)
        return _completing().attached(command, cmd_name) if COMPLETE in os.environ else command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section(translated("Commands")):
            formatter.write_dl([(name, translated(text)) for name, text in COMMANDS.items()])


def translate(command: click.Command) -> click.Command:
    """Puts the words of a command, and of those below it, into the language of this process; returns it."""
    command.context_class = help_page.Context
    command._help_option = None  # Click keeps it with its words, in the language that it was made in
    command.help = translated(english(command))
    for parameter in command.params:
        if isinstance(parameter, click.Option) and parameter.help:
            parameter.help = translated(english(parameter))
    command.options_metavar = translated("[OPTIONS]")
    if isinstance(command, click.Group):
        command.subcommand_metavar = translated("COMMAND [ARGS]...")
    if isinstance(command, click.Group) and not isinstance(command, Program):
        for each in command.commands.values():
            translate(each)
    return command


@cache
def english(said: click.Command | click.Option) -> str:
    """Returns the help of a command or option as it stands in the source, though it was translated since."""
    return inspect.cleandoc(said.help or "")


@click.group(cls=Program, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--config", metavar="FILE", help="The configuration file (default: see CALLREC_CONFIG).")
@click.option("--desk", metavar="SOCKET", help="The desk to ask (default: see CALLREC_DESK).")
@click.version_option(__version__, prog_name="callrec")
@click.pass_context
def program(ctx: click.Context, config: str | None, desk: str | None) -> None:
    """Call recording for an Asterisk PBX: kept as evidence, explained, found again."""
    ctx.obj = Given(config, desk)


def main(arguments: list[str] | None = None) -> None:
    """Runs the program and ends the process with its exit code. Errors are one line on stderr."""
    gc.set_threshold(GARBAGE)
    atexit.register(gc.freeze)  # else all that was imported is looked at once more, when the process ends
    os.umask(0o077)  # what callrec writes is for its owner, unless it is said for whom else
    other_programs.forget()
    language.use()
    streams.use()
    translate(program)
    if COMPLETE in os.environ:
        _completing().answer(program)
    try:
        result: Any = program.main(arguments, prog_name="callrec", standalone_mode=False)
    except CallrecError as error:
        _say(error.shown())
        sys.exit(error.exit_code)
    except click.exceptions.NoArgsIsHelpError as error:  # its message is the whole help
        _say(translated("Missing command.") + _hint(error))
        sys.exit(2)
    except click.UsageError as error:
        _say(error.format_message() + _hint(error))
        sys.exit(2)
    except click.ClickException as error:
        _say(error.format_message())
        sys.exit(error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        _say(translated("stopped"))
        sys.exit(130)
    except streams.ReaderGone:
        sys.exit(0)
    except UnicodeEncodeError:  # what we write ourselves can always be encoded
        _say(translated("something was typed that is not UTF-8: check the encoding of the terminal"))
        sys.exit(2)
    except Exception as error:
        if "CALLREC_DEBUG" in os.environ:
            raise
        _say(_unexpected(error))
        sys.exit(1)
    sys.exit(result if isinstance(result, int) else 0)


def _completing() -> Any:
    """Returns what answers a shell, which no other run has to import."""
    return importlib.import_module("callrec.commands.completing")


def _unexpected(error: Exception) -> str:
    """Returns the line for an error that nobody foresaw.

    A full disk or a missing right says by itself what to do, all else is a bug.
    """
    if isinstance(error, OSError):
        return translated("the system refused: {problem}").format(problem=told(error).shown())
    return translated("a bug: {error}; run again with CALLREC_DEBUG=1 and report it").format(
        error=repr(error)
    )


def _hint(error: click.UsageError) -> str:
    if error.ctx is None:
        return ""
    return translated(" (see {path} --help)").format(path=error.ctx.command_path)


def _say(text: str) -> None:
    """Prints the one line of an error. What Click's own messages spread over lines is put on one."""
    click.echo("callrec: " + visible(" ".join(text.split())), err=True)
