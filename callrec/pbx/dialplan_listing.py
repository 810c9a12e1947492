"""The dialplan as a PBX lists it: its steps in their order, and what its contexts include."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Step:
    """One priority of one extension: an application, and what it is given."""

    context: str
    extension: str
    priority: int
    application: str
    data: str = ""
    label: str = ""


@dataclass(frozen=True)
class Listing:
    """A whole dialplan. `switches` are contexts that ask another part for what they do not have."""

    steps: tuple[Step, ...]
    includes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    switches: Mapping[str, str] = field(default_factory=dict)


def listing(events: Iterable[Mapping[str, str]]) -> Listing:
    """Returns the dialplan that ListDialplan events tell of. Hints are no steps of calls."""
    steps: list[Step] = []
    includes: dict[str, tuple[str, ...]] = {}
    switches: dict[str, str] = {}
    for event in events:
        context = event.get("Context", "")
        if "IncludeContext" in event:  # it may end with the hours at which it holds
            name = event["IncludeContext"].partition(",")[0]
            includes[context] = (*includes.get(context, ()), name)
        elif "Switch" in event:
            switches[context] = event["Switch"]
        elif "Application" in event and event.get("Priority", "").isdecimal():
            steps.append(_step(context, event))
    return Listing(tuple(steps), includes, switches)


def _step(context: str, event: Mapping[str, str]) -> Step:
    return Step(
        context=context,
        extension=event.get("Extension", ""),
        priority=int(event["Priority"]),
        application=event["Application"],
        data=event.get("AppData", ""),
        label=event.get("ExtensionLabel", ""),
    )
