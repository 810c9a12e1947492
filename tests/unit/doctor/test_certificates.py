"""Certificates that end soon, of real servers of this machine."""

from __future__ import annotations

import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from callrec.app import App
from callrec.doctor.check import Result
from callrec.settings import HelpSettings, PbxSettings
from tests.unit.doctor.look import check, with_settings


def _certificate(folder: Path, days: int) -> Path:
    """A certificate for 127.0.0.1 that holds so long, and its key, in one file."""
    made = folder / "server.pem"
    curve = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
    subprocess.run(
        [
            *("openssl", "req", "-x509", *curve, "-days", str(days), "-subj", "/CN=test"),
            *("-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(made), "-out", f"{made}.cert"),
        ],
        check=True,
        capture_output=True,
    )
    made.write_text(made.read_text() + Path(f"{made}.cert").read_text())
    return made


@contextmanager
def _server(certificate: Path, *, starttls: bool) -> Iterator[int]:
    """A server that speaks TLS, after what SMTP says before where it is `starttls`; its port."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate)

    def serve() -> None:
        with suppress(OSError):
            connection, _ = listening.accept()
            if starttls:
                for line in (b"220 here\r\n", b"250-here\r\n250 STARTTLS\r\n", b"220 go on\r\n"):
                    connection.sendall(line)
                    if not line.startswith(b"220 go"):
                        connection.recv(1000)
            with connection, context.wrap_socket(connection, server_side=True) as secured:
                secured.recv(1000)

    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=serve)
        thread.start()
        yield listening.getsockname()[1]
        thread.join(10)


def _asked(app: App, port: int, starttls: bool) -> Result:
    mail = {"smtp_host": "127.0.0.1", "smtp_port": port, "mail_from": "callrec@city.example"}
    sections = (
        {"help": HelpSettings(**mail)}
        if starttls
        else {"pbx": PbxSettings(ari_url=f"https://127.0.0.1:{port}/ari")}
    )
    changed = with_settings(app, **sections)
    try:
        return check(changed, "certificates")
    finally:
        changed.close()


@pytest.mark.parametrize(("days", "ok"), [(15, True), (13, False)])
@pytest.mark.parametrize("starttls", [False, True])
def test_a_certificate_that_ends_soon(
    app: App, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, days: int, ok: bool, starttls: bool
) -> None:
    certificate = _certificate(tmp_path, days)
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    with _server(certificate, starttls=starttls) as port:
        result = _asked(app, port, starttls)
    expected = f"127.0.0.1:{port} until 20" if ok else f"the certificate of 127.0.0.1:{port} ends on 20"
    assert result.ok is ok and result.found.startswith(expected)


def test_a_server_that_is_not_trusted_is_another_checks_matter(app: App, tmp_path: Path) -> None:
    with _server(_certificate(tmp_path, 2), starttls=False) as port:
        result = _asked(app, port, starttls=False)
    assert result.ok and result.found == "none"
