"""Makes calls as an office of a city has them, with what their manifests say: to measure the catalogue."""

from __future__ import annotations

import hashlib
import random
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from callrec import manifest as manifests
from callrec.ids import derived
from callrec.manifest import (
    AnnouncedWords,
    AudioFacts,
    ClockState,
    Manifest,
    Placement,
    RuleText,
    Software,
)
from callrec.model.calls import Announcement, CallRecord, Outcome, Participant
from callrec.model.captures import Capture, CapturedCall, KeptBecause, Segment, Track
from callrec.model.rules import Announce, Candidate, Decision, Direction, Mode
from callrec.numbers import Number

BEGIN = datetime(2026, 1, 5, tzinfo=UTC)
YEARS = timedelta(days=5 * 365)
FACILITIES = tuple(f"ward-{number:02}" for number in range(60))
EXTENSIONS = tuple(str(2000 + number) for number in range(3000))
WORDS = "お電話ありがとうございます。この通話は、応対品質の向上のため、録音させていただきます。"
WORDS_SHA256 = hashlib.sha256(WORDS.encode()).hexdigest()
RULE = """[[rule]]
facility = "{facility}"
mode = "automatic"
direction = "inbound"
announce = "before-connect"
languages = ["ja"]
prompt = "notice"
retain_days = 90
retain_incident_days = 1827
hours = "mon-fri 8:30-17:15"
holidays = "exclude"
"""


def made(count: int, seed: int = 7) -> Iterator[Manifest]:
    """Yields the manifests of so many recorded calls, evenly over five years, the oldest first."""
    chance = random.Random(seed)  # noqa: S311
    for number in range(count):
        yield _manifest(chance, number, BEGIN + YEARS * (number / count))


def of_captured(captured: CapturedCall, size: int) -> Manifest:
    """Returns the manifest of a short captured call, of whose sound nothing is said but its size in bytes."""
    ended = captured.capture.ended_at
    assert ended
    return Manifest(
        manifests.SCHEMA,
        captured.capture.recording_id,
        "芝地区総合支所",
        captured.call,
        captured.capture,
        (Placement(1, 0.0, 12.0),),
        AudioFacts("FLAC", 8000, 2, 96_000, "a" * 64, "b" * 64, size),
        ("external party", "staff"),
        incident=False,
        retain_until=ended + timedelta(days=90),
        software=Software("0.1.0", "22", "1.2"),
        created_at=ended,
        facilities=("shiba",),
    )


def _call(chance: random.Random, number: int, at: datetime) -> CallRecord:
    extension = chance.choice(EXTENSIONS)
    facility = FACILITIES[int(extension) % len(FACILITIES)]
    outside = Number(f"+813{chance.randrange(30000000, 70000000)}")
    ring, talk = timedelta(seconds=chance.uniform(2, 15)), timedelta(seconds=chance.expovariate(1 / 180))
    answered, ended = _ms(at + ring), _ms(at + ring + talk)
    inbound = chance.random() < 0.7
    first, second = (f"{int(at.timestamp())}.{2 * number + each}" for each in (0, 1))
    parties = (
        Participant(first, outside if inbound else extension, None if inbound else extension, at, ended),
        Participant(
            second, extension if inbound else outside, extension if inbound else None, answered, ended
        ),
    )
    played = timedelta(seconds=5, milliseconds=chance.randrange(99))
    told = Announcement("notice", "ja", WORDS_SHA256, first, at, at + played, complete=True)
    return CallRecord(
        id=derived(at, f"call {number}"),
        pbx="pbx",
        linkedid=first,
        direction=Direction.INBOUND if inbound else Direction.OUTBOUND,
        facility=facility,
        extension=extension,
        number=outside,
        dialled=extension if inbound else f"0{outside[3:]}",
        started_at=at,
        answered_at=answered,
        ended_at=ended,
        outcome=Outcome.ANSWERED,
        decision=_decision(chance, extension),
        participants=parties,
        announcements=(told,) if inbound else (),
    )


def _decision(chance: random.Random, extension: str) -> Decision:
    rule = 1 + int(extension) % len(FACILITIES)
    others = [Candidate(100 + each, 1, won=False, why="narrower-scope") for each in range(2)]
    looked_at = (Candidate(rule, 1, won=True, why="won"), *others)
    before = Announce.BEFORE_CONNECT
    return Decision(Mode.AUTOMATIC, before, ("ja",), "notice", 90, 1827, rule, 1, "facility", looked_at)


def _manifest(chance: random.Random, number: int, at: datetime) -> Manifest:
    at = _ms(at)
    call, id_ = _call(chance, number, at), derived(at + timedelta(seconds=3), f"recording {number}")
    assert call.answered_at and call.ended_at
    began, ended = call.answered_at + timedelta(milliseconds=30), call.ended_at
    external, staff = (
        Track(f"callrec/{id_}-1-{side}", _ms(began), _ms(ended)) for side in ("external", "staff")
    )
    segment = Segment(1, call.participants[0].channel, external, staff, requested_at=_ms(call.answered_at))
    frames, digest = int((ended - began).total_seconds() * 8000), uuid.UUID(int=chance.getrandbits(128)).bytes
    return Manifest(
        manifests.SCHEMA,
        id_,
        "芝地区総合支所",
        call,
        Capture(id_, _ms(began), KeptBecause.AUTOMATIC, (segment,), (), _ms(ended)),
        (Placement(1, 0.0, frames / 8000),),
        AudioFacts(
            "flac",
            8000,
            2,
            frames,
            hashlib.sha256(b"pcm" + digest).hexdigest(),
            hashlib.sha256(digest).hexdigest(),
            44 + frames,
        ),
        ("external party", "staff"),
        incident=False,
        retain_until=_ms(ended) + timedelta(days=90),
        software=Software("0.1.0", "22.10.1", "libsndfile-1.2.2"),
        created_at=ended + timedelta(seconds=chance.uniform(0.2, 0.9)),
        facilities=(str(call.facility),),
        rules=(RuleText(1, 1, RULE.format(facility=call.facility), BEGIN, "sato"),),
        announced=(AnnouncedWords("notice", "ja", WORDS_SHA256, WORDS),) if call.announcements else (),
        clocks=ClockState(_ms(began), True, 0.0021, 0.2, 0.0),
        key_id="44e633b9317a7311",
        signature="6EdBDe58IhBBfvmkjMylhxzbm8Qmy+dZ/iTVdF8xcsU/oF6FuVr7NVdOrKCgxaQxWZoSmZq/FkEm7g9nR6cjDQ==",
    )


def _ms(moment: datetime) -> datetime:
    """The PBX's clock tells milliseconds."""
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)
