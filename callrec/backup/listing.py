"""The list of a backup, backup.json: what is in it, signed by the key of the office.

A file that is missing, changed or added is noticed, and whoever forges all of it has to forge the keys, too:
compare the id of the key that has signed with the one that is published.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from pydantic import AwareDatetime, TypeAdapter, ValidationError

from callrec.errors import EvidenceBroken, WrongConfiguration, WrongUsage
from callrec.evidence.keys import KeyFolder
from callrec.failures import told
from callrec.files import file_sha256
from callrec.signing import Signer, opened, signed

Tell = Callable[[str, int], None]
"""Is called with what is being done, and how many rows of it are."""
TOLD_EACH = 10_000
"""Rows."""
SCHEMA = "callrec-backup/1"
FILE = "backup.json"
LARGEST = 1 << 28
"""Bytes of a list: a line for each file."""
KEYS, PROMPTS, RECORDINGS, CALLS, TABLES = "keys", "prompts", "recordings", "calls", "tables"
"""The folders of a backup."""
CONFIGURATION = "callrec.toml"


def table_file(name: str) -> str:
    """Returns the file with the rows of a table."""
    return f"{TABLES}/{name}.jsonl.gz"


@dataclass(frozen=True, slots=True)
class ListedFile:
    """A file of a backup; `name` is its path in it."""

    name: str
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class ListedTable:
    """A table of which all rows are in the backup; its columns with their kinds, as portable.KINDS has them.
    `key` are those by which rows are told apart."""

    name: str
    columns: dict[str, str]
    key: tuple[str, ...]
    rows: int

    @property
    def file(self) -> str:
        return table_file(self.name)


@dataclass(frozen=True, slots=True)
class Listing:
    """What a backup holds. `version` is that of the database, `custody` the number of the newest row of its
    custody log and `custody_hash` the hash of that row. `left_out` are recordings that were on the PBX still,
    or were just being joined."""

    made_at: AwareDatetime
    made_by: str
    machine: str
    callrec: str
    kind: str
    version: str
    custody: int
    custody_hash: str
    tables: tuple[ListedTable, ...]
    files: tuple[ListedFile, ...]
    left_out: int = 0
    schema: str = SCHEMA
    key_id: str = ""
    """The key that signed it."""

    def within(self, folder: str) -> list[ListedFile]:
        """Returns the files of one folder of the backup."""
        return [each for each in self.files if each.name.startswith(f"{folder}/")]

    def has(self, name: str) -> bool:
        return any(each.name == name for each in self.files)


_ADAPTER = TypeAdapter(Listing)


def written(listing: Listing, signer: Signer) -> bytes:
    """Returns the list as it is written down: signed."""
    plain = _ADAPTER.dump_python(listing, mode="json", exclude={"key_id"})
    return signed(plain, signer)


def read(folder: Path) -> Listing:
    """Returns the list of a backup. Raises WrongUsage where there is none, EvidenceBroken for one that is not
    as it was signed."""
    path = folder / FILE
    try:
        with path.open("rb") as file:
            data = file.read(LARGEST)
    except OSError as error:
        raise WrongUsage(
            "there is no backup in {path}: {problem}", path=folder, problem=told(error)
        ) from error
    try:
        document = opened(data, KeyFolder(folder / KEYS).public)
    except WrongConfiguration as error:
        raise EvidenceBroken("the keys of the backup are missing: {problem}", problem=error) from error
    _require_known(document, folder)
    try:
        found = _ADAPTER.validate_python(
            {name: value for name, value in document.items() if name != "signature"}
        )
    except ValidationError as error:
        raise EvidenceBroken("{path} is no list of a backup", path=path) from error
    for each in found.files:
        _require_inside(each.name)
    return found


def _require_known(document: dict[str, Any], folder: Path) -> None:
    schema = str(document.get("schema"))
    if schema != SCHEMA:
        raise WrongUsage(
            "the backup {path} is of the form {schema}, this callrec reads {known}: use the callrec that "
            "made it",
            path=folder,
            schema=schema,
            known=SCHEMA,
        )


def _require_inside(name: str) -> None:
    """Raises EvidenceBroken for a path that leads out of the folder."""
    parts = PurePosixPath(name).parts
    if not parts or name != "/".join(parts) or parts[0] == "/" or {".", ".."} & set(parts) or "\0" in name:
        raise EvidenceBroken("the backup names a file that would lie outside of it: {name}", name=repr(name))


def check(folder: Path, listing: Listing) -> Iterator[str]:
    """Reads each file of a backup and yields its name. Raises EvidenceBroken at once for one that is missing,
    changed, or not on the list, and WrongUsage for one that cannot be read."""
    known = {FILE, *(each.name for each in listing.files)}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if (path.is_symlink() or not path.is_dir()) and name not in known:
            raise EvidenceBroken("{name} is in the backup, and not on its list", name=name)
    for each in listing.files:
        check_file(folder, each)
        yield each.name


def check_file(folder: Path, listed: ListedFile) -> None:
    """Raises EvidenceBroken unless a file of a backup is the one on its list."""
    path = folder / listed.name
    try:
        fits = path.is_file() and (path.stat().st_size, file_sha256(path)) == (listed.size, listed.sha256)
    except OSError as error:
        raise WrongUsage("{path} cannot be read: {problem}", path=path, problem=told(error)) from error
    if not fits:
        raise broken(listed)


def broken(listed: ListedFile) -> EvidenceBroken:
    """Returns the error for a file that is not the one on the list."""
    return EvidenceBroken("{name} of the backup is missing, or not as it was written", name=listed.name)
