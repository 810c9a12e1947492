"""What lies in the bucket is somebody's, or is named."""

from __future__ import annotations

from typing import Any

import pytest

from callrec.catalogue import custody, finding, tables
from callrec.catalogue.database import Connection
from callrec.catalogue.finding import FIRST_ID
from callrec.evidence.flac_header import FlacHeader, read_header
from callrec.evidence.strays import Strays
from callrec.model.access import EVERYWHERE
from tests.unit.bench import Bench, BenchAfter, archive_one
from tests.unit.samples import RECORDING_ID, START

OTHER = "01b20000-0000-7000-8000-000000000009"


def _found(bench: Bench, first: str = FIRST_ID, on_its_way: str = "-") -> dict[str, str]:
    def note(connection: Connection, recording_id: str, action: str, **details: Any) -> None:
        custody.append(connection, recording_id, action, who="tanaka", at=START, **details)

    strays = Strays(bench.store, bench.database, lambda id_: id_ == on_its_way, note)
    return {each.id: str(each.problems[0]) for each in strays.found(first)}


@pytest.fixture
def archived(bench_after: BenchAfter) -> Bench:
    return bench_after(archive_one)


def _key(bench: Bench) -> str:
    with bench.database.read() as connection:
        return finding.recording(connection, RECORDING_ID, reach=EVERYWHERE).key


def test_what_belongs_to_a_recording_is_no_stray(archived: Bench) -> None:
    base = _key(archived).removesuffix(".flac")
    for rest in (f".statements/{OTHER}.json", ".redacted/1.flac", ".redacted/1.manifest.json"):
        archived.store.put_over(base + rest, b"x")
    archived.store.put_over("anchors/2026/11/22.json", b"x")
    assert _found(archived) == {}


@pytest.mark.parametrize(
    "key",
    [
        f"recordings/shiba/2026/11/22/{OTHER}.flac",
        f"recordings/azabu/2026/11/22/{RECORDING_ID}.flac",
        f"recordings/azabu/2026/11/22/{RECORDING_ID}.statements/{OTHER}.json",
        "recordings/something.txt",
    ],
)
def test_what_nobody_knows_is_named_and_noted(archived: Bench, key: str) -> None:
    """Also beside another recording, or of the same id in another place."""
    archived.store.put_over(key, b"x")
    ((id_, told),) = _found(archived).items()
    assert told.startswith(f"{key}: ") and "neither" in told and id_ in (OTHER, RECORDING_ID, key)
    with archived.database.read() as connection:
        assert custody.of(connection, "" if id_ == key else id_)[-1].action == "broken"


def test_what_is_on_its_way_or_comes_before_is_left_out(archived: Bench) -> None:
    archived.store.put_over(f"recordings/shiba/2026/11/22/{OTHER}.flac", b"x")
    assert _found(archived, on_its_way=OTHER) == {} == _found(archived, first=OTHER.replace("b", "c"))


def test_what_should_be_gone_is_named(archived: Bench) -> None:
    """Statements about it stay."""
    base = _key(archived).removesuffix(".flac")
    with archived.database.begin() as connection:
        connection.execute(tables.recordings.update().values(state="destroyed"))
    archived.store.put_over(f"{base}.statements/{OTHER}.json", b"x")
    told = f"{base}.flac, {base}.manifest.json: in the bucket, though the recording was destroyed"
    assert _found(archived) == {RECORDING_ID: told}
    del archived.store.versions[f"{base}.flac"], archived.store.versions[f"{base}.manifest.json"]
    assert _found(archived) == {}


def test_a_flac_says_what_it_is(archived: Bench) -> None:
    data = archived.store.objects[_key(archived)]
    assert read_header(data) == FlacHeader(8000, 2, 80000)
    assert read_header(data[:41]) is read_header(b"RIFF" + data[4:]) is None
