"""Answers Prometheus on this machine only. A thread of the controller; each question gets one of its own."""

from __future__ import annotations

from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from prometheus_client import CONTENT_TYPE_LATEST

from callrec.errors import WrongConfiguration
from callrec.failures import why
from callrec.health.metrics import PrometheusMeters
from callrec.worker import Pulse

HOST = "127.0.0.1"
SECONDS = 10.0
"""How long one question may take to arrive."""


class MetricsServer:
    """Serves the metrics at /metrics until it is stopped. Raises WrongConfiguration where the port is taken.

    Without a port nothing is served, and `run` only waits.
    """

    def __init__(self, meters: PrometheusMeters, port: int) -> None:
        class Handler(BaseHTTPRequestHandler):
            timeout = SECONDS

            def do_GET(self) -> None:
                _answer(self, meters)

            def log_message(self, format: str, *args: object) -> None: ...

        self.pulse = Pulse()
        try:
            self._server = ThreadingHTTPServer((HOST, port), Handler)
        except OSError as error:
            raise WrongConfiguration(
                "health.metrics_port {port} cannot be used ({problem})", port=port, problem=why(error)
            ) from error
        self._server.daemon_threads = True

    @property
    def port(self) -> int:
        return self._server.server_port

    def run(self) -> None:
        """Serves until `stop`."""
        self._server.serve_forever(0.1)
        self._server.server_close()

    def stop(self) -> None:
        """Ends `run`."""
        self._server.shutdown()


def _answer(handler: BaseHTTPRequestHandler, meters: PrometheusMeters) -> None:
    if handler.path.partition("?")[0] != "/metrics":
        handler.send_error(404)
        return
    body = meters.text()
    handler.send_response(200)
    handler.send_header("Content-Type", CONTENT_TYPE_LATEST)
    handler.send_header("Content-Length", str(len(body)))
    handler.end_headers()
    handler.wfile.write(body)
