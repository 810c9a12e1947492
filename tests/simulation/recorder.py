"""What the controller asks of the PBX: snoops, recordings, playbacks, the support phone. It may refuse."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from callrec.errors import PbxUnreachable
from callrec.fallback import journal
from callrec.pbx import events as ev
from callrec.pbx.mixmonitor import FALLBACK_VARIABLE, MONITOR_VARIABLE
from tests.simulation.exchange import Exchange
from tests.simulation.link import Ear
from tests.simulation.truth import Lines, Tape
from tests.simulation.weather import Weather
from tests.unit.channels import channel
from tests.unit.fakes import AstDb

BUFFER_S = 2.0
"""What of a track a crash can lose: 32 KB of it are not on disk."""
BYTES_A_SECOND, HEADER = 16_000, 44


@dataclass(slots=True)
class Snoop:
    """A channel of ours: of a line that it listens to or speaks to, or a support phone (no line)."""

    id: str
    line: str
    spy: str
    answered: bool = True
    tape: Tape | None = None


class Recorder:
    """The PBX as the controller has it (`controller.Pbx`), and as the adoption has it (`Storage`)."""

    def __init__(self, exchange: Exchange, weather: Weather) -> None:
        self.exchange, self.weather = exchange, weather
        self.snoops: dict[str, Snoop] = {}
        self.own_bridges: set[str] = set()
        self.tapes: dict[str, Tape] = {}
        """The stored recordings there are, with those under way."""
        self.ever: set[str] = set()
        self.refusals: list[float] = []
        self.deaf_to: set[str] = set()
        exchange.changed.append(self.listen)
        exchange.before_end.append(self._spied_line_ends)

    # --- what is told

    def watch(
        self, handle: Callable[[ev.Event], None], connected: Callable[[], None], lost: Callable[[], None]
    ) -> None:
        self.exchange.link.ear = Ear(handle, connected, lost)

    def stop(self) -> None:
        """Nothing waits here."""

    def channels(self) -> list[ev.Channel]:
        self._answer()
        ours = [
            channel(each.id, f"{'Snoop' if each.line else 'PJSIP'}/x", linkedid=each.id)
            for each in self.snoops.values()
            if each.answered
        ]
        return [*(line.told() for line in self.exchange.lines.values()), *ours]

    def bridges(self) -> dict[str, tuple[str, ...]]:
        self._answer()
        found = {name: tuple(ids) for name, ids in self.exchange.bridges.items()}
        return found | dict.fromkeys(self.own_bridges, ())

    def variable(self, channel_id: str, name: str) -> str:
        self._answer()
        line = self.exchange.lines.get(channel_id)
        return line.variables.get(name, "") if line else ""

    # --- what is asked

    def set_variables(self, channel_id: str, values: Mapping[str, str]) -> None:
        self._answer(refusable=True)
        if line := self.exchange.lines.get(channel_id):
            line.variables |= values

    def resume(self, channel_id: str, extension: str = "") -> None:
        self._answer(refusable=True)
        line = self.exchange.lines.get(channel_id)
        if not line or not line.let_through:
            raise _refused()
        line.let_through(extension)

    def snoop(self, channel_id: str, snoop_id: str, *, spy: str = "none", whisper: str = "none") -> None:
        self._answer(refusable=True)
        if channel_id not in self.exchange.lines or snoop_id in self.snoops:
            raise _refused()
        self.snoops[snoop_id] = Snoop(snoop_id, channel_id, spy)
        self._started(snoop_id)

    def record(self, snoop_id: str, name: str) -> None:
        self._answer(refusable=True)
        snoop = self.snoops.get(snoop_id)
        if not snoop or snoop.tape or name in self.ever:
            raise _refused()
        side = "external" if snoop.spy == "in" else "staff"
        snoop.tape = self.begin_tape(name, snoop.line, side)
        self._tell(ev.RecordingStarted(self.exchange.timeline.clock, name))

    def play(self, channel_id: str, playback_id: str, media: list[str]) -> None:
        self._answer(refusable=True)
        if channel_id not in self.snoops:
            raise _refused()
        clock = self.exchange.timeline
        self._tell(ev.PlaybackStarted(clock.clock, playback_id))
        clock.after(0.3, lambda: self._tell(ev.PlaybackFinished(clock.clock, playback_id, failed=False)))

    def mute(self, name: str) -> None:
        self._mute(name, muted=True)

    def unmute(self, name: str) -> None:
        self._mute(name, muted=False)

    def hang_up(self, channel_id: str) -> None:
        self._answer(refusable=True)
        self.exchange.timeline.after(self.weather.chance.uniform(0, 0.02), lambda: self.end(channel_id))

    def dial(self, channel_id: str, endpoint: str, caller: str) -> None:
        self._answer(refusable=True)
        self.snoops[channel_id] = Snoop(channel_id, "", "none", answered=False)
        answers = self.weather.chance.random() < 0.7
        step = self._answered if answers else self.end
        self.exchange.timeline.after(self.weather.chance.uniform(0.5, 4), lambda: step(channel_id))

    def create_bridge(self, bridge_id: str) -> None:
        self._answer(refusable=True)
        self.own_bridges.add(bridge_id)

    def add_to_bridge(self, bridge_id: str, channel_id: str) -> None:
        self._answer(refusable=True)
        if bridge_id not in self.own_bridges or channel_id not in self.snoops:
            raise _refused()

    def destroy_bridge(self, bridge_id: str) -> None:
        self._answer(refusable=True)
        self.own_bridges.discard(bridge_id)

    def stop_monitor(self, channel_id: str) -> None:
        """Ends what the dialplan records of a channel; nothing happens where that has ended already."""
        self._answer(refusable=True)
        self.end_monitor(channel_id)

    def mute_monitor(self, channel_id: str, side: str, *, on: bool) -> None:
        """Has the dialplan write silence into one side of what it records of a channel, or not any more."""
        tapes = (each for each in self.tapes.values() if each.line == channel_id and each.bridged)
        name = next((each.name for each in tapes if each.side == side and each.ended is None), "")
        self._mute(name, muted=on)

    def forget(self, channel_id: str, database: AstDb) -> None:
        """Has nothing tell of what the dialplan recorded of a channel that is there."""
        self._answer(refusable=True)
        if (line := self.exchange.lines.get(channel_id)) and line.variables.pop(FALLBACK_VARIABLE, ""):
            database.delete(journal.FAMILY, [channel_id])

    # --- what is stored

    def stored(self) -> list[str]:
        self._answer()
        return list(self.tapes)

    def stored_size(self, name: str) -> int | None:
        self._answer()
        tape = self.tapes.get(name)
        return HEADER + round(tape.length * BYTES_A_SECOND) if tape else None

    def delete_stored(self, name: str) -> None:
        self._answer()
        tape = self.tapes.pop(name, None)
        assert tape is None or tape.ended is not None, f"{name} is deleted while it is written"

    # --- inside

    def begin_tape(self, name: str, line: str, side: str, *, bridged: bool = False) -> Tape:
        """Begins to record one side of a line; `bridged`: only while it is connected (MixMonitor's `b`)."""
        tape = self.tapes[name] = Tape(name, line, side, self.exchange.timeline.now, bridged)
        self.ever.add(name)
        self.listen()
        return tape

    def end_monitor(self, line: str) -> None:
        """Ends what the dialplan records of a line."""
        for tape in self.tapes.values():
            if tape.line == line and tape.bridged and tape.ended is None:
                tape.end(self.exchange.timeline.now)

    def listen(self) -> None:
        """Writes into every track under way what can be heard now."""
        now = self.exchange.timeline.now
        for tape in self.tapes.values():
            if tape.ended is None and tape.line in self.exchange.lines:
                group = self.exchange.group(tape.line)
                voices = self._voices(tape, group)
                quiet = tape.muted and bool(voices)
                tape.hear(now, frozenset() if tape.muted else voices, group, quiet=quiet)

    def end(self, id_: str) -> None:
        """Ends a channel of ours, and its recording."""
        snoop = self.snoops.pop(id_, None)
        if not snoop:
            return
        clock = self.exchange.timeline.clock
        if snoop.tape and snoop.tape.ended is None:
            snoop.tape.end(self.exchange.timeline.now)
            self._tell(ev.RecordingFinished(clock, snoop.tape.name))
        self._tell(ev.ChannelDestroyed(clock, channel(id_, "Snoop/x", linkedid=id_)))

    def break_tape(self, name: str) -> None:
        """A recording fails by itself."""
        tape = self.tapes.get(name)
        if tape and tape.ended is None:
            self.refusals.append(self.exchange.timeline.now)
            tape.end(self.exchange.timeline.now)
            self._tell(ev.RecordingFailed(self.exchange.timeline.clock, name, "write error"))

    def crash(self) -> None:
        """Everything ends at once; the last of each track is not on disk."""
        for tape in self.tapes.values():
            if tape.ended is None:
                tape.end(self.exchange.timeline.now, self.weather.chance.uniform(0, BUFFER_S))
        self.snoops.clear()
        self.own_bridges.clear()

    def _voices(self, tape: Tape, group: Lines) -> Lines:
        if tape.bridged and len(group) < 2:
            return frozenset()
        return frozenset({tape.line}) if tape.side == "external" else group - {tape.line}

    def _mute(self, name: str, *, muted: bool) -> None:
        self._answer(refusable=True)
        tape = self.tapes.get(name)
        if not tape or tape.ended is not None:
            raise _refused()
        tape.muted = muted
        self.listen()

    def _spied_line_ends(self, line: str) -> None:
        for snoop in [each for each in self.snoops.values() if each.line == line]:
            self.end(snoop.id)

    def _answered(self, id_: str) -> None:
        if snoop := self.snoops.get(id_):
            snoop.answered = True
            self._started(id_)

    def _started(self, id_: str) -> None:
        clock = self.exchange.timeline.clock
        self._tell(ev.OwnChannelStarted(clock, channel(id_, "Snoop/x", linkedid=id_)))

    def _tell(self, event: ev.Event) -> None:
        self.exchange.tell(event)

    def _answer(self, *, refusable: bool = False) -> None:
        """Refuses, or does not answer, as it happens."""
        if not self.exchange.link.answers:
            raise PbxUnreachable("the PBX does not answer")
        if refusable and self.weather.refuses():
            self.refusals.append(self.exchange.timeline.now)
            raise _refused()


def _refused() -> PbxUnreachable:
    return PbxUnreachable("the PBX refuses")


@dataclass(frozen=True)
class AskedDialplan:
    """The dialplan of channels, as the controller asks it (`performer.DialplanCommands`)."""

    recorder: Recorder
    database: AstDb

    def set_variables(self, channel: str, values: Mapping[str, str]) -> bool:
        self.recorder.set_variables(channel, values)
        return True

    def answers(self) -> bool:
        return self.recorder.exchange.link.answers

    def records(self, channel: str) -> bool:
        return bool(self.recorder.variable(channel, MONITOR_VARIABLE))

    def stop(self, channel: str) -> None:
        self.recorder.stop_monitor(channel)

    def mute(self, channel: str, side: str, *, on: bool) -> None:
        self.recorder.mute_monitor(channel, side, on=on)

    def forget(self, channel: str) -> None:
        self.recorder.forget(channel, self.database)
