"""What the catalogue says of the office, in memory: extensions, rules, defaults. Immutable.

The catalogue and `callrec.app` make it; whoever has one decides by the same rules until it takes another.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from callrec.model.office import UNASSIGNED, Extension, Facility, Support
from callrec.model.rules import CallFacts, Decision, Direction, Rule
from callrec.numbers import Number, normalise, of_extension
from callrec.pbx.events import endpoint_of
from callrec.policy.decide import Defaults, decide
from callrec.policy.rules import JAPAN, RuleSet


@dataclass(frozen=True, slots=True)
class OfficeParts:
    """What an office is made of, as the catalogue and the settings say: unlike an Office it can be sent."""

    facilities: tuple[Facility, ...]
    extensions: tuple[Extension, ...]
    rules: tuple[Rule, ...]
    defaults: Defaults
    extension_pattern: str
    technologies: tuple[str, ...]
    prefixes: tuple[str, ...]
    lines: tuple[str, ...]
    zone: ZoneInfo
    shift: timedelta
    revision: int
    support: Support

    def office(self) -> Office:
        """Returns the office of these parts."""
        return Office(
            self.facilities,
            self.extensions,
            self.rules,
            defaults=self.defaults,
            extension_pattern=self.extension_pattern,
            technologies=self.technologies,
            prefixes=self.prefixes,
            lines=self.lines,
            zone=self.zone,
            shift=self.shift,
            revision=self.revision,
            support=self.support,
        )


class Office:
    """A snapshot that answers: whose extension is this, and what happens with this call?"""

    def __init__(
        self,
        facilities: Iterable[Facility] = (),
        extensions: Iterable[Extension] = (),
        rules: Iterable[Rule] = (),
        *,
        defaults: Defaults | None = None,
        extension_pattern: str = r"[1-9][0-9]{1,5}",
        technologies: Iterable[str] = ("PJSIP",),
        prefixes: Iterable[str] = (),
        lines: Iterable[str] = (),
        zone: ZoneInfo = JAPAN,
        shift: timedelta = timedelta(0),
        revision: int = 0,
        support: Support | None = None,
    ) -> None:
        """Makes an office of what the catalogue and the settings say.

        With a `shift`, decisions are made as if it were so much later: to try rules out. `support` is who is
        called to help where a facility does not say. `technologies` are those of the office's phones,
        `prefixes` what they dial for a line to the outside; `lines` are endpoints that are such lines
        whatever they are named.
        """
        self.facilities = {facility.code: facility for facility in facilities}
        self.extensions = {extension.number: extension for extension in extensions}
        self._aliases = {alias: each.number for each in self.extensions.values() for alias in each.aliases}
        self._prefixes = frozenset(prefixes)
        self._spellings = {normalise(number): number for number in self.extensions}
        self.rules = RuleSet(rules, zone, self._prefixes)
        self._technologies, self.lines = frozenset(technologies), frozenset(lines)
        self.revision = revision
        self._defaults, self._shift = defaults or Defaults(), shift
        self._support = support or Support()
        self._pattern = re.compile(extension_pattern)

    @property
    def names(self) -> dict[str, str]:
        """What the facilities are called, by their codes."""
        return {code: facility.name for code, facility in self.facilities.items()}

    def extension_of(self, channel: str) -> str | None:
        """Returns the extension whose phone a channel is, by its name (``PJSIP/2101-0000002a``).

        None: it is a line to the outside, whatever number it presents. An endpoint that is an alias, or is
        named like an extension, is a phone in the technologies of phones; in others only what is an alias
        together with its technology (``DAHDI/33``).
        """
        technology, endpoint = channel.partition("/")[0], endpoint_of(channel)
        whole = f"{technology}/{endpoint}"
        if self.lines and not self.lines.isdisjoint((whole, endpoint)):
            return None
        if technology not in self._technologies:
            return self._aliases.get(whole)
        return self._aliases.get(endpoint) or (endpoint if self.is_phone(endpoint) else None)

    def person_of(self, number: str) -> str:
        """Returns the extension that a number of the dialplan is about: the one of an alias, or of a DID
        however the network writes it (+81312340000 or 0312340000); a number that is none's as it is."""
        number = self._aliases.get(number, number)
        known = number in self.extensions
        return number if known else self._spellings.get(normalise(number), number)

    def is_phone(self, number: str) -> bool:
        """Tells whether a number is that of a phone of the office, and not of a service or of the outside."""
        known = self.extensions.get(number)
        if known:
            return not known.service  # a trunk may be named like its DID
        return bool(self._pattern.fullmatch(number))

    def is_ours(self, number: str) -> bool:
        """Tells whether a number is one of the office's: a phone, or a service number."""
        return number in self.extensions or self.is_phone(number)

    def dialled(self, number: str | None) -> Number | None:
        """Returns a number that staff dialled, comparable: without what they dial for a line.

        An extension that begins like a prefix stays as it is.
        """
        return normalise(number, () if number in self.extensions else self._prefixes)

    def other_party(self, number: str | None, direction: Direction) -> Number | None:
        """Returns the other party's number, as the dialplan tells it of a call, comparable."""
        if direction is Direction.OUTBOUND:
            return self.dialled(number)
        internal = direction is Direction.INTERNAL
        return of_extension(number) if number and internal else normalise(number)

    def facility_of(self, extension: str | None) -> str:
        """Returns the code of an extension's facility; UNASSIGNED where it has none or is not known."""
        known = self.extensions.get(extension or "")
        return known.facility if known else UNASSIGNED

    def support_of(self, facility: str | None) -> Support:
        """Returns who is called to help a facility."""
        known = self.facilities.get(facility or "")
        phone = known.support_phone if known else None
        mail = known.support_mail if known else None
        return Support(
            (self._support.phone if phone is None else phone) or None,
            self._support.mail if mail is None else mail,
        )

    def facts(
        self, direction: Direction, extensions: Iterable[str], number: Number | None, at: datetime
    ) -> CallFacts:
        """Returns the facts of a call for a decision; `extensions` with the one that matters most first."""
        known = tuple(extensions)
        return CallFacts(direction, known, tuple(map(self.facility_of, known)), number, self.shifted(at))

    def shifted(self, at: datetime) -> datetime:
        """Returns the moment for which is decided at this one: the same, unless rules are tried out."""
        return at + self._shift

    def decide(self, facts: CallFacts) -> Decision:
        """Returns the decision for a call."""
        return decide(facts, self.rules, self._defaults)
