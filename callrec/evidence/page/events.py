"""What happened during a recording: announcements, keys, silences, gaps, each with its place in the sound."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from callrec.language import translated as _
from callrec.manifest import Manifest
from callrec.model.calls import IN_CALL, Announcement
from callrec.rulebook import explanation
from callrec.wording import FEATURES, KEY_RESULTS, SILENCE_REASONS, SPOKEN


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened. `kind` is announcement, key, silence, gap or change."""

    kind: str
    began_at: datetime
    ended_at: datetime | None
    lasts: bool
    """Whether it has a length: without `ended_at` it lasts to the end."""
    text: str
    in_sound: bool
    """Whether it belongs to a place in the sound: of what went on before, none can be heard."""


def events(manifest: Manifest) -> list[Event]:
    """Returns what happened, in order, in the language that is spoken."""
    found = [*_announcements(manifest), *_keys(manifest), *_silences(manifest), *_changes(manifest)]
    return sorted(found, key=lambda each: each.began_at)


def _announcements(manifest: Manifest) -> Iterator[Event]:
    for each in manifest.call.announcements:
        text = _("announcement “{prompt}” ({language}): {heard}").format(
            prompt=each.prompt, language=_(SPOKEN.get(each.language, each.language or "—")), heard=heard(each)
        )
        ended = each.finished_at or each.started_at
        yield Event("announcement", each.started_at, ended, True, text, each.leg == IN_CALL)


def heard(each: Announcement) -> str:
    """Returns whether an announcement was heard to its end."""
    if each.in_recording is False:
        return _("played, not found in the recording")
    return _("heard to its end") if each.complete else _("not heard to its end")


def _keys(manifest: Manifest) -> Iterator[Event]:
    for each in manifest.call.key_presses:
        text = _("extension {extension} pressed a key: {key}: {result}").format(
            extension=each.extension, key=_(FEATURES[each.key]), result=_(KEY_RESULTS[each.result])
        )
        yield Event("key", each.at, None, False, text, True)


def _silences(manifest: Manifest) -> Iterator[Event]:
    for silence in manifest.capture.silences:
        text = _("silent on purpose: {reason}").format(reason=_(SILENCE_REASONS[silence.reason]))
        yield Event("silence", silence.started_at, silence.finished_at, True, text, True)
    for gap in manifest.capture.gaps:
        text = _("sound is missing: {reason}").format(reason=_(gap.reason))
        yield Event("gap", gap.started_at, gap.finished_at, True, text, True)


def _changes(manifest: Manifest) -> Iterator[Event]:
    for each in manifest.call.decision_changes:
        text = _("others talk: {extensions}. {decision}").format(
            extensions=", ".join(each.extensions), decision=next(explanation.verdict(each.decision))
        )
        yield Event("change", each.at, None, False, text, True)
