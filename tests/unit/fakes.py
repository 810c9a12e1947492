"""Fakes behind our own protocols: a store and a PBX in memory."""

from __future__ import annotations

import hashlib
import threading
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

from callrec.archive.store import ListedVersion, StoredObject
from callrec.errors import AlreadyThere, NotFound, PbxUnreachable, StoreUnreachable
from callrec.pbx.events import Channel, Event

MADE = datetime(2026, 11, 22, tzinfo=UTC)
"""When whatever is in a bucket in memory was put there, by its listings."""


@dataclass
class MemoryStore:
    """A bucket in memory; as a real one, it checks what it is given and keeps what it has.

    `versions` holds, for each key, all that was ever put there; with `versioned` off only the newest
    can be had.
    """

    versions: dict[str, list[bytes]] = field(default_factory=dict)
    until: dict[str, datetime] = field(default_factory=dict)
    drops_locks: bool = False
    versioned: bool = True
    away: bool = False
    encryption: str | None = None

    @property
    def objects(self) -> dict[str, bytes]:
        return {key: data[-1] for key, data in self.versions.items()}

    def put_over(self, key: str, data: bytes) -> None:
        """As somebody with access to the bucket can."""
        self.versions.setdefault(key, []).append(data)

    def hasty(self, seconds: float) -> MemoryStore:
        return self

    def put(self, key: str, source: Path, sha256: str, kind: str, retain_until: datetime) -> None:
        self._answer()
        data = source.read_bytes()
        assert hashlib.sha256(data).hexdigest() == sha256
        assert retain_until > datetime.now(UTC), "S3 refuses a date in the past"
        if key in self.versions:
            return
        self.put_over(key, data)
        if not self.drops_locks:
            self.until[key] = retain_until

    def put_again(self, key: str, source: Path, sha256: str, kind: str, retain_until: datetime) -> None:
        self._answer()
        assert key in self.versions and self.versioned
        self.put_over(key, source.read_bytes())
        if not self.drops_locks:
            self.until[key] = retain_until

    def put_bytes(self, key: str, data: bytes, kind: str, retain_until: datetime) -> None:
        self._answer()
        assert retain_until > datetime.now(UTC), "S3 refuses a date in the past"
        if key in self.versions:
            raise AlreadyThere("{key} is in the bucket already", key=key)
        self.put_over(key, data)
        if not self.drops_locks:
            self.until[key] = retain_until

    def listed(self, prefix: str, after: str = "") -> Iterator[ListedVersion]:
        """Yields versions as S3 does, the newest of a key first."""
        self._answer()
        for key in sorted(self.versions):
            if key.startswith(prefix) and key > after:
                every = self.versions[key] if self.versioned else self.versions[key][-1:]
                for number in reversed(range(len(every))):
                    version, newest = (str(number) if self.versioned else None), number == len(every) - 1
                    yield ListedVersion(key, version, len(every[number]), MADE, newest)

    def folders(self, prefix: str) -> list[str]:
        self._answer()
        rests = (key.removeprefix(prefix) for key in self.versions if key.startswith(prefix))
        return sorted({f"{prefix}{rest.partition('/')[0]}/" for rest in rests if "/" in rest})

    def head(self, key: str, version: str | None = None) -> StoredObject:
        data = self._get(key, version)
        digest, until = hashlib.sha256(data).hexdigest(), self.until.get(key)
        newest = str(len(self.versions[key]) - 1) if self.versioned else None
        mode = "governance" if until else None
        found = StoredObject(key, len(data), digest, until, False, version or newest, mode)
        return replace(found, encryption=self.encryption)

    def get(self, key: str) -> tuple[StoredObject, Iterator[bytes]]:
        found = self.head(key)
        return found, self.read(key, found.version)

    def read(self, key: str, version: str | None = None) -> Iterator[bytes]:
        data = self._get(key, version)
        yield from (data[begin : begin + 1000] for begin in range(0, len(data), 1000))

    def locks(self) -> bool:
        return not self.drops_locks

    def check(self) -> None:
        self._answer()

    def _get(self, key: str, version: str | None = None) -> bytes:
        self._answer()
        if key not in self.versions:
            raise NotFound("{key} is not in the bucket", key=key)
        return self.versions[key][int(version or -1)]

    def _answer(self) -> None:
        if self.away:
            raise StoreUnreachable("the store is away")


@dataclass
class LockingStore(MemoryStore):
    """A bucket with Object Lock: each version has a lock and a hold of its own.

    `lies`: it takes what is asked and does nothing; `refuses`: it takes nothing. `before` is called with the
    name of each step before it is done, `after` once it was.
    """

    now: datetime = field(default_factory=lambda: datetime.now(UTC))
    locked: dict[tuple[str, str | None], tuple[str, datetime]] = field(default_factory=dict)
    held: set[tuple[str, str | None]] = field(default_factory=set)
    lies: bool = False
    refuses: bool = False
    before: Callable[[str], None] = lambda step: None
    after: Callable[[str], None] = lambda step: None

    def head(self, key: str, version: str | None = None) -> StoredObject:
        found = super().head(key, version)
        mode, until = self.locked.get((key, found.version), (None, None))
        hold = (key, found.version) in self.held
        return replace(found, lock_mode=mode, retain_until=until, legal_hold=hold)

    def put_bytes(self, key: str, data: bytes, kind: str, retain_until: datetime) -> None:
        super().put_bytes(key, data, kind, retain_until)
        if not self.drops_locks:
            self.locked[key, "0"] = ("governance", retain_until.replace(microsecond=0))

    def lock(self, key: str, version: str | None, mode: str, until: datetime) -> None:
        there = self.head(key, version)
        assert until > self.now and until.microsecond == 0
        assert there.retain_until is None or until >= there.retain_until, "S3 refuses to shorten"
        assert (there.lock_mode, mode) != ("compliance", "governance"), "S3 refuses to weaken"
        self._step("lock", lambda: self.locked.update({(key, there.version): (mode, until)}))

    def hold(self, key: str, version: str | None, *, on: bool) -> None:
        there = (key, self.head(key, version).version)
        self._step("hold" if on else "let go", lambda: (self.held.add if on else self.held.discard)(there))

    def _step(self, name: str, do: Callable[[], None]) -> None:
        self.before(name)
        if self.refuses:
            raise StoreUnreachable("it lets nothing be changed")
        if not self.lies:
            do()
        self.after(name)


@dataclass
class FakePbx:
    """Notes what it is asked; refuses what it is told to refuse."""

    asked: list[tuple[str, ...]] = field(default_factory=list)
    away: bool = False
    refuse: set[str] = field(default_factory=set)
    there: list[Channel] = field(default_factory=list)
    variables: dict[tuple[str, str], str] = field(default_factory=dict)
    sizes: dict[str, int] = field(default_factory=dict)
    stopped: threading.Event = field(default_factory=threading.Event)

    def watch(
        self, handle: Callable[[Event], None], connected: Callable[[], None], lost: Callable[[], None]
    ) -> None:
        connected()
        self.stopped.wait(10)

    def stop(self) -> None:
        self.stopped.set()

    def channels(self) -> list[Channel]:
        return self.there

    def bridges(self) -> dict[str, tuple[str, ...]]:
        return {}

    def variable(self, channel_id: str, name: str) -> str:
        return self.variables.get((channel_id, name), "")

    def stored_size(self, name: str) -> int | None:
        if "stored_size" in self.refuse:
            raise PbxUnreachable("the PBX does not answer")
        return self.sizes.get(name)

    def delete_stored(self, name: str) -> None:
        self.ask("delete_stored", name)

    def resume(self, channel_id: str, extension: str = "") -> None:
        self.ask("resume", channel_id, *([extension] if extension else []))

    def snoop(self, channel_id: str, snoop_id: str, *, spy: str = "none", whisper: str = "none") -> None:
        self.ask("snoop", channel_id, snoop_id, spy, whisper)

    def record(self, snoop_id: str, name: str) -> None:
        self.ask("record", snoop_id, name)

    def play(self, channel_id: str, playback_id: str, media: list[str]) -> None:
        self.ask("play", channel_id, *media)

    def mute(self, name: str) -> None:
        self.ask("mute", name)

    def unmute(self, name: str) -> None:
        self.ask("unmute", name)

    def hang_up(self, channel_id: str) -> None:
        self.ask("hang_up", channel_id)

    def dial(self, channel_id: str, endpoint: str, caller: str) -> None:
        self.ask("dial", channel_id, endpoint, caller)

    def create_bridge(self, bridge_id: str) -> None:
        self.ask("create_bridge", bridge_id)

    def add_to_bridge(self, bridge_id: str, channel_id: str) -> None:
        self.ask("add_to_bridge", bridge_id, channel_id)

    def destroy_bridge(self, bridge_id: str) -> None:
        self.ask("destroy_bridge", bridge_id)

    def ask(self, *words: str) -> None:
        self.asked.append(words)
        if self.away or words[0] in self.refuse:
            raise PbxUnreachable("the PBX does not answer ({what})", what=words[0])


@dataclass
class FakeDialplan:
    """Notes what is asked of the dialplan among what its PBX is asked."""

    pbx: FakePbx = field(default_factory=FakePbx)
    deaf: bool = False
    """Whether AMI does not answer."""
    recorded: set[str] = field(default_factory=set)

    def set_variables(self, channel: str, values: Mapping[str, str]) -> bool:
        for name, value in values.items():
            self.pbx.ask("set_variable", channel, name, value)
        return not self.deaf

    def answers(self) -> bool:
        return not self.deaf

    def records(self, channel: str) -> bool:
        return channel in self.recorded

    def stop(self, channel: str) -> None:
        self.pbx.ask("stop", channel)

    def mute(self, channel: str, side: str, *, on: bool) -> None:
        self.pbx.ask("mute" if on else "unmute", channel, side)

    def forget(self, channel: str) -> None:
        self.pbx.ask("forget", channel)


class AstDb:
    """The PBX's database, in an AMI session."""

    def __init__(self) -> None:
        self.families: dict[str, dict[str, str]] = defaultdict(dict)

    def __enter__(self) -> AstDb:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def tree(self, family: str) -> dict[str, str]:
        return dict(self.families[family])

    def delete(self, family: str, keys: Iterable[str]) -> None:
        for key in keys:
            del self.families[family][key]
