"""Ports that are chosen for servers: nobody else is given them before the server listens."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from callrec.demo import ports
from callrec.demo.pbx import PbxPorts
from callrec.demo.ports import free_port, keep
from callrec.errors import DemoFailed

MANY = 300
CHOOSING = f"""
from callrec.demo.ports import free_port
print(*(free_port(higher=10_000) for _ in range({MANY})), flush=True)
input()
"""


def test_processes_that_choose_at_the_same_time_are_given_different_ports() -> None:
    command = [sys.executable, "-c", CHOOSING]
    others = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(3)
    ]
    own = [free_port(higher=10_000) for _ in range(MANY)]
    said = [other.stdout.readline() for other in others if other.stdout]
    for other in others:
        other.communicate("\n")
    chosen = [int(word) for word in " ".join(said).split()]
    assert len(chosen) == 3 * MANY
    assert len({*own, *chosen}) == 4 * MANY


def test_the_kernel_gives_no_chosen_port_to_a_connection_that_goes_out() -> None:
    first = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    assert max(free_port(higher=10_000) for _ in range(MANY)) + 10_000 < first


@pytest.mark.parametrize("kind", [socket.SOCK_STREAM, socket.SOCK_DGRAM])
def test_a_port_that_is_bound_is_not_kept(kind: socket.SocketKind) -> None:
    with socket.socket(socket.AF_INET, kind) as taken:
        taken.bind(("127.0.0.1", 0))
        if kind == socket.SOCK_STREAM:
            taken.listen()
        port = taken.getsockname()[1]
        assert not keep(port, kind)
        assert not keep(port, kind)
    assert keep(port, kind)


def test_a_port_is_kept_with_the_higher_one_or_not_at_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ports, "FIRST", port := free_port())
    monkeypatch.setattr(ports, "LAST", port)
    os.close(ports._kept.pop(port))
    assert keep(port + 10_000)
    with pytest.raises(DemoFailed, match="is free between"):
        free_port(higher=10_000)
    assert free_port() == port
    with pytest.raises(DemoFailed):
        free_port()


def test_a_second_pbx_takes_other_ports_than_the_usual_ones_before_the_first_listens() -> None:
    first, second = PbxPorts.usual_or_free(), PbxPorts.usual_or_free()
    assert {first.sip, first.http, first.ami}.isdisjoint({second.sip, second.http, second.ami})
