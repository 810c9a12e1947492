"""The phones of the benchmarks act as phones do, also where the PBX is late."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from bench.phones.exchange import Exchange
from bench.phones.media import Media
from bench.phones.messages import Message, offer
from bench.phones.wire import Wire

SECONDS = 10.0


@pytest.fixture
def pbx() -> Iterator[socket.socket]:
    """Where the messages of the phones arrive."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as there:
        there.bind(("127.0.0.1", 0))
        there.settimeout(SECONDS)
        yield there


@pytest.fixture
def exchange(pbx: socket.socket) -> Iterator[Exchange]:
    wire = Wire(pbx.getsockname()[1])
    with wire.socket:
        yield Exchange(wire, Media(), {"line": "secret"}, "line")


def _next(pbx: socket.socket, method: str) -> Message:
    """Returns the next message of a method."""
    while True:
        message = Message.parse(pbx.recv(65536))
        if message.start.startswith(method):
            return message


def test_a_call_that_was_hung_up_is_ended_when_it_is_answered_late(
    pbx: socket.socket, exchange: Exchange
) -> None:
    call = exchange.dial("2101", {"external": "silence", "staff": "silence"}, 0.0, 0.0)
    exchange._wire.due()
    invite = _next(pbx, "INVITE")
    exchange.hang_up(call, "external", 0.0)
    exchange._wire.due()
    first = _next(pbx, "BYE")
    exchange.receive(invite.answer(200, "pbx", "<sip:2101@127.0.0.1>", offer(20000)))
    assert _next(pbx, "ACK").header("call-id") == invite.header("call-id")
    again = _next(pbx, "BYE")
    assert int(again.header("cseq").split()[0]) == int(first.header("cseq").split()[0]) + 1
    assert not exchange.calls[call].times.answered
