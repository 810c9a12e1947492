"""Plans what callrec has on a PBX: ports, addresses, passwords and keys. What the PBX sets already, and what
an installation before has set, stays."""

from __future__ import annotations

import ipaddress
import json
import re
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from callrec.asterisk_files.reading import FOLDER, Sections, lines, sections
from callrec.errors import WrongUsage
from callrec.model.calls import FeatureCode
from callrec.settings import KeySettings

EVERYWHERE = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "127.0.0.1"}  # noqa: S104 (read, not bound)
LOCAL, ANY = "127.0.0.1", "0.0.0.0"  # noqa: S104 (only where callrec is on another machine)
YES = {"yes", "true", "on", "y", "t", "1"}
GIVEN = re.compile(r'(ari_password|ami_password) = (".*")')


@dataclass(frozen=True)
class Wishes:
    """What was asked for. Empty: what is there already, or usual."""

    http_port: str = ""
    ami_port: str = ""
    passwords: Mapping[str, str] = field(default_factory=dict)
    permits: tuple[str, ...] = ()
    """Addresses and networks from which callrec comes, where it is on another machine."""


@dataclass(frozen=True)
class Plan:
    """What callrec has on this PBX after the installation."""

    http_host: str
    http_port: str
    prefix: str
    ami_host: str
    ami_port: str
    ari_password: str
    ami_password: str
    keys: dict[FeatureCode, str]
    permits: tuple[str, ...]

    @property
    def ari_url(self) -> str:
        host = f"[{self.http_host}]" if ":" in self.http_host else self.http_host
        return "/".join(filter(None, [f"http://{host}:{self.http_port}", self.prefix, "ari"]))

    def answers(self) -> str:
        """Returns what `callrec init --answers` reads, as TOML."""
        values = {
            "ari_url": self.ari_url,
            "ari_password": self.ari_password,
            "ami_host": self.ami_host,
            "ami_port": self.ami_port,
            "ami_password": self.ami_password,
        }
        told = "".join(f"{name} = {json.dumps(value)}\n" for name, value in values.items())
        return "# For callrec init --answers; may be removed when callrec.toml is written.\n" + told

    def fields(self) -> dict[str, str]:
        """Returns what the templates leave open, as a configuration file writes it."""
        values = {
            **{f"KEY_{key.upper()}": code for key, code in self.keys.items()},
            "BIND_ADDRESS": ANY if self.permits else LOCAL,
            "HTTP_PORT": self.http_port,
            "AMI_PORT": self.ami_port,
            "AMI_PERMITS": "\npermit = ".join((self.ami_host, *self.permits)),
            "ARI_PASSWORD": self.ari_password,
            "AMI_PASSWORD": self.ami_password,
        }
        return {name: value.replace(";", "\\;") for name, value in values.items()}


def planned(etc: Path, own: Mapping[str, Sections], wishes: Wishes) -> Plan:
    """Returns what is set already, else asked for, installed before, or usual. Raises WrongUsage."""

    def was(name: str, section: str, key: str) -> str:
        return sections(etc / FOLDER / name, etc).get(section, {}).get(key, "")

    http = general(own["http.conf"], {"bindport": "8088"}, needs="bindaddr")
    ami = general(own["manager.conf"], {"port": "5038", "bindaddr": ANY})
    http_port = wishes.http_port, was("http.conf", "general", "bindport"), "8088"
    ami_port = wishes.ami_port, was("manager.conf", "general", "port"), "5038"
    given = wishes.passwords
    ami_host = EVERYWHERE.get(ami.get("bindaddr", ""), ami.get("bindaddr", ""))
    return Plan(
        http_host=EVERYWHERE.get(http.get("bindaddr", ""), http.get("bindaddr", "")),
        http_port=_port("http.conf", http, "bindport", *http_port),
        prefix=http.get("prefix", "").strip("/"),
        ami_host=ami_host,
        ami_port=_port("manager.conf", ami, "port", *ami_port),
        ari_password=_password(given.get("ari_password") or was("ari.conf", "callrec", "password")),
        ami_password=_password(given.get("ami_password") or was("manager.conf", "callrec", "secret")),
        # what `callrec pbx config` has put there stays
        keys={
            key: was("features.conf", "applicationmap", f"callrec-{key}").partition(",")[0] or usual
            for key, usual in KeySettings().codes.items()
        },
        permits=_permits([*_permitted(etc), *wishes.permits], {ami_host, LOCAL}),
    )


def read_passwords(text: str, name: str) -> dict[str, str]:
    """Returns the passwords in a text with lines like init.toml's. Raises WrongUsage where it has none."""
    try:
        found = {line[1]: json.loads(line[2]) for line in map(GIVEN.fullmatch, text.splitlines()) if line}
    except ValueError:
        raise WrongUsage('{name} has lines that are not like ari_password = "..."', name=name) from None
    if not found:
        raise WrongUsage('{name} has no line like ari_password = "..." or ami_password = "..."', name=name)
    return found


def general(own: Sections, usual: Mapping[str, str], needs: str = "") -> dict[str, str]:
    """Returns [general] of a file. A server that runs already uses the usual values where none are written:
    they are as good as written, and must not change under its users."""
    there = own.get("general", {})
    runs = there.get("enabled", "").lower() in YES and (not needs or needs in there)
    for key, value in usual.items() if runs else ():
        there.setdefault(key, value)
    return there


def _port(name: str, own: Mapping[str, str], key: str, asked: str, was: str, usual: str) -> str:
    """Returns the port in use, else the one asked for, the one installed before, the usual one.

    Raises WrongUsage where another one is asked for than is in use.
    """
    if asked and own.get(key, asked) != asked:
        raise WrongUsage(
            "{name}: {key} is {found} already, not {asked}: leave the option away, or change it there",
            name=name,
            key=key,
            found=own[key],
            asked=asked,
        )
    found = own.get(key) or asked or was or usual
    if not (found.isascii() and found.isdecimal() and 0 < int(found[:9]) < 65536):
        raise WrongUsage("{name}: {found} is no port (1 to 65535)", name=name, found=found)
    return found


def _password(given: str) -> str:
    """Returns the given password, which may be that of the installation before, else a random one.

    One that is installed stays where none is asked for: callrec.toml knows it.
    """
    found = given or secrets.token_hex(18)
    if not (found.isascii() and found.isprintable()) or found != found.strip():
        raise WrongUsage("a password must be of printable ASCII, without spaces around it")
    return found


def _permitted(etc: Path) -> list[str]:
    """Returns what AMI's user callrec is permitted already, by an installation or by hand."""
    found = (line.text.partition("=") for line in lines(etc / FOLDER / "manager.conf", etc))
    return [value.removeprefix(">").strip() for key, _, value in found if key.strip() == "permit"]


def _permits(asked: Iterable[str], local: set[str]) -> tuple[str, ...]:
    """Returns addresses and networks, each once, without those of the PBX itself. Raises WrongUsage."""
    found = dict.fromkeys(_address(each) for each in asked)
    return tuple(each for each in found if each not in local)


def _address(given: str) -> str:
    try:
        network = ipaddress.ip_network(given, strict=False)
    except ValueError:
        raise WrongUsage(
            "{text} is no address, such as 192.0.2.10, and no network, such as 192.0.2.0/24", text=repr(given)
        ) from None
    return str(network) if "/" in given else str(network.network_address)
