"""Finds out what happened: in the catalogue, in the bucket, on the PBX and in the spool."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from io import BytesIO
from pathlib import Path

import numpy as np
import soundfile
from botocore.exceptions import ClientError

from callrec.catalogue.finding import SearchHit
from callrec.desk.direct import DirectDesk
from callrec.desk.operations.verification import verify_recordings
from callrec.errors import CallrecError
from tests.faults.cast import Cast, sound_files
from tests.faults.history import History, Kept, Left, Limits, Row
from tests.faults.melody import Melody, melody
from tests.integration.system import SystemUnderTest, eventually

RAW_HEADER = 44
"""The bytes before the samples of a WAV whose header says nothing yet."""


def history(cast: Cast, since: datetime, limits: Limits, seconds: float, *, steady: bool = True) -> History:
    """Returns all that came of the calls since a moment, after callrec has had so long to come to rest."""
    system = cast.system
    unrest = tuple(_unrest(system, cast, since, seconds))
    hits = [each for each in system.calls_since(since) if each.call.number in _numbers(cast)]
    kept = list(_in_the_bucket(system, cast.keys_before))
    return History(
        calls=tuple(line.spoken(steady=steady) for line in cast.lines),
        rows=tuple(_rows(hits)),
        kept=tuple(_verified(system, kept)),
        left=tuple(_left(system, cast.files_before)),
        unrest=unrest,
        problems=tuple(_problems(cast)),
        limits=limits,
    )


def _numbers(cast: Cast) -> set[str]:
    return {line.spoken().number for line in cast.lines}


# --- rest


def _unrest(system: SystemUnderTest, cast: Cast, since: datetime, seconds: float) -> Iterator[str]:
    """Yields what there still is after so many seconds."""
    numbers = _numbers(cast)

    def waiting() -> list[str]:
        over = {each.call.number for each in system.calls_since(since) if each.call.outcome}
        rows = [f"the row of {number}" for number in sorted(numbers - over)]
        told = [] if system.status().get("link_up") else ["the link to the PBX"]
        left = [each for each in system.left() if each not in cast.left_before]
        return [*rows, *told, *left, *_problems(cast)]

    try:
        eventually(lambda: not waiting(), seconds)
    except AssertionError:
        yield from waiting()


def _problems(cast: Cast) -> list[str]:
    """Returns what callrec tells that it did not tell before."""
    told = map(str, cast.system.status().get("problems", []))
    return [each for each in told if each not in cast.told_before]


# --- rows


def _rows(hits: list[SearchHit]) -> Iterator[Row]:
    by_call: dict[str, list[SearchHit]] = {}
    for hit in hits:
        by_call.setdefault(hit.call.id, []).append(hit)
    for found in by_call.values():
        call = found[0].call
        answered, ended = call.answered_at, call.ended_at
        yield Row(
            id=call.id,
            number=str(call.number),
            extension=call.extension,
            facility=call.facility,
            mode=call.decision.mode if call.decision else None,
            outcome=call.outcome,
            talked=(ended - answered).total_seconds() if answered and ended else None,
            presses=len(call.key_presses),
            recordings=tuple(hit.recording.id for hit in found if hit.recording),
            notes=tuple(note.text for note in call.notes),
        )


# --- sounds


def _in_the_bucket(system: SystemUnderTest, before: frozenset[str]) -> Iterator[Kept]:
    """Yields every recording that came into the bucket, whether the catalogue knows it or not."""
    for key in system.every_key():
        if not key.startswith("recordings/") or not key.endswith(".flac") or key in before:
            continue
        external, staff = _both_sides(_body(system, key))
        id_, extension = key.rpartition("/")[2].removesuffix(".flac"), _extension(system, key)
        yield Kept(id_, key, extension, external, staff)


def _both_sides(flac: bytes) -> tuple[Melody, Melody]:
    """Returns what is heard in a recording: nothing where it is torn, which verify tells."""
    try:
        sound, rate = soundfile.read(BytesIO(flac), dtype="int16", always_2d=True)
    except soundfile.LibsndfileError:
        return (), ()
    return melody(sound[:, 0], rate), melody(sound[:, 1], rate)


def _extension(system: SystemUnderTest, key: str) -> str | None:
    """Returns what the manifest of a recording says; None where it has none."""
    try:
        manifest = json.loads(_body(system, key.removesuffix(".flac") + ".manifest.json"))
    except ClientError:
        return None
    return str(manifest["call"]["extension"])


def _body(system: SystemUnderTest, key: str) -> bytes:
    return bytes(system.s3.get_object(Bucket=system.demo.s3.bucket, Key=key)["Body"].read())


def _verified(system: SystemUnderTest, kept: list[Kept]) -> Iterator[Kept]:
    """Yields the recordings with what `callrec verify` says of them."""
    found, broken = dict[str, tuple[str, ...]](), "verify says nothing of it"
    desk = DirectDesk(system.app)
    try:
        for told in desk.do(verify_recordings, [each.id for each in kept]) if kept else ():
            found[told.id] = () if told.ok else tuple(map(str, told.problems)) or ("it is not whole",)
    except CallrecError as error:
        broken = str(error)
    for each in kept:
        yield replace(each, problems=found.get(each.id, (broken,)))


def _left(system: SystemUnderTest, before: frozenset[Path]) -> Iterator[Left]:
    """Yields every file with sound that came to the PBX or into the spool."""
    for path in sorted(sound_files(system.demo.home) - before):
        yield Left(str(path.relative_to(system.demo.home)), _heard_in(path))


def _heard_in(path: Path) -> Melody:
    """Returns what is heard in a file, also in one whose header is not finished."""
    try:
        sound, rate = soundfile.read(path, dtype="int16", always_2d=True)
        channels = [sound[:, each] for each in range(sound.shape[1])]
    except (RuntimeError, ValueError):
        raw = path.read_bytes()[RAW_HEADER:]
        channels, rate = [np.frombuffer(raw[: len(raw) // 2 * 2], dtype=np.int16)], 8000
    return tuple(each for channel in channels for each in melody(channel, rate))
