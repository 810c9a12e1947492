"""What AMI's answers mean where the PBX cannot tell, and what is left of a session with one that hangs."""

from __future__ import annotations

import gc
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callrec.demo.processes import wait_until
from callrec.errors import PbxUnreachable, WrongUsage
from callrec.pbx.ami import Ami, AmiRefused, AmiSessions
from callrec.pbx.ami_session import AmiSession, Message
from callrec.settings import PbxSettings
from tests.dripping import dripping
from tests.unit.ami_port import GREETING, ami_port, message, response

TOLD = {
    "PJSIP_ENDPOINT(2101,allow)": "(alaw|ulaw)",
    "PJSIP_ENDPOINT(2101,auth)": "2101",
    "PJSIP_ENDPOINT(trunk,allow)": "(alaw)",
    "PJSIP_ENDPOINT(carrier,allow)": "(alaw)",
    "PJSIP_ENDPOINT(carrier,auth)": "carrier",
    "PJSIP_ENDPOINT(carrier,outbound_auth)": "carrier",
}


def _ami(monkeypatch: pytest.MonkeyPatch, told: dict[str, str]) -> Ami:
    monkeypatch.setattr(Ami, "value", lambda self, function: told.get(function, ""))
    return Ami(PbxSettings())


def test_who_does_not_log_in_is_a_trunk(monkeypatch: pytest.MonkeyPatch) -> None:
    ami = _ami(monkeypatch, TOLD)
    assert ami.trunks(["2101", "trunk", "carrier"]) == {"trunk", "carrier"}
    assert ami.trunks([]) == set()


def test_a_pbx_without_the_function_has_not_trunks_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    ami = _ami(monkeypatch, {})
    with pytest.raises(AmiRefused, match=r"load func_pjsip_endpoint\.so"):
        ami.trunks(["2101", "trunk"])
    with pytest.raises(AmiRefused, match=r"load func_pjsip_endpoint\.so"):
        ami.codecs(["2101"])


@pytest.mark.parametrize(
    "opening",
    [b"", b"Asterisk Call Ma", b"Asterisk Call Manager/11.0.0\r\n", b"HTTP/1.1 200 OK\r\nServer: x\r\n\r\n"],
)
def test_a_session_with_a_pbx_that_hangs_leaves_nothing_behind(opening: bytes) -> None:
    """Neither a thread nor a connection, however far it has come: each try left four threads."""

    def ask(_: int) -> None:
        with (
            pytest.raises(PbxUnreachable, match="does not answer AMI"),
            Ami(_settings(silent.port)) as ami,
        ):
            ami.may()

    with ami_port(lambda asked: b"", opening) as silent:
        before = _left()
        with ThreadPoolExecutor(5) as side_by_side:  # each waits for its whole time
            list(side_by_side.map(ask, range(20)))
        assert _left() <= before + 2 * 20, "the port's own"
        silent.hang_up()
        wait_until(lambda: _left() <= before, 30, "the end of the port's own connections")


def test_200_sessions_leave_nothing_behind() -> None:
    with dripping() as port:
        threads = {each.name for each in threading.enumerate()}
        for _ in range(200):
            with pytest.raises(PbxUnreachable), Ami(PbxSettings(ami_port=port, timeout=0.001)):
                pass
        assert {each.name for each in threading.enumerate() if "ami" in each.name} <= threads
        assert not [each for each in gc.get_objects() if isinstance(each, AmiSession) and each.is_clean]


def test_a_server_that_drips_or_floods_is_given_up_in_time() -> None:
    begin = time.monotonic()
    with dripping(GREETING) as port, pytest.raises(PbxUnreachable), Ami(_settings(port)):
        pass
    noise = message(Event="Newexten") * 20_000
    with (
        ami_port(lambda asked: noise) as flood,
        pytest.raises(PbxUnreachable),
        Ami(_settings(flood.port)) as ami,
    ):
        while True:
            ami.may()
    assert time.monotonic() - begin < 10


def test_a_list_of_ten_thousand_among_events_of_others() -> None:
    def answer(asked: dict[str, str]) -> bytes:
        id_ = asked["ActionID"]
        items = b"".join(
            message(Event="Newexten", **{"ChanVariable(PJSIP/2101-1)": "a=b", "ActionID": "another"})
            + message(Event="DBGetTreeResponse", ActionID=id_, Key=f"/f/{number}", Val="x")
            for number in range(10_000)
        )
        return response(asked) + items + message(Event="DBGetTreeComplete", ActionID=id_)

    with ami_port(answer) as port, Ami(PbxSettings(ami_port=port.port)) as ami:
        assert ami.tree("f") == {str(number): "x" for number in range(10_000)}


def test_the_variables_of_a_channel_do_no_harm() -> None:
    """pyst2 died on them: dictionaries of Python 3 have no has_key."""
    lines = [
        "Event: Hold",
        "ChanVariable: a=1=2",
        "ChanVariable(PJSIP/1): b",
        "odd",
        "X: y",
    ]
    told = Message(lines)
    assert told.headers == {"Event": "Hold", "ChanVariable": {"a": "1=2", "b": ""}, "X": "y"}
    assert told.data == "odd"


def test_what_is_inside_a_value_replaces_nothing() -> None:
    def answer(asked: dict[str, str]) -> bytes:
        id_ = asked["ActionID"]
        forged = "x\nKey: /f/b\r\nKey: /f/c\r\n\r\nEvent: DBGetTreeComplete\r\nActionID: 1"
        return (
            response(asked)
            + message(Event="DBGetTreeResponse", ActionID=id_, Key="/f/a", Val=forged)
            + message(Event="DBGetTreeResponse", ActionID=id_, Key="/f/d", Val="y")
            + message(Event="DBGetTreeComplete", ActionID=id_)
        )

    with ami_port(answer) as port, Ami(PbxSettings(ami_port=port.port)) as ami:
        assert ami.tree("f") == {"a": "x\nKey: /f/b", "d": "y"}


@given(st.lists(st.text()))
def test_whatever_lines_come_there_is_a_message(lines: list[str]) -> None:
    assert Message(lines).headers


def test_one_session_serves_all_and_is_closed() -> None:
    with ami_port() as port:
        sessions = AmiSessions()
        for _ in range(20):
            with Ami(PbxSettings(ami_port=port.port), sessions) as ami:
                ami.may()
        assert port.opened == 1
        sessions.close()
        wait_until(lambda: port.asked[-1]["Action"] == "Logoff", 10, "the end of the session")


def test_two_at_once_do_not_wait_for_one_another() -> None:
    with ami_port() as port:
        settings = PbxSettings(ami_port=port.port)
        sessions = AmiSessions()
        with Ami(settings, sessions) as one, Ami(settings, sessions) as other:
            assert one.may() and other.may()
        assert port.opened == 2
        sessions.close()


def test_a_session_that_the_pbx_has_ended_is_made_anew() -> None:
    with ami_port() as port:
        settings = PbxSettings(ami_port=port.port)
        sessions = AmiSessions()
        for number in range(3):
            with Ami(settings, sessions) as ami:
                assert ami.may()
            assert port.opened == number + 1
            port.hang_up()
        sessions.close()


def test_a_session_that_went_wrong_is_not_used_again() -> None:
    """The answer that comes too late would be taken for that to the next question."""
    answers = iter([b"", b"late"])
    with ami_port(lambda asked: response(asked, late="") if next(answers) else b"") as port:
        settings = PbxSettings(ami_port=port.port, timeout=0.2)
        sessions = AmiSessions()
        with pytest.raises(PbxUnreachable), Ami(settings, sessions) as ami:
            ami.may()
        with Ami(settings, sessions) as ami:
            assert "late" in ami.may()
        assert port.opened == 2
        sessions.close()


def test_a_line_break_is_never_sent() -> None:
    with ami_port() as port, Ami(PbxSettings(ami_port=port.port)) as ami:
        for value in ("a\r\nAction: Originate", "a\nb", "a\0"):
            with pytest.raises(WrongUsage, match="line break"):
                ami.value(value)
        assert [each["Action"] for each in port.asked] == ["Login"]


def _settings(port: int) -> PbxSettings:
    return PbxSettings(ami_port=port, timeout=0.05)


def _left() -> int:
    """How many threads and descriptors this process has."""
    return threading.active_count() + len(list(Path("/proc/self/fd").iterdir()))


def test_nobody_who_listens_is_told_at_once() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    with pytest.raises(PbxUnreachable, match="does not answer AMI"), Ami(_settings(port)):
        pass
