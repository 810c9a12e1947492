"""What manifests say besides the call, out of the parts of one callrec."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from callrec.catalogue import calls, rules
from callrec.errors import CallrecError
from callrec.manifest import ClockState, RuleText
from callrec.rulebook import office_file

if TYPE_CHECKING:
    from callrec.app.parts import App
    from callrec.evidence.keys import SigningKey
    from callrec.model.calls import Announcement, CallRecord
    from callrec.model.rules import Decision, Rule
    from callrec.policy.office import Office


class AppSources:
    """The sources of manifests of one app, as ManifestSources."""

    def __init__(self, app: App, office: Callable[[], Office] | None = None) -> None:
        """`office` gives what is known of the office, in memory, so that the catalogue is asked for rules of
        before alone; without, it is asked for all."""
        self._app, self._office = app, office or app.office

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
        return self._app.clock_watch.state()

    def now(self) -> datetime:
        return self._app.clock_watch.now()

    def pbx_version(self) -> str:
        return self._app.pbx.version()

    def signer(self) -> SigningKey:
        return self._app.keys.signer()
