"""All calls of a PBX, and which channel belongs to which. Pure.

Channels of one call share a linked id, or talk with one another.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from callrec.model.calls import CallRecord, Key
from callrec.model.captures import Draft
from callrec.pbx import events as ev
from callrec.recording.actions import Command, DestroyBridge, HangUp, LetThrough, SaveCall
from callrec.recording.call import Session
from callrec.recording.environment import Surroundings
from callrec.recording.keys import is_outdated
from callrec.recording.legs import Line
from callrec.recording.topology import LOCAL, Wiring

CLOCKS_AGREE = timedelta(minutes=1)
REMEMBERED = 1000
"""How many key presses are remembered, against those that are told again after their calls became one."""


class Board:
    """Takes events, keeps the calls, returns commands. One thread at a time."""

    def __init__(self, world: Surroundings) -> None:
        self.world = world
        self.sessions: dict[str, Session] = {}
        self._wiring = Wiring()
        self._pending: list[Command] = []
        self._pressed: deque[str] = deque(maxlen=REMEMBERED)
        self._went_into: dict[str, str] = {}

    def has_heard(self, press: str) -> bool:
        """Whether somebody was told of a key press here."""
        return press in self._pressed

    def handle(self, event: ev.Event) -> list[Command]:
        """What is to be done about an event. Unknown channels, names and ids mean nothing to do."""
        return self._with_pending(self._handle(event))

    def _handle(self, event: ev.Event) -> list[Command]:
        match event:
            case ev.OwnChannelStarted():
                return self._each(lambda session: session.snoop_ready(event.channel.id))
            case ev.Digit():
                return self._each(lambda session: session.help.digit(event.channel.id, event.digit))
            case ev.ChannelDestroyed() if event.channel.is_own:
                return self._each(lambda session: session.help.gone(event.channel.id))
            case ev.ChannelEvent() if event.channel.is_own:
                return []
            case ev.ChannelCreated():
                self._know(event.channel, event.at)
            case ev.ChannelDestroyed():
                line = self._wiring.lines.get(event.channel.id)
                return self._drop(line, event.at) if line else []
            case ev.EnteredBridge() | ev.LeftBridge():
                return self._bridged(event)
            case ev.TookPlace():
                session = self._know(event.channel, event.at)
                self._wiring.takes_place(event.channel.id, event.place)
                return self._connected(event.channel.id, session, event.at)
            case ev.GateEntered():
                session = self._know(event.channel, event.at)
                return session.at_gate(event) if session else []
            case ev.DialplanSaid():
                return self._said(event)
            case ev.Dialled():
                self._dialled(event)
            case _:
                return self._about_media(event)
        return []

    def tick(self, at: datetime) -> list[Command]:
        """Time passes; calls that are settled are forgotten."""
        commands = self._each(lambda session: session.tick(at))
        self._forget()
        return commands

    def command_failed(self, command: Command, problem: str, at: datetime) -> list[Command]:
        session = self.sessions.get(command.session)
        return session.command_failed(command, problem, at) if session else []

    def restore(self, draft: Draft) -> None:
        """Takes up a call again that was being captured when the controller ended."""
        self.resume(draft.call).keeper.restore(draft.capture)

    def resume(self, call: CallRecord) -> Session:
        """Takes up a call again that was under way when the controller ended, and was not captured."""
        key = call.linkedid if call.linkedid not in self.sessions else call.id
        session = self.sessions[key] = Session(key, call, self.world)
        session.noted = call.id
        session.note("the controller was away during this call")
        return session

    def compare(
        self,
        channels: Iterable[ev.Channel],
        bridges: dict[str, tuple[str, ...]],
        fallbacks: Mapping[str, datetime],
        gates: Iterable[ev.GateEntered],
        at: datetime,
        keys: Sequence[ev.KeyNoted] | None = (),
    ) -> list[Command]:
        """Brings the board up to what the PBX says there is, after events may have been missed.

        Nothing is trusted but the lists: a channel that is not in them is gone, a snoop that is not
        has ended its recording. `fallbacks` are channels whose call the dialplan took over, and when;
        `gates` is what was asked at the gate about the channels that passed it. `keys` are those that
        may have been pressed meanwhile, the oldest first; None: they could not be read yet.
        """
        there, known = {each.id: each for each in channels}, set(self.sessions)
        for each in there.values():
            if not each.is_own:
                self._know(each, at)
        for id_, since in fallbacks.items():
            if session := self.sessions.get(there[id_].linkedid):
                self._pending += session.stood_in(id_, since)
        for gate in gates:
            if session := self._know(gate.channel, at):
                session.gate_recalled(gate)
        self._wiring.rebridge(bridges)
        self._meet_again(known, at)
        commands = self._strays(there, bridges)
        # Keys of calls that have ended count before their end, those of calls that go on after all is known.
        ended = self._ended(set(there), at, keys_known=keys is not None)
        commands += self._recall(keys or (), at, ended)
        commands += self._gone([line for line in self._wiring.lines.values() if line.id not in there], at)
        for session in list(self.sessions.values()):
            commands += session.connected(self._wiring.talking(session.lines.values()), at, seen=False)
            commands += [*session.compared(set(there), at), *session.help.compared(there.values())]
        return self._with_pending([*commands, *self._recall(keys or (), at)])

    def _meet_again(self, known: Collection[str], at: datetime) -> None:
        """Those who talk with one another are in one call; what was not known before gets no row for that."""
        for line in list(self._wiring.lines.values()):
            self._merge(self._wiring.reach(line), at)
        self._pending = [
            each for each in self._pending if each.session in known or not isinstance(each, SaveCall)
        ]

    def let_through(self, event: ev.GateEntered) -> list[Command]:
        """When nothing better is known, a call at the gate goes on."""
        return [LetThrough(event.channel.linkedid, event.channel.id)]

    # --- events

    def _bridged(self, event: ev.EnteredBridge | ev.LeftBridge) -> list[Command]:
        session = self._know(event.channel, event.at)
        self._wiring.bridged(event)
        return self._connected(event.channel.id, session, event.at)

    def _connected(self, channel: str, session: Session | None, at: datetime) -> list[Command]:
        """Others hear this channel than before."""
        heard = self._wiring.reach(self._wiring.lines[channel])
        session = self._merge(heard, at) or session
        return session.connected(self._wiring.talking(session.lines.values()), at) if session else []

    def _said(self, event: ev.DialplanSaid) -> list[Command]:
        session, said = self._know(event.channel, event.at), event.fields
        if session is None:
            return []
        if since := ev.epoch(said.get("Fallback", "")):
            return session.stood_in(event.channel.id, since)
        if said.get("Announce"):
            session.announced(said.get("Prompt", ""), event.at, event.channel.id, status=said.get("Status"))
        elif said.get("Key"):
            by = said.get("By") or event.channel.name
            id_ = said.get("Id") or f"{event.channel.id}-{event.at:%s.%f}"
            # The dialplan's own time, which stands in the PBX's database too: the alert is named by it.
            at = ev.epoch(id_.rpartition("-")[2])
            known = at if at and abs(at - event.at) < CLOCKS_AGREE else event.at
            noted = ev.KeyNoted(id_, said["Key"], event.channel.linkedid, by, known)
            return self.key_pressed(noted, event.at)
        return []

    def key_pressed(self, key: ev.KeyNoted, now: datetime | None = None) -> list[Command]:
        """A key of staff. From anybody else the same digits mean nothing.

        Who pressed is told by name: the channel that tells can be half of a Local pair. `now` is when
        it was heard of, where that is not when it was pressed.
        """
        line, session = self._wiring.named(key.by), self._session_of_key(key)
        endpoint = ev.endpoint_of(key.by)
        if not session or key.key not in set(Key) or not self.world.office.is_staff(endpoint):
            return []
        if key.id in self._pressed:
            return []
        self._pressed.append(key.id)
        return session.pressed(Key(key.key), key.id, line.id if line else "", endpoint, key.at, now or key.at)

    def recall(self, keys: Iterable[ev.KeyNoted], now: datetime) -> list[Command]:
        """Keys that may have been pressed while callrec was away, the oldest first: all there are."""
        commands = self._recall(keys, now)
        for session in self.sessions.values():
            session.keys_unknown = False
        return commands

    def _recall(
        self, keys: Iterable[ev.KeyNoted], now: datetime, among: set[str] | None = None
    ) -> list[Command]:
        """A pause is on or off, and who pressed heard nothing of it: that one comes too late."""
        found = [(key, self._session_of_key(key)) for key in keys if key.key != Key.PAUSE]
        return [
            command
            for key, session in found
            if session
            and (among is None or session.key in among)
            and not is_outdated(key.key, key.at, session.call.keys)
            for command in self.key_pressed(key, now)
        ]

    def _session_of_key(self, key: ev.KeyNoted) -> Session | None:
        line = self._wiring.named(key.by)
        found = self.sessions.get(line.key if line else key.linkedid)
        return found or next((each for each in self.sessions.values() if each.had(key)), None)

    def _dialled(self, event: ev.Dialled) -> None:
        """Dial() tells of channels that may be gone already: only those that are known count."""
        line = self._wiring.lines.get((event.caller or event.peer).id)
        session = self.sessions.get(line.key) if line else None
        if session:
            session.dialled(event)

    def _about_media(self, event: ev.Event) -> list[Command]:
        def tell(session: Session) -> list[Command]:
            match event:
                case ev.RecordingStarted():
                    return session.recording_started(event.name, event.at)
                case ev.RecordingFinished():
                    return session.recording_ended(event.name, event.at)
                case ev.RecordingFailed():
                    return session.recording_ended(event.name, event.at, event.cause)
                case ev.PlaybackStarted():
                    session.playback_started(event.id, event.at)
                case ev.PlaybackFinished():
                    return session.playback_finished(event.id, event.at, failed=event.failed)
            return []

        return self._each(tell)

    # --- channels and calls

    def _know(self, channel: ev.Channel, at: datetime) -> Session | None:
        """Makes a channel known; returns its call. Local channels carry no voice and begin no call."""
        session = self._session_of(channel)
        line = self._wiring.lines.get(channel.id)
        if line is None:
            line = self._wiring.lines[channel.id] = Line(channel, self._extension(channel), channel.linkedid)
        if line.channel.name != channel.name:  # a call that was picked up: another phone has the channel
            line.extension = self._extension(channel)
        line.channel = channel
        if session and channel.technology != LOCAL:
            self._move(line, session, at)
        return session

    def _session_of(self, channel: ev.Channel) -> Session | None:
        """The call of its linked id, begun if need be; while that does not change, the call it is in."""
        line = self._wiring.lines.get(channel.id)
        now = self.sessions.get(line.key) if line else None
        if line and now and line.channel.linkedid == channel.linkedid:
            return now
        key = channel.linkedid
        while key in self._went_into:
            key = self._went_into[key]
        told = self.sessions.get(key)
        if now:
            return self._one_of([now, told]) if told else now
        if not told and channel.technology != LOCAL:
            told = self.sessions[key] = self._new_session(channel)
        return told

    def _one_of(self, sessions: Collection[Session]) -> Session:
        """Calls that become one. That of somebody outside goes on, and its recording, else the oldest."""
        first = min(sessions, key=_precedence)
        self._went_into.pop(first.key, None)
        lost = {each.key for each in sessions if each is not first}
        self._went_into = {key: first.key if into in lost else into for key, into in self._went_into.items()}
        self._went_into |= dict.fromkeys(lost, first.key)
        return first

    def _move(self, line: Line, session: Session, at: datetime) -> None:
        """A channel belongs to the call its linked id says, also when that changes (transfers)."""
        before, line.key = self.sessions.get(line.key), session.key
        if before and before is not session:
            self._pending += before.abandoned(line, session.call, at)
        session.joined(line)

    def _merge(self, members: Iterable[str], at: datetime) -> Session | None:
        """The one call of those who talk with one another, when that is told of one of them.

        Asterisk gives them all the linked id of the oldest, but tells it with their next events only, and
        not at all in a conference.
        """
        lines = [self._wiring.lines[id_] for id_ in members if id_ in self._wiring.lines]
        sessions = {line.key: self.sessions[line.key] for line in lines if line.key in self.sessions}
        if len(sessions) < 2:
            return None
        one = self._one_of(sessions.values())
        for line in lines:
            self._move(line, one, at)
        return one

    def _new_session(self, channel: ev.Channel) -> Session:
        call = CallRecord(
            id=self.world.new_id(),
            pbx=self.world.pbx,
            linkedid=channel.linkedid,
            direction=None,
            facility=None,
            extension=None,
            number=None,
            dialled=channel.exten or None,
            started_at=channel.created_at,
        )
        return Session(channel.linkedid, call, self.world)

    def _extension(self, channel: ev.Channel) -> str | None:
        return channel.endpoint if self.world.office.is_staff(channel.endpoint) else None

    def _drop(self, line: Line, at: datetime) -> list[Command]:
        self._wiring.drop(line)
        session = self.sessions.get(line.key)
        return session.left(line, at) if session and line.id in session.lines else []

    def _gone(self, lines: list[Line], at: datetime) -> list[Command]:
        """Channels that went while nobody watched."""
        return [command for line in lines for command in self._drop(line, at)]

    def _ended(self, there: set[str], at: datetime, *, keys_known: bool) -> set[str]:
        """The calls of which no channel is left, nor was seen to go."""
        ended = {
            key: each
            for key, each in self.sessions.items()
            if not each.is_over and not each.lines.keys() & there
        }
        for session in ended.values():
            session.missed_the_end(there, at, keys_known=keys_known)
        return set(ended)

    def _strays(self, there: Iterable[str], bridges: Iterable[str]) -> list[Command]:
        """Channels and bridges of ours that no call knows of: left behind, they would listen for ever."""
        known = {snoop for session in self.sessions.values() for snoop in session.snoops}
        used = {session.help.bridge for session in self.sessions.values()}
        strays = [id_ for id_ in there if ev.is_snoop(id_) and id_ not in known]
        unused = [id_ for id_ in bridges if ev.is_snoop(id_) and id_ not in used]
        return [*(HangUp(id_, id_) for id_ in strays), *(DestroyBridge(id_, id_) for id_ in unused)]

    def _each(self, tell: Callable[[Session], list[Command]]) -> list[Command]:
        return [command for session in list(self.sessions.values()) for command in tell(session)]

    def _with_pending(self, commands: list[Command]) -> list[Command]:
        """Adds what ended calls still want done while another call's event was looked at."""
        pending, self._pending = self._pending, []
        return commands + pending

    def _forget(self) -> None:
        for key in [key for key, session in self.sessions.items() if session.is_settled]:
            del self.sessions[key]
        self._went_into = {key: into for key, into in self._went_into.items() if into in self.sessions}


def _precedence(session: Session) -> tuple[bool, bool, datetime]:
    """The least goes on, when calls become one."""
    somebody_outside = any(not line.extension for line in session.lines.values())
    return not somebody_outside, session.call.answered_at is None, session.call.started_at
