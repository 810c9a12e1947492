"""Keeps the archive in an S3 bucket. Nothing else in callrec knows boto3, but the demo, which makes a bucket.

Works with Amazon S3, SeaweedFS, Ceph and others. What a server was asked to do is not believed until it was
read back (by the archiver): some accept lock headers and drop them.
"""

from __future__ import annotations

import base64
import hashlib
import time
from collections.abc import Iterator
from contextlib import suppress
from copy import copy
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError, FlexibleChecksumError

from callrec.archive.s3_client import client
from callrec.archive.s3_errors import RequestRefused, refused, torn, unreachable
from callrec.archive.store import TRIALS, ListedVersion, StoredObject
from callrec.deadline import within
from callrec.errors import AlreadyThere, Fault, NotFound, StoreUnreachable, WrongConfiguration
from callrec.settings import ArchiveSettings

CHUNK = 1 << 20
SECONDS = 90.0
"""How long a request, or a piece of CHUNK bytes, may take in all, besides the time of its bytes."""
CLOCKS_APART = timedelta(days=1)
"""By which clocks no lock is made."""
_NEW = {"IfNoneMatch": "*"}
"""How a put leaves what is there as it is (decision 6)."""
_ENCRYPTIONS = {"s3": "AES256", "kms": "aws:kms"}
"""By what the setting says: what the protocol calls it."""


class S3Store:
    """One bucket of an S3 server, as a Store. Raises WrongConfiguration for a wrong address."""

    def __init__(
        self, settings: ArchiveSettings, ca_file: Path | None = None, seconds: float = SECONDS
    ) -> None:
        self._settings, self._seconds = settings, seconds
        self._zeros: list[datetime] = []
        """What the server's clock told when the monotonic one was at 0, by its latest answer, where there is
        one: shared by all that are the same bucket."""
        try:
            self._s3 = client(settings, ca_file)
        except (BotoCoreError, ValueError) as error:
            raise WrongConfiguration(
                "the S3 server cannot be addressed: check archive.endpoint_url and region"
            ) from error

    def hasty(self, seconds: float) -> S3Store:
        """Returns the same bucket, each request to which may take so long at most: somebody waits."""
        made = copy(self)
        made._seconds = min(seconds, self._seconds)
        return made

    def put(self, key: str, source: Path, sha256: str, kind: str, retain_until: datetime) -> None:
        """Uploads a file. `sha256` (hexadecimal) is checked by the server, and kept as metadata.

        An object that is there is left as it is: reading it back will tell whether it is the same.
        """
        with source.open("rb") as body, suppress(AlreadyThere):
            self._put(key, body, source.stat().st_size, sha256, kind, retain_until, **_NEW)

    def put_again(self, key: str, source: Path, sha256: str, kind: str, retain_until: datetime) -> None:
        """Uploads a file as a new version of what is there, which keeps its own lock."""
        with source.open("rb") as body:
            self._put(key, body, source.stat().st_size, sha256, kind, retain_until)

    def put_bytes(self, key: str, data: bytes, kind: str, retain_until: datetime) -> None:
        self._put(key, data, len(data), hashlib.sha256(data).hexdigest(), kind, retain_until, **_NEW)

    def _put(
        self, key: str, body: Any, size: int, sha256: str, kind: str, retain_until: datetime, **how: str
    ) -> None:
        self._ask(
            "put_object",
            Key=key,
            Body=body,
            ContentType=kind,
            ContentLength=size,
            # Ceph passes over the value when the algorithm is not named.
            ChecksumAlgorithm="SHA256",
            ChecksumSHA256=base64.b64encode(bytes.fromhex(sha256)).decode(),
            Metadata={"sha256": sha256},
            **self._lock(retain_until),
            **self._encryption(),
            **how,
        )

    def _require_clock(self) -> None:
        """Raises StoreUnreachable where the server's clock and ours are more than a day apart, as most
        servers refuse by themselves: a lock would end on a wrong day (decision 22)."""
        if not self._zeros or self._is_apart():
            self.check()  # its clock may have been set since it told it, or this machine have slept
        if self._is_apart():
            raise StoreUnreachable(
                "the clock of the S3 server and that of this machine are more than a day apart: nothing is "
                "locked until the one that is wrong is set"
            )

    def _is_apart(self) -> bool:
        """Returns whether the server's clock, by its latest answer, and ours are more than a day apart."""
        told = [zero + timedelta(seconds=time.monotonic()) for zero in self._zeros]
        return any(abs(datetime.now(UTC) - each) > CLOCKS_APART for each in told)

    def listed(self, prefix: str, after: str = "") -> Iterator[ListedVersion]:
        begin = {"KeyMarker": after} if after else {}
        for page in self._versions(Prefix=prefix, **begin):
            found = [_listed(each) for each in page.get("Versions", [])]
            found += [_listed(each, marker=True) for each in page.get("DeleteMarkers", [])]
            yield from sorted(found, key=lambda each: each.key)

    def folders(self, prefix: str) -> list[str]:
        pages = self._versions(Prefix=prefix, Delimiter="/")
        return sorted(each["Prefix"] for page in pages for each in page.get("CommonPrefixes", []))

    def _versions(self, **parameters: Any) -> Iterator[Any]:
        """Yields all parts of a listing."""
        after: dict[str, Any] = {}
        while True:
            found = self._ask("list_object_versions", **{**parameters, **after})
            yield found
            if not found.get("IsTruncated"):
                return
            markers = ("KeyMarker", "VersionIdMarker")
            after = {name: found[f"Next{name}"] for name in markers if found.get(f"Next{name}")}

    def head(self, key: str, version: str | None = None) -> StoredObject:
        return _told(key, self._ask("head_object", Key=key, ChecksumMode="ENABLED", **_version(version)))

    def get(self, key: str) -> tuple[StoredObject, Iterator[bytes]]:
        answer = self._ask("get_object", Key=key, ChecksumMode="ENABLED")
        sized = "ContentLength" in answer  # what is sent in chunks is not
        found = _told(key, answer) if sized else self.head(key, answer.get("VersionId"))
        return found, self._pieces(answer["Body"])

    def read(self, key: str, version: str | None = None) -> Iterator[bytes]:
        yield from self._pieces(self._ask("get_object", Key=key, **_version(version))["Body"])

    def _pieces(self, body: Any) -> Iterator[bytes]:
        try:
            while chunk := self._piece(body):
                yield chunk
        except FlexibleChecksumError as error:
            raise torn(error) from error
        except (BotoCoreError, OSError) as error:
            raise unreachable(self._settings, error) from error

    def _piece(self, body: Any) -> bytes:
        with within(self._seconds):
            return bytes(body.read(CHUNK))

    def presigned(self, key: str, version: str | None, seconds: int) -> str:
        """Returns a URL by which anybody gets that version of an object, for so many seconds (S3 knows seven
        days at most). Nothing is asked of the server; the link ends earlier where our key does."""
        named = {"Bucket": self._settings.bucket, "Key": key, **_version(version)}
        return str(self._s3.generate_presigned_url("get_object", Params=named, ExpiresIn=seconds))

    def locks(self) -> bool:
        """Returns whether the bucket has Object Lock; False also where the server refuses to tell."""
        try:
            answer = self._ask("get_object_lock_configuration")
        except (NotFound, RequestRefused):
            return False
        return bool(answer["ObjectLockConfiguration"].get("ObjectLockEnabled") == "Enabled")

    def lock(self, key: str, version: str | None, mode: str, until: datetime) -> None:
        self._require_clock()
        lock = {"Mode": mode.upper(), "RetainUntilDate": until}
        self._ask("put_object_retention", Key=key, Retention=lock, **_version(version))

    def hold(self, key: str, version: str | None, *, on: bool) -> None:
        status = {"Status": "ON" if on else "OFF"}
        self._ask("put_object_legal_hold", Key=key, LegalHold=status, **_version(version))

    def list_versions(self, prefix: str) -> list[tuple[str, str]]:
        found = self._ask("list_object_versions", Prefix=prefix)
        every = [*found.get("Versions", []), *found.get("DeleteMarkers", [])]
        return [(each["Key"], each["VersionId"]) for each in every]

    def delete(self, key: str, version: str | None) -> None:
        if not key.startswith(TRIALS):
            raise ValueError(f"{key} is no object of a trial")
        self._ask("delete_object", Key=key, **_version(version))

    def check(self) -> None:
        """Raises StoreUnreachable when the bucket cannot be used, Unreachable for any other refusal."""
        self._ask("head_bucket")

    def _lock(self, retain_until: datetime) -> dict[str, Any]:
        if self._settings.object_lock == "off":
            return {}
        self._require_clock()
        return {
            "ObjectLockMode": self._settings.object_lock.upper(),
            "ObjectLockRetainUntilDate": retain_until,
        }

    def _encryption(self) -> dict[str, str]:
        """Returns how a server is asked to encrypt an object."""
        wanted, key = self._settings.encryption, self._settings.kms_key_id
        if wanted == "none":
            return {}
        return {"ServerSideEncryption": _ENCRYPTIONS[wanted], **({"SSEKMSKeyId": key} if key else {})}

    def _ask(self, operation: str, **parameters: Any) -> Any:
        if not self._settings.access_key.get_secret_value():  # nobody else's are taken in their place
            raise StoreUnreachable(
                "there are no keys for the S3 server: set {section}.access_key and {section}.secret_key",
                section=self._settings.keys_of,
            ).blamed(Fault.OURS)
        try:
            with within(self._seconds):
                found = getattr(self._s3, operation)(Bucket=self._settings.bucket, **parameters)
        except ClientError as error:
            raise refused(self._settings, operation, error, parameters.get("Key")) from error
        except (BotoCoreError, ValueError, OSError) as error:
            raise unreachable(self._settings, error) from error
        if told := date_of(found):
            self._zeros[:] = [told - timedelta(seconds=time.monotonic())]
        return found


def date_of(answer: dict[str, Any]) -> datetime | None:
    """Returns the time at which the server answered; None where it does not say."""
    text = answer.get("ResponseMetadata", {}).get("HTTPHeaders", {}).get("date", "")
    try:
        found = parsedate_to_datetime(text)
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)  # no zone, or -0000: it is UTC all the same


def _told(key: str, said: dict[str, Any]) -> StoredObject:
    """Returns what the headers of an answer say of an object."""
    checksum = said.get("ChecksumSHA256")
    return StoredObject(
        key=key,
        size=said["ContentLength"],
        sha256=base64.b64decode(checksum).hex() if checksum else None,
        retain_until=said.get("ObjectLockRetainUntilDate"),
        legal_hold=said.get("ObjectLockLegalHoldStatus") == "ON",
        version=said.get("VersionId"),
        lock_mode=str(said.get("ObjectLockMode") or "").lower() or None,
        encryption=_encryption_named(said.get("ServerSideEncryption")),
    )


def _listed(said: dict[str, Any], *, marker: bool = False) -> ListedVersion:
    version = None if said["VersionId"] == "null" else said["VersionId"]
    size = 0 if marker else said["Size"]
    return ListedVersion(said["Key"], version, size, said["LastModified"], said["IsLatest"], marker)


def _encryption_named(said: str | None) -> str | None:
    """Returns an encryption as the setting calls it; one that has no setting as the server calls it."""
    return next((name for name, called in _ENCRYPTIONS.items() if called == said), said or None)


def _version(version: str | None) -> dict[str, str]:
    """Returns the parameter that names a version; none for the newest."""
    return {"VersionId": version} if version else {}
