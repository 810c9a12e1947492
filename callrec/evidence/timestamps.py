"""Time-stamps of RFC 3161: has an authority say when something was there already, and verifies what it said.

What an authority answers is believed only as far as it can be checked: that it is about these very bytes and
this question, signed by a certificate for time-stamps that the trusted root vouches for, and not far from the
time that this machine has.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import requests
from cryptography.x509 import Certificate, load_der_x509_certificate, load_pem_x509_certificates
from rfc3161_client import (
    HashAlgorithm,
    TimestampRequestBuilder,
    VerificationError,
    VerifierBuilder,
    decode_timestamp_response,
)

from callrec import web
from callrec.dates import spoken
from callrec.errors import EvidenceBroken, Sentence, Unreachable, WrongConfiguration
from callrec.evidence.stamping import APART, TimeStamp
from callrec.failures import why
from callrec.settings import EvidenceSettings

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from rfc3161_client import TimeStampResponse

SECONDS = 30.0
"""How long the authority may take to be reached and to answer, in all."""
LONGEST, MOST_OF_ROOTS = 1 << 18, 1 << 24
"""Bytes of an answer that are read at most, and of the certificates that are believed."""
GRANTED = 0
_OPENSSL = re.compile(r'Verify error: ?([^"]+)"')
SHA256 = "2.16.840.1.101.3.4.2.1"


class Roots:
    """The authorities that are believed, as a StampVerifier. Raises WrongConfiguration."""

    def __init__(self, ca_file: Path) -> None:
        try:
            with ca_file.open("rb") as file:  # a device may have no end
                self._roots = load_pem_x509_certificates(file.read(MOST_OF_ROOTS))
        except (OSError, ValueError) as error:
            no_pem = Sentence("there are no certificates in it")
            raise WrongConfiguration(
                "evidence.tsa_ca_file {path} cannot be used: {problem}",
                path=ca_file,
                problem=why(error) if isinstance(error, OSError) else no_pem,
            ) from error

    def verify(self, answer: bytes, data: bytes) -> TimeStamp:
        return self.verify_answer(answer, data, None)

    def verify_answer(self, answer: bytes, data: bytes, nonce: int | None) -> TimeStamp:
        """Does as `verify`; with a nonce, the answer must be to the question that had it."""
        try:
            response = decode_timestamp_response(answer)
            _require_granted(response)
            _require_these(response, data, nonce)
            VerifierBuilder(roots=self._roots).build().verify_message(response, data)
            return TimeStamp(response.tst_info.gen_time, _certificate(response).not_valid_after_utc)
        except VerificationError as error:
            raise EvidenceBroken(
                "the time-stamp is not by the authority of evidence.tsa_ca_file ({problem})",
                problem=_said(error),
            ) from error
        except ValueError as error:
            raise EvidenceBroken("the time-stamp cannot be read: it is none, or damaged") from error


class TimeStampAuthority:
    """An authority that is asked over HTTP."""

    def __init__(
        self,
        settings: EvidenceSettings,
        roots: Roots,
        clock: Callable[[], datetime],
        zone: ZoneInfo,
        ca_file: Path | None = None,
        seconds: float = SECONDS,
    ) -> None:
        self._url, self._proxy, self._ca_file = settings.tsa_url, settings.tsa_proxy, ca_file
        self._roots, self._clock, self._zone, self._seconds = roots, clock, zone, seconds

    def stamp(self, data: bytes) -> bytes:
        """Returns a time-stamp over data, verified. Raises Unreachable while there is none to be had, and
        EvidenceBroken for one that is not right."""
        answer, _ = self._stamped(data)
        return answer

    def try_out(self, data: bytes) -> TimeStamp:
        """Does as `stamp`, and returns what the time-stamp says."""
        _, found = self._stamped(data)
        return found

    def _stamped(self, data: bytes) -> tuple[bytes, TimeStamp]:
        question = TimestampRequestBuilder().data(data).hash_algorithm(HashAlgorithm.SHA256).build()
        answer = self._ask(question.as_bytes())
        found = self._roots.verify_answer(answer, data, question.nonce)
        now = self._clock()
        if abs(found.at - now) > APART:
            raise EvidenceBroken(
                "{host} stamps with the time {time}, and here it is {here}: set the clock that is wrong",
                host=self.host,
                time=spoken(found.at, self._zone),
                here=spoken(now, self._zone),
            )
        return answer, found

    @property
    def host(self) -> str:
        return urlsplit(self._url).hostname or ""

    def _ask(self, question: bytes) -> bytes:
        try:
            status, answer = self._posted(question)
        except (requests.RequestException, OSError) as error:
            raise Unreachable(
                "{host} gives no time-stamp ({problem}): check evidence.tsa_url",
                host=self.host,
                problem=why(error),
            ) from error
        if status != requests.codes.ok:
            raise Unreachable(
                "{host} gives no time-stamp ({problem}): check evidence.tsa_url",
                host=self.host,
                problem=Sentence("it answered {status}", status=status),
            )
        return answer

    def _posted(self, question: bytes) -> tuple[int, bytes]:
        headers = {"Content-Type": "application/timestamp-query", "User-Agent": "callrec"}
        with web.posted(self._url, question, headers, self._seconds, self._ca_file, self._proxy) as response:
            return response.status_code, next(response.iter_content(LONGEST), b"")


def _require_granted(response: TimeStampResponse) -> None:
    if response.status != GRANTED:
        raise EvidenceBroken(
            "the authority gives no time-stamp (status {status}): {problem}",
            status=response.status,
            problem="; ".join(response.status_string) or "—",
        )


def _require_these(response: TimeStampResponse, data: bytes, nonce: int | None) -> None:
    """Raises EvidenceBroken unless it is about these bytes, and the question with this nonce."""
    info = response.tst_info
    imprint = info.message_imprint
    if imprint.hash_algorithm.dotted_string != SHA256 or imprint.message != hashlib.sha256(data).digest():
        raise EvidenceBroken("the time-stamp is over something else")
    if nonce is not None and info.nonce != nonce:
        raise EvidenceBroken("the time-stamp is the answer to another question")


def _said(error: VerificationError) -> str:
    """Returns what OpenSSL says of a certificate, without what only its programmers read."""
    found = _OPENSSL.search(str(error))
    return found[1] if found else str(error)


def _certificate(response: TimeStampResponse) -> Certificate:
    """Returns the certificate that has signed."""
    (signer,) = response.signed_data.signer_infos
    for each in map(load_der_x509_certificate, response.signed_data.certificates):
        if (each.issuer, each.serial_number) == (signer.issuer, signer.serial_number):
            return each
    raise EvidenceBroken("the time-stamp cannot be read: it is none, or damaged")
