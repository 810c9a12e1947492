"""Deletes what is past its time from the bucket, version by version, with the keys of `callrec purge` alone.

A lock is never gone round: no request here asks to bypass governance. What was deleted is looked for again by
whoever asked for it (lifecycle.purge): a server that says so has not proved it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from botocore.exceptions import ClientError

from callrec.archive.s3 import S3Store, date_of
from callrec.archive.store import StoredVersion
from callrec.errors import CheckFailed, NotFound, StoreUnreachable, Unreachable


class S3Removal(S3Store):
    """One bucket of an S3 server, as a DestructionStore."""

    def versions(self, key: str) -> list[StoredVersion]:
        return [self._looked_at(key, id_, marker=marker) for id_, marker in self._listed(key)]

    def remove(self, key: str, version: str) -> None:
        try:
            self._ask("delete_object", Key=key, VersionId=version)
        except NotFound:
            return
        except StoreUnreachable as error:
            if not isinstance(error.__cause__, ClientError):
                raise
            # It answers, and refuses this one: by a lock, or as these keys may not. Others may still go.
            raise Unreachable(
                "the S3 server does not let {key} be deleted ({code})",
                key=key,
                code=error.__cause__.response["Error"].get("Code", ""),
            ) from error

    def is_there(self, key: str, version: str | None) -> bool:
        try:
            self.head(key, version)
        except NotFound:
            return False
        return True

    def time(self) -> datetime:
        try:
            answer = self._ask("head_bucket")
        except Unreachable as error:
            # A server whose clock is far from ours refuses all that is signed, and says its time with it.
            answer = getattr(error.__cause__, "response", None)
            if answer is None or (found := date_of(answer)) is None:
                raise
            return found
        if (found := date_of(answer)) is None:
            raise CheckFailed("the S3 server does not tell its time, so nothing can be said of the clocks")
        return found

    def _listed(self, key: str) -> Iterator[tuple[str, bool]]:
        """Yields the id of each version of exactly this key, and whether it is a delete marker."""
        after: dict[str, Any] = {}
        while True:
            found = self._page(key, after)
            for kind, marker in (("Versions", False), ("DeleteMarkers", True)):
                yield from ((each["VersionId"], marker) for each in found.get(kind, []) if each["Key"] == key)
            if not found.get("IsTruncated"):
                return
            after = {
                "KeyMarker": found["NextKeyMarker"],
                "VersionIdMarker": found.get("NextVersionIdMarker", ""),
            }

    def _page(self, key: str, after: dict[str, Any]) -> Any:
        with _no_refusal():
            return self._ask("list_object_versions", Prefix=key, **after)

    def _versions(self, **parameters: Any) -> Iterator[Any]:
        with _no_refusal():
            yield from super()._versions(**parameters)

    def _looked_at(self, key: str, version: str, *, marker: bool) -> StoredVersion:
        if marker:  # has neither bytes nor a lock
            return StoredVersion(version, marker=True)
        try:
            found = self._ask("head_object", Key=key, VersionId=version)
        except NotFound:  # listed a moment ago: it is on its way out
            return StoredVersion(version)
        return StoredVersion(
            version,
            retain_until=found.get("ObjectLockRetainUntilDate"),
            legal_hold=found.get("ObjectLockLegalHoldStatus") == "ON",
        )


@contextmanager
def _no_refusal() -> Iterator[None]:
    """While something is listed: what is not there is no error of S3, so that it says so is a refusal."""
    try:
        yield
    except NotFound as error:
        raise Unreachable(
            "the S3 server refused {operation}: {code}", operation="list_object_versions", code=404
        ) from error
