"""Fills the units of systemd in for one machine. What confines all of them stands in units/confined.conf;
what comes out are whole, plain unit files.

The first line of each says that it is ours, with the hash of the rest: one that a person changed is known by
that, and so is one of an older callrec, which nobody changed.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from string import Template
from urllib.parse import urlsplit

from callrec.addresses import is_here
from callrec.errors import Refused
from callrec.places import DESK_SOCKET
from callrec.settings import Settings

STATE = Path("/var/lib/callrec")
"""The folder that every unit may write (StateDirectory)."""
STATE_MODE = 0o711
"""The PBX's user goes through it to the announcements; what else is in it is for callrec alone."""
CREDENTIALS = Path("/etc/callrec/credentials")
"""Root's folder: each file in it has one secret, and is named as the setting is, `archive.secret_key`."""
PURGE = "destruction."
"""How credentials begin that only the purge is given."""
TEMPLATES = Path(__file__).resolve().parent.parent / "units"
CONFINED = TEMPLATES / "confined.conf"
HIDDEN = tuple(map(Path, ("/home", "/root", "/run/user", "/tmp", "/var/tmp")))  # noqa: S108
"""What a service does not see, or sees a folder of its own in place of (ProtectHome, PrivateTmp)."""
_HEAD = "# Of callrec service install: changes belong into {name}.d/ (systemctl edit {name}). sha256 {hash}\n"
_OURS = re.compile(r"# Of callrec service install: .* sha256 (?P<hash>[0-9a-f]{64})\n")
_PLAIN = re.compile(r"[^\s\"'\\%$;]+")
"""A path that means the same in a unit file, without quotes."""


@dataclass(frozen=True, slots=True)
class Place:
    """What of the units depends on the machine: the program, its settings and the file they are in, who runs
    it, the folder of credentials, and what else the program is made of."""

    program: Path
    config: Path
    user: str
    settings: Settings
    credentials: Path = CREDENTIALS
    parts: tuple[Path, ...] = ()


def filled(place: Place) -> dict[str, str]:
    """Returns the text of each unit file by its name. Raises Refused for a path that a service cannot use."""
    _check_paths(place)
    return {path.name: _headed(path.name, _filled(path, place)) for path in templates()}


def templates() -> list[Path]:
    """Returns the files that are filled in, services before timers."""
    return sorted(path for path in TEMPLATES.iterdir() if path.suffix in (".service", ".timer"))


def is_untouched(text: str) -> bool:
    """Returns whether a unit file is one of ours, of this version or another, that nobody has changed."""
    head, _, rest = text.partition("\n")
    found = _OURS.fullmatch(head + "\n")
    return found is not None and found["hash"] == _hash(rest)


def _headed(name: str, text: str) -> str:
    return _HEAD.format(name=name, hash=_hash(text)) + text


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()


def _filled(path: Path, place: Place) -> str:
    said = Template(path.read_text("utf-8")).substitute(
        program=place.program,
        config=place.config,
        user=place.user,
        local=" ".join(_local(place.settings)),
        socket=place.settings.desk.socket,
        socket_folder="\n".join(_socket_folder(place.settings.desk.socket)),
        credentials="\n".join(_credentials(place.credentials, purge=path.stem == "callrec-purge")),
        writable="\n".join(f"ReadWritePaths=-{each}" for each in writable(place.settings)),
        confined=CONFINED.read_text("utf-8").rstrip(),
    )
    lines = (line.rstrip() for line in said.splitlines())
    return re.sub(r"\n{3,}", "\n\n", "\n".join(_without_gaps(lines)) + "\n")


def _without_gaps(lines: Iterator[str]) -> Iterator[str]:
    """Yields the lines without those that stayed empty within a section."""
    waiting = False
    for line in lines:
        if waiting and line.startswith("["):
            yield ""
        waiting = not line
        if line:
            yield line


def _local(settings: Settings) -> Iterator[str]:
    """Yields the units of this machine that are to be there first."""
    database = urlsplit(settings.catalogue.url)
    if database.scheme.startswith("postgres") and is_here(database.hostname or ""):
        yield "postgresql.service"
    if is_here(urlsplit(settings.pbx.ari_url).hostname or ""):
        yield "asterisk.service"


def _socket_folder(socket: Path) -> Iterator[str]:
    """Yields what gives the desk the folder of its socket."""
    folder = socket.parent
    if folder.parent == DESK_SOCKET.parent.parent:
        yield f"RuntimeDirectory={folder.name}"
        yield "RuntimeDirectoryMode=0755"
    else:
        yield f"ReadWritePaths=-{folder}"


def _credentials(folder: Path, *, purge: bool) -> Iterator[str]:
    """Yields the lines by which a unit is given the files of a folder."""
    for name in credentials(folder):
        if purge or not name.startswith(PURGE):
            yield f"LoadCredential={name}:{folder / name}"


def credentials(folder: Path) -> list[str]:
    """Returns the names of the files in a folder of credentials; none where there is no such folder."""
    if not folder.is_dir():
        return []
    return sorted(
        path.name for path in folder.iterdir() if path.name.partition(".")[0] in Settings.model_fields
    )


def writable(settings: Settings) -> list[Path]:
    """Returns the folders besides its own that callrec writes into."""
    database = settings.catalogue.url.partition("://")
    file = Path(database[2].removeprefix("/")) if database[0].startswith("sqlite") else None
    folders = [settings.spool.directory, settings.evidence.keys]
    folders += [file.parent] if file else []
    folders += [settings.prompts.directory] if settings.prompts.directory else []
    folders += [settings.health.textfile.parent] if settings.health.textfile else []
    return sorted({each for each in folders if not each.is_relative_to(STATE)})


def _check_paths(place: Place) -> None:
    settings = place.settings
    read = (settings.network.ca_file, settings.evidence.tsa_ca_file, settings.pbx.cdr_file)
    used = [place.program, place.config, settings.desk.socket, *writable(settings)]
    for path in (*used, place.program.resolve(), *place.parts, *filter(None, read)):
        if any(path.is_relative_to(each) for each in HIDDEN):
            raise Refused(
                "{path} lies where no service can see it: it belongs outside of home and temporary folders, "
                "such as below /opt, /etc/callrec or /var/lib/callrec",
                path=path,
            )
        if not _PLAIN.fullmatch(str(path)):
            raise Refused(
                "{path}: no path of a service may have spaces, quotes, \\ % $ or ; in it", path=path
            )
