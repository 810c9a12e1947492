"""A PBX in memory for the pure part: it does what commands ask, and tells what happens by events.

Events can be lost (the link is away) and come twice; the controller can be killed and come back.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule

from callrec.controller.steady_time import SteadyTime
from callrec.model.alerts import Alert
from callrec.model.calls import CallRecord
from callrec.model.captures import CapturedCall, Checkpoint
from callrec.model.flaws import Flaw
from callrec.moments import error_of
from callrec.pbx import events as ev
from callrec.pbx import mixmonitor
from callrec.policy.office import Office
from callrec.recording import actions as do
from callrec.recording.tracker import CallTracker
from tests.scenarios.replay import tracker
from tests.unit.channels import channel, on_pbx
from tests.unit.samples import START

UPTIME = timedelta(days=3)
"""How long the controller's machine has run when a model begins."""


class ModelPbx:
    """Channels, one bridge a call, snoops and their recordings; and the tracker that watches them."""

    def __init__(self, office: Office) -> None:
        self.office, self.now = office, START
        self.ahead, self.machine_ahead = timedelta(0), timedelta(0)
        """By how much its own clock is wrong, and that of the controller's machine."""
        self.time = self._new_time()
        self.truth: dict[str, tuple[datetime, datetime | None]] = {}
        """When each track was really begun, and ended, where that was told."""
        self.channels: dict[str, ev.Channel] = {}
        self.bridges: dict[str, list[str]] = {}
        self.support_phones: dict[str, str] = {}
        self.own_bridges: set[str] = set()
        self.snoops: dict[str, str] = {}
        self.recordings: dict[str, str] = {}
        self.muted: set[str] = set()
        self.ever_recorded: list[str] = []
        self.played: list[tuple[str, str]] = []
        self.whispers: dict[str, tuple[str, str]] = {}
        self.fallbacks: dict[str, ev.FallbackCall] = {}
        self.recorded_by_fallback = timedelta(0)
        """How long the fallback has recorded when it is asked to end."""
        self.files: dict[str, str] = {}
        """What the dialplan was asked to record, by channel: the names of its tracks without the side."""
        self.over: set[str] = set()
        """The tracks of the dialplan that have ended."""
        self.dropped: list[str] = []
        """What the dialplan recorded and nobody wanted."""
        self.monitors = True
        """Whether the dialplan does what it is asked at the gate."""
        self.looks: list[str] = []
        self.fallbacks_ended: list[do.StopFallback] = []
        self.fallback_goes_on = False
        """Whether the PBX refuses to end what the fallback records."""
        self.checkpoints: dict[str, Checkpoint] = {}
        self.open: dict[str, CallRecord] = {}
        self.kept: dict[str, CapturedCall] = {}
        self.discarded: dict[str, CapturedCall] = {}
        self.calls: list[do.SaveCall] = []
        self.alerts: list[Alert] = []
        self.flaws: list[Flaw] = []
        self.link, self.twice = True, False
        self.unreadable = False
        """Whether no sound can be read that is to be played."""
        self.deaf, self.silent_playbacks = False, False
        """Whether nothing that is asked arrives; whether the ends of playbacks are not told."""
        self.slow = False
        """Whether what is to be silent is not yet."""
        self.late: list[do.Action] = []
        self._numbers = iter(range(10**6))
        self.tracker = self._new_tracker()

    def _new_tracker(self) -> CallTracker:
        ids = (f"00000000-0000-7000-8000-{number:012d}" for number in self._numbers)
        return tracker(self.office, ids)

    def _new_time(self) -> SteadyTime:
        return SteadyTime(
            lambda: self.now + self.machine_ahead, lambda: timedelta.total_seconds(self.now - START + UPTIME)
        )

    def set_clocks(self, ahead: timedelta, machine_ahead: timedelta) -> None:
        """Somebody sets the clock of the PBX, of the controller's machine, or of both."""
        self.ahead, self.machine_ahead = ahead, machine_ahead

    def compare_clocks(self) -> None:
        """The controller compares its clock with those of PBX and S3, which is right."""
        ours = self.now + self.machine_ahead
        error = error_of(ours, [self.machine_ahead - self.ahead, self.machine_ahead])
        self.time.compared(self.now + self.ahead - (self.now - START + UPTIME), error)

    # --- what happens in the PBX

    def pass_time(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)
        if self.link:
            self.look_again()
            self._perform(self.tracker.tick(self.time.now()))

    def look_again(self) -> None:
        """The moment has gone by for which calls wanted to wait."""
        looks, self.looks = self.looks, []
        for linkedid in looks:
            self._perform(self.tracker.look_again(linkedid, self.time.now()))

    def create(self, made: ev.Channel) -> None:
        made = replace(made, created_at=made.created_at + self.ahead)
        self.channels[made.id] = made
        self._tell(ev.ChannelCreated(self.now, made))

    @property
    def members(self) -> list[str]:
        """Who talks in the first bridge."""
        return self.bridges.get("b", [])

    def enter(self, *ids: str, bridge: str = "b") -> None:
        members = self.bridges.setdefault(bridge, [])
        for id_ in ids:
            members.append(id_)
            self._monitor(id_)
            self._tell(ev.EnteredBridge(self.now, self.channels[id_], bridge, tuple(members)))

    def leave(self, id_: str) -> None:
        for bridge, members in self.bridges.items():
            if id_ in members:
                members.remove(id_)
                self._tell(ev.LeftBridge(self.now, self.channels[id_], bridge, tuple(members)))

    def merge(self, id_: str, linkedid: str) -> None:
        """A channel that leaves its call and enters the one in the first bridge."""
        self.leave(id_)
        self.channels[id_] = replace(self.channels[id_], linkedid=linkedid)
        self.enter(id_)

    def answer_phone(self) -> None:
        """The support phone that is called to help picks up."""
        for phone, state in self.support_phones.items():
            if state == "Ring":
                self.support_phones[phone] = "Up"
                self._tell(ev.OwnChannelStarted(self.now, channel(phone, "PJSIP/2900", linkedid=phone)))

    def press_in_phone(self, digit: str) -> None:
        for phone in list(self.support_phones):
            self._tell(ev.Digit(self.now, channel(phone, "PJSIP/2900", linkedid=phone), digit))

    def hang_up_phone(self) -> None:
        """The support phone that is called hangs up, or does not answer."""
        for phone in list(self.support_phones):
            self._hang_up_own(phone)

    def hang_up(self, id_: str) -> None:
        self.leave(id_)
        gone = self.channels.pop(id_)
        self._end_monitor(id_)
        for snoop in [snoop for snoop, spied in self.snoops.items() if spied == id_]:
            self._end_snoop(snoop)
        self._tell(ev.ChannelDestroyed(self.now, gone))

    def ask_at_gate(self, id_: str, *codecs: str, direction: str = "inbound") -> None:
        """A channel asks at the gate on its way to 2101."""
        number = self.channels[id_].caller
        self._tell(ev.GateEntered(self.now, self.channels[id_], direction, "2101", number, codecs))

    def press(self, id_: str, key: str, press_id: str) -> None:
        self._tell(ev.DialplanSaid(self.now, self.channels[id_], {"Key": key, "Id": press_id}))

    def fall_back(self, id_: str, *, records: bool = False, parties: str = "") -> None:
        """The dialplan takes a call over, and may record it."""
        file = f"callrec/fallback-{id_}" if records else ""
        since = self.now + self.ahead
        self.fallbacks[id_] = ev.FallbackCall(since, file, parties, pbx_ahead=self.ahead)
        told = {"Fallback": str(since.timestamp()), "File": file, "Parties": parties}
        self._tell(ev.DialplanSaid(self.now, self.channels[id_], told))

    # --- the link

    def cut(self) -> None:
        self.link = False

    def reconnect(self, noted: list[ev.RawKeyPress] | None) -> None:
        self.link = True
        self.time.connected()
        there = [
            *self.channels.values(),
            *(channel(snoop, "Snoop/x", linkedid=snoop) for snoop in self.snoops),
            *(
                replace(channel(id_, "PJSIP/2900", linkedid=id_), state=state)
                for id_, state in self.support_phones.items()
            ),
        ]
        bridges = {name: tuple(ids) for name, ids in self.bridges.items()}
        bridges |= dict.fromkeys(self.own_bridges, ())
        fallbacks = {id_: told for id_, told in self.fallbacks.items() if id_ in self.channels}
        there = [self.time.channel(each) for each in there]
        self._perform(self.tracker.compare(there, bridges, fallbacks, [], self.time.now(), noted))

    def recall(self, noted: list[ev.RawKeyPress]) -> None:
        """The keys could be read at last."""
        self._perform(self.tracker.recall(noted, self.time.now()))

    def kill(self) -> None:
        """The controller is gone; another one starts with what was written down, and is not linked yet."""
        self.link, self.tracker, self.time = False, self._new_tracker(), self._new_time()
        for checkpoint in self.checkpoints.values():
            self.tracker.restore(checkpoint)
        for call in self.open.values():
            self.tracker.resume(call)

    # --- what is asked of it

    def _tell(self, event: ev.Event) -> None:
        if self.link:
            for _ in range(2 if self.twice else 1):
                if not self.tracker.calls:
                    self.time.settle()
                stamped = replace(event, at=event.at + self.ahead)
                self._perform(self.tracker.handle(self.time.take(stamped)))

    def _perform(self, commands: list[do.Action]) -> None:
        for command in commands:
            if self.slow and isinstance(command, do.Silencing):
                self.late.append(command)
            elif not self._do(command):
                self._perform(self.tracker.refused(on_pbx(command), "refused", self.time.now()))
            elif isinstance(command, do.Silencing):
                self._perform(self.tracker.performed(command))

    def catch_up(self) -> None:
        """Does what it was slow to do."""
        self.slow, late, self.late = False, self.late, []
        self._perform(late)

    def _do(self, command: do.Action) -> bool:
        match command:
            case do.StartSnoop():
                return self._snoop(command)
            case do.RecordSnoop():
                return self._record(command)
            case do.PlayMedia():
                return self._play(command)
            case do.Mute() | do.Unmute():
                return self._mute(command)
            case do.StopFallback():
                return self._stop_fallback(command)
            case do.HangUp():
                return self._hang_up_own(command.channel)
            case do.LetThrough():
                self._let_through(command)
            case do.ProveMonitor():
                return command.names[0] in self.recordings or command.names[0] in self.over
            case do.StopMonitor() | do.DropMonitor():
                return self._stop_monitor(command)
            case do.LookAgain():
                self.looks.append(command.linkedid)
            case do.DialSupportPhone() | do.MakeBridge() | do.DestroyBridge():
                self._do_for_phone(command)
            case _:
                self._write_down(command)
        return True

    def _write_down(self, command: do.Action) -> None:
        match command:
            case do.SaveOpenCall():
                self.open[command.call.id] = command.call
            case do.ReadJournal():
                self.open.pop(command.call_id, None)
            case do.SaveCheckpoint():
                self.open.pop(command.checkpoint.call.id, None)
                if command.checkpoint.capture.recording_id not in self.kept | self.discarded:
                    self.checkpoints[command.checkpoint.capture.recording_id] = command.checkpoint
            case do.HandOver():
                self._written(command.captured, self.kept)
            case do.Discard():
                self._written(command.captured, self.discarded)
            case do.TellFlaw():
                self.flaws.append(command.flaw)
            case do.SaveAlert():
                self.alerts.append(command.alert)
            case do.SaveCall():
                self.open.pop(command.call.id, None)
                self.calls.append(command)

    def _do_for_phone(self, command: do.Action) -> None:
        match command:
            case do.DialSupportPhone():
                self.support_phones[command.channel] = "Ring"
            case do.MakeBridge():
                self.own_bridges.add(command.bridge)
            case do.DestroyBridge():
                self.own_bridges.discard(command.bridge)

    def _written(self, checkpoint: CapturedCall, where: dict[str, CapturedCall]) -> None:
        assert checkpoint.capture.recording_id not in where, "handed over once"
        where[checkpoint.capture.recording_id] = checkpoint
        self.checkpoints.pop(checkpoint.capture.recording_id, None)

    def _snoop(self, command: do.StartSnoop) -> bool:
        if command.channel not in self.channels or command.snoop in self.snoops:
            return False
        self.snoops[command.snoop] = command.channel
        self.whispers[command.snoop] = (command.channel, command.whisper)
        self._tell(ev.OwnChannelStarted(self.now, channel(command.snoop, "Snoop/x", linkedid=command.snoop)))
        return True

    def _record(self, command: do.RecordSnoop) -> bool:
        if command.snoop not in self.snoops or command.name in self.ever_recorded:
            return False
        self.recordings[command.name] = command.snoop
        self.ever_recorded.append(command.name)
        self.truth[command.name] = self.now, None
        self._tell(ev.RecordingStarted(self.now, command.name))
        return True

    def _play(self, command: do.PlayMedia) -> bool:
        if command.snoop not in self.snoops:
            return False
        self.played.append(self.whispers[command.snoop])
        self._tell(ev.PlaybackStarted(self.now, command.playback))
        if not self.silent_playbacks:
            self._tell(ev.PlaybackFinished(self.now, command.playback, failed=self.unreadable))
        return True

    def _let_through(self, command: do.LetThrough) -> None:
        if command.ends_recording:
            self._end_monitor(command.channel)
        if command.record_since and self.monitors:
            file = self.files[command.channel] = mixmonitor.file_of(command.channel)
            parties = "inbound|2101|0312345678"
            self.fallbacks[command.channel] = ev.FallbackCall(
                command.record_since, file, parties, pbx_ahead=self.ahead
            )

    def _monitor(self, id_: str) -> None:
        """The dialplan begins to write what a channel says and hears, in its first bridge."""
        if file := self.files.get(id_):
            for side in ("external", "staff"):
                if f"{file}-{side}" not in self.truth:
                    self.recordings[f"{file}-{side}"] = id_
                    self.ever_recorded.append(f"{file}-{side}")
                    self.truth[f"{file}-{side}"] = self.now, None

    def _end_monitor(self, id_: str) -> None:
        file = self.files.pop(id_, None)
        for name in [name for name in self.recordings if name.rpartition("-")[0] == file]:
            del self.recordings[name]
            self.over.add(name)
            self.truth[name] = self.truth[name][0], self.now

    def _stop_monitor(self, command: do.StopMonitor | do.DropMonitor) -> bool:
        if self.deaf:
            return False
        self._end_monitor(command.channel)
        if isinstance(command, do.DropMonitor):
            self.fallbacks.pop(command.channel, None)
            self.dropped.append(command.file)
            self.over -= {f"{command.file}-{side}" for side in ("external", "staff")}
        return True

    def _mute(self, command: do.Mute | do.Unmute) -> bool:
        if command.name not in self.recordings:
            return False
        change = self.muted.add if isinstance(command, do.Mute) else self.muted.discard
        change(command.name)
        return True

    def _stop_fallback(self, command: do.StopFallback) -> bool:
        if command.channel not in self.channels or self.fallback_goes_on:
            return False
        self.fallbacks_ended.append(command)
        self._end_monitor(command.channel)
        self._perform(self.tracker.took_over(command, self.recorded_by_fallback, self.time.now()))
        return True

    def _hang_up_own(self, id_: str) -> bool:
        if self.deaf:
            return False
        self._end_snoop(id_)
        if self.support_phones.pop(id_, None):
            self._tell(ev.ChannelDestroyed(self.now, channel(id_, "PJSIP/2900", linkedid=id_)))
        return True

    def _end_snoop(self, snoop: str) -> None:
        if self.snoops.pop(snoop, None):
            for name in [name for name, of in self.recordings.items() if of == snoop]:
                del self.recordings[name]
                self.truth[name] = self.truth[name][0], self.now if self.link else None
                self._tell(ev.RecordingFinished(self.now, name))

    def audible(self) -> set[str]:
        """The tracks into which voices are written now."""
        return set(self.recordings) - self.muted


class OverALink(RuleBasedStateMachine):
    """What may happen to any call: time passes, the link is lost and found, the controller is killed.

    `noted` are all keys that were pressed, as the dialplan has written them down.
    """

    pbx: ModelPbx
    noted: list[ev.RawKeyPress]

    @rule(seconds=st.sampled_from([0.1, 0.6, 4.0]))
    def time(self, seconds: float) -> None:
        self.pbx.pass_time(seconds)

    @rule()
    def link(self) -> None:
        if self.pbx.link:
            self.pbx.cut()
        else:
            self.pbx.reconnect(self.noted)

    @rule()
    def restart(self) -> None:
        self.pbx.kill()
        self.pbx.reconnect(self.noted)
