"""What the environment and the home folder say to other programs, and no client of ours heeds."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from callrec.alerts.webhook import Webhook
from callrec.app import App
from callrec.archive.s3 import S3Store
from callrec.errors import WrongConfiguration
from callrec.other_programs import forget
from callrec.policy.office import Office
from callrec.settings import ArchiveSettings, HelpSettings, NetworkSettings
from tests.unit.program import Done
from tests.unit.samples import alert

VARIABLES = {
    "AWS_PROFILE": "somebody",
    "AWS_ACCESS_KEY_ID": "SOMEBODY",
    "AWS_SECRET_ACCESS_KEY": "theirs",
    "AWS_SESSION_TOKEN": "theirs",
    "AWS_CA_BUNDLE": "/nowhere/ca.pem",
    "AWS_ENDPOINT_URL": "http://127.0.0.1:9",
    "AWS_ENDPOINT_URL_S3": "http://127.0.0.1:9",
    "AWS_REGION": "eu-west-1",
    "AWS_MAX_ATTEMPTS": "many",
    "AWS_RETRY_MODE": "never",
    "AWS_DEFAULTS_MODE": "strange",
    "AWS_USE_FIPS_ENDPOINT": "true",
    "AWS_REQUEST_CHECKSUM_CALCULATION": "perhaps",
    "REQUESTS_CA_BUNDLE": "/nowhere/ca.pem",
    "CURL_CA_BUNDLE": "/nowhere/ca.pem",
    "OPEN_JTALK_DICT_DIR": "/nowhere",
    "HTTP_PROXY": "http://127.0.0.1:9",
    "http_proxy": "http://127.0.0.1:9",
    "ALL_PROXY": "http://127.0.0.1:9",
}


@pytest.fixture
def surroundings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine on which somebody works with other programs."""
    home = tmp_path / "home"
    (home / ".aws").mkdir(parents=True)
    for name in ("config", "credentials"):
        (home / ".aws" / name).write_text("[default\nno file of the AWS tools")
    (home / ".boto").write_text("[Credentials]\naws_access_key_id = SOMEBODY\n")
    (home / ".netrc").write_text("machine 127.0.0.1 login somebody password theirs")
    monkeypatch.setenv("HOME", str(home))
    for name, value in VARIABLES.items():
        monkeypatch.setenv(name, value)


@contextmanager
def _server(answer: bytes) -> Iterator[tuple[int, list[str]]]:
    """A web server that answers one request, and what it was asked."""
    asked: list[str] = []
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(5)

        def take() -> None:
            link, _ = server.accept()
            with link:
                asked.append(link.recv(65536).decode())
                link.sendall(answer)

        thread = threading.Thread(target=take, daemon=True)
        thread.start()
        yield server.getsockname()[1], asked
        thread.join(5)


@pytest.mark.usefixtures("surroundings")
def test_the_archive_goes_by_its_settings_alone() -> None:
    with _server(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n") as (port, asked):
        settings = ArchiveSettings(endpoint_url=f"http://127.0.0.1:{port}", access_key="OURS", secret_key="x")
        S3Store(settings).check()
    assert "Credential=OURS/" in asked[0] and "/us-east-1/s3/" in asked[0]
    assert "x-amz-security-token" not in asked[0].lower()


@pytest.mark.usefixtures("surroundings")
def test_a_webhook_gets_nobodys_password() -> None:
    with _server(b"HTTP/1.1 204 No Content\r\n\r\n") as (port, asked):
        settings = HelpSettings(webhook_url=f"http://127.0.0.1:{port}/", webhook_secret="s")
        Webhook(settings, Office).send(alert(), "")
    assert "authorization" not in asked[0].lower()


def test_a_proxy_is_used_where_a_setting_says_so() -> None:
    with _server(b"HTTP/1.1 204 No Content\r\n\r\n") as (port, asked):
        settings = HelpSettings(
            webhook_url="http://hook.example/x",
            webhook_secret="s",
            webhook_proxy=f"http://127.0.0.1:{port}",
        )
        Webhook(settings, Office).send(alert(), "")
    assert asked[0].startswith("POST http://hook.example/x ")


def test_the_archive_is_reached_by_its_proxy() -> None:
    with _server(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n") as (port, asked):
        S3Store(
            ArchiveSettings(
                endpoint_url="http://s3.example",
                proxy=f"http://127.0.0.1:{port}",
                access_key="a",
                secret_key="b",
            )
        ).check()
    assert asked[0].startswith("HEAD http://s3.example/callrec ")


def test_the_program_forgets_them(office: Callable[..., Done], monkeypatch: pytest.MonkeyPatch) -> None:
    others = {**VARIABLES, "PGHOST": "db", "PGPASSWORD": "theirs", "SSLKEYLOGFILE": "/x", "MPLBACKEND": "x"}
    for name, value in others.items():
        monkeypatch.setenv(name, value)
    assert office("facility", "list").code == 0
    assert not others.keys() & os.environ.keys()
    monkeypatch.setenv("PATH_OF_MINE", "kept")
    forget()
    assert os.environ["PATH_OF_MINE"] == "kept"


@pytest.mark.parametrize(
    ("text", "problem"), [(None, "it is not there"), ("no certificate", "there are no certificates in it")]
)
def test_authorities_that_cannot_be_read_are_named(
    app: App, tmp_path: Path, text: str | None, problem: str
) -> None:
    path = tmp_path / "ca.pem"
    if text is not None:
        path.write_text(text)
    here = App(app.settings.model_copy(update={"network": NetworkSettings(ca_file=path)}))
    with pytest.raises(WrongConfiguration, match=f"network.ca_file .* cannot be used: {problem}"):
        here.store  # noqa: B018 (makes it)
