"""Gives commands to Asterisk over its REST interface, and delivers its events. Only here ari-py is known.

ari-py reads Asterisk's own description of its operations; names of operations and parameters are those of
/ari/api-docs (decision 8). When a command is given, and what to do about a refusal, is the caller's matter.
"""

from __future__ import annotations

import json
import secrets
import threading
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import quote

import ari  # decision 8
import structlog

from callrec.backoff import Backoff
from callrec.errors import PbxUnreachable
from callrec.pbx.ami import Ami
from callrec.pbx.event_messages import KINDS, channel, parse, talkers
from callrec.pbx.events import OWN_PREFIX, Channel, Event
from callrec.pbx.transport import AriRefused, AriTransport, TakenOver
from callrec.settings import PbxSettings

log = structlog.get_logger()

LENGTH_WRAPS = 1 << 32
"""Asterisk tells the length of a file modulo this."""
RING_SECONDS = 60
TEST_SECONDS = 10
"""How long a test call may take until both of its halves are connected."""
GATE_CONTEXT = "callrec-gate"
GATE = f"Local/s@{GATE_CONTEXT}"
PLAY = "callrec-play"
"""The context of the dialplan that plays a sound to a phone."""
NO_CDR = "CDR_PROP(disable)"
"""The function of the dialplan that keeps a channel out of the PBX's call detail records."""
REMEMBERED = 1000
"""Of how many calls it is remembered whether they are wideband, at most."""
RUN_POLL_SECONDS = 0.005
"""How often is looked whether a few steps of the dialplan are done."""
BACKOFF = Backoff(0.2, 5.0)
"""Seconds until the link is made anew."""


class Ari:
    """Commands to one Asterisk, and its events. Safe to use from several threads.

    Commands raise PbxUnreachable when it does not answer in time or does not let us in, AriRefused when it
    says no.
    """

    def __init__(self, settings: PbxSettings, ca_file: Path | None = None) -> None:
        self._settings = settings
        self._base = settings.ari_url.rstrip("/")
        self._transport = AriTransport(
            settings.ari_user, settings.ari_password.get_secret_value(), settings.timeout, ca_file
        )
        self._stopping = threading.Event()
        self._api: Any = None
        self._api_lock = threading.Lock()
        self._cdr: bool | None = None
        self._wide: dict[str, bool] = {}
        """What a snoop has told of the call, until the other one of the same channel is recorded too."""
        self._transport.unreadable = lambda told, why: self.unreadable("?", told, why)
        self.unreadable: Callable[[str, str, str], None] = _log_unreadable
        """Called with each event that cannot be read: its kind, as it came, and why."""
        self._before_link: Callable[[], None] = lambda: None

    def obey(self, before_link: Callable[[], None], before_command: Callable[[], None]) -> None:
        """Asks from now on before each link, and before each command, whether they may be.

        What the callables raise keeps them from being: TakenOver also ends `watch`.
        """
        self._before_link, self._transport.before_command = before_link, before_command

    # --- events

    def watch(
        self,
        handle: Callable[[Event], None],
        connected: Callable[[], None],
        lost: Callable[[], None],
    ) -> None:
        """Gives every event to `handle` until `stop`; reconnects for ever, with backoff.

        `connected` is called each time the link is up, before any event of it: Asterisk replays
        nothing, so this is the moment to look at what there is. All three run on this thread.
        Returns also when another controller has taken the PBX over.
        """

        def opened() -> None:
            self._filter_events()
            self._cdr = None  # it may have other modules by now
            self._has_cdr()  # asked now, and not while a call waits for its first snoop
            connected()

        self._transport.on_connected = opened
        attempt = 0
        while not self._stopping.is_set():
            try:
                self._before_link()
                self._listen(handle)
                attempt = 0
            except TakenOver as error:
                log.error("this controller ends", problem=str(error))
                self._stopping.set()
            except (PbxUnreachable, AriRefused) as error:
                log.warning("no link to the PBX", problem=str(error))
            except Exception:
                log.exception("a bug: please report it; the link is made anew")
            if self._stopping.is_set():
                return
            lost()
            self._stopping.wait(BACKOFF.after(attempt))
            attempt += 1

    def stop(self) -> None:
        """Ends `watch`."""
        self._stopping.set()
        self.close()

    def close(self) -> None:
        """Closes the link and the connection of this thread; the next request makes one anew."""
        self._transport.close()

    def app_is_connected(self) -> bool:
        """Returns whether a program is connected under our application's name."""
        try:
            self._call("applications", "get", applicationName=self._settings.app)
        except AriRefused as error:
            if error.status == 404:
                return False
            raise
        return True

    def displace(self) -> None:
        """Connects under our application's name for a moment.

        A program that was connected is told that it was replaced, and ends.
        """
        self._connected_api().swagger.events.eventWebsocket(app=self._settings.app).close()

    # --- what there is

    def version(self) -> str:
        """Returns Asterisk's version, e.g. ``22.10.1``."""
        info: dict[str, Any] = self._call("asterisk", "getInfo")
        return str(info["system"]["version"])

    def channels(self) -> list[Channel]:
        """Returns all channels there are.

        While somebody has dialled what is not UTF-8, Asterisk cannot say it in JSON. AMI does.
        """
        try:
            return [channel(each.json) for each in self._call("channels", "list")]
        except AriRefused as error:
            if error.status != 500:
                raise
        with Ami(self._settings) as ami:
            return ami.channels()

    def bridges(self) -> dict[str, tuple[str, ...]]:
        """Returns the ids of all bridges, with those of the channels that talk in them."""
        return {each.id: talkers(each.json) for each in self._call("bridges", "list")}

    def variable(self, channel_id: str, name: str) -> str:
        """Returns a channel variable or function; empty when it is not set or there is no such channel."""
        with _gone_is_fine():
            return str(self._call("channels", "getChannelVar", channelId=channel_id, variable=name)["value"])
        return ""

    def global_variable(self, name: str) -> str:
        """Returns a global variable of the dialplan; empty when it is not set."""
        return str(self._call("asterisk", "getGlobalVar", variable=name)["value"])

    def endpoints(self) -> set[str]:
        """Returns the names of the SIP endpoints the PBX has, or had since it was started; none of a PBX
        without PJSIP."""
        with _gone_is_fine():
            return {each.json["resource"] for each in self._call("endpoints", "listByTech", tech="PJSIP")}
        return set()

    def endpoint_state(self, name: str) -> str | None:
        """Returns whether a SIP endpoint is online, offline or unknown; None when there is none."""
        with _gone_is_fine():
            return str(self._call("endpoints", "get", tech="PJSIP", resource=name).json["state"])
        return None

    def stored(self) -> list[str]:
        """Returns the names of all stored recordings. Slow on a PBX that keeps many others."""
        return [each.json["name"] for each in self._call("recordings", "listStored")]

    def modules(self) -> set[str]:
        """Returns the names of the modules that are running."""
        return {each["name"] for each in self._call("asterisk", "listModules") if each["status"] == "Running"}

    def sends_linked_ids(self) -> bool:
        """Returns whether channels carry their linked id.

        Makes a channel to see that and removes it again; nothing is dialled.
        """
        name = f"{OWN_PREFIX}doctor-{secrets.token_hex(4)}"  # another doctor may look at the same moment
        ids = {"channelId": f"{name}-1", "otherChannelId": f"{name}-2"}
        probe = self._call("channels", "create", endpoint=GATE, app=self._settings.app, **ids)
        for id_ in ids.values():
            self._keep_out_of_cdr(id_)
        with suppress(AriRefused):  # while no controller is connected, Asterisk ends it by itself
            self.hang_up(probe.id)
        return "CHANNEL(linkedid)" in (probe.json.get("channelvars") or {})

    # --- commands

    def resume(self, channel_id: str, extension: str = "") -> None:
        """Lets a channel at the gate go on in the dialplan, at an `extension` of the gate if one is given."""
        # The dialplan plays the announcement, not we, who may be gone while it plays (decision 2).
        there = {"context": GATE_CONTEXT, "extension": extension, "priority": 1} if extension else {}
        self._call("channels", "continueInDialplan", channelId=channel_id, **there)

    def set_variable(self, channel_id: str, name: str, value: str) -> None:
        self._call("channels", "setChannelVar", channelId=channel_id, variable=name, value=value)

    def snoop(self, channel_id: str, snoop_id: str, *, spy: str = "none", whisper: str = "none") -> None:
        """Makes a channel that listens to (`spy`) or speaks to (`whisper`) another: in, out, both or none.

        It can be used once the PBX tells that it has started.
        """
        self._call(
            "channels",
            "snoopChannelWithId",
            channelId=channel_id,
            snoopId=snoop_id,
            spy=spy,
            whisper=whisper,
            app=self._settings.app,
        )

    def record(self, snoop_id: str, name: str) -> None:
        """Records a snoop channel into a WAV, at 16 kHz when the call is wideband, else 8 kHz.

        A snoop channel has the rate of the channel it listens to. It is asked itself: asking a SIP
        channel can deadlock Asterisk while a transfer runs. Of two snoops of a channel the first is asked.
        """
        wide = self._is_wide(snoop_id)
        self._keep_out_of_cdr(snoop_id)
        self._call(
            "channels",
            "record",
            channelId=snoop_id,
            name=name,
            format="wav16" if wide else "wav",
            ifExists="fail",
            beep="false",
            terminateOn="none",
        )

    def play(self, channel_id: str, playback_id: str, media: list[str]) -> None:
        """Plays sounds, one after the other, to a channel of ours."""
        self._keep_out_of_cdr(channel_id)
        self._call("channels", "playWithId", channelId=channel_id, playbackId=playback_id, media=media)

    def mute(self, name: str) -> None:
        """Lets a recording under way write silence from now on; its clock goes on."""
        self._call("recordings", "mute", recordingName=name)  # decision 12

    def unmute(self, name: str) -> None:
        """Lets a recording that was muted hear again."""
        self._call("recordings", "unmute", recordingName=name)

    def hang_up(self, channel_id: str) -> None:
        """Ends a channel; nothing happens when there is none."""
        with _gone_is_fine():
            self._call("channels", "hangup", channelId=channel_id)

    def dial(self, channel_id: str, endpoint: str, caller: str) -> None:
        """Rings an endpoint, for RING_SECONDS at most. Once answered, it is a channel of ours."""
        self._call(
            "channels",
            "originateWithId",
            channelId=channel_id,
            endpoint=endpoint,
            callerId=caller,
            app=self._settings.app,
            appArgs="support-phone",
            timeout=RING_SECONDS,
            variables={"variables": {NO_CDR: "1"} if self._has_cdr() else {}},
        )

    def play_to(self, endpoint: str, sound: str, channel_id: str) -> None:
        """Rings a phone and plays a sound file (a path without its ending) to whoever answers."""
        self._call(
            "channels",
            "originateWithId",
            channelId=channel_id,
            endpoint=f"PJSIP/{endpoint}",
            callerId="callrec <callrec>",
            context=PLAY,
            extension="s",
            priority=1,
            timeout=RING_SECONDS,
            variables={"variables": {"CALLREC_SOUND": sound, **({NO_CDR: "1"} if self._has_cdr() else {})}},
        )

    def testcall(self, channel_id: str, facility: str) -> None:
        """Makes a call without a phone, by the dialplan's callrec-testcall: `channel_id` begins it, and is
        its linked id."""
        cdr = {NO_CDR: "1", "CALLREC_CDR": "off"} if self._has_cdr() else {}
        self._call(
            "channels",
            "originateWithId",
            channelId=channel_id,
            otherChannelId=f"{channel_id}-2",
            endpoint=f"Local/{facility}@callrec-testcall/n",
            context="callrec-testphone",
            extension="outside",
            priority=1,
            timeout=TEST_SECONDS,
            variables={"variables": cdr},
        )

    def run(self, place: str, variables: dict[str, str]) -> None:
        """Runs an extension of ours in the dialplan (``extension@context``) to its end, on a channel that
        nobody hears. `variables` reach it as they are.

        Raises PbxUnreachable where that takes longer than `pbx.timeout`.
        """
        id_ = OWN_PREFIX + secrets.token_hex(6)
        cdr = {NO_CDR: "1", "CALLREC_CDR": "off"} if self._has_cdr() else {}
        self._call(
            "channels",
            "originateWithId",
            channelId=f"{id_}-1",
            otherChannelId=f"{id_}-2",
            endpoint=f"Local/{place}",
            context=place.partition("@")[2],
            extension="done",
            priority=1,
            variables={"variables": {**variables, **cdr}},
        )
        self._wait_until_gone(f"{id_}-2")

    def create_bridge(self, bridge_id: str) -> None:
        """Makes a bridge in which channels of ours hear one another. It stays until it is destroyed."""
        self._call("bridges", "createWithId", bridgeId=bridge_id, type="mixing")

    def add_to_bridge(self, bridge_id: str, channel_id: str) -> None:
        """Puts a channel of ours into a bridge. Digits it sends are told, and not passed on."""
        self._keep_out_of_cdr(channel_id)
        self._call("bridges", "addChannel", bridgeId=bridge_id, channel=[channel_id], absorbDTMF=True)

    def destroy_bridge(self, bridge_id: str) -> None:
        """Removes a bridge; nothing happens when there is none."""
        with _gone_is_fine():
            self._call("bridges", "destroy", bridgeId=bridge_id)

    def delete_stored(self, name: str) -> None:
        """Deletes a stored recording; nothing happens when there is none.

        Of a PBX that has no folder for recordings that is not believed: AriRefused is raised.
        """
        try:
            self._call("recordings", "deleteStored", recordingName=name)
        except AriRefused as error:
            if error.status != 404:
                raise
            self.stored()

    def destroy(self, name: str) -> None:
        """Destroys a recording, also one that still runs. Raises PbxUnreachable unless it is gone."""
        with _gone_is_fine():
            self._call("recordings", "cancel", recordingName=name)
        self.delete_stored(name)
        if self.stored_size(name) is not None:
            raise PbxUnreachable("the PBX still has recording {name}: it will be destroyed again", name=name)

    def stored_size(self, name: str) -> int | None:
        """Returns the bytes of a stored recording's file, modulo 4 GiB; None when there is none."""
        with _gone_is_fine():
            return self._transport.size(self._file_of(name)) % LENGTH_WRAPS
        return None

    def fetch(self, name: str, target: Path, room_for: Callable[[int], None] = lambda size: None) -> int:
        """Streams a stored recording to `target`. Returns its bytes.

        `room_for` is asked before, with the bytes that are to come, and raises where there is no room. Raises
        PbxUnreachable when some are missing. Not through ari-py, which would decode the sound as JSON.
        """
        expected, chunks = self.stream(name)
        with closing(chunks), target.open("wb") as file:
            room_for(expected)
            file.writelines(chunks)
            written = file.tell()
        if (written - expected) % LENGTH_WRAPS:
            raise PbxUnreachable(
                "the PBX sent {written} of {expected} bytes of {name}: it will be asked again",
                written=written,
                expected=expected,
                name=name,
            )
        return written

    def stream(self, name: str) -> tuple[int, Generator[bytes]]:
        """Returns what Asterisk says of the length of a stored recording's file, and all of its bytes."""
        return self._transport.stream(self._file_of(name))

    # --- inside

    def _is_wide(self, snoop_id: str) -> bool:
        """Returns whether the call that a snoop listens to is wideband. `snoop_id` says what the other snoop
        of the same channel is called: what is before its side is the same."""
        both = snoop_id.rpartition("-")[0]
        if (known := self._wide.pop(both, None)) is not None:
            return known
        rate = self.variable(snoop_id, "CHANNEL(audioreadformat)")  # decision 3
        wide = rate not in ("slin", "")
        if rate:
            self._wide[both] = wide
        if len(self._wide) > REMEMBERED:
            self._wide.pop(next(iter(self._wide)), None)
        return wide

    def _file_of(self, name: str) -> str:
        """Returns the address of a stored recording's file."""
        return f"{self._base}/recordings/stored/{quote(name, safe='')}/file"

    def _wait_until_gone(self, channel_id: str) -> None:
        deadline = time.monotonic() + self._settings.timeout
        with _gone_is_fine():
            while True:
                self._call("channels", "get", channelId=channel_id)
                if time.monotonic() > deadline:
                    raise PbxUnreachable(
                        "the PBX did not run its dialplan within {seconds} s: is it overloaded?",
                        seconds=self._settings.timeout,
                    )
                time.sleep(RUN_POLL_SECONDS)

    def _keep_out_of_cdr(self, channel_id: str) -> None:
        """Lets a channel of ours make no row in the PBX's own records, which are the office's.

        Of a snoop that has not started the PBX refuses it, and one that records or plays answers only after
        five seconds: so it comes just before what a snoop is used for.
        """
        with suppress(AriRefused, PbxUnreachable):  # it is gone already, or matters more than a row
            if self._has_cdr():
                self.set_variable(channel_id, NO_CDR, "1")

    def _has_cdr(self) -> bool:
        """Returns whether the PBX may write such records; else it would log each use of the function."""
        if self._cdr is None:
            self._cdr = "func_cdr.so" in self.modules()
        return self._cdr

    def _listen(self, handle: Callable[[Event], None]) -> None:
        """Connects and gives every event to `handle`; returns when the link is lost or closed.

        Not by ari-py's `run`: it reads the JSON of each event once more, and ends the link for what is none.
        """
        api = self._connected_api()
        log.info("watching the PBX", url=self._base, app=self._settings.app)
        with closing(api.swagger.events.eventWebsocket(app=self._settings.app)) as link:
            for message in iter(link.recv, None):
                self._give(message, handle)

    def _give(self, message: dict[str, Any], handle: Callable[[Event], None]) -> None:
        try:
            event = parse(message)
        except Exception as error:  # whatever is wrong with it: the next one can be read
            why = f"{type(error).__name__} {error}"
            self.unreadable(str(message.get("type")), json.dumps(message, ensure_ascii=False), why)
            return
        if event is None:
            return
        try:
            handle(event)
        except Exception:  # the next one can be handled
            log.exception("a bug: please report it", kind=type(event).__name__)

    def _filter_events(self) -> None:
        allowed = {"allowed": [{"type": kind} for kind in KINDS]}
        self._call("applications", "filter", applicationName=self._settings.app, filter=allowed)

    def _connected_api(self) -> Any:
        with self._api_lock:
            if self._api is None:
                # ari-py appends "ari/api-docs/…" to the server's address.
                self._api = ari.Client(self._base.removesuffix("ari"), self._transport)
            return self._api

    def _call(self, resource: str, operation: str, /, **parameters: Any) -> Any:
        return getattr(getattr(self._connected_api(), resource), operation)(**parameters)


@contextmanager
def _gone_is_fine() -> Iterator[None]:
    """Passes over Asterisk's answer that there is no such thing (404)."""
    try:
        yield
    except AriRefused as error:
        if error.status != 404:
            raise


def _log_unreadable(kind: str, told: str, why: str) -> None:
    log.error("the PBX sent an event that cannot be read", kind=kind, problem=why)


def wait_for_app_to_go(pbx: Ari, seconds: float) -> bool:
    """Waits up to `seconds` until no program is connected under our name; returns whether none is."""
    deadline = time.monotonic() + seconds
    while pbx.app_is_connected():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.1)
    return True
