"""Tells what became of recordings that somebody wants kept, one line each."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from callrec.commands.common import say
from callrec.dates import spoken
from callrec.lifecycle.keeping import Keeping
from callrec.settings import OfficeSettings


def tell_each(done: Iterator[Keeping], office: OfficeSettings, template: Callable[[Keeping], str]) -> None:
    """Prints a sentence for each, as soon as it is done, and beside the output once that nothing is locked.

    The template may have the fields `id` and `until`.
    """
    alone = False
    for each in done:
        until = spoken(each.retain_until, office.zone) if each.retain_until else "—"
        say(template(each), id=each.recording_id, until=until)
        alone = alone or not each.locked
    if alone:
        say('the bucket does not lock (archive.object_lock = "off"): the catalogue alone keeps it', err=True)
