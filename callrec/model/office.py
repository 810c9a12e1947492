"""Who is in the office: facilities, extensions, and who is called to help."""

from __future__ import annotations

from dataclasses import dataclass

UNASSIGNED = "unassigned"
"""The facility under which calls of an extension that belongs to none are filed."""


@dataclass(frozen=True, slots=True)
class Facility:
    """A facility. `code` is lower-case ASCII (it is part of object keys), `name` is for people.

    `support_phone` and `support_mail` are who is called to help; None: as the settings say for all,
    empty: nobody.
    """

    code: str
    name: str
    support_phone: str | None = None
    support_mail: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class Support:
    """Who is called to help: the extension of a support phone that may listen, and mail addresses."""

    phone: str | None = None
    mail: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Extension:
    """A number of the PBX and the facility it belongs to.

    `service`: no phone, but a number that is dialled: a queue, a ring group, a DID.
    """

    number: str
    facility: str
    name: str = ""
    service: bool = False
