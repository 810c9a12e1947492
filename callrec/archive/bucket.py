"""Makes the bucket that recordings go to: with Object Lock, which most servers give a new bucket only, and
with the versions that go with it. For `callrec init`; no other part of callrec makes any."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from callrec.archive.s3 import SECONDS, S3Store
from callrec.archive.s3_client import client
from callrec.archive.s3_errors import refused, unreachable
from callrec.deadline import within
from callrec.errors import CallrecError, CheckFailed, Fault, StoreUnreachable
from callrec.settings import ArchiveSettings

_AMAZONS_FIRST = "us-east-1"
"""The region that Amazon wants not to be told."""
_TAKEN = "BucketAlreadyExists"
_OWN = "BucketAlreadyOwnedByYou"
_NOT_ALLOWED = {"403", "AccessDenied", "Forbidden"}


def make(settings: ArchiveSettings, ca_file: Path | None = None) -> None:
    """Makes the bucket, and looks whether it has what was asked for.

    Raises StoreUnreachable where that may not be or nobody answers, CheckFailed where the server made
    another one than was asked for.
    """
    locks = settings.object_lock != "off"
    s3 = client(settings, ca_file)
    _ask(settings, "create_bucket", lambda: s3.create_bucket(**_wanted(settings, locks)))
    if not locks:
        return
    if not S3Store(settings, ca_file).locks():
        raise CheckFailed(
            "bucket {bucket} was made, and the S3 server gave it no Object Lock: delete it and use another "
            'server, or set archive.object_lock = "off"',
            bucket=settings.bucket,
        )
    _switch_versions_on(settings, s3)


def _wanted(settings: ArchiveSettings, locks: bool) -> dict[str, Any]:
    wanted: dict[str, Any] = {"Bucket": settings.bucket}
    if locks:
        wanted["ObjectLockEnabledForBucket"] = True
    if settings.endpoint_url is None and settings.region != _AMAZONS_FIRST:
        wanted["CreateBucketConfiguration"] = {"LocationConstraint": settings.region}
    return wanted


def _switch_versions_on(settings: ArchiveSettings, s3: Any) -> None:
    """Switches versions on where Object Lock has not done that."""
    named = {"Bucket": settings.bucket}
    found = _ask(settings, "get_bucket_versioning", lambda: s3.get_bucket_versioning(**named))
    if found.get("Status") != "Enabled":
        wanted = {"Status": "Enabled"}
        _ask(
            settings,
            "put_bucket_versioning",
            lambda: s3.put_bucket_versioning(**named, VersioningConfiguration=wanted),
        )


def _ask(settings: ArchiveSettings, operation: str, ask: Callable[[], Any]) -> Any:
    try:
        with within(SECONDS):
            return ask()
    except ClientError as error:
        if (code := str(error.response["Error"].get("Code", ""))) == _OWN:
            return None
        raise _refused(settings, operation, error, code) from error
    except (BotoCoreError, ValueError, OSError) as error:
        raise unreachable(settings, error) from error


def _refused(settings: ArchiveSettings, operation: str, error: ClientError, code: str) -> CallrecError:
    if code == _TAKEN:
        return StoreUnreachable(
            "bucket {bucket} is there already and belongs to somebody else: choose another name",
            bucket=settings.bucket,
        ).blamed(Fault.OURS)
    if operation == "create_bucket" and code in _NOT_ALLOWED:
        return StoreUnreachable(
            "the key may make no bucket: have whoever runs the S3 server make {bucket}, with Object Lock",
            bucket=settings.bucket,
        ).blamed(Fault.OURS)
    return refused(settings, operation, error, None)
