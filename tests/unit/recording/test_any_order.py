"""Calls that move between extensions with rules of their own, and merge, in any order of anything."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from callrec.model.calls import FeatureCode, KeyResult
from callrec.model.office import Support
from callrec.pbx import events as ev
from callrec.policy.office import Office
from callrec.recording.call import Call
from tests.scenarios.replay import office
from tests.unit.channels import OUTSIDE, channel
from tests.unit.pbx_model import ModelPbx, OverALink
from tests.unit.recording.by_mode import NARROW

MODES = st.sampled_from(("never", "manual", "standby", "automatic"))
STAFF = st.sampled_from(("2101", "2102", "2201"))
LOUD = (KeyResult.STARTED, KeyResult.KEPT, KeyResult.MARKED, KeyResult.RESUMED, KeyResult.HELP_SENT)


class Moves(OverALink):
    """A call from outside; each extension has a mode of its own, and there is a support phone that helps."""

    @initialize(first=MODES, second=MODES, third=MODES, codecs=st.sampled_from([(), NARROW]))
    def begin(self, first: str, second: str, third: str, codecs: tuple[str, ...]) -> None:
        self.modes = {"2101": first, "2102": second, "2201": third}
        rules = office(*((mode, "extension", number, "none") for number, mode in self.modes.items()))
        in_force = Office(
            rules.facilities.values(), rules.extensions.values(), rules.rules, support=Support("2900")
        )
        self.pbx, self.count, self.consulted = ModelPbx(in_force), 0, ""
        self.noted: list[ev.RawKeyPress] = []
        self.pbx.create(OUTSIDE)
        self.pbx.ask_at_gate(OUTSIDE.id, *codecs)
        self.phone = self._new("2101")
        self.pbx.enter(self.phone, OUTSIDE.id)

    def _new(self, endpoint: str, linkedid: str = "1.0") -> str:
        self.count += 1
        made = channel(f"1.{10 + self.count}", f"PJSIP/{endpoint}-{self.count:08d}", endpoint)
        at = self.pbx.now + timedelta(milliseconds=self.count)
        self.pbx.create(replace(made, linkedid=linkedid or made.id, created_at=at))
        return made.id

    def _session(self) -> Call | None:
        return self.pbx.tracker.calls.get("1.0")

    def _talks(self) -> bool:
        return hasattr(self, "pbx") and not self.consulted

    # --- what may happen

    @rule(key=st.sampled_from(list(FeatureCode)))
    def press(self, key: FeatureCode) -> None:
        self.count += 1
        by = self.pbx.channels[self.phone]
        self.pbx.now += timedelta(milliseconds=100)
        self.noted.append(ev.RawKeyPress(f"press-{self.count}", key, by.linkedid, by.name, self.pbx.now))
        self.pbx.press(self.phone, key, f"press-{self.count}")

    @precondition(_talks)
    @rule(to=STAFF)
    def transfer(self, to: str) -> None:
        self.pbx.hang_up(self.phone)
        self.phone = self._new(to)
        self.pbx.enter(self.phone)

    @precondition(_talks)
    @rule(to=STAFF)
    def consult(self, to: str) -> None:
        """The phone calls somebody while the caller waits: another call."""
        endpoint = self.pbx.channels[self.phone].endpoint
        self.waiting = self.phone
        self.pbx.leave(self.waiting)
        self.phone = self._new(endpoint, linkedid="")
        self.consulted = self._new(to, linkedid=self.phone)
        self.pbx.enter(self.phone, self.consulted, bridge=f"c{self.count}")

    @precondition(lambda self: hasattr(self, "pbx") and self.consulted)
    @rule()
    def hand_over(self) -> None:
        """Both calls become one, and who consulted leaves it."""
        self.pbx.merge(self.consulted, "1.0")
        self.pbx.hang_up(self.phone)
        self.pbx.hang_up(self.waiting)
        self.phone, self.consulted = self.consulted, ""

    @rule()
    def the_room_answers(self) -> None:
        self.pbx.answer_phone()

    @rule()
    def a_snoop_breaks(self) -> None:
        for snoop in list(self.pbx.snoops)[:1]:
            self.pbx._end_snoop(snoop)

    # --- what always holds

    def _heard(self, session: Call) -> set[str]:
        return self.pbx.audible() & session.capture.tracks.ids if session.capture else set()

    @invariant()
    def never_is_silent(self) -> None:
        session = self._session() if self._talks() else None
        if session and self.pbx.link and self.modes[self.pbx.channels[self.phone].endpoint] == "never":
            assert not self._heard(session)

    @invariant()
    def a_pause_and_a_stop_hold_until_a_key_or_a_rule_ends_them(self) -> None:
        session = self._session() if hasattr(self, "pbx") and self.pbx.link else None
        said = (
            [each for each in session.record.key_presses if each.result in (*LOUD, *QUIET)] if session else []
        )
        if not session or not said or said[-1].result not in QUIET:
            return
        by_rule = [each for each in session.record.decision_changes if each.decision.mode == "automatic"]
        if said[-1].result is KeyResult.PAUSED or not by_rule:
            assert not self._heard(session)

    @invariant()
    def no_more_snoops_than_one_capture_needs(self) -> None:
        if hasattr(self, "pbx") and self.pbx.link:
            spying = [id_ for id_ in self.pbx.snoops if id_.endswith(("-external", "-staff"))]
            assert len(spying) <= 2 * len(self.pbx.tracker.calls)

    def teardown(self) -> None:
        if not hasattr(self, "pbx"):
            return
        if not self.pbx.link:
            self.pbx.reconnect(self.noted)
        for id_ in list(self.pbx.channels):
            self.pbx.hang_up(id_)
        for _ in range(30):
            self.pbx.pass_time(1)
        assert not self.pbx.snoops and not self.pbx.support_phones and not self.pbx.own_bridges
        assert not self.pbx.checkpoints and not self.pbx.open and not self.pbx.tracker.calls
        if set(self.modes.values()) == {"never"}:
            assert not self.pbx.ever_recorded
        if set(self.modes.values()) == {"automatic"}:
            segments = [
                segment for captured in self.pbx.kept.values() for segment in captured.capture.segments
            ]
            assert set(self.pbx.ever_recorded) <= {
                track.name for segment in segments for track in (segment.external, segment.staff)
            }


QUIET = (KeyResult.PAUSED, KeyResult.STOPPED)


def test_calls_that_move_and_merge_in_any_order() -> None:
    often = settings(max_examples=60, stateful_step_count=25, deadline=None)
    run_state_machine_as_test(Moves, settings=often)
