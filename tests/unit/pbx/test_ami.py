"""What AMI's answers mean where the PBX cannot tell, and what is left of a session with one that hangs."""

from __future__ import annotations

import socket
import threading
import time

import pytest

from callrec.errors import PbxUnreachable
from callrec.pbx.ami import Ami, AmiRefused
from callrec.settings import PbxSettings
from tests.dripping import dripping

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
    [b"", b"Asterisk Call Manager/11.0.0\r\n", b"Asterisk Call Manager/11.0.0\r\nResponse: Success\r\n"],
)
def test_a_session_with_a_pbx_that_hangs_leaves_nothing_behind(opening: bytes) -> None:
    """Neither a thread nor a connection, however far it has come: each try would leave four threads."""
    with dripping(opening) as port:
        for _ in range(3):
            with pytest.raises(PbxUnreachable, match="does not answer AMI"), Ami(_settings(port)):
                pass
        until = time.monotonic() + 30
        while (left := _threads()) and time.monotonic() < until:
            time.sleep(0.01)
        assert not left


def _settings(port: int) -> PbxSettings:
    return PbxSettings(ami_port=port, timeout=0.05)


def _threads() -> list[str]:
    """The threads of sessions that are not over."""
    names = ("ami", "message_loop", "_receive_data", "event_dispatch")
    return [each.name for each in threading.enumerate() if any(name in each.name for name in names)]


def test_nobody_who_listens_is_told_at_once() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    with pytest.raises(PbxUnreachable, match="does not answer AMI"), Ami(_settings(port)):
        pass
