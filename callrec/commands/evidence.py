"""callrec evidence: the keys by which callrec signs what it says of recordings."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any
from zoneinfo import ZoneInfo

import click

from callrec.commands.common import desk, emit, lists, say, zone
from callrec.dates import spoken
from callrec.desk.operations import evidence as operations
from callrec.desk.operations.evidence import ListedKey, NewKey
from callrec.errors import CheckFailed
from callrec.language import translated as _

COLUMNS = {
    "key_id": "key",
    "_since": "since",
    "created_by": "made by",
    "_remark": "remark",
    "fingerprint": "fingerprint (SHA-256)",
}
SPARE = ("fingerprint", "created_by")
KEYS = ("key_id", "created_at", "created_by", "signs", "previous", "introduced", "fingerprint")


@click.group()
def command() -> None:
    """What recordings are proved with."""


@command.group()
def key() -> None:
    """The keys by which manifests, statements and anchors are signed."""


@key.command()
@click.pass_context
def new(ctx: click.Context) -> None:
    """Make a new key to sign with from now on.

    What was signed before is still verified. Nothing has to be restarted. The private key before is gone
    then, so that nobody can sign by it any more.
    """
    _tell(desk(ctx).do(operations.make_key))


@key.command("list")
@lists
@click.pass_context
def list_(ctx: click.Context, form: str | None) -> None:
    """List all keys: since when, made by whom, and which of them signs now."""
    found = desk(ctx).do(operations.list_keys)
    rows = [_row(each, zone(ctx)) for each in found.keys]
    emit(
        rows,
        COLUMNS,
        form,
        "there is no key yet: callrec init",
        KEYS,
        spare=SPARE,
        words=("_since", "_remark"),
        zone=zone(ctx),
    )
    if found.problem:
        raise CheckFailed(found.problem.template, **found.problem.values)


def _tell(made: NewKey) -> None:
    say("key {key} signs from now on; nothing has to be restarted", key=made.key.key_id)
    say("its fingerprint (SHA-256) is {fingerprint}", fingerprint=made.key.fingerprint)
    if not made.key.introduced and made.key.previous:
        say("the key before it, {key}, was not there to introduce it", key=made.key.previous)
    if made.not_copied:
        say(
            "its record is not in the bucket yet ({problem}): callrec serve puts it there",
            problem=made.not_copied,
        )
    say("next: back up {folder}, apart from the recordings", folder=made.folder)


def _row(each: ListedKey, zone: ZoneInfo) -> dict[str, Any]:
    return {**asdict(each), "_since": spoken(each.created_at, zone), "_remark": _remark(each)}


def _remark(each: ListedKey) -> str:
    """Returns what else is to be said of a key, in the user's language."""
    signs = [_("signs now")] if each.signs else []
    alone = [_("not introduced by the key before")] if each.previous and not each.introduced else []
    return "; ".join(signs + alone)
