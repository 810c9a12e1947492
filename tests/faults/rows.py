"""The faults, as a table: what is done to which part, and how it is healed. All calls of the cast live
through each; the checker judges all in the same way."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from tests.faults import inject
from tests.faults.history import Limits
from tests.faults.inject import Fault, ami, ari, between, database, store
from tests.faults.moods import (
    CutsAnswers,
    CutsRequests,
    Drips,
    Garbles,
    Hangs,
    HttpAnswers,
    Refuses,
    Slow,
    Stutters,
)

SQLITE, POSTGRESQL = "sqlite", "postgresql"
USUAL = Limits()
EVERYTHING = frozenset({"begin", "press", "move", "end"})
UNMOVED = EVERYTHING - {"move"}
"""Who is transferred while callrec sees nothing is heard again once it is back (decision 9)."""
UNBEGUN = EVERYTHING - {"begin", "move"}
"""What cannot be recorded begins to be when the fault is over: a refusal, a folder that is away."""
UNENDED = frozenset({"begin", "press"})
RESTARTS = ("the controller is", "the clock goes", "commits are lost")
NOTHING: frozenset[str] = frozenset()


@dataclass(frozen=True)
class FaultRow:
    """One fault. It lasts `seconds` while calls go on, which it may cost as much as `limits` say, and can be
    felt for `echo` seconds after it (a connection that lost packets sends them again ever more seldom); then
    callrec has `rest` seconds until nothing waits any more. `on` is the database of the system, `acts` what
    people do meanwhile."""

    what: str
    fault: Fault
    on: str = SQLITE
    seconds: float = 1.2
    limits: Limits = USUAL
    acts: frozenset[str] = EVERYTHING
    echo: float = 0.0
    rest: float = 30.0
    quick: bool = True

    @property
    def restarts(self) -> bool:
        """Whether the controller is another process afterwards."""
        return self.what.startswith(RESTARTS)


def _is_put(method: bytes, path: bytes) -> bool:
    return method == b"PUT"


def _is_command(method: bytes, path: bytes) -> bool:
    return b"/events" not in path


AWAY = Limits(unseen=60.0)
"""Of a call that ends while callrec is away nobody knows when."""
LATE = Limits(missing=3.0, unseen=3.0)
"""A recording begins some answers later than the talk."""
GATE = Limits(delay=4.0, unseen=60.0)
"""What a controller that is there and does not answer costs: the dialplan waits two seconds for it."""
unavailable = partial(HttpAnswers, every=3, choose=_is_command)
no_room = partial(HttpAnswers, status="507 Insufficient Storage", choose=_is_put)
forbidden = partial(HttpAnswers, status="403 Forbidden")
lying = partial(HttpAnswers, status="200 OK", headers=b'ETag: "0"\r\n', choose=_is_put)

ROWS = [
    FaultRow("the controller is killed", inject.killed, limits=AWAY, acts=UNMOVED),
    FaultRow("the controller is ended", inject.ended, limits=AWAY, acts=UNMOVED),
    FaultRow("the controller is killed twice", inject.killed_twice, limits=AWAY, acts=UNMOVED, quick=False),
    FaultRow("the controller stands still", inject.controller_frozen, limits=GATE, acts=UNMOVED),
    FaultRow(
        "the PBX stands still",
        inject.pbx_frozen,
        limits=Limits(cut=4.0, delay=6.0, missing=1.5),
        acts=NOTHING,
    ),
    FaultRow("the PBX's folder of recordings is away", inject.folder_away, acts=UNBEGUN),
    FaultRow(
        "the PBX does not know the password", inject.password_changed, limits=AWAY, acts=UNMOVED, quick=False
    ),
    FaultRow("ARI is cut", between(ari, Refuses, cut=True), on=POSTGRESQL, limits=AWAY, acts=UNMOVED),
    FaultRow("ARI hangs", between(ari, Hangs), on=POSTGRESQL, limits=GATE, acts=UNMOVED),
    FaultRow("ARI is slow", between(ari, Slow), on=POSTGRESQL, limits=LATE),
    FaultRow("ARI drips", between(ari, Drips), on=POSTGRESQL, limits=GATE, acts=UNMOVED, quick=False),
    FaultRow("ARI sends garbage", between(ari, Garbles, cut=True), on=POSTGRESQL, limits=AWAY, acts=UNMOVED),
    FaultRow("ARI refuses every third command", between(ari, unavailable), on=POSTGRESQL, acts=UNBEGUN),
    FaultRow("AMI refuses", between(ami, Refuses, cut=True), on=POSTGRESQL),
    FaultRow("AMI hangs", between(ami, Hangs), on=POSTGRESQL),
    FaultRow("AMI sends garbage", between(ami, Garbles, cut=True), on=POSTGRESQL),
    FaultRow(
        "AMI breaks off its answers", between(ami, partial(CutsAnswers, after=40)), on=POSTGRESQL, quick=False
    ),
    FaultRow("the S3 server is killed", inject.store_killed),
    FaultRow("the S3 server stands still", inject.store_frozen),
    FaultRow("the S3 server is slow", between(store, Slow)),
    FaultRow("the S3 server refuses every third request", between(store, partial(HttpAnswers, every=3))),
    FaultRow("the S3 server has no room", between(store, no_room)),
    FaultRow("the S3 server does not know the keys", between(store, forbidden)),
    FaultRow("the S3 server lies", between(store, lying)),
    FaultRow("uploads break off", between(store, CutsRequests)),
    FaultRow("answers of the S3 server break off", between(store, partial(CutsAnswers, after=300))),
    FaultRow("the S3 server sends garbage", between(store, Garbles, cut=True), quick=False),
    FaultRow("the catalogue is locked", inject.sqlite_locked),
    FaultRow("the spool's disk is full", inject.spool_full),
    FaultRow("the spool's disk is away", inject.spool_away),
    FaultRow("commits are lost", inject.commits_lost, seconds=4.0, acts=UNENDED),
    FaultRow("the clock goes an hour ahead", inject.clock_stepped(3600), limits=AWAY),
    FaultRow("the clock goes a day back", inject.clock_stepped(-86_400), limits=AWAY, quick=False),
    FaultRow(
        "two hosts are parted", inject.parted, on=POSTGRESQL, limits=GATE, acts=UNMOVED, echo=6.0, quick=False
    ),
    FaultRow(
        "two hosts are parted for long",
        inject.parted,
        on=POSTGRESQL,
        seconds=15.0,
        limits=GATE,
        acts=UNMOVED,
        echo=15.0,
        quick=False,
    ),
    FaultRow(
        "packets are lost on the way to ARI", between(ari, Stutters), on=POSTGRESQL, limits=LATE, echo=2.0
    ),
    FaultRow("packets are lost on the way to S3", between(store, Stutters), on=POSTGRESQL, quick=False),
    FaultRow("the database refuses", between(database, Refuses, cut=True), on=POSTGRESQL),
    FaultRow("the database hangs", between(database, Hangs), on=POSTGRESQL),
    FaultRow("the database is slow", between(database, Slow), on=POSTGRESQL),
    FaultRow("the database sends garbage", between(database, Garbles, cut=True), on=POSTGRESQL),
    FaultRow(
        "the database breaks off", between(database, partial(CutsAnswers, after=900), cut=True), on=POSTGRESQL
    ),
]
