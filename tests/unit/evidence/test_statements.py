"""Statements in the bucket: signed, proved, locked and held as their recording, whatever goes wrong first."""

from __future__ import annotations

import ast
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

import callrec
from callrec import ids
from callrec.catalogue import holds, statements, tables
from callrec.catalogue.database import Database
from callrec.errors import (
    CallrecError,
    EvidenceBroken,
    StoreUnreachable,
    Unreachable,
    WrongConfiguration,
)
from callrec.evidence.afterwards import STEPS
from callrec.evidence.keys import PublicKeyRing, SigningKey
from callrec.evidence.statement import Statement, folder, read, write
from callrec.evidence.statements import PAUSE_SECONDS, SECONDS_AT_ONCE, BucketTombstones, Outbox
from callrec.lifecycle.concerns import concerns
from callrec.model.access import EVERYWHERE
from tests.parsed import nodes_of
from tests.unit.fakes import LockingStore
from tests.unit.kept_recording import archive

NOW = datetime.now(UTC)
DAY = timedelta(days=1)
PACKAGE = Path(callrec.__file__).parent
_WRITES = re.compile(
    r"custody\.append\(|custody\.insert\(|insert\((?:tables\.)?custody\)"
    r"|custody import [^\n]*\bappend\b|catalogue import [^\n]*\bcustody as\b"
)
"""What writes to the custody log, or hides that it does."""


def key(letter: bytes) -> SigningKey:
    return SigningKey(Ed25519PrivateKey.from_private_bytes(letter * 32))


@dataclass
class Keys:
    """The keys of callrec; `gone`: there is none to sign with."""

    signing: SigningKey = field(default_factory=lambda: key(b"a"))
    gone: bool = False

    @property
    def public(self) -> PublicKeyRing:
        return PublicKeyRing({each.key_id: each.public_key for each in (key(b"a"), key(b"b"))})

    def signer(self) -> SigningKey:
        if self.gone:
            raise WrongConfiguration("the signing key {path} is not there", path="signing.pem")
        return self.signing


@dataclass
class Office:
    """A catalogue, a bucket, and an outbox between them."""

    database: Database
    store: LockingStore = field(default_factory=LockingStore)
    keys: Keys = field(default_factory=Keys)
    clock: float = 0.0

    def __post_init__(self) -> None:
        self.outbox = self.another()
        self.kept = archive(self.database, self.store, NOW)

    def another(self) -> Outbox:
        """That of another process."""
        return Outbox(
            self.database,
            lambda: self.store,
            lambda: self.keys,
            locks=True,
            shortest_lock=DAY,
            clock=lambda: self.clock,
        )

    def enter(self, action: str = "noted", recording_id: str | None = None, **details: Any) -> None:
        with self.database.begin() as connection:
            id_ = self.kept.id if recording_id is None else recording_id
            entry = statements.enter(connection, id_, action, who="sato", at=NOW, **details)
        if "statement" in entry.details:
            self.outbox.wants(entry.details["statement"])

    @property
    def waiting(self) -> int:
        with self.database.read() as connection:
            return statements.how_many(connection)[0]

    @property
    def stated(self) -> list[Statement]:
        under = folder(self.kept.key)
        return [
            read(data, self.keys.public)
            for each, data in self.store.objects.items()
            if each.startswith(under)
        ]


@pytest.fixture
def office(database: Database) -> Office:
    return Office(database)


def test_what_was_done_is_in_the_bucket_signed_and_locked_as_its_recording(office: Office) -> None:
    office.enter(call="c", note="n", text_sha256="0", stated={"text": "怒鳴られた"})
    assert office.outbox.put() == 1 and office.waiting == 0
    (said,) = office.stated
    assert (said.recording_id, said.action, said.who, said.at) == (office.kept.id, "noted", "sato", NOW)
    assert said.details["text"] == "怒鳴られた" and said.details["statement"] == said.id
    (under,) = [each for each in office.store.objects if ".statements/" in each]
    assert under == f"{office.kept.key.removesuffix('.flac')}.statements/{said.id}.json"
    assert office.store.until[under] == office.kept.retain_until
    assert not office.store.held and office.outbox.put() == 0


def test_beside_a_recording_that_is_held_it_is_held_too(office: Office) -> None:
    with office.database.begin() as connection:
        holds.add(connection, office.kept.id, "訴訟", None, who="sato", at=NOW)
    office.enter("held", reason="訴訟")
    office.outbox.put()
    assert [each for each, _ in office.store.held] == [each for each in office.store.objects if ".st" in each]


def test_what_changes_nothing_is_not_stated_and_what_nobody_knows_is_not_written(office: Office) -> None:
    office.enter("heard")
    assert office.waiting == 0
    with pytest.raises(ValueError, match="nobody has said"):
        office.enter("forgotten")


def test_while_the_bucket_is_away_it_waits_and_nobody_waits_for_it(office: Office) -> None:
    office.store.away = True
    office.enter()
    office.outbox.attempt()
    assert office.waiting == 1
    office.store.away = False
    office.outbox.attempt()
    assert office.waiting == 1, "nobody waits again so soon"
    office.clock += PAUSE_SECONDS
    office.outbox.attempt()
    assert office.waiting == 0


def test_a_process_that_has_done_nothing_asks_for_nothing(office: Office) -> None:
    office.enter()
    office.another().attempt()
    assert office.waiting == 1
    assert office.another().put() == 1


@pytest.mark.parametrize(
    ("ill", "error"),
    [("away", StoreUnreachable), ("drops_locks", EvidenceBroken), ("gone", WrongConfiguration)],
)
def test_what_cannot_be_put_waits_and_status_says_since_when(
    office: Office, ill: str, error: type[CallrecError]
) -> None:
    setattr(office.keys if ill == "gone" else office.store, ill, True)
    office.enter()
    with pytest.raises(error):
        office.outbox.put()
    with office.database.read() as connection:
        assert concerns(connection, NOW + timedelta(seconds=30), EVERYWHERE) == []
        (said,) = concerns(connection, NOW + timedelta(minutes=2), EVERYWHERE)
    assert "1 statements" in str(said) and f"{NOW:%Y-%m-%d %H:%M}" in str(said)


def test_ended_between_put_and_commit_it_is_put_once_more_and_is_one(office: Office) -> None:
    office.enter()
    with office.database.read() as connection:
        (waits,) = statements.waiting(connection)
    office.outbox.put()
    with office.database.begin() as connection:
        connection.execute(tables.statements.insert().values(**_row(waits)))
    office.keys.signing = key(b"b")  # the key was changed meanwhile
    assert office.outbox.put() == 1 and len(office.stated) == 1 and office.waiting == 0


def test_one_whose_key_is_taken_keeps_no_other_waiting(office: Office) -> None:
    office.enter()
    office.enter("held", reason="訴訟")
    with office.database.read() as connection:
        first, _ = statements.waiting(connection)
    office.store.put_over(f"{folder(office.kept.key)}{first.id}.json", b"{}")
    with pytest.raises(EvidenceBroken):
        office.outbox.put()
    with office.database.read() as connection:
        assert [each.id for each in statements.waiting(connection)] == [first.id]


def test_a_person_waits_for_what_he_did_and_not_for_what_others_left(office: Office) -> None:
    with office.database.begin() as connection:
        for _ in range(3):
            statements.enter(connection, office.kept.id, "noted", who="sato", at=NOW)
    office.enter("held", reason="訴訟")
    office.outbox.attempt()
    assert [each.action for each in office.stated] == ["held"] and office.waiting == 3


def test_a_person_waits_so_long_and_the_controller_puts_the_others(office: Office) -> None:
    """A bucket that answers slowly costs a person seconds, whatever there is to put."""

    def slowly(*args: Any, **kwargs: Any) -> None:
        office.clock += SECONDS_AT_ONCE / 2
        LockingStore.put_bytes(office.store, *args, **kwargs)

    office.store.put_bytes = slowly  # type: ignore[method-assign]
    for _ in range(5):
        office.enter()
    office.outbox.attempt()
    assert office.waiting == 3
    assert office.another().put() == 3 and office.waiting == 0
    office.outbox.attempt()


def test_another_thread_takes_nothing_away_from_who_is_not_done_yet(office: Office) -> None:
    """Somebody's statement is put in between, while another person's change is not committed yet."""
    with office.database.begin() as connection:
        entry = statements.enter(connection, office.kept.id, "noted", who="sato", at=NOW)
        office.outbox.wants(entry.details["statement"])
        other = threading.Thread(target=office.outbox.attempt)
        other.start()
        other.join()
    office.outbox.attempt()
    assert office.waiting == 0 and len(office.stated) == 1


@pytest.mark.parametrize("ill", ["refused", "damaged", "no form"])
def test_one_that_can_never_be_put_keeps_no_other_waiting(office: Office, ill: str) -> None:
    office.enter("noted", text=1 << 60 if ill == "no form" else "0")  # RFC 8785 knows no such number
    with office.database.begin() as connection:
        (first,) = statements.waiting(connection)
        if ill == "damaged":
            connection.execute(sa.text("UPDATE statements SET at = 'gestern'"))
    if ill == "refused":
        office.store.put_bytes = _refusing(office.store, first.id)  # type: ignore[method-assign]
    office.enter("held", reason="訴訟")
    office.outbox.attempt()
    assert [each.action for each in office.stated] == ["held"], "who did something later"
    office.enter("retained", until="2030-01-01T00:00:00+00:00")
    with pytest.raises(Exception, match=r"refused|damaged|exceeds"):
        office.outbox.put()
    assert {each.action for each in office.stated} == {"held", "retained"} and office.waiting == 1


def _refusing(store: LockingStore, id_: str) -> Any:
    def put(key: str, *args: Any) -> None:
        if id_ in key:
            raise Unreachable("the S3 server refused {operation}", operation="put_object")
        LockingStore.put_bytes(store, key, *args)

    return put


@pytest.mark.parametrize("change", ["held", "released", "retained"])
def test_how_its_recording_is_kept_meanwhile_holds_for_it_too(office: Office, change: str) -> None:
    """Somebody does something between what we saw and what we wrote: no lock is shorter, no hold too few or
    too many."""
    until = NOW + timedelta(days=9999)
    if change == "released":
        _set(office, hold=True)
    changes: dict[str, Any] = {"retain_until": until} if change == "retained" else {"hold": change == "held"}
    office.enter()
    head, seen = office.store.head, list[str]()

    def changed(key: str, version: str | None = None) -> Any:
        seen.append(key)
        found = head(key, version)
        if len(seen) == 2:
            _set(office, **changes)
        return found

    office.store.head = changed  # type: ignore[method-assign]
    office.outbox.put()
    (key_,) = [each for each in office.store.objects if ".statements/" in each]
    found = head(key_, "0")
    assert found.legal_hold == (change == "held")
    assert found.is_locked_until(until if change == "retained" else office.kept.retain_until or NOW)


def _set(office: Office, **values: Any) -> None:
    with office.database.begin() as connection:
        connection.execute(tables.recordings.update().values(**values))


def test_while_the_bucket_takes_its_time_the_database_waits_for_nothing(office: Office) -> None:
    _set(office, hold=True)
    office.enter()
    asked = list[bool]()
    begin, open_ = office.database.begin, list[int]()

    @contextmanager
    def counted() -> Iterator[Any]:
        with begin() as connection:
            open_.append(1)
            try:
                yield connection
            finally:
                open_.pop()

    office.database.begin = counted  # type: ignore[method-assign]
    office.store.before = lambda step: asked.append(not open_)
    office.outbox.put()
    assert asked == [True], "the hold was asked for within a transaction"


def test_it_ends_when_it_is_told_to(office: Office) -> None:
    for _ in range(3):
        office.enter()
    assert office.outbox.put(ended=lambda: office.waiting == 1) == 2


def test_beside_what_is_destroyed_nothing_is_said_but_how(office: Office) -> None:
    with office.database.begin() as connection:
        connection.execute(tables.recordings.update().values(state="destroyed"))
    office.enter("noted")
    assert office.waiting == 0
    office.enter("destroyed")
    assert office.waiting == 1


def test_what_waits_when_its_recording_is_destroyed_is_forgotten(office: Office) -> None:
    """A note that was never put must not come beside what says that the recording is gone."""
    office.enter("noted", stated={"text": "怒鳴られた"})
    office.enter("destruction-begun")
    assert office.outbox.put(office.kept.id) == 1 and office.waiting == 1
    with office.database.begin() as connection:
        connection.execute(tables.recordings.update().values(state="destroyed"))
    office.outbox.put()
    assert [each.action for each in office.stated] == ["destruction-begun"] and office.waiting == 1
    with office.database.begin() as connection:
        statements.forget(connection, office.kept.id)
    assert office.waiting == 0


def test_a_tombstone_is_told_from_other_statements_and_from_what_somebody_else_wrote(office: Office) -> None:
    office.enter("noted")
    office.enter("destroyed")
    office.outbox.put()
    has = BucketTombstones(office.outbox, office.store, office.keys.public).has
    by_action = {each.action: f"{folder(office.kept.key)}{each.id}.json" for each in office.stated}
    assert has(by_action["destroyed"]) and not has(by_action["noted"]) and not has(office.kept.key)
    (said,) = [each for each in office.stated if each.action == "destroyed"]
    other = by_action["noted"].replace(".json", "")[:-1] + "0.json"
    office.store.put_over(other, write(replace(said, key_id="", signature=""), key(b"a")))
    assert not has(other), "it is that of another key"
    forged = folder(office.kept.key) + "01a20000-0000-7000-8000-000000000001.json"
    office.store.put_over(forged, write(replace(said, id=Path(forged).stem), key(b"x")))
    assert not has(forged)
    office.store.put_over(by_action["destroyed"], b"put over it")
    assert has(by_action["destroyed"])


def _row(waits: Any) -> dict[str, Any]:
    return {name: getattr(waits, name) for name in waits.__dataclass_fields__}


# --- nothing is forgotten

WRITERS = {"note", "enter", "_enter", "_intend", "_log", "_note"}
"""What writes down an action that stands among its arguments."""


def _written(path: Path) -> Iterator[str]:
    """The actions that a file writes down: texts in calls of what writes them."""
    for node in nodes_of(path):
        if isinstance(node, ast.Call) and _name(node.func) in WRITERS:
            yield from (
                each.value
                for each in node.args
                if isinstance(each, ast.Constant) and isinstance(each.value, str) and each.value
            )


def _name(function: ast.expr) -> str:
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")


def test_every_action_that_is_written_down_is_stated_or_named_as_changing_nothing() -> None:
    rooms = ("archive", "desk", "evidence", "lifecycle")
    files = [path for room in rooms for path in (PACKAGE / room).rglob("*.py")]
    found = {action for path in files for action in _written(path)}
    known = statements.ABOUT_RECORDING | statements.ABOUT_REQUEST | statements.CHANGES_NOTHING
    assert found >= {"held", "noted", "request-opened", "destroyed", "erased", "lost", "verified"}
    assert found <= known, found - known
    assert statements.ABOUT_RECORDING.isdisjoint(statements.CHANGES_NOTHING | statements.ABOUT_REQUEST)


def test_what_somebody_put_into_the_outbox_by_hand_is_not_signed(office: Office) -> None:
    """Else whoever may write to the database had callrec sign what he likes; others do not wait for it."""
    with office.database.begin() as connection:
        row = {"id": ids.new(), "recording_id": office.kept.id, "request": "", "action": "destroyed"}
        connection.execute(tables.statements.insert().values(**row, at=NOW, who="ito", details={}))
    office.enter(call="c", note="n", text_sha256="0")
    with pytest.raises(EvidenceBroken, match="does not tell of destroyed"):
        office.outbox.put()
    assert [each.action for each in office.stated] == ["noted"] and office.waiting == 1


def test_one_place_writes_the_custody_log() -> None:
    writers = [
        str(path.relative_to(PACKAGE))
        for path in PACKAGE.rglob("*.py")
        if _WRITES.search(path.read_text("utf-8"))
    ]
    assert sorted(writers) == ["catalogue/custody.py", "catalogue/statements.py"]


@pytest.mark.parametrize(
    "text",
    [
        "custody.append(connection)",
        "from callrec.catalogue.custody import Entry, append",
        "from callrec.catalogue import calls, custody as log",
        "tables.custody.insert()",
        "sa.insert(custody)",
    ],
)
def test_no_other_way_into_it_goes_unseen(text: str) -> None:
    assert _WRITES.search(text)


def test_each_action_that_is_stated_of_a_recording_makes_something_of_how_it_stands() -> None:
    assert set(STEPS) == statements.ABOUT_RECORDING | {"rebuilt"}
