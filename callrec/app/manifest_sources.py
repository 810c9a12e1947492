"""What manifests say besides the call, out of the parts of one callrec."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from callrec.catalogue import calls, rules
from callrec.clocks import CUT_OFF, kernel_clock, time_at
from callrec.errors import CallrecError, Unreachable
from callrec.manifest import ClockState, RuleText
from callrec.rulebook import office_file

if TYPE_CHECKING:
    from callrec.app.parts import App
    from callrec.evidence.keys import SigningKey
    from callrec.model.calls import Announcement, CallRecord
    from callrec.model.rules import Decision, Rule
    from callrec.policy.office import Office

CLOCKS_SECONDS = 600.0
"""How old a comparison of the clocks may be that a manifest has."""


class AppSources:
    """The sources of manifests of one app, as ManifestSources."""

    def __init__(
        self,
        app: App,
        clock: Callable[[], float] = time.monotonic,
        office: Callable[[], Office] | None = None,
    ) -> None:
        """`office` gives what is known of the office, in memory, so that the catalogue is asked for rules of
        before alone; without, it is asked for all."""
        self._app, self._clock, self._office = app, clock, office or app.office
        self._compared: tuple[float, ClockState] | None = None

    def facility_name(self, code: str) -> str:
        found = self._office().facilities.get(code)
        return found.name if found else code

    def facilities(self, call: CallRecord) -> tuple[str, ...]:
        known = self._office().extensions
        taking_part = {known[each].facility for each in calls.extensions_of(call) if each in known}
        return tuple(sorted(taking_part | ({call.facility} if call.facility else set())))

    def rule(self, decision: Decision) -> RuleText | None:
        if decision.rule is None or decision.version is None:
            return None
        key = (decision.rule, decision.version)
        in_force = (each for each in self._office().rules if (each.id, each.version) == key)
        found = next(in_force, None) or self._rule_of_before(key)
        if found is None:
            return None
        text = office_file.rule_text(found, self._app.settings.office.zone)
        return RuleText(found.id, found.version, text, found.changed_at, found.changed_by)

    def _rule_of_before(self, key: tuple[int, int]) -> Rule | None:
        """Returns a version of a rule that is in force no more, out of the catalogue."""
        with self._app.database.read() as connection:
            return rules.versions(connection, [key]).get(key)

    def words(self, announcement: Announcement) -> str | None:
        said = announcement.prompt, announcement.language, announcement.text_sha256
        try:
            return self._app.library.spoken(*said, announcement.started_at).text
        except (CallrecError, OSError):  # the recording is archived all the same
            return None

    def prompt_file(self, announcement: Announcement) -> Path:
        return self._app.prompt_file(announcement)

    def clocks(self) -> ClockState:
        if self._compared is None or self._clock() - self._compared[0] > CLOCKS_SECONDS:
            self._compared = self._clock(), self._compare()
        return self._compared[1]

    def pbx_version(self) -> str:
        return self._app.pbx.version()

    def signer(self) -> SigningKey:
        return self._app.keys.signer()

    def _compare(self) -> ClockState:
        kernel, settings = kernel_clock(), self._app.settings
        return ClockState(
            self._app.now,
            kernel.synchronised if kernel else None,
            kernel.estimated_error_s if kernel else None,
            self._ahead_of(settings.archive.address, settings.archive.proxy),
            self._ahead_of(settings.pbx.ari_url),
        )

    def _ahead_of(self, url: str, proxy: str = "") -> float | None:
        """Returns by how many seconds, in whole ones, our clock is ahead of that of a server; None where that
        does not tell."""
        try:
            at: datetime = time_at(url, self._app.settings.pbx.timeout, self._app.ca_file, proxy)
        except Unreachable:
            return None
        return float(round((self._app.now - at - CUT_OFF).total_seconds()))
