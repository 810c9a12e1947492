"""Talks to Asterisk's Manager Interface, for what ARI cannot do: it lists AstDB and the dialplan, and ends a
MixMonitor. Its user may run nothing, and write nothing but variables of channels (decision 16).

pyst2 has no timeouts and does not look at what it sends. Here a session is short, every step has a deadline,
and a value with a line break (it would be a second command) is refused (decision 8).
"""

from __future__ import annotations

import re
import socket
import threading
from collections.abc import Callable, Collection, Iterable
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeout
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from types import TracebackType
from typing import Any, TypeVar

from asterisk.manager import Manager, ManagerAuthException, ManagerException, ManagerSocketException

from callrec.errors import CallrecError, PbxUnreachable, WrongUsage
from callrec.pbx.events import Channel
from callrec.settings import PbxSettings

T = TypeVar("T")
LIST_TIMES = 6
"""How many times as long as one answer a whole list may take: a large office has thousands of items."""
CUT_SECONDS = 1.0
"""How long what reads may need to notice that its connection is cut."""
_FEATURE = re.compile(r"[\w-]+")


class _Manager(Manager):  # type: ignore[misc]
    """A session of pyst2 on a connection that can be cut: its threads wait for ever for a PBX that hangs."""

    wire: socket.socket | None = None

    def connect(self, host: str, port: int, seconds: float) -> Any:
        """Does as pyst2's, but gives up after a time, and reaches hosts that have IPv6 alone."""
        try:
            self.wire = socket.create_connection((host, port), seconds)
        except OSError as error:
            raise ManagerSocketException(error.errno, error.strerror) from error
        self.wire.settimeout(None)
        self._sock = self.wire.makefile("rwb", buffering=0)
        self._connected.set()
        self._running.set()
        self.message_thread.start()
        self.event_dispatch_thread.start()
        return self._response_queue.get()

    def cut(self) -> None:
        """Ends the connection, and every thread that waits for it."""
        self._running.clear()
        self._connected.clear()
        for waited_for in (self._message_queue, self._event_queue, self._response_queue):
            waited_for.put(None)
        if self.wire:
            with suppress(OSError):  # the PBX may have ended it
                self.wire.shutdown(socket.SHUT_RDWR)
            with suppress(RuntimeError):  # it was not started
                self.message_thread.join(CUT_SECONDS)  # that which reads has ended with it
            self._sock.close()
            self.wire.close()

    def __del__(self) -> None:
        """Does nothing: pyst2 would log off here, from whatever thread collects garbage."""


class AmiRefused(CallrecError):
    """The PBX answered an AMI action with an error."""


class Ami:
    """One short AMI session. A context manager: logs in, and out again.

    Every method raises PbxUnreachable when a step takes longer than `pbx.timeout` (a list: LIST_TIMES that),
    AmiRefused when the PBX says no, and WrongUsage for a value with a line break.
    """

    def __init__(self, settings: PbxSettings) -> None:
        self._settings = settings
        self._events: list[Any] = []
        self._listed = threading.Event()
        self._manager: Any = None

    def __enter__(self) -> Ami:
        self._manager = _Manager()
        self._manager.register_event("*", self._on_event)
        try:
            self._log_in()
        except BaseException:
            self._manager.cut()
            raise
        return self

    def _log_in(self) -> None:
        to = self._settings
        self._in_time(lambda: self._manager.connect(to.ami_host, to.ami_port, to.timeout))
        try:
            self._in_time(lambda: self._manager.login(to.ami_user, to.ami_password.get_secret_value()))
        except ManagerAuthException as error:
            raise PbxUnreachable(
                "the PBX does not accept AMI user {user}: check pbx.ami_user and pbx.ami_password",
                user=to.ami_user,
            ) from error

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if not isinstance(error, PbxUnreachable):
            # Logging off is a courtesy; pyst2 may raise when the PBX was faster.
            with suppress(PbxUnreachable, ManagerException, OSError, ValueError):
                self._in_time(self._manager.close)
        self._manager.cut()

    # --- what the PBX has

    def tree(self, family: str, key: str = "") -> dict[str, str]:
        """Returns all keys of a family in AstDB, without its name, and their values; or those below `key`."""
        below = {"Key": key} if key else {}
        events = self._list("DBGetTree", "DBGetTreeResponse", "DBGetTreeComplete", Family=family, **below)
        prefix = f"/{family}/"
        return {event.headers["Key"].removeprefix(prefix): event.headers.get("Val", "") for event in events}

    def trunks(self, endpoints: Iterable[str]) -> set[str]:
        """Returns those of the SIP endpoints that do not log in at the PBX, or at which it logs in.

        Raises AmiRefused where the PBX can tell of none: all would seem to be trunks.
        """
        asked = list(endpoints)
        self._check_told(asked, (self._of(each, "allow") for each in asked))
        return {each for each in asked if self._of(each, "outbound_auth") or not self._of(each, "auth")}

    def codecs(self, endpoints: Iterable[str]) -> dict[str, tuple[str, ...]]:
        """Returns the codecs that SIP endpoints may use, the preferred one first.

        Endpoints that the PBX has no more are left out. Raises AmiRefused where it can tell of none.
        """
        asked = {each: self._of(each, "allow") for each in endpoints}
        self._check_told(asked, asked.values())
        return {each: tuple(told.strip("()").split("|")) for each, told in asked.items() if told}

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

    def applications(self) -> set[tuple[str, str, str]]:
        """Returns the applications of the dialplan, each as its context, its name, and what it is given."""
        events = self._list("ShowDialPlan", "ListDialplan", "ShowDialPlanComplete")
        steps = [event.headers for event in events if "Application" in event.headers]
        return {(step["Context"], step["Application"], step.get("AppData", "")) for step in steps}

    def features(self) -> set[str]:
        """Returns the names of the features that the dialplan gives to calls by DYNAMIC_FEATURES."""
        events = self._list("ShowDialPlan", "ListDialplan", "ShowDialPlanComplete")
        said = [event.headers.get("AppData", "") for event in events]
        lists = [each.partition("=")[2] for each in said if "DYNAMIC_FEATURES" in each.partition("=")[0]]
        return {name for each in lists for name in _FEATURE.findall(each)}

    def channels(self) -> list[Channel]:
        """Returns all channels there are; when they were made is known to the second."""
        events = self._list("CoreShowChannels", "CoreShowChannel", "CoreShowChannelsComplete")
        return [_channel(event.headers) for event in events]

    def value(self, function: str) -> str:
        """Returns what a function of the dialplan says; empty where the PBX has no such function."""
        return str(self._action("Getvar", Variable=function).headers.get("Value", ""))

    def setting(self, file: str, section: str, name: str) -> str:
        """Returns one setting of a configuration file as it lies on the PBX; empty where there is none."""
        return self.value(f"AST_CONFIG({file},{section},{name})")

    def caller_id(self, endpoint: str) -> str:
        """Returns what a SIP endpoint shows of itself, such as `"Counter" <2101>`; empty where it is gone."""
        return self._of(endpoint, "callerid")

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

    # --- inside

    def _of(self, endpoint: str, field: str) -> str:
        return self.value(f"PJSIP_ENDPOINT({endpoint},{field})")

    def _check_told(self, endpoints: Collection[str], told: Iterable[str]) -> None:
        """Raises AmiRefused where nothing is told of any of the endpoints: every one has codecs."""
        if endpoints and not any(told):
            raise AmiRefused("the PBX does not tell of its endpoints: load func_pjsip_endpoint.so")

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
        if not self._listed.wait(LIST_TIMES * self._settings.timeout):
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

    def _silent(self) -> PbxUnreachable:
        return PbxUnreachable(
            "the PBX does not answer AMI at {host}:{port}: check pbx.ami_host, pbx.ami_port and manager.conf",
            host=self._settings.ami_host,
            port=self._settings.ami_port,
        )


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
