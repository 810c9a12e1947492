"""callrec doctor: tries every part, and says what is wrong with what to do. The checks are in
callrec.doctor."""

from __future__ import annotations

import click

from callrec import places
from callrec.addresses import read_address
from callrec.commands.common import app, emit, lists
from callrec.doctor.check import Checkup
from callrec.doctor.run import CHECKS, run_all
from callrec.errors import CheckFailed, WrongUsage
from callrec.language import translated as _


@click.command()
@click.option("--mail", metavar="ADDRESS", help="Who gets the test mail; else help.mail_from does.")
@lists
@click.pass_context
def command(ctx: click.Context, mail: str | None, form: str | None) -> None:
    """Check every part and say what to mend. Exit code 0 only when all is well.

    It takes ten seconds at most. An object is put into the bucket, a mail and a message are sent; all of them
    say that they are tests.
    """
    to = None if mail is None else read_address(mail)
    if mail is not None and not to:
        raise WrongUsage("{text} is no mail address, such as help@city.example", text=repr(mail))
    checkup = Checkup(app(ctx), places.find_file(ctx.find_root().obj.config), to or "")
    results = run_all(CHECKS, checkup)
    rows = [
        {"part": _(each.part), "ok": each.ok, "_state": _state(ok=each.ok), "found": each.found}
        for each in results
    ]
    emit(rows, {"part": "part", "_state": "state", "found": "found"}, form, prose="found")
    failed = [each for each in results if not each.ok]
    if failed:
        raise CheckFailed("{count} of {total} checks failed", count=len(failed), total=len(results))


def _state(*, ok: bool) -> str:
    return _("well") if ok else _("to be mended")
