"""Talks to Asterisk's Manager Interface, for what ARI cannot do: AstDB, configuration, a call to a phone.

pyst2 has no timeouts and does not look at what it sends. Here a session is short, every step has a deadline,
and a value with a line break (it would be a second command) is refused (decision 8).
"""

from __future__ import annotations

import secrets
import socket
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeout
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import cached_property
from types import TracebackType
from typing import Any, TypeVar

from asterisk.manager import Manager, ManagerAuthException, ManagerException

from callrec.errors import CallrecError, PbxUnreachable, WrongUsage
from callrec.pbx.events import OWN_PREFIX, Channel
from callrec.settings import PbxSettings

T = TypeVar("T")
PROBE = "callrec-probe"
"""The context of the dialplan, and the family in AstDB, by which it tells what it can read."""
NO_CDR = "CDR_PROP(disable)"
"""The function of the dialplan that keeps a channel out of the PBX's call detail records."""


class _Manager(Manager):  # type: ignore[misc]
    def __del__(self) -> None:
        """Does nothing: pyst2 would log off here, from whatever thread collects garbage."""


class AmiRefused(CallrecError):
    """The PBX answered an AMI action with an error."""


class Ami:
    """One short AMI session. A context manager: logs in, and out again.

    Every method raises PbxUnreachable when a step takes longer than `pbx.timeout`, AmiRefused when the PBX
    says no, and WrongUsage for a value with a line break.
    """

    def __init__(self, settings: PbxSettings) -> None:
        self._settings = settings
        self._events: list[Any] = []
        self._listed = threading.Event()
        self._manager: Any = None

    def __enter__(self) -> Ami:
        where = (self._settings.ami_host, self._settings.ami_port)
        self._probe(*where)
        self._manager = _Manager()
        self._manager.register_event("*", self._on_event)
        self._in_time(lambda: self._manager.connect(*where))
        try:
            self._in_time(
                lambda: self._manager.login(
                    self._settings.ami_user, self._settings.ami_password.get_secret_value()
                )
            )
        except ManagerAuthException as error:
            self._close()
            raise PbxUnreachable(
                "the PBX does not accept AMI user {user}: check pbx.ami_user and pbx.ami_password",
                user=self._settings.ami_user,
            ) from error
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._close()

    # --- AstDB

    def put(self, family: str, key: str, value: str) -> None:
        """Writes a value into AstDB."""
        self._action("DBPut", Family=family, Key=key, Val=value)

    def delete(self, family: str, key: str) -> None:
        """Removes a key from AstDB."""
        self._action("DBDel", Family=family, Key=key)

    def tree(self, family: str) -> dict[str, str]:
        """Returns all keys of a family in AstDB, without its name, and their values."""
        events = self._list("DBGetTree", "DBGetTreeResponse", "DBGetTreeComplete", Family=family)
        prefix = f"/{family}/"
        return {event.headers["Key"].removeprefix(prefix): event.headers["Val"] for event in events}

    # --- the rest

    def endpoints(self) -> set[str]:
        """Returns the names of the SIP endpoints the PBX has."""
        return {each["ObjectName"] for each in self._endpoints()}

    def trunks(self) -> set[str]:
        """Returns the names of the SIP endpoints that do not log in at the PBX, or at which it logs in."""
        return {
            each["ObjectName"] for each in self._endpoints() if each["OutboundAuths"] or not each["Auths"]
        }

    def may(self) -> set[str]:
        """Returns the names of the actions this user is allowed."""
        return set(self._action("ListCommands").headers)

    def has_context(self, name: str) -> bool:
        """Returns whether the dialplan has a context of that name."""
        try:
            return bool(self._list("ShowDialPlan", "ListDialplan", "ShowDialPlanComplete", Context=name))
        except AmiRefused as refused:
            if "did not find context" in str(refused).lower():
                return False
            raise

    def applications(self) -> set[tuple[str, str]]:
        """Returns the applications of the dialplan, each as its context and its name."""
        events = self._list("ShowDialPlan", "ListDialplan", "ShowDialPlanComplete")
        steps = [event.headers for event in events if "Application" in event.headers]
        return {(step["Context"], step["Application"]) for step in steps}

    def channels(self) -> list[Channel]:
        """Returns all channels there are; when they were made is known to the second."""
        events = self._list("CoreShowChannels", "CoreShowChannel", "CoreShowChannelsComplete")
        return [_channel(event.headers) for event in events]

    def config(self, name: str) -> dict[str, list[tuple[str, str]]]:
        """Returns a configuration file as it lies on the PBX: its sections, and their settings in order."""
        headers: dict[str, str] = self._action("GetConfig", Filename=name).headers
        sections: dict[str, list[tuple[str, str]]] = {}
        names = {key.partition("-")[2]: text for key, text in headers.items() if key.startswith("Category-")}
        for number, section in sorted(names.items()):
            lines = sorted(key for key in headers if key.startswith(f"Line-{number}-"))
            settings = [headers[line].partition("=") for line in lines]
            sections.setdefault(section, []).extend((setting, value) for setting, _, value in settings)
        return sections

    def codecs(self, endpoint: str) -> tuple[str, ...]:
        """Returns the codecs that a SIP endpoint may use, the preferred one first."""
        events = self._list(
            "PJSIPShowEndpoint", "EndpointDetail", "EndpointDetailComplete", Endpoint=endpoint
        )
        allowed = [event.headers["Allow"].strip("()") for event in events]
        return tuple(name for each in allowed for name in each.split("|") if name)

    def reads(self, path: str) -> bool:
        """Returns whether the PBX itself can read a WAV. Its dialplan is asked, and nobody called."""
        probe = f"{OWN_PREFIX}probe-{secrets.token_hex(4)}"
        no_cdr = f",{NO_CDR}=1,CALLREC_PROBE_CDR=off" if self._has_cdr else ""
        self._action(
            "Originate",
            Channel=f"Local/s@{PROBE}",
            ChannelId=f"{probe}-1",
            OtherChannelId=f"{probe}-2",
            Variable=f"CALLREC_PROBE={probe},CALLREC_PROBED={path}{no_cdr}",
            Application="NoOp",
        )
        found = self.tree(PROBE).get(probe, "")
        self.delete(PROBE, probe)
        return found == "RIFF"

    @cached_property
    def _has_cdr(self) -> bool:
        """Whether the PBX may write call records; else it would log each use of the function."""
        try:
            self._action("ModuleCheck", Module="func_cdr.so")
        except AmiRefused:
            return False
        return True

    def stop_monitor(self, name: str, monitor: str) -> None:
        """Ends one MixMonitor of a channel, by the channel's name and the monitor's id.

        Nothing happens where that has ended already: an answer can get lost. Without an id AmiRefused is
        raised: the first one may be the office's own.
        """
        if not monitor:
            raise AmiRefused("the PBX records nothing of {channel} for callrec", channel=name)
        try:
            self._action("StopMixMonitor", Channel=name, MixMonitorID=monitor)
        except AmiRefused as refused:
            if "could not stop" not in str(refused).lower():
                raise

    def play_to(self, endpoint: str, sound: str, channel_id: str) -> None:
        """Rings a phone and plays a sound file (a path without its ending) to whoever answers."""
        no_cdr = {"Variable": f"{NO_CDR}=1"} if self._has_cdr else {}
        self._action(
            "Originate",
            Channel=f"PJSIP/{endpoint}",
            ChannelId=channel_id,
            Application="Playback",
            Data=sound,
            CallerID="callrec <callrec>",
            Async="true",
            **no_cdr,
        )

    # --- inside

    def _endpoints(self) -> list[dict[str, str]]:
        events = self._list("PJSIPShowEndpoints", "EndpointList", "EndpointListComplete")
        return [event.headers for event in events]

    def _action(self, action: str, **fields: str) -> Any:
        for name, value in fields.items():
            if any(sign in value for sign in "\r\n\0"):
                raise WrongUsage(
                    "{name} holds a line break, which the PBX would take for a command", name=name
                )
        message = self._in_time(lambda: self._manager.send_action({"Action": action, **fields}))
        if message.get_header("Response") == "Error":
            raise AmiRefused(
                "the PBX refused {action}: {problem}", action=action, problem=message.get_header("Message")
            )
        return message

    def _list(self, action: str, item: str, complete: str, **fields: str) -> Iterable[Any]:
        """Returns the events of an action that answers by a list; none where the PBX finds nothing."""
        self._events, self._complete = [], complete
        self._listed.clear()
        try:
            self._action(action, **fields)
        except AmiRefused as refused:
            if "not found" in str(refused).lower():
                return []
            raise
        if not self._listed.wait(self._settings.timeout):
            raise self._silent()
        return [event for event in self._events if event.name == item]

    def _on_event(self, event: Any, _manager: Any) -> None:
        self._events.append(event)
        if event.name == getattr(self, "_complete", None):
            self._listed.set()

    def _in_time(self, step: Callable[[], T]) -> T:
        """Returns the result of `step`, which may block for ever, or raises PbxUnreachable."""
        result: Future[T] = Future()

        def run() -> None:
            try:
                result.set_result(step())
            except Exception as error:
                result.set_exception(error)

        threading.Thread(target=run, name="ami", daemon=True).start()
        try:
            return result.result(self._settings.timeout)
        except FutureTimeout as error:
            raise self._silent() from error
        except ManagerAuthException:
            raise
        except ManagerException as error:
            raise self._silent() from error

    def _probe(self, host: str, port: int) -> None:
        """Raises PbxUnreachable when nobody listens there."""
        try:
            socket.create_connection((host, port), self._settings.timeout).close()
        except OSError as error:
            raise self._silent() from error

    def _silent(self) -> PbxUnreachable:
        return PbxUnreachable(
            "the PBX does not answer AMI at {host}:{port}: check pbx.ami_host, pbx.ami_port and manager.conf",
            host=self._settings.ami_host,
            port=self._settings.ami_port,
        )

    def _close(self) -> None:
        # Logging off is a courtesy; pyst2 may raise when the PBX was faster.
        with suppress(PbxUnreachable, ManagerException, OSError, ValueError):
            self._in_time(self._manager.close)


def _channel(headers: dict[str, str]) -> Channel:
    """Returns a channel as CoreShowChannels tells of it."""
    hours, minutes, seconds = (int(each) for each in headers["Duration"].split(":"))
    caller = headers["CallerIDNum"]
    return Channel(
        id=headers["Uniqueid"],
        name=headers["Channel"],
        state=headers["ChannelStateDesc"],
        caller="" if caller == "<unknown>" else caller,
        exten=headers["Exten"],
        linkedid=headers["Linkedid"],
        created_at=datetime.now(UTC) - timedelta(hours=hours, minutes=minutes, seconds=seconds),
    )
