"""Keeps the signs of notes, single and in pairs, so that a part of a note is found without reading all notes.

Japanese has no blanks: no index of words serves, and a search for two kanji is the usual one.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from itertools import pairwise

import sqlalchemy as sa

from callrec.catalogue.places import place_of
from callrec.catalogue.tables import calls, note_grams, notes
from callrec.catalogue.writing import insert_once

LONGEST = 2
"""Signs of a text that is found by one row alone."""


def of(folded: str) -> set[str]:
    """Returns each sign of a text that is `folded`, and each pair of neighbours."""
    return {*folded, *map("".join, pairwise(folded))}


def wanted(folded: str) -> list[str]:
    """Returns what must be there where a text stands: its pairs, or itself where it is one sign."""
    return sorted(set(map("".join, pairwise(folded)))) or [folded]


def write(connection: sa.Connection, call_id: str, texts: Iterable[str] | None = None) -> None:
    """Writes the signs of `folded` texts about a call; without, of all its notes. Twice is as once."""
    began = _began(connection, call_id)
    signs = sorted(_signs(_texts(connection, call_id) if texts is None else texts))
    insert_once(
        connection, note_grams, *({"gram": each, "began": began, "call_id": call_id} for each in signs)
    )


def forget(connection: sa.Connection, call_id: str, began: int | None = None) -> None:
    """Takes the signs of all notes about a call away, before the notes go. `began` is the place of its moment
    where that was another when they were written."""
    began = _began(connection, call_id) if began is None else began
    of_call = (note_grams.c.began == began) & (note_grams.c.call_id == call_id)
    for sign in sorted(_signs(_texts(connection, call_id))):
        connection.execute(note_grams.delete().where(of_call, note_grams.c.gram == sign))


def _began(connection: sa.Connection, call_id: str) -> int:
    """Returns the place of the moment in which a call began; of a damaged one the first of all."""
    found = connection.execute(sa.select(calls.c.started_at).where(calls.c.id == call_id)).scalar_one()
    return place_of(found) if isinstance(found, datetime) else 0


def _signs(texts: Iterable[str]) -> set[str]:
    return {sign for text in texts for sign in of(text)}


def _texts(connection: sa.Connection, call_id: str) -> list[str]:
    return list(connection.execute(sa.select(notes.c.folded).where(notes.c.call_id == call_id)).scalars())
