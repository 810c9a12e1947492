"""The ways of doing a fault to a part. Each is a context manager: it begins with it, and heals at its end."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from typing import Any
from urllib.parse import unquote

from callrec.demo.processes import Child
from tests.fake_clock import FakeClock
from tests.faults.moods import Mood, Tears
from tests.faults.proxy import Proxy
from tests.faults.station import Station
from tests.integration.system import frozen

Fault = Callable[[Station], AbstractContextManager[None]]


def controller(station: Station) -> Child:
    assert station.controller
    return station.controller


@contextmanager
def killed(station: Station) -> Iterator[None]:
    """The controller ends without a word, and is started again."""
    controller(station).kill()
    yield
    station.start_controller()


@contextmanager
def ended(station: Station) -> Iterator[None]:
    """The controller is asked to end, and is started again."""
    controller(station).stop()
    yield
    station.start_controller()


@contextmanager
def killed_twice(station: Station) -> Iterator[None]:
    """The controller ends a second time, in the middle of looking at what there is."""
    controller(station).kill()
    yield
    station.start_controller()
    controller(station).kill()
    station.start_controller()


@contextmanager
def controller_frozen(station: Station) -> Iterator[None]:
    with frozen(controller(station)):
        yield


@contextmanager
def store_frozen(station: Station) -> Iterator[None]:
    assert station.s3.child
    with frozen(station.s3.child):
        yield


@contextmanager
def store_killed(station: Station) -> Iterator[None]:
    assert station.s3.child
    station.s3.child.kill()
    yield
    station.s3.start()


@contextmanager
def pbx_frozen(station: Station) -> Iterator[None]:
    assert station.pbx.child
    with frozen(station.pbx.child):
        yield


@contextmanager
def pbx_killed(station: Station) -> Iterator[None]:
    """The PBX ends with all its calls, and is started again."""
    assert station.pbx.child
    os.kill(station.pbx.child.pid, signal.SIGKILL)
    station.pbx.child.kill()
    yield
    station.pbx.start()


@contextmanager
def folder_away(station: Station) -> Iterator[None]:
    """The PBX's folder of recordings is not there, as one on another disk that is not mounted."""
    folder = station.home / "pbx/spool/recording"
    away = folder.with_name("away")
    folder.rename(away)
    try:
        yield
    finally:
        away.rename(folder)


@contextmanager
def password_changed(station: Station) -> Iterator[None]:
    """The PBX does not know callrec's password any more; then it does again."""
    files = [
        path
        for path in (station.home / "pbx/etc").rglob("*.conf")
        if station.pbx.ari_password in path.read_text()
    ]
    texts = {path: path.read_text() for path in files}
    for path, text in texts.items():
        path.write_text(text.replace(station.pbx.ari_password, "changed"))
    station.pbx.cli("module reload res_ari.so")
    station.ari.cut()
    try:
        yield
    finally:
        for path, text in texts.items():
            path.write_text(text)
        station.pbx.cli("module reload res_ari.so")


@contextmanager
def sqlite_locked(station: Station) -> Iterator[None]:
    """Somebody holds the catalogue's file, as a backup does that never ends."""
    holder = sqlite3.connect(station.home / "catalogue.db", isolation_level=None)
    holder.execute("BEGIN EXCLUSIVE")
    try:
        yield
    finally:
        holder.execute("ROLLBACK")
        holder.close()


@contextmanager
def spool_full(station: Station) -> Iterator[None]:
    """The spool's disk takes no byte more."""
    with station.disk.full():
        yield


@contextmanager
def spool_away(station: Station) -> Iterator[None]:
    """The spool's disk is not mounted for a while."""
    with station.disk.away():
        yield


@contextmanager
def torn(station: Station) -> Iterator[None]:
    """The S3 server keeps a part of what it was sent, once, and says that it failed."""
    s3: Any = station.s3.client()

    def store(path: str, body: bytes) -> None:
        bucket, _, key = path.lstrip("/").partition("/")
        s3.put_object(Bucket=bucket, Key=unquote(key), Body=body)

    assert station.store
    with station.store.in_mood(Tears(store=store)):
        yield


@contextmanager
def commits_lost(station: Station) -> Iterator[None]:
    """The database is as it was, as after a failover that lost its last commits; then it is made again."""
    path, copy = station.home / "catalogue.db", station.home / "copy.db"
    with closing(sqlite3.connect(path)) as now, closing(sqlite3.connect(copy)) as then:
        now.backup(then)
    yield
    controller(station).stop()
    with closing(sqlite3.connect(copy)) as then, closing(sqlite3.connect(path)) as now:
        then.backup(now)
    station.start_controller()
    subprocess.run(station.command("catalogue", "rebuild"), check=True, capture_output=True)


@contextmanager
def parted(station: Station) -> Iterator[None]:
    """The host of the controller is cut off from all others."""
    assert station.far
    with station.far.parted():
        yield


def clock_stepped(seconds: int) -> Fault:
    """The clock of callrec's machine is set while it works, and set right again."""

    @contextmanager
    def fault(station: Station) -> Iterator[None]:
        usual, clock = station.before, FakeClock(station.home / "clock")
        controller(station).stop()
        station.before = clock.python_words
        try:
            station.start_controller()
            clock.set(seconds)
            yield
            clock.set(0)
            controller(station).stop()
        finally:
            station.before = usual
        station.start_controller()

    return fault


def between(
    choose: Callable[[Station], Proxy | None], mood: Callable[[], Mood], *, cut: bool = False
) -> Fault:
    """What lies between callrec and a part behaves so."""

    @contextmanager
    def fault(station: Station) -> Iterator[None]:
        proxy = choose(station)
        assert proxy, "this system has no such part"
        with proxy.in_mood(mood(), cut=cut):
            yield

    return fault


def ari(station: Station) -> Proxy | None:
    return station.ari


def ami(station: Station) -> Proxy | None:
    return station.ami


def store(station: Station) -> Proxy | None:
    return station.store


def database(station: Station) -> Proxy | None:
    return station.database
