"""Checks the desk: whether it answers those who work through it, and whether the keys that may destroy
recordings are apart from all others."""

from __future__ import annotations

import http.client
import json
import socket
import tomllib
from contextlib import suppress
from pathlib import Path
from typing import Any

from callrec import __version__
from callrec.catalogue import grants
from callrec.doctor.check import Check, Checkup
from callrec.errors import CheckFailed, Unreachable
from callrec.failures import why
from callrec.language import translated as _

SECONDS = 5.0
"""How long the desk may take to say its version."""
MOST_BYTES = 10_000


def _desk(checkup: Checkup) -> str:
    """Checks that a desk of this version answers; where nobody has a role, nobody needs one."""
    path = checkup.app.settings.desk.socket
    version = _version(path)
    if version is None:
        return _nobody(checkup, path)
    if version not in ("", __version__):
        raise CheckFailed(
            "the desk at {path} is of version {version}, and this is {own}: restart callrec desk",
            path=path,
            version=version,
            own=__version__,
        )
    return _("answers at {path}").format(path=path)


def _nobody(checkup: Checkup, path: Path) -> str:
    """Returns that no desk runs. Raises CheckFailed where somebody has a role, and cannot use it."""
    with suppress(Unreachable), checkup.app.database.read() as connection:
        if count := len(grants.all_grants(connection)):
            raise CheckFailed(
                "no desk listens at {path}, though roles are granted ({count}): start callrec desk",
                path=path,
                count=count,
            )
    return _("not running, and nobody has a role")


def _version(path: Path) -> str | None:
    """Returns the version of the desk at a socket, empty where it does not say; None where nobody listens."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as plug:
        plug.settimeout(SECONDS)
        try:
            plug.connect(str(path))
            return _asked(plug)
        except (FileNotFoundError, ConnectionRefusedError):  # one that was killed leaves its socket
            return None
        except (OSError, http.client.HTTPException) as error:
            raise CheckFailed(
                "the desk at {path} does not answer ({problem}): see its log, and restart it",
                path=path,
                problem=why(error),
            ) from error


def _asked(plug: socket.socket) -> str:
    connection = http.client.HTTPConnection("desk")  # HTTP wants the name of a host
    connection.sock = plug
    connection.request("GET", "/v1", headers={"Connection": "close"})
    with connection.getresponse() as answer:
        said = answer.read(MOST_BYTES)
    with suppress(ValueError, KeyError, TypeError):
        return str(json.loads(said)["version"])
    return ""


def _keys(checkup: Checkup) -> str:
    """Checks that who records and who works through the desk cannot delete what they must not."""
    settings = checkup.app.settings
    destroys = settings.destruction.access_key.get_secret_value()
    if not destroys:
        return _("none in these settings: callrec purge only shows what it would destroy")
    for name, section in (("archive", settings.archive), ("desk", settings.desk)):
        if section.access_key.get_secret_value() == destroys:
            raise CheckFailed(
                "destruction.access_key is that of [{section}] too: give callrec purge a key of its own, and "
                "take the right to delete versions from the other",
                section=name,
            )
    if _stands_in(checkup.config):
        return _(
            "warning: {path} holds them, which controller and desk read too; keep them apart, as credentials "
            "(destruction.secret_key) of the service of callrec purge alone"
        ).format(path=checkup.config)
    return _("apart from those of controller and desk")


def _stands_in(config: Path | None) -> bool:
    """Returns whether keys to destroy stand in a file; one that cannot be read is another check's matter."""
    section: Any = None
    with suppress(OSError, ValueError):
        section = tomllib.loads(config.read_text("utf-8")).get("destruction") if config else None
    return isinstance(section, dict) and any("_key" in name for name in section)


CHECKS: tuple[Check, ...] = (
    ("desk", _desk),
    ("keys to destroy", _keys),
)
