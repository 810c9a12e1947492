"""The office: facilities, their extensions, and who is called to help."""

from __future__ import annotations

import re
from dataclasses import dataclass
from zoneinfo import ZoneInfo

UNASSIGNED = "unassigned"
"""The facility under which calls of an extension that belongs to none are filed."""
_ENDPOINT = re.compile(r"(?:[A-Za-z0-9]+/)?[A-Za-z0-9_.@+*#-]{1,80}")


@dataclass(frozen=True, slots=True)
class Facility:
    """A facility: a place of the office whose calls are filed together."""

    code: str
    """Lower-case ASCII: it is part of the names of objects in the archive."""
    name: str
    """What people call it."""
    support_phone: str | None = None
    """The extension that is called to help; empty: none, None: the one the settings name for all."""
    support_mail: tuple[str, ...] | None = None
    """The mail addresses that are told; empty: none, None: those the settings name for all."""


@dataclass(frozen=True, slots=True)
class Support:
    """Who is called to help, settings and facility taken together."""

    phone: str | None = None
    """The extension of a support phone that may listen; None: none is called."""
    mail: tuple[str, ...] = ()
    """The mail addresses that are told."""


@dataclass(frozen=True, slots=True)
class Extension:
    """A number of the PBX and the facility it belongs to."""

    number: str
    facility: str
    """The code of the facility."""
    name: str = ""
    """What people call it; empty: it has no name."""
    service: bool = False
    """True of a number that is no phone but is dialled: a queue, a ring group, a DID."""
    aliases: tuple[str, ...] = ()
    """Endpoints of the PBX that are phones of this extension too, such as ``2101-WS``; with its technology
    where that is none of phones, such as ``DAHDI/33``."""


def is_endpoint(text: str) -> bool:
    """Tells whether a text can name an endpoint of the PBX, such as ``2101-WS``, or ``DAHDI/33``."""
    return bool(_ENDPOINT.fullmatch(text))


@dataclass(frozen=True, slots=True)
class FacilityName:
    """What a facility is called."""

    code: str
    name: str


@dataclass(frozen=True, slots=True)
class Conventions:
    """By what the office reads and shows dates and numbers."""

    timezone: str
    prefixes: tuple[str, ...]
    """What staff dial before a number for a line to the outside, or for a carrier."""

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.timezone)
