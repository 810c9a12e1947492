"""Talks to Asterisk's Manager Interface, for what ARI cannot do: it lists AstDB and the dialplan, and ends a
MixMonitor. Its user may run nothing, and write nothing but variables of channels (decision 16).

A value with a line break is refused: it would be a second command (decision 8). How pyst2 is kept from
leaving threads behind is the matter of `ami_session` (decision 21).
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Collection, Iterable
from datetime import UTC, datetime, timedelta
from types import TracebackType
from typing import Any, TypeVar

from asterisk.manager import ManagerAuthException, ManagerException

from callrec.errors import CallrecError, PbxUnreachable, WrongUsage
from callrec.pbx.ami_session import AmiSession
from callrec.pbx.dialplan_listing import Listing, listing
from callrec.pbx.events import Channel
from callrec.settings import PbxSettings

T = TypeVar("T")
LIST_TIMES = 6
"""How many times as long as one answer a whole list may take: a large office has thousands of items."""
_FEATURE = re.compile(r"[\w-]+")


class AmiRefused(CallrecError):
    """The PBX answered an AMI action with an error."""


class Ami:
    """One use of AMI, by one thread. A context manager: takes a session, and gives it back.

    Every method raises PbxUnreachable when a step takes longer than `pbx.timeout` (a list: LIST_TIMES that),
    AmiRefused when the PBX says no, and WrongUsage for a value with a line break.
    """

    def __init__(self, settings: PbxSettings, sessions: AmiSessions | None = None) -> None:
        """Makes a use of the `sessions` that are shared; without them, of one that is opened and ended."""
        self._settings, self._sessions = settings, sessions
        self._session: AmiSession

    def __enter__(self) -> Ami:
        kept = self._sessions.take(self._settings.timeout) if self._sessions else None
        self._session = kept or self._opened()
        return self

    def _opened(self) -> AmiSession:
        to = self._settings
        try:
            session = AmiSession(to.ami_host, to.ami_port, to.timeout)
        except (ManagerException, OSError) as error:
            raise self._silent() from error
        try:
            session.log_in(to.ami_user, to.ami_password.get_secret_value(), to.timeout)
        except ManagerAuthException as error:
            session.end()
            raise PbxUnreachable(
                "the PBX does not accept AMI user {user}: check pbx.ami_user and pbx.ami_password, and with "
                "callrec pbx install whether an Apply or an upgrade has taken callrec's lines away",
                user=to.ami_user,
            ) from error
        except ManagerException as error:
            session.end()
            raise self._silent() from error
        return session

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._sessions:
            self._sessions.give(self._session)
        else:
            self._session.end()

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

    def listing(self) -> Listing:
        """Returns the whole dialplan."""
        events = self._list("ShowDialPlan", "ListDialplan", "ShowDialPlanComplete")
        return listing(event.headers for event in events)

    def applications(self) -> set[tuple[str, str, str]]:
        """Returns the applications of the dialplan, each as its context, its name, and what it is given."""
        return {(step.context, step.application, step.data) for step in self.listing().steps}

    def contexts(self, endpoints: Iterable[str]) -> dict[str, str]:
        """Returns the contexts in which calls of SIP endpoints come in, by the endpoint."""
        found = {each: self._of(each, "context") for each in endpoints}
        return {each: context for each, context in found.items() if context}

    def features(self) -> set[str]:
        """Returns the names of the features that the dialplan gives to calls by DYNAMIC_FEATURES."""
        said = [step.data for step in self.listing().steps]
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
        """Ends one MixMonitor of a channel, by the channel's name or id and the monitor's id.

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

    def mute_monitor(self, channel_id: str, monitor: str, direction: str, *, on: bool) -> None:
        """Has one MixMonitor of a channel write silence, or sound again, for what the channel says (`read`)
        or hears (`write`). Without an id AmiRefused is raised."""
        if not monitor:
            raise AmiRefused("the PBX records nothing of {channel} for callrec", channel=channel_id)
        of = {"Channel": channel_id, "MixMonitorID": monitor}
        self._action("MixMonitorMute", **of, Direction=direction, State=str(int(on)))

    def set_variable(self, channel_id: str, name: str, value: str) -> None:
        """Sets a variable of a channel, which is told by its id or its name."""
        self._action("Setvar", Channel=channel_id, Variable=name, Value=value)

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
        message = self._in_time(lambda: self._session.ask(action, fields, self._settings.timeout))
        if message.get_header("Response") == "Error":
            raise AmiRefused(
                "the PBX refused {action}: {problem}", action=action, problem=message.get_header("Message")
            )
        return message

    def _list(self, action: str, item: str, complete: str, **fields: str) -> Iterable[Any]:
        """Returns the events of an action that answers by a list; none where the PBX finds nothing."""
        try:
            self._action(action, **fields)
        except AmiRefused as refused:
            if "not found" in str(refused).lower():
                return []
            raise
        seconds = LIST_TIMES * self._settings.timeout
        events = self._in_time(lambda: self._session.rest_of_list(complete, seconds))
        return [event for event in events if event.name == item]

    def _in_time(self, exchange: Callable[[], T]) -> T:
        """Returns what an exchange brings. Raises PbxUnreachable where it does not come to its end."""
        try:
            return exchange()
        except ManagerException as error:
            raise self._silent() from error

    def _silent(self) -> PbxUnreachable:
        return PbxUnreachable(
            "the PBX does not answer AMI at {host}:{port}: check pbx.ami_host, pbx.ami_port and manager.conf",
            host=self._settings.ami_host,
            port=self._settings.ami_port,
        )


class AmiSessions:
    """Keeps one session that is logged in for whoever needs AMI next. Several threads may use it; to be
    closed. A second thread, meanwhile, opens one of its own."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._idle: AmiSession | None = None
        self._closed = False

    def take(self, seconds: float) -> AmiSession | None:
        """Returns the session that was kept, if the PBX still answers there within so many seconds."""
        with self._lock:
            kept, self._idle = self._idle, None
        if kept is None or kept.answers(seconds):
            return kept
        kept.end()
        return None

    def give(self, session: AmiSession) -> None:
        """Takes a session back: it is kept, or ended where another one is, or where something went wrong."""
        with self._lock:
            if session.is_clean and self._idle is None and not self._closed:
                self._idle = session
                return
        session.end()

    def close(self) -> None:
        """Ends the session that is kept, and from now on every one that comes back."""
        with self._lock:
            kept, self._idle, self._closed = self._idle, None, True
        if kept:
            kept.end()


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
