"""Keeps the archive in an S3 bucket. Nothing else in callrec knows boto3, but the demo, which makes a bucket.

Works with Amazon S3, SeaweedFS, Ceph and others. What a server was asked to do is not believed until it was
read back (by the archiver): some accept lock headers and drop them.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from callrec.archive.store import StoredObject
from callrec.errors import CallrecError, NotFound, StoreUnreachable, Unreachable, WrongConfiguration
from callrec.settings import ArchiveSettings

CHUNK = 1 << 20
_MISSING = {"404", "NoSuchKey", "NotFound", "NoSuchVersion"}
_DENIED = {"403", "AccessDenied", "InvalidAccessKeyId", "SignatureDoesNotMatch", "Forbidden"}


class S3Store:
    """One bucket of an S3 server, as a Store. Raises WrongConfiguration for a wrong address."""

    def __init__(self, settings: ArchiveSettings) -> None:
        self._settings = settings
        try:
            self._s3 = self._client(settings)
        except (BotoCoreError, ValueError) as error:
            raise WrongConfiguration(
                "the S3 server cannot be addressed ({problem}): check archive.endpoint_url and region",
                problem=type(error).__name__,
            ) from error

    @staticmethod
    def _client(settings: ArchiveSettings) -> Any:
        return boto3.session.Session().client(
            "s3",
            endpoint_url=settings.endpoint_url,
            region_name=settings.region,
            aws_access_key_id=settings.access_key.get_secret_value(),
            aws_secret_access_key=settings.secret_key.get_secret_value(),
            config=Config(
                signature_version="s3v4",
                s3={"addressing_style": settings.addressing},
                request_checksum_calculation=settings.checksums,
                response_checksum_validation=settings.checksums,
                connect_timeout=5,
                read_timeout=60,
                retries={"max_attempts": 2, "mode": "standard"},
                proxies={},
            ),
        )

    def put(self, key: str, source: Path, sha256: str, kind: str, retain_until: datetime) -> None:
        """Uploads a file. `sha256` (hexadecimal) is checked by the server, and kept as metadata.

        An object that is there is left as it is: reading it back will tell whether it is the same.
        """
        with source.open("rb") as body:
            try:
                self._ask(
                    "put_object",
                    Key=key,
                    Body=body,
                    ContentType=kind,
                    ContentLength=source.stat().st_size,
                    # Ceph passes over the value when the algorithm is not named.
                    ChecksumAlgorithm="SHA256",
                    ChecksumSHA256=base64.b64encode(bytes.fromhex(sha256)).decode(),
                    Metadata={"sha256": sha256},
                    IfNoneMatch="*",  # decision 6: nothing is put over what is there
                    **self._lock(retain_until),
                )
            except _AlreadyThere:
                return

    def head(self, key: str) -> StoredObject:
        found = self._ask("head_object", Key=key, ChecksumMode="ENABLED")
        checksum = found.get("ChecksumSHA256")
        return StoredObject(
            key=key,
            size=found["ContentLength"],
            sha256=base64.b64decode(checksum).hex() if checksum else None,
            retain_until=found.get("ObjectLockRetainUntilDate"),
            legal_hold=found.get("ObjectLockLegalHoldStatus") == "ON",
            version=found.get("VersionId"),
        )

    def read(self, key: str, version: str | None = None) -> Iterator[bytes]:
        wanted = {"VersionId": version} if version else {}
        body = self._ask("get_object", Key=key, **wanted)["Body"]
        try:
            yield from body.iter_chunks(CHUNK)
        except (BotoCoreError, OSError) as error:
            raise self._unreachable(error) from error

    def locks(self) -> bool:
        """Returns whether the bucket has Object Lock; False also where the server refuses to tell."""
        try:
            answer = self._ask("get_object_lock_configuration")
        except (NotFound, _Refused):
            return False
        return bool(answer["ObjectLockConfiguration"].get("ObjectLockEnabled") == "Enabled")

    def check(self) -> None:
        """Raises StoreUnreachable when the bucket cannot be used, Unreachable for any other refusal."""
        self._ask("head_bucket")

    def _lock(self, retain_until: datetime) -> dict[str, Any]:
        if self._settings.object_lock == "off":
            return {}
        return {
            "ObjectLockMode": self._settings.object_lock.upper(),
            "ObjectLockRetainUntilDate": retain_until,
        }

    def _ask(self, operation: str, **parameters: Any) -> Any:
        try:
            return getattr(self._s3, operation)(Bucket=self._settings.bucket, **parameters)
        except ClientError as error:
            raise self._refused(operation, error, parameters.get("Key")) from error
        except (BotoCoreError, ValueError) as error:
            raise self._unreachable(error) from error

    def _refused(self, operation: str, error: ClientError, key: str | None) -> CallrecError:
        """Returns the error that a refusal of the server stands for."""
        code = str(error.response["Error"].get("Code", ""))
        if code in _DENIED:
            return StoreUnreachable(
                "the S3 server does not let us use bucket {bucket} ({code}): check archive.access_key, "
                "archive.secret_key and the bucket's policy",
                bucket=self._settings.bucket,
                code=code,
            )
        if code == "NoSuchBucket" or (operation == "head_bucket" and code in _MISSING):
            return StoreUnreachable(
                "there is no bucket {bucket} on the S3 server: create it with Object Lock, "
                "or set archive.bucket",
                bucket=self._settings.bucket,
            )
        if code in ("PreconditionFailed", "412", "ConditionalRequestConflict"):
            return _AlreadyThere("{key} is in the bucket already", key=key)
        if code in _MISSING:
            return NotFound("{key} is not in the bucket", key=key)
        return _Refused("the S3 server refused {operation}: {code}", operation=operation, code=code)

    def _unreachable(self, error: Exception) -> StoreUnreachable:
        return StoreUnreachable(
            "the S3 server does not answer at {url} ({problem}): check archive.endpoint_url",
            url=self._settings.endpoint_url or "Amazon S3",
            problem=type(error).__name__,
        )


class _Refused(Unreachable):
    """The server answers, and refuses one request: others may go well."""


class _AlreadyThere(CallrecError):
    """An object of that key exists; it was not touched."""
