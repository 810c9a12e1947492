"""A call that the dialplan handled while callrec was away: its line, and its files."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from callrec.fallback import journal, journal_calls
from callrec.model.calls import CallRecord
from callrec.model.rules import Unannounced
from callrec.policy.office import Office
from tests.scenarios.replay import office

ANNOUNCED = (
    "/p/ja/notice>1795361032.556>1795361039.024>SUCCESS&/p/en/notice>1795361039.025>1795361040.0>FAILED&"
)


LINE = (
    "inbound|2101|0312345678|demo-1.0|2101|1795361032.554923|1795361046.330|ANSWER|3001|automatic|"
    "callrec/fallback-demo-1.0|" + ANNOUNCED
)


OPEN = (
    "inbound|2101|0312345678|demo-1.0||1795361032.554||||automatic|callrec/fallback-demo-1.0|"
    + ANNOUNCED
    + "|PJSIP/outside-00000001"
)
"""The same call as long as it lasts."""


@dataclass
class Storage:
    """The stored recordings of a PBX in memory: their sizes in bytes."""

    sizes: dict[str, int] = field(default_factory=dict)

    def stored(self) -> list[str]:
        return list(self.sizes)

    def stored_size(self, name: str) -> int | None:
        return self.sizes.get(name)

    def delete_stored(self, name: str) -> None:
        self.sizes.pop(name, None)


FILES = ("callrec/fallback-demo-1.0-external", "callrec/fallback-demo-1.0-staff")


SECOND_OF_SOUND = 44 + 16_000


ENDED = datetime.fromtimestamp(1795361046.33, UTC)


AUTOMATIC = ("automatic", "everywhere", None, None)


def strict() -> Office:
    """Automatic everywhere, and nothing unannounced."""
    plain = office(AUTOMATIC)
    rules = [replace(each, unannounced=Unannounced.DISCARD) for each in plain.rules]
    return Office(plain.facilities.values(), plain.extensions.values(), rules)


def call_of(
    value: str, prompt: journal_calls.FindPrompt = lambda sound: None
) -> tuple[journal.JournalEntry, CallRecord]:
    """The call of a line, by rules that record everything, and the line as it was read."""
    line, found = journal.parse("demo-1.0", value), office(AUTOMATIC)
    return line, journal_calls.call_of(line, found, "demo", prompt, journal_calls.decide(line, found))
