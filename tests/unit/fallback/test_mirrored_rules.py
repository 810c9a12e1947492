"""The copy of the rules that the dialplan is given, for the time without callrec."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime

from callrec.fallback import rule_mirror
from tests.scenarios.replay import office
from tests.unit.fallback.samples import (
    strict,
)

NOW = datetime(2026, 11, 22, tzinfo=UTC)


class AstDb(dict[str, str]):
    """AstDB in memory."""

    def tree(self, family: str) -> dict[str, str]:
        assert family == rule_mirror.FAMILY
        return dict(self)

    def write(self, _family: str, entries: Mapping[str, str]) -> None:
        self.update(entries)

    def delete(self, _family: str, keys: Iterable[str]) -> None:
        for key in keys:
            del self[key]


def _entries(*rules: tuple[str, str, str | None, str | None]) -> dict[str, str]:
    return rule_mirror.entries(office(*rules), lambda decision: ["/p/ja/notice"], NOW, answer_first=True)


def test_only_what_differs_from_the_default_has_an_entry() -> None:
    assert _entries(("automatic", "facility", "shiba", None)) == {
        "inbound/default": "|none||answer",
        "inbound/2101": "automatic|before-connect|/p/ja/notice|answer",
        "inbound/2102": "automatic|before-connect|/p/ja/notice|answer",
        "outbound/default": "|none||answer",
        "outbound/2101": "automatic|on-start|/p/ja/notice|answer",
        "outbound/2102": "automatic|on-start|/p/ja/notice|answer",
        "internal/default": "|none||answer",
        "internal/2101": "automatic|on-start|/p/ja/notice|answer",
        "internal/2102": "automatic|on-start|/p/ja/notice|answer",
    }


def test_what_is_not_to_be_recorded_unannounced_is_in_the_copy_too() -> None:
    entries = rule_mirror.entries(strict(), lambda decision: [], NOW, answer_first=False)
    assert entries["inbound/default"] == "automatic|before-connect|||discard"


def test_never_is_in_the_copy_too() -> None:
    entries = _entries(("automatic", "everywhere", None, "none"), ("never", "extension", "2201", None))
    assert entries["inbound/default"].startswith("automatic|")
    assert entries["inbound/2201"].startswith("never|")


def test_the_copy_becomes_what_is_wanted_and_nothing_else() -> None:
    database = AstDb({"inbound/default": "old", "inbound/9999": "stale"})
    wanted = _entries(("automatic", "facility", "shiba", None))
    assert rule_mirror.synchronise(database, wanted) == 10
    assert dict(database) == wanted
    assert rule_mirror.synchronise(database, wanted) == 0
