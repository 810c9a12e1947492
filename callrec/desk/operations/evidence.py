"""The keys by which callrec signs: which there are, and a new one. Only for who works directly: whoever makes
a key decides what is believed."""

from __future__ import annotations

from dataclasses import dataclass

from pydantic import AwareDatetime

from callrec.app import App
from callrec.desk.operation import Session, operation
from callrec.errors import EvidenceBroken, Sentence, Unreachable, WrongConfiguration
from callrec.evidence.keys import KeyRecord
from callrec.sentence_field import SentenceField


@dataclass(frozen=True, slots=True)
class ListedKey:
    """A key that callrec has, or had.

    `signs`: it signs now. `introduced`: the key before it, `previous`, says that it is ours; of the first
    there is none before.
    """

    key_id: str
    created_at: AwareDatetime
    created_by: str
    signs: bool
    previous: str
    introduced: bool
    fingerprint: str


@dataclass(frozen=True, slots=True)
class Keys:
    """All keys, the oldest first, and why none of them signs now, where that is so."""

    keys: list[ListedKey]
    problem: SentenceField | None


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key that was made. `not_copied`: why its record is not in the bucket yet."""

    key: ListedKey
    folder: str
    not_copied: SentenceField | None


@operation("evidence key list")
def list_keys(session: Session, /) -> Keys:
    """Returns all keys. Raises EvidenceBroken for a record that was changed."""
    keys = session.app.keys
    records, signing, problem = keys.records(), "", None
    try:
        signing = keys.signer().key_id
    except WrongConfiguration as error:
        problem = error.sentence
    return Keys([_listed(each, signing) for each in records], problem)


@operation("evidence key new")
def make_key(session: Session, /) -> NewKey:
    """Makes a key to sign with from now on. Every process takes it up by itself.

    It stands in the custody log; where that cannot be written, none is made. Raises as KeyFolder.new.
    """
    app = session.app
    with app.database.begin() as connection:
        made = app.keys.new(session.who, session.now)
        session.note(connection, "", "key-made", key=made.key_id, previous=made.previous)
    return NewKey(_listed(made, made.key_id), str(app.keys.folder), _not_copied(app))


def _listed(record: KeyRecord, signing: str) -> ListedKey:
    return ListedKey(
        record.key_id,
        record.created_at,
        record.created_by,
        record.key_id == signing,
        record.previous,
        bool(record.introduced),
        record.fingerprint,
    )


def _not_copied(app: App) -> Sentence | None:
    try:
        app.key_copies.put()
    except (Unreachable, EvidenceBroken) as error:
        return error.sentence
    return None
