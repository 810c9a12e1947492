"""Replays a transcript through the pure part."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path

from callrec.model.office import Extension, Facility
from callrec.model.prompts import Prompt
from callrec.model.rules import Announce, Decision, Mode, Rule, Scope
from callrec.model.tones import Tones
from callrec.pbx.event_messages import parse
from callrec.pbx.events import Event
from callrec.policy.office import Office
from callrec.recording.actions import Action, Discard, HandOver, SaveCall, SaveCheckpoint, SaveOpenCall
from callrec.recording.environment import Environment
from callrec.recording.tracker import CallTracker

HERE = Path(__file__).parent
SOUND = "/run/callrec/prompts/ja/notice"
PROMPT = Prompt("notice", "ja", "この通話は…", "", "", 6.5, {})
_AUTOMATIC = ("automatic", "everywhere", None, None)
_QUIET = ("automatic", "everywhere", None, "none")
_NEVER = ("never", "extension", "2101", None)
RULES: dict[str, list[tuple[str, str, str | None, str | None]]] = {
    "inbound_announced": [_AUTOMATIC],
    "outbound_announced": [_AUTOMATIC],
    "internal": [_QUIET],
    "never": [_QUIET, _NEVER],
    "manual_keys": [("manual", "everywhere", None, "none")],
    "standby_kept": [("standby", "everywhere", None, "none")],
    "standby_discarded": [("standby", "everywhere", None, "none")],
    "transferred_to_never": [_QUIET, ("never", "extension", "2102", None)],
    "unanswered": [_QUIET],
    "busy": [_QUIET],
}
"""The rules in force in each scenario: mode, scope, target, announce."""
_RECORDING = re.compile(r"callrec[/.]([0-9a-f]{8}-[0-9a-f-]{27})")


def office(*rules: tuple[str, str, str | None, str | None], prefixes: tuple[str, ...] = ()) -> Office:
    """The demo's office with these rules: mode, scope, target, announce."""
    return Office(
        [Facility("shiba", "芝地区総合支所"), Facility("azabu", "麻布地区総合支所")],
        [Extension("2101", "shiba"), Extension("2102", "shiba"), Extension("2201", "azabu")],
        [
            Rule(
                id_,
                1,
                Scope(scope),
                target,
                Mode(mode),
                datetime(2026, 1, 1, tzinfo=UTC),
                "test",
                announce=Announce(announce) if announce else None,
            )
            for id_, (mode, scope, target, announce) in enumerate(rules, start=1)
        ],
        prefixes=prefixes,
    )


def prompts(decision: Decision) -> list[tuple[Prompt, str]]:
    return [(PROMPT, SOUND)] if decision.announce is not Announce.NONE else []


def tracker(in_force: Office, ids: Iterable[str]) -> CallTracker:
    supply = iter(ids)
    return CallTracker(
        Environment(in_force, prompts, Tones("/run/callrec/prompts"), lambda: next(supply), "demo")
    )


def transcript(name: str) -> list[Event]:
    """The typed events of a scenario, as Asterisk sent them."""
    lines = (HERE / f"{name}.jsonl").read_text("utf-8").splitlines()
    return [event for line in lines if (event := parse(json.loads(line)))]


def ids_of(name: str) -> Iterator[str]:
    """The call's id and the recording's, the latter as it stands in the transcript."""
    found = _RECORDING.search((HERE / f"{name}.jsonl").read_text("utf-8"))
    yield "call-1"
    yield found[1] if found else "recording-1"


def short(command: Action) -> str:
    """A command as one readable line."""
    match command:
        case SaveCheckpoint() | HandOver() | Discard():
            what = command.checkpoint if isinstance(command, SaveCheckpoint) else command.captured
            capture = what.capture
            return f"{type(command).__name__} segments={len(capture.segments)} ended={bool(capture.ended_at)}"
        case SaveOpenCall():
            return f"SaveOpenCall answered={bool(command.call.answered_at)}"
        case SaveCall():
            call = command.call
            mode = call.decision.mode if call.decision else None
            return f"SaveCall {call.direction} {call.extension} {call.number} {call.outcome} {mode}"
    left_out = ("linkedid", "side", "owner", "record_since", "ends_recording", "monitored")
    names = [name for name in command.__dataclass_fields__ if name not in left_out]
    return " ".join([type(command).__name__, *(f"{name}={getattr(command, name)}" for name in names)])
