"""What is asked of Asterisk over ARI, where it cannot answer as usual."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest

from callrec.pbx import ari
from callrec.pbx.ami import _channel
from callrec.pbx.ari import REMEMBERED, Ari
from callrec.pbx.events import Channel
from callrec.pbx.transport import AriRefused, AriTransport, TakenOver
from callrec.recording.segment import SIDES
from callrec.settings import PbxSettings

TOLD = {
    "Uniqueid": "demo-1.62",
    "Channel": "PJSIP/2101-00000018",
    "ChannelStateDesc": "Up",
    "CallerIDNum": "<unknown>",
    "Exten": "031199",
    "Linkedid": "demo-1.62",
    "Duration": "00:00:02",
}


class _Told:
    """A session of AMI that tells of one channel."""

    def __init__(self, settings: PbxSettings) -> None: ...
    def __enter__(self) -> _Told:
        return self

    def __exit__(self, *_: object) -> None: ...
    def channels(self) -> list[Channel]:
        return [_channel(TOLD)]


@pytest.mark.parametrize("status", [500, 503])
def test_a_channel_that_json_cannot_say_hinders_no_list(monkeypatch: pytest.MonkeyPatch, status: int) -> None:
    def refused(*_: Any, **__: Any) -> Any:
        raise AriRefused(status, "GET /channels", "Allocation failed")

    pbx = Ari(PbxSettings())
    monkeypatch.setattr(pbx, "_call", refused)
    monkeypatch.setattr(ari, "Ami", _Told)
    if status != 500:
        with pytest.raises(AriRefused):
            pbx.channels()
        return
    (found,) = pbx.channels()
    assert (found.id, found.name, found.caller, found.exten) == (
        "demo-1.62",
        "PJSIP/2101-00000018",
        "",
        "031199",
    )
    assert 0 < (datetime.now(UTC) - found.created_at).total_seconds() < 60


class _Pbx:
    """What is asked of a PBX that lets nobody touch a snoop before it has started."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.started = False

    def call(self, resource: str, operation: str, /, **parameters: Any) -> Any:
        if operation == "setChannelVar" and not self.started:
            raise AriRefused(409, f"POST /{resource}", "Channel not in Stasis application")
        self.asked.append(operation)
        return {"value": "slin"} if operation == "getChannelVar" else None


USES: dict[str, Callable[[Ari], None]] = {
    "record": lambda pbx: pbx.record("callrec.x", "y"),
    "playWithId": lambda pbx: pbx.play("callrec.x", "callrec.x-0", ["sound:y"]),
    "addChannel": lambda pbx: pbx.add_to_bridge("callrec.b", "callrec.x"),
}


@pytest.mark.parametrize("writes_records", [True, False])
@pytest.mark.parametrize("use", USES)
def test_a_snoop_that_starts_late_leaves_no_row_of_its_own(
    monkeypatch: pytest.MonkeyPatch, use: str, writes_records: bool
) -> None:
    there = _Pbx()
    pbx = Ari(PbxSettings())
    monkeypatch.setattr(pbx, "_call", there.call)
    monkeypatch.setattr(pbx, "_cdr", writes_records)
    pbx.snoop("1.1", "callrec.x", spy="in")
    there.started = True
    USES[use](pbx)
    assert there.asked.count("setChannelVar") == writes_records
    used = there.asked.index(use)
    assert ("setChannelVar" in there.asked[:used]) is writes_records, "one that is busy answers seconds later"


@pytest.mark.parametrize(("told", "format"), [("slin", "wav"), ("slin16", "wav16")])
def test_both_snoops_of_a_call_are_recorded_at_the_rate_that_one_tells(
    monkeypatch: pytest.MonkeyPatch, told: str, format: str
) -> None:
    asked: list[str] = []
    recorded: dict[str, str] = {}

    def call(resource: str, operation: str, /, **parameters: Any) -> Any:
        if operation == "record":
            recorded[parameters["channelId"]] = parameters["format"]
        if operation == "getChannelVar":
            asked.append(parameters["channelId"])
        return {"value": told}

    pbx = Ari(PbxSettings())
    monkeypatch.setattr(pbx, "_call", call)
    monkeypatch.setattr(pbx, "_cdr", False)
    snoops = [f"callrec.{call}-{number}-{side}" for call in "ab" for number in (1, 2) for side in SIDES]
    for snoop in snoops:
        pbx.record(snoop, "x")
    assert asked == snoops[::2], "calls, and segments after a transfer, are asked anew"
    assert recorded == dict.fromkeys(snoops, format)


def test_of_calls_of_which_only_one_side_was_recorded_not_all_are_remembered(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pbx = Ari(PbxSettings())
    monkeypatch.setattr(pbx, "_call", lambda *_, **__: {"value": "slin"})
    monkeypatch.setattr(pbx, "_cdr", False)
    for number in range(REMEMBERED + 10):
        pbx.record(f"callrec.{number}-1-external", "x")
    assert len(pbx._wide) == REMEMBERED


def test_two_doctors_may_look_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each makes channels of its own: the PBX refuses an id that it has."""
    made: set[str] = set()

    def call(resource: str, operation: str, /, **parameters: Any) -> Any:
        if operation == "create":
            new = {parameters["channelId"], parameters["otherChannelId"]}
            assert not made & new
            made.update(new)
            return SimpleNamespace(
                id=parameters["channelId"], json={"channelvars": {"CHANNEL(linkedid)": "1"}}
            )
        return None

    for pbx in (Ari(PbxSettings()), Ari(PbxSettings())):
        monkeypatch.setattr(pbx, "_call", call)
        monkeypatch.setattr(pbx, "_cdr", False)
        assert pbx.sends_linked_ids()
    assert len(made) == 4


def _taken_over() -> None:
    raise TakenOver("another callrec serve has taken this PBX over, on {machine}", machine="other")


def test_one_that_was_taken_over_from_is_not_linked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """It was cut off: each try would throw out the one that has taken over."""
    tries: list[str] = []

    def listen(_handle: object) -> None:
        tries.append("link")

    def look() -> None:
        if tries:
            _taken_over()

    pbx = Ari(PbxSettings())
    monkeypatch.setattr(pbx, "_listen", listen)
    pbx.obey(look, lambda: None)
    pbx.watch(lambda event: None, lambda: None, lambda: tries.append("lost"))
    assert tries == ["link", "lost"]


def test_it_gives_no_command_and_may_look(monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[str] = []

    def ask(_transport: object, _connection: object, method: str, *_: object) -> SimpleNamespace:
        sent.append(method)
        return SimpleNamespace(status=204, read=lambda: b"")

    monkeypatch.setattr(AriTransport, "_ask", ask)
    transport = AriTransport("callrec", "", 1.0)
    transport.before_command = _taken_over
    for method in ("POST", "PUT", "DELETE"):
        with pytest.raises(TakenOver, match="on other"):
            transport.request(method, "http://127.0.0.1:9/ari/channels")
    transport.request("GET", "http://127.0.0.1:9/ari/channels")
    assert sent == ["GET"]
