"""A capture, told anything in any order."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from callrec.model.captures import SilenceReason
from callrec.recording.actions import HangUp, RecordSnoop, StartSnoop
from callrec.recording.capture import LiveCapture
from callrec.recording.segment import SIDES
from callrec.recording.states import Phase
from tests.unit.channels import on_pbx
from tests.unit.recording.captures import NOW, new_capture, renew


class AnyOrder(RuleBasedStateMachine):
    """Any events in any order: the phase is that of the facts, and the end always comes."""

    def __init__(self) -> None:
        super().__init__()
        self.capture, self.now, self.was_gone = new_capture(), NOW, False
        self.commands = list(self.capture.start_segment("1.0", NOW))

    @rule(seconds=st.sampled_from([0.1, 1.0, 4.0, 6.0]))
    def time_passes(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)
        self.commands += self.capture.retry(self.now)

    @rule(number=st.integers(1, 3), side=st.sampled_from(SIDES))
    def snoop_ready(self, number: int, side: str) -> None:
        if (snoop := f"callrec.rec-{number}-{side}") in self.capture.tracks.ids:
            self.commands += self.capture.channel_started(snoop)

    @rule(number=st.integers(1, 3), side=st.sampled_from(SIDES))
    def started(self, number: int, side: str) -> None:
        if (name := f"callrec/rec-{number}-{side}") in self.capture.tracks.ids:
            self.commands += self.capture.recording_started(name, self.now)

    @rule(number=st.integers(1, 3), side=st.sampled_from(SIDES), failed=st.booleans())
    def ended(self, number: int, side: str, failed: bool) -> None:
        if (name := f"callrec/rec-{number}-{side}") in self.capture.tracks.ids:
            self.commands += self.capture.recording_ended(name, self.now, "broken" if failed else None)

    @rule(index=st.integers(0, 30))
    def refused(self, index: int) -> None:
        if index < len(self.commands):
            self.commands += self.capture.refused(on_pbx(self.commands[index]), "refused", self.now)

    @rule()
    def gone(self) -> None:
        self.was_gone = True
        self.capture.left("1.0", self.now)

    @rule()
    def others_go_on(self) -> None:
        if self.capture.gone_at:
            self.commands += self.capture.move("1.0", self.now)

    @rule()
    def another_voice(self) -> None:
        self.commands += renew(self.capture, self.now)

    @rule(reason=st.sampled_from(SilenceReason))
    def silence(self, reason: SilenceReason) -> None:
        self.commands += self.capture.silence(reason, self.now)

    @rule(reason=st.sampled_from(SilenceReason))
    def resume(self, reason: SilenceReason) -> None:
        self.commands += self.capture.resume(reason, self.now)

    @invariant()
    def no_snoop_is_left_behind(self) -> None:
        """Whatever was begun before the last segment ends with its channel, or was hung up."""
        begun = [c.snoop for c in self.commands if isinstance(c, StartSnoop)][:-2]
        ended = {c.channel for c in self.commands if isinstance(c, HangUp)}
        assert all(snoop in ended for snoop in begun) or self.was_gone

    @invariant()
    def gaps_come_one_after_the_other(self) -> None:
        for before, after in pairwise(self.capture.gaps.noted):
            assert before.finished_at and before.finished_at <= after.started_at

    @invariant()
    def the_phase_is_that_of_the_facts(self) -> None:
        capture = self.capture
        if capture.gone_at:
            assert capture.phase is (Phase.GONE if capture.tracks.is_open else Phase.FINISHED)
        elif capture.is_silent:
            assert capture.phase is Phase.SILENT
        elif capture.phase in (Phase.RECORDING, Phase.RENEWING) and not capture.needs_new_snoops:
            assert capture.tracks.last and capture.tracks.last.is_whole
        else:
            assert capture.phase in (Phase.BROKEN, Phase.RECORDING, Phase.RENEWING)

    @invariant()
    def each_track_is_asked_for_once(self) -> None:
        asked = [command.name for command in self.commands if isinstance(command, RecordSnoop)]
        assert len(asked) == len(set(asked))

    @invariant()
    def only_the_last_segment_is_open(self) -> None:
        for segment in self.capture.tracks.segments[:-1]:
            assert not any(segment.is_open(side) for side in SIDES)

    def teardown(self) -> None:
        self.capture.left("1.0", self.now)
        self.capture.retry(self.now + timedelta(seconds=10))
        assert self.capture.is_finished
        restored = LiveCapture.restored("call", self.capture.frozen())
        restored.compared(set(), self.now)
        assert restored.frozen() == self.capture.frozen()


TestAnyOrder = AnyOrder.TestCase
