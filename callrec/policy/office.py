"""What the catalogue says of the office, in memory: extensions, rules, defaults. Immutable.

The catalogue and `callrec.app` make it; whoever has one decides by the same rules until it takes another.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from callrec.model.office import UNASSIGNED, Extension, Facility, Support
from callrec.model.rules import CallFacts, Decision, Direction, Rule
from callrec.policy.decide import Defaults, decide
from callrec.policy.rules import JAPAN, RuleSet


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
        zone: ZoneInfo = JAPAN,
        shift: timedelta = timedelta(0),
        revision: int = 0,
        support: Support | None = None,
    ) -> None:
        """Makes an office of what the catalogue and the settings say.

        With a `shift`, decisions are made as if it were so much later: to try rules out. `support` is who is
        called to help where a facility does not say.
        """
        self.facilities = {facility.code: facility for facility in facilities}
        self.extensions = {extension.number: extension for extension in extensions}
        self.rules = RuleSet(rules, zone)
        self.revision = revision
        self._defaults, self._shift = defaults or Defaults(), shift
        self._support = support or Support()
        self._pattern = re.compile(extension_pattern)

    def is_staff(self, endpoint: str) -> bool:
        """Tells whether an endpoint of the PBX is a phone of the office, and not a line to the outside."""
        known = self.extensions.get(endpoint)
        if known:
            return not known.service  # a trunk may be named like its DID
        return bool(self._pattern.fullmatch(endpoint))

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
        self, direction: Direction, extensions: Iterable[str], number: str | None, at: datetime
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
