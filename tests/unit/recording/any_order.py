"""A call in which anything happens in any order, on the model of the PBX."""

from __future__ import annotations

from hypothesis import strategies as st
from hypothesis.stateful import (
    initialize,
    invariant,
    precondition,
    rule,
)

from callrec.model.calls import FeatureCode
from callrec.pbx import events as ev
from tests.unit.channels import OUTSIDE, PHONE, channel
from tests.unit.pbx_model import OverALink
from tests.unit.recording.by_mode import (
    MODES,
    NARROW,
    by_mode,
    end,
)


class AnyOrder(OverALink):
    """A call in one mode; keys, transfers, losses, duplicates, restarts, in any order."""

    mode = "automatic"

    @initialize(mode=st.sampled_from(MODES), codecs=st.sampled_from([(), NARROW]))
    def begin(self, mode: str, codecs: tuple[str, ...]) -> None:
        self.mode, self.pbx = mode, by_mode(mode, codecs)
        self.staff, self.count, self.wanted = [PHONE.id], 0, False
        self.noted: list[ev.RawKeyPress] = []

    def _alive(self) -> bool:
        return OUTSIDE.id in self.pbx.channels and bool(self.staff)

    @precondition(_alive)
    @rule(key=st.sampled_from(list(FeatureCode)), outside=st.booleans())
    def press(self, key: FeatureCode, outside: bool) -> None:
        by = OUTSIDE.id if outside else self.staff[-1]
        self.count += 1
        id_ = f"press-{self.count}"
        self.noted.append(ev.RawKeyPress(id_, key, "1.0", self.pbx.channels[by].name, self.pbx.now))
        self.pbx.press(by, key, id_)
        self.wanted |= not outside and self.mode != "never" and key in (FeatureCode.KEEP, FeatureCode.HELP)

    @precondition(_alive)
    @rule()
    def transfer(self) -> None:
        self.count += 1
        new = channel(f"1.{10 + self.count}", f"PJSIP/2102-000001{self.count:02d}", "2102")
        self.pbx.hang_up(self.staff.pop())
        self.pbx.create(new)
        self.pbx.enter(new.id)
        self.staff.append(new.id)

    @rule()
    def duplicates(self) -> None:
        self.pbx.twice = not self.pbx.twice

    @precondition(_alive)
    @rule()
    def a_snoop_breaks(self) -> None:
        for snoop in list(self.pbx.snoops)[:1]:
            self.pbx._end_snoop(snoop)

    @invariant()
    def no_tone_goes_on(self) -> None:
        if hasattr(self, "pbx") and self.pbx.link:
            assert not [snoop for snoop in self.pbx.snoops if "-tone" in snoop]

    def teardown(self) -> None:
        if not hasattr(self, "pbx"):
            return
        if not self.pbx.link:
            self.pbx.reconnect(self.noted)
        end(self.pbx)
        self.pbx.pass_time(10)
        self._check()

    def _check(self) -> None:
        assert not self.pbx.snoops, "no snoop is left behind"
        assert not self.pbx.checkpoints and not self.pbx.open, "nothing waits for ever"
        rows = [*(each.call for each in self.pbx.calls), *(each.call for each in self.pbx.kept.values())]
        assert {(call.linkedid, call.outcome) for call in rows} == {("1.0", "answered")}, "a row for the call"
        if self.mode == "never":
            assert not self.pbx.ever_recorded
        if self.mode == "standby" and not self.wanted:
            assert not self.pbx.kept
        if self.mode == "automatic" or (self.mode == "standby" and self.wanted):
            segments = [
                segment for captured in self.pbx.kept.values() for segment in captured.capture.segments
            ]
            kept = {track.name for segment in segments for track in (segment.external, segment.staff)}
            assert set(self.pbx.ever_recorded) <= kept, "all of it is kept"
