"""What stays of a recording that is destroyed: that there was a call, when and whose, and why it is gone."""

from __future__ import annotations

from typing import Any

from callrec.catalogue import calls, finding
from callrec.catalogue.database import Connection
from callrec.errors import CatalogueDamaged
from callrec.lifecycle.erasure import without_numbers
from callrec.model.access import EVERYWHERE


def tombstone(connection: Connection, recording_id: str) -> dict[str, Any]:
    """Returns what the bucket is to say for good, as plain JSON: the recording, its call without numbers and
    names, and the facilities that took part.

    Of rows that something else than callrec has changed nothing can be said.
    """
    try:
        kept = finding.recording(connection, recording_id, reach=EVERYWHERE)
        call = finding.call(connection, kept.call_id, reach=EVERYWHERE)
    except CatalogueDamaged:
        return {}
    facilities = calls.facilities_known(connection, kept.call_id)
    return {
        "recording": calls.as_plain(kept),
        "call": calls.as_json(without_numbers(call)),
        "facilities": facilities,
    }
