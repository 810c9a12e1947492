"""Packages of a recording on the bench, made as the desk makes them."""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import pyzipper

from callrec.archive.given import Clip
from callrec.archive.retrieval import Retrieval
from callrec.catalogue import calls, custody, requests, rules
from callrec.evidence.anchorer import Anchorer
from callrec.evidence.anchors import AnchorLog
from callrec.evidence.key_record import SCHEMA
from callrec.evidence.keys import SIGNING, KeyFolder
from callrec.evidence.order import Order, PackedKind
from callrec.evidence.packing import Packer
from callrec.evidence.placing import Placer
from callrec.evidence.trust import Trust
from callrec.model.access import EVERYWHERE
from callrec.model.calls import IN_CALL, Announcement, FeatureCode, KeyPress, KeyResult, remark
from callrec.model.captures import Gap, Silence, SilenceReason
from callrec.model.requests import RequestKind
from callrec.model.rules import Mode, Rule, Scope
from callrec.signing import signed
from tests.unit.bench import TOKYO, Bench, Sources
from tests.unit.samples import END, RECORDING_ID, START

NUMBER = "2026-0001"
EVIL = "<script>alert(1)</script> \u202e}]\" & ' \\"
"""A name that somebody outside chose."""


def at(seconds: float) -> datetime:
    """So many seconds after the beginning of the recording."""
    return START + timedelta(seconds=2 + seconds)


def eventful() -> dict[str, Any]:
    """A call in which much happened."""
    played = Announcement("notice", "ja", "7" * 64, IN_CALL, at(0.5), at(3), True, True)
    before = Announcement("notice", "ja", "7" * 64, "1.0", START, at(-0.5), True)
    keys = tuple(
        KeyPress(f"1.1-{count}", key, result, "1.1", "2101", at(seconds))
        for count, (key, result, seconds) in enumerate(
            (
                (FeatureCode.KEEP, KeyResult.MARKED, 4.0),
                (FeatureCode.PAUSE, KeyResult.PAUSED, 5.0),
                (FeatureCode.PAUSE, KeyResult.RESUMED, 6.5),
            )
        )
    )
    return {
        "call": {
            "announcements": (before, played),
            "key_presses": keys,
            "incident": True,
            "notes": (remark("the name of the caller was {name}", name=EVIL),),
        },
        "silences": (Silence(at(5.0), at(6.5), SilenceReason.PRIVACY),),
        "gaps": (Gap(at(8.0), at(8.6), "the PBX stopped recording"),),
    }


def keys_of_bench(folder: Path) -> KeyFolder:
    """The key by which the bench signs manifests, in a folder."""
    folder.mkdir(exist_ok=True)
    key = Sources.key
    record = {"schema": SCHEMA, "public_key": key.public_pem().decode(), "previous": "", "created_by": "test"}
    (folder / SIGNING).write_bytes(key.pem())
    (folder / SIGNING).chmod(0o600)
    (folder / f"{key.key_id}.json").write_bytes(signed({**record, "created_at": START.isoformat()}, key))
    return KeyFolder(folder)


Stamping = Callable[[Anchorer, Placer], None]
"""Has anchors stamped with the time."""


def packer(bench: Bench, folder: Path, stamp: Stamping) -> Packer:
    """What makes packages on the bench."""
    keys, store = keys_of_bench(folder), cast(Any, bench.store)
    placer = Placer(store, 3653, locked=True)
    anchorer = Anchorer(bench.database, AnchorLog(store, keys.public), placer, keys.signer, TOKYO)
    note = cast(Any, lambda *_, **__: None)
    retrieval = Retrieval(store, bench.database, Trust(lambda: keys.public, lambda: None), note)
    return Packer(
        retrieval, anchorer, keys, lambda: stamp(anchorer, placer), TOKYO, lambda: datetime.now(UTC)
    )


def archive(bench: Bench, **changes: Any) -> None:
    """The recording of an eventful call, in the archive."""
    with bench.database.begin() as connection:
        everywhere = Rule(0, 0, Scope.EVERYWHERE, None, Mode.AUTOMATIC, START, "sato")
        rules.add(connection, everywhere, who="sato", at=START)
    bench.captured(**{**eventful(), **changes})
    assert bench.archiver.archive(RECORDING_ID)


def package(
    bench: Bench,
    folder: Path,
    kind: PackedKind = "flac",
    clip: Clip | None = None,
    *,
    for_whom: str = "三田警察署",
    stamp: Stamping = lambda anchorer, placer: None,
) -> Path:
    """The package of what is in the archive, for a request."""
    path = folder / "package.zip"
    with bench.database.begin() as connection:
        opened = requests.find(connection, NUMBER) or requests.open_(
            connection,
            RequestKind.POLICE,
            for_whom=for_whom,
            ground="刑事訴訟法197条2項",
            due=None,
            reach=EVERYWHERE,
            by="sato",
            at=END,
            year=2026,
        )
        request = replace(opened, approved_for=EVERYWHERE, decided_by="tanaka", decided_at=END)
        ids = [
            each for each in (RECORDING_ID, RECORDING_ID[:-1] + "2") if calls.find_recording(connection, each)
        ]
        found = [kept for id_ in ids if (kept := calls.find_recording(connection, id_))]
        entries = {id_: custody.of(connection, id_) for id_ in ids}
    packer(bench, folder / "keys", stamp).pack(path, Order(request, "sato", kind, clip, ()), found, entries)
    return path


class Contents(dict[str, bytes]):
    """All files of a package, by their names within its folder. Where a test fails, they are not printed."""

    def __repr__(self) -> str:
        return f"the files {sorted(self)}"


def contents(path: Path) -> Contents:
    """The files of a package."""
    with zipfile.ZipFile(path) as found:
        return Contents({each.partition("/")[2]: found.read(each) for each in found.namelist()})


class Folder:
    """Files of a package in memory, to be changed."""

    def __init__(self, files: dict[str, bytes]) -> None:
        self.files = dict(files)

    def names(self) -> list[str]:
        return sorted(self.files)

    def chunks(self, name: str) -> Iterator[bytes]:
        yield self.files[name]


def write(path: Path, files: dict[str, bytes]) -> None:
    """A package with these files."""
    with zipfile.ZipFile(path, "w") as made:
        for name, data in files.items():
            made.writestr(f"callrec-{NUMBER}/{name}", data)


def decrypted(path: Path, passphrase: str) -> bytes:
    """The only file of an encrypted zip."""
    with pyzipper.AESZipFile(path) as found:
        found.setpassword(passphrase.encode())
        (name,) = found.namelist()
        data: bytes = found.read(name)
        return data
