"""callrec rule check: what there is to look at, and a PBX that does not answer or refuses."""

from __future__ import annotations

import json
import socketserver
import threading
from collections.abc import Iterator
from contextlib import suppress

import pytest

from callrec.demo.ports import free_port
from callrec.pbx.ari import Ari
from tests.unit.rule_program import FACILITY, Office, add


class _Refusing(socketserver.StreamRequestHandler):
    """A PBX that lets everyone in and allows nothing, in its own words on the wire."""

    def handle(self) -> None:
        with suppress(ConnectionError):  # the probe of a session hangs up at once
            self._answer()

    def _answer(self) -> None:
        self.wfile.write(b"Asterisk Call Manager/11.0.0\r\n")
        action = ""
        for line in self.rfile:
            text = line.decode().strip()
            if text.startswith("Action: "):
                action = text.removeprefix("Action: ")
            elif text.startswith("ActionID: "):
                id_ = text
            elif not text:
                allowed = action.lower() in ("login", "logoff")
                said = (
                    "Success\r\nMessage: Authentication accepted"
                    if allowed
                    else "Error\r\nMessage: Permission denied"
                )
                self.wfile.write(f"Response: {said}\r\n{id_}\r\n\r\n".encode())
                if action.lower() == "logoff":
                    return


@pytest.fixture
def refusing_ami(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), _Refusing) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        port = int(server.server_address[1])
        monkeypatch.setenv("CALLREC_PBX__AMI_HOST", "127.0.0.1")
        monkeypatch.setenv("CALLREC_PBX__AMI_PORT", str(port))
        monkeypatch.setattr(Ari, "endpoints", lambda self: {"2101"})
        yield port
        server.shutdown()


def test_check_tells_what_to_look_at(shiba: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CALLREC_PBX__AMI_PORT", str(free_port()))
    add(shiba, *FACILITY[2:])
    assert shiba("rule", "check", "--offline").code == 0
    add(shiba, "--everywhere", "--mode", "never")
    done = shiba("rule", "check", "--offline", "--json")
    assert done.code == 1 and "to look at: 1" in done.complaint
    (finding,) = json.loads(done.out)
    assert (finding["code"], finding["kind"], finding["subject"]) == ("beaten", "rule", "1@1")
    assert "rule 2@1 always beats it" in finding["words"]
    without_pbx = shiba("rule", "check")
    assert without_pbx.code == 3 and "does not answer AMI" in without_pbx.complaint
    assert "it can never win" in without_pbx.out


def test_with_a_clock_that_is_moved_check_looks_on_from_there(
    shiba: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    add(shiba, *FACILITY[2:])
    add(shiba, *FACILITY[2:], "--until", "2040-01-01", "--hours", "sat")
    assert shiba("rule", "check", "--offline").code == 0
    monkeypatch.setenv("CALLREC_OFFICE__SHIFT_S", str(15 * 366 * 86400))
    assert json.loads(shiba("rule", "check", "--offline", "--json").out)[0]["code"] == "over"


def test_check_tells_what_it_found_before_the_pbx_refused(shiba: Office, refusing_ami: int) -> None:
    add(shiba, *FACILITY[2:])
    add(shiba, "--everywhere", "--mode", "never")
    done = shiba("rule", "check")
    assert done.code == 1 and "the PBX refused Getvar: Permission denied" in done.complaint
    assert "it can never win: rule 2@1 always beats it" in done.out
