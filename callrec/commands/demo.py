"""callrec demo: runs a whole system on this machine, and one real call through it."""

from __future__ import annotations

import json
import os
import signal
import tempfile
import threading
from pathlib import Path
from types import ModuleType

import click

from callrec import settings_file
from callrec.commands.common import say, tell
from callrec.demo.pbx import PHONES
from callrec.demo.system import FACILITIES, DemoSystem
from callrec.errors import DemoFailed
from callrec.files import draft, make_folder, write_whole
from callrec.language import translated as _

STEPS = {
    "PBX": "starting the PBX (a real Asterisk) …",
    "S3": "starting the S3 server (SeaweedFS, a bucket with Object Lock) …",
    "catalogue": "creating the catalogue (SQLite) …",
    "controller": "starting the controller (callrec serve) …",
    "desk": "starting the desk (callrec desk) …",
}


@click.command()
@click.option("--stay", is_flag=True, help="Leave everything up for a softphone and for tests, until Ctrl-C.")
@click.option(
    "--json", "target", type=click.Path(path_type=Path), help="Write all addresses and accounts here."
)
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    default=Path("demo-output"),
    help="Where the fetched recording goes.",
)
def command(stay: bool, target: Path | None, output: Path) -> None:
    """A whole system on this machine (PBX, S3, database, controller, desk), and one real call through it."""
    walkthrough = _walkthrough()
    # Ended by `kill` or by a closed terminal, it ends its children as it does after Ctrl-C; and after
    # that also in the background of a script, whose shell has it ignored.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.default_int_handler)
    # The demo has settings of its own; those of another callrec must not get in.
    for name in settings_file.variables():
        del os.environ[name]
    make_folder(output)
    if target:
        with draft(target):  # that it cannot be written is said now, not after half a minute
            pass
    say("A whole system on this machine: half a minute, only on 127.0.0.1, with data of its own.")
    with tempfile.TemporaryDirectory(prefix="callrec-demo-") as home:
        with DemoSystem(Path(home), tell=lambda step: tell(_(STEPS[step]))) as system:
            if target:
                write_whole(target, json.dumps(system.description(), indent=2).encode() + b"\n")
            fetched = walkthrough.walk_through(system, output, _tell)
            walkthrough.tell_ending(fetched, _tell)
            if stay:
                _stay(system)
        say("\nEverything is stopped, and the demo's own data is gone.")
    if not stay:
        say("callrec demo --stay leaves it up, for a softphone of your own and for the command line.")


def _walkthrough() -> ModuleType:
    """Returns the part with the phones. Raises DemoFailed: an office is given callrec without it."""
    try:
        from callrec.demo import walkthrough
    except ModuleNotFoundError as error:
        raise DemoFailed(
            "the demo needs {name}, which is not installed: pip install 'callrec[demo]'", name=error.name
        ) from error
    return walkthrough


def _tell(text: str) -> None:
    for line in text.split("\n"):
        tell(line)


def _stay(system: DemoSystem) -> None:
    say(
        "\nThe PBX stays up on {host} port {port} (UDP). Accounts for a softphone:",
        host="127.0.0.1",
        port=system.pbx.ports.sip,
    )
    for name, password in system.pbx.sip_passwords.items():
        tell(f"  {name:<8} {password}  {FACILITIES.get(PHONES.get(name, ''), _('the public network'))}")
    say("Try: outside dials 2101, or 2101 dials a number that begins with 0; then look for the call:")
    tell(f"  export CALLREC_CONFIG={system.config}")
    tell("  callrec search today")
    say("Ctrl-C ends everything.")
    try:
        threading.Event().wait()
    except KeyboardInterrupt:
        tell("")
