"""Says what a refusal of an S3 server, or its silence, stands for: in one line, and whose fault it is."""

from __future__ import annotations

from botocore.exceptions import BotoCoreError, ClientError

from callrec.addresses import without_secrets
from callrec.archive.store import TornObject
from callrec.errors import (
    AlreadyThere,
    CallrecError,
    Fault,
    NoBucket,
    NotFound,
    StoreUnreachable,
    Unreachable,
)
from callrec.failures import why
from callrec.settings import ArchiveSettings

_MISSING = {"404", "NoSuchKey", "NotFound", "NoSuchVersion"}
_DENIED = {"403", "AccessDenied", "InvalidAccessKeyId", "SignatureDoesNotMatch", "Forbidden"}


_ON_THE_WAY = {
    *("BadDigest", "IncompleteBody", "RequestTimeout"),
    *("XAmzContentSHA256Mismatch", "XAmzContentChecksumMismatch"),
}
"""What a server says of a request that did not come to it as it was sent."""


class RequestRefused(Unreachable):
    """The server answers, and refuses one request: others may go well."""


def refused(settings: ArchiveSettings, operation: str, error: ClientError, key: str | None) -> CallrecError:
    """Returns the error that a refusal of the server stands for."""
    return _refused(settings, operation, error, key).blamed(_fault(error))


def _refused(settings: ArchiveSettings, operation: str, error: ClientError, key: str | None) -> CallrecError:
    code = str(error.response["Error"].get("Code", ""))
    if code in _DENIED:
        return StoreUnreachable(
            "the S3 server does not let us use bucket {bucket} ({code}): check {section}.access_key, "
            "{section}.secret_key and the bucket's policy",
            bucket=settings.bucket,
            code=code,
            section=settings.keys_of,
        )
    if code == "RequestTimeTooSkewed":
        return StoreUnreachable(
            "the S3 server refuses what is signed by this machine's clock: it and that of the server are too "
            "far apart, set both by NTP"
        )
    if code == "NoSuchBucket" or (operation == "head_bucket" and code in _MISSING):
        return NoBucket(
            "there is no bucket {bucket} on the S3 server: create it with Object Lock, or set archive.bucket",
            bucket=settings.bucket,
        )
    if code in ("PreconditionFailed", "412", "ConditionalRequestConflict"):
        return AlreadyThere("{key} is in the bucket already", key=key)
    if code in _MISSING:
        return NotFound("{key} is not in the bucket", key=key)
    if operation == "put_object" and settings.encryption != "none":
        return RequestRefused(
            "the S3 server refused to keep {key} encrypted, or at all ({code}): check archive.encryption "
            "and kms_key_id",
            key=key,
            code=code,
        )
    return RequestRefused("the S3 server refused {operation}: {code}", operation=operation, code=code)


def _fault(error: ClientError) -> Fault:
    """Returns whose fault it is that a request was refused."""
    if error.response["Error"].get("Code") in _ON_THE_WAY:
        return Fault.NETWORK
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    return Fault.SERVER if status >= 500 else Fault.OURS


def torn(error: BotoCoreError) -> TornObject:
    """Returns the error that says that what came is not what the server itself says that it has."""
    made = TornObject("the S3 server sends other bytes than it was given ({problem})", problem=why(error))
    return made.blamed(Fault.SERVER)


def unreachable(settings: ArchiveSettings, error: Exception) -> StoreUnreachable:
    """Returns the error that says in one line why the server does not answer."""
    return StoreUnreachable(
        "the S3 server does not answer at {url} ({problem}): check archive.endpoint_url",
        url=without_secrets(settings.endpoint_url) if settings.endpoint_url else "Amazon S3",
        problem=why(error),
    ).blamed(Fault.NETWORK)
