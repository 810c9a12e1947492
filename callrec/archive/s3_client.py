"""Makes clients of an S3 server that heed our settings alone, and keep to the deadlines of their threads."""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path
from typing import Any

import boto3
import botocore.session
from botocore.awsrequest import (
    AWSHTTPConnection,
    AWSHTTPConnectionPool,
    AWSHTTPSConnection,
    AWSHTTPSConnectionPool,
)
from botocore.config import Config
from botocore.configprovider import BOTOCORE_DEFAUT_SESSION_VARIABLES, ConfigValueStore, ConstantProvider
from botocore.loaders import Loader

from callrec import __version__, web
from callrec.settings import ArchiveSettings


def client(settings: ArchiveSettings, ca_file: Path | None) -> Any:
    """Returns a client of the S3 server of these settings. Raises BotoCoreError, ValueError."""
    made = boto3.session.Session(botocore_session=plain_session()).client(
        "s3",
        endpoint_url=settings.endpoint_url,
        region_name=settings.region,
        aws_access_key_id=settings.access_key.get_secret_value(),
        aws_secret_access_key=settings.secret_key.get_secret_value(),
        verify=str(ca_file) if ca_file else True,
        config=Config(
            user_agent=f"callrec/{__version__}",  # else botocore describes itself anew for each request
            signature_version="s3v4",
            s3={"addressing_style": settings.addressing},
            request_checksum_calculation=settings.checksums,
            response_checksum_validation=settings.checksums,
            connect_timeout=5,
            read_timeout=60,
            retries={"max_attempts": 2, "mode": "standard"},
            proxies=web.proxies(settings.proxy),
            ignore_configured_endpoint_urls=True,
        ),
    )
    http = made._endpoint.http_session
    http._pool_classes_by_scheme = {"http": _HttpPool, "https": _HttpsPool}  # for those of a proxy
    http._manager.pool_classes_by_scheme = http._pool_classes_by_scheme
    return made


class _Http(web.InTime, AWSHTTPConnection):  # type: ignore[misc]
    pass


class _Https(web.InTime, AWSHTTPSConnection):  # type: ignore[misc]
    pass


class _HttpPool(AWSHTTPConnectionPool):  # type: ignore[misc]
    ConnectionCls = _Http


class _HttpsPool(AWSHTTPSConnectionPool):  # type: ignore[misc]
    ConnectionCls = _Https


def plain_session() -> botocore.session.Session:
    """Returns a session that knows nothing but what it is given: no AWS_ variable, and none of ~/.aws."""
    session = botocore.session.Session()
    values = {name: default for name, (_, _, default, _) in BOTOCORE_DEFAUT_SESSION_VARIABLES.items()}
    values |= {"config_file": os.devnull, "credentials_file": os.devnull, "s3": None, "proxies_config": None}
    store = ConfigValueStore(mapping={name: ConstantProvider(value) for name, value in values.items()})
    session.register_component("config_store", store)
    session.register_component("data_loader", _known_of_s3())
    return session


@cache
def _known_of_s3() -> Loader:
    """Returns what botocore knows of the protocol, which takes it 50 ms to read: once for all clients."""
    return Loader([Loader.BUILTIN_DATA_PATH], include_default_search_paths=False)
