"""Tells what became of recordings that somebody wants kept, one line each."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from zoneinfo import ZoneInfo

from callrec.commands.common import say
from callrec.dates import spoken
from callrec.lifecycle.keeping import Keeping


def tell_each(zone: ZoneInfo, done: Iterator[Keeping], template: Callable[[Keeping], str]) -> None:
    """Prints a sentence for each, as soon as it is done, and beside the output once that nothing is locked.

    Whoever calls asks for the zone first: what was done is told, whatever happens then. The template may have
    the fields `id` and `until`.
    """
    alone = False
    for each in done:
        until = spoken(each.retain_until, zone) if each.retain_until else "—"
        say(template(each), id=each.recording_id, until=until)
        alone = alone or not each.locked
    if alone:
        say('the bucket does not lock (archive.object_lock = "off"): the catalogue alone keeps it', err=True)
