"""Serves the desk: HTTP over a Unix socket, for people who can read neither callrec.toml nor the database.

`POST /v1/{operation}` with the arguments as a JSON object; the answer is as `wire` says. Who asks is what the
kernel tells of the other end of the socket, never what is sent. Whoever can reach the socket may ask; what is
done is decided by roles.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Iterable, Iterator
from http import HTTPStatus
from pathlib import Path
from typing import Any

import structlog
from cheroot.wsgi import Server
from flask import Flask, Response, request

from callrec import account
from callrec.app import App
from callrec.desk import operations, wire
from callrec.desk.download import Download
from callrec.desk.operation import OPERATIONS, Operation, perform
from callrec.errors import CallrecError, NotAllowed, Refused, WrongConfiguration, WrongUsage
from callrec.failures import why
from callrec.files import make_folder
from callrec.model.access import Caller, Through

log = structlog.get_logger()

THREADS = 30
WAITING = 200
"""Connections that may wait for a thread."""
MOST_ASKED = 1 << 24
"""Bytes that what is asked may have: a table of ten thousand extensions has one million."""
SECONDS = 60
"""How long who asks may be silent."""
LONGEST_PATH = 107
"""Bytes that the kernel allows for the path of a socket."""
_STATUS = {
    1: HTTPStatus.NOT_FOUND,
    2: HTTPStatus.BAD_REQUEST,
    3: HTTPStatus.SERVICE_UNAVAILABLE,
    4: HTTPStatus.FORBIDDEN,
    5: HTTPStatus.CONFLICT,
}
"""By the exit code of an error."""


class DeskServer:
    """One desk on one socket: `prepare`, then `run` until `stop`."""

    def __init__(self, app: App, path: Path) -> None:
        self._path = path
        self._server = _Server(
            str(path),
            web(app),
            numthreads=THREADS,
            request_queue_size=WAITING,
            timeout=SECONDS,
            peercreds_enabled=True,
        )
        self._server.max_request_body_size = MOST_ASKED

    def prepare(self) -> None:
        """Listens. Raises Refused where another desk does, and WrongConfiguration where nobody can."""
        if len(os.fsencode(self._path)) > LONGEST_PATH:
            raise WrongConfiguration(
                "desk.socket {path} is too long for a socket: at most {most} bytes",
                path=self._path,
                most=LONGEST_PATH,
            )
        if _answers(self._path):
            raise Refused("another callrec desk listens at {path} already", path=self._path)
        try:
            make_folder(self._path.parent, 0o755)
            self._server.prepare()
            self._path.chmod(0o666)  # who asks is told by the kernel, what is allowed by roles
        except OSError as error:
            raise WrongConfiguration(
                "desk.socket {path} cannot be used: {problem}", path=self._path, problem=why(error)
            ) from error

    def run(self) -> None:
        """Answers until `stop`."""
        self._server.serve()

    def stop(self) -> None:
        """Asks `run` to end, after what is being answered."""
        self._server.stop()
        self._path.unlink(missing_ok=True)


def web(app: App) -> Flask:
    """Returns the web application that carries operations out."""
    operations.load()
    made = Flask(__name__, static_folder=None)

    @made.post("/v1/<name>")
    def answer(name: str) -> Response:
        try:
            caller = caller_of(request.environ)
            wanted = _operation(name)
            given = wire.read_arguments(wanted, request.get_data())
            return _sent(wanted, perform(wanted, app, caller, **given))
        except Exception as error:
            told = _told(error)
            return Response(wire.error_line(told), _STATUS[told.exit_code], content_type="application/json")

    return made


def caller_of(environ: dict[str, Any]) -> Caller:
    """Returns who is at the other end, as the kernel says. Raises NotAllowed where it does not."""
    try:
        user, group = int(environ["X_REMOTE_UID"]), int(environ["X_REMOTE_GID"])
    except (KeyError, ValueError) as error:
        raise NotAllowed("the system does not say who asks") from error
    return Caller(account.name_of(user), account.groups_of(user, group), Through.DESK)


def _operation(name: str) -> Operation[..., Any]:
    try:
        return OPERATIONS[name]
    except KeyError:
        raise WrongUsage(
            "the desk knows nothing called {name}: is it of another version?", name=name
        ) from None


def _sent(wanted: Operation[..., Any], result: Any) -> Response:
    types = wire.signature(wanted)
    if types.is_file:
        return Response(_file(wanted, result), content_type="application/octet-stream")
    if types.one_by_one:
        return Response(_lines(wanted, result), content_type="application/x-ndjson")
    return Response(wire.value_line(wanted, result), content_type="application/json")


def _lines(wanted: Operation[..., Any], results: Iterable[Any]) -> Iterator[bytes]:
    try:
        for each in results:
            yield wire.value_line(wanted, each)
        yield wire.END_LINE
    except Exception as error:
        yield wire.error_line(_told(error))


def _file(wanted: Operation[..., Any], file: Download[Any]) -> Iterator[bytes]:
    with file:
        yield wire.value_line(wanted, file.about)
        yield from file


def _told(error: Exception) -> CallrecError:
    """Returns what who asks is told of an error. What nobody foresaw is for the log."""
    if isinstance(error, CallrecError):
        return error
    log.exception("a bug: please report it")
    return CallrecError("the desk could not do it ({problem}): see its log", problem=type(error).__name__)


def _answers(path: Path) -> bool:
    """Returns whether somebody listens on a socket. A desk that was killed leaves its file behind."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        try:
            probe.connect(str(path))
        except OSError:
            return False
    return True


class _Server(Server):
    """A server whose own errors go into the log."""

    def error_log(self, msg: str = "", level: int = 20, traceback: bool = False) -> None:
        log.warning("the desk's server", said=msg, exc_info=traceback)
