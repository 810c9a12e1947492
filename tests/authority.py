"""An authority of RFC 3161: `openssl ts` behind HTTP, with a root of its own. It can be made to lie."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler
from pathlib import Path

from tests.fake_clock import clear_left_over
from tests.unit.http_server import serving

_CONFIG = """
[tsa]
default_tsa = one
[one]
serial = {folder}/serial
signer_cert = {folder}/tsa.pem
signer_key = {folder}/tsa.key
certs = {folder}/ca.pem
default_policy = 1.2.3.4.1
digests = {digests}
accuracy = secs:1
ess_cert_id_alg = sha256
signer_digest = sha256
"""
_FOR_STAMPS = "keyUsage=critical,digitalSignature\nextendedKeyUsage=critical,timeStamping\n"


@dataclass
class Authority:
    """The authority and how it answers. `faketime` shifts its clock; `answers` are given in place of its own,
    one for each question."""

    folder: Path
    faketime: str = ""
    away: bool = False
    answers: Sequence[bytes] = ()
    asked: int = 0

    @property
    def root(self) -> Path:
        """The certificate of its root."""
        return self.folder / "ca.pem"

    def make_root(self) -> None:
        self._openssl(
            *("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"),
            *("-keyout", "ca.key", "-out", "ca.pem", "-days", "3650", "-subj", "/CN=Root"),
            *("-addext", "keyUsage=critical,keyCertSign"),
            since="-100d",
        )

    def certify(self, days: int = 365, since: str = "") -> None:
        """Gives it a certificate of its root, that ends after so many days."""
        (self.folder / "extensions").write_text(_FOR_STAMPS, encoding="utf-8")
        key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", "tsa.key")
        self._openssl("req", *key, "-out", "tsa.csr", "-subj", "/CN=TSA")
        signed = ("x509", "-req", "-in", "tsa.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-out", "tsa.pem")
        self._openssl(*signed, "-days", str(days), "-extfile", "extensions", "-set_serial", "7", since=since)

    def configure(self, digests: str = "sha256, sha512") -> None:
        text = _CONFIG.format(folder=self.folder, digests=digests)
        (self.folder / "tsa.cnf").write_text(text, encoding="utf-8")
        (self.folder / "serial").write_text("01", encoding="utf-8")

    def answer(self, question: bytes) -> bytes:
        self.asked += 1
        if self.answers:
            first, *self.answers = self.answers
            return first
        (self.folder / "q").write_bytes(question)
        asked = ("ts", "-reply", "-config", "tsa.cnf", "-queryfile", "q", "-out", "a")
        self._openssl(*asked, since=self.faketime)
        return (self.folder / "a").read_bytes()

    def _openssl(self, *arguments: str, since: str = "") -> None:
        clock = ("faketime", "-f", since) if since else ()
        clear_left_over()
        done = subprocess.run(
            [*clock, "openssl", *arguments], cwd=self.folder, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr


def authority(folder: Path) -> Authority:
    """An authority with a certificate of its own root."""
    folder.mkdir(parents=True)
    made = Authority(folder)
    made.make_root()
    made.certify()
    made.configure()
    return made


@contextmanager
def answering(made: Authority) -> Iterator[str]:
    """Its address, while it answers."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            question = self.rfile.read(int(self.headers["Content-Length"]))
            assert self.headers["Content-Type"] == "application/timestamp-query"
            answer = b"" if made.away else made.answer(question)
            self.send_response(503 if made.away else 200)
            self.send_header("Content-Type", "application/timestamp-reply")
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, format: str, *args: object) -> None:
            pass

    with serving(Handler) as url:
        yield f"{url}/tsr"
