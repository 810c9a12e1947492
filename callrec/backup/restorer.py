"""Puts a backup back where nothing is: all of it, or nothing.

The rows go into an empty database, in one transaction: into the tables of the version that the backup is of,
which then are brought to this one. Before that is committed, files are put where none are; what is there
already stays as it is, and of the keys nothing is put where others are. Was there any trouble, both go again.

The catalogue then is as it was: what was archived since, held or destroyed, only the bucket knows. Until
`callrec catalogue rebuild` has gone through it, nothing is destroyed.
"""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from callrec.backup import listing
from callrec.backup.listing import TOLD_EACH, ListedFile, ListedTable, Listing, Tell
from callrec.backup.waiting import CAPTURED
from callrec.catalogue import custody, portable, rebuilding, statements
from callrec.catalogue.database import Connection, Database
from callrec.errors import EvidenceBroken, Refused, WrongConfiguration
from callrec.evidence.keys import EVERYBODY, SIGNING, KeyFolder
from callrec.failures import told
from callrec.files import PRIVATE, copy_new, file_sha256, make_folder
from callrec.model.access import Through

_OPEN_FOLDER = 0o755
"""Of announcements, which the PBX reads."""


@dataclass(slots=True)
class Restored:
    """What became of a backup. `broken_at`: the row at which its custody log did not follow, when it was
    made. `stayed` are files that were there already and are others."""

    rows: int = 0
    recordings: int = 0
    broken_at: int | None = None
    written: list[Path] = field(default_factory=list)
    stayed: list[Path] = field(default_factory=list)


class Restorer:
    """Puts back one backup, whose files were checked before."""

    def __init__(
        self,
        folder: Path,
        found: Listing,
        database: Database,
        keys: KeyFolder,
        *,
        configuration: Path,
        prompts: Path | None,
        spool: Path,
        who: str,
        clock: Callable[[], datetime],
    ) -> None:
        self._folder, self._found, self._database, self._keys = folder, found, database, keys
        self._configuration, self._prompts, self._spool = configuration, prompts, spool
        self._who, self._clock = who, clock
        self._done = Restored()

    def restore(self, tell: Tell) -> Restored:
        """Puts all of it back. Raises Refused where something is there that must not be written over,
        EvidenceBroken where the rows are not as the list says, and CatalogueNewer for a backup of a newer
        callrec."""
        self._require_room_for_keys()
        try:
            with self._database.filled(self._found.version, lambda to: self._fill(to, tell)) as connection:
                self._finish(connection)
                self._put_files()
        except BaseException:
            for path in reversed(self._done.written):
                path.unlink(missing_ok=True)
            raise
        return self._done

    # --- rows

    def _fill(self, connection: Connection, tell: Tell) -> None:
        portable.require_empty(connection)
        there = {each.name: each for each in portable.tables(connection)}
        if {each.name: each.columns for each in self._found.tables} != {
            name: each.columns for name, each in there.items()
        }:
            raise EvidenceBroken(
                "the tables of the backup are not those of version {version}", version=self._found.version
            )
        rows = {each.name: each for each in self._found.tables}
        for name, table in there.items():  # in the order of this database: those first that others refer to
            portable.fill(connection, table, self._rows(rows[name], tell))
            self._require_all(connection, table, rows[name].rows)
            self._done.rows += rows[name].rows
        portable.finish(connection)

    def _rows(self, table: ListedTable, tell: Tell) -> Iterator[portable.Row]:
        try:
            with gzip.open(self._folder / table.file, mode="rt", encoding="utf-8") as file:
                for number, line in enumerate(file, start=1):
                    yield json.loads(line)
                    if number % TOLD_EACH == 0:
                        tell(table.name, number)
        except (OSError, EOFError, ValueError, zlib.error) as error:
            raise EvidenceBroken("the rows of table {table} cannot be read", table=table.name) from error

    @staticmethod
    def _require_all(connection: Connection, table: portable.PortableTable, wanted: int) -> None:
        count = portable.count(connection, table)
        if count != wanted:
            raise EvidenceBroken(
                "table {table} has {count} rows, and the backup {wanted}",
                table=table.name,
                count=count,
                wanted=wanted,
            )

    def _finish(self, connection: Connection) -> None:
        """Looks at the custody log, enters into it that it was put back, and that what came after is not
        known yet."""
        found, now = self._found, self._clock()
        if custody.head(connection) != (found.custody, found.custody_hash):
            raise EvidenceBroken("the custody log does not end as the backup says")
        self._done.broken_at = custody.broken_at(connection)
        said: dict[str, Any] = {"made_at": found.made_at.isoformat(), "key": found.key_id}
        said |= {"role": "", "through": Through.DIRECT}
        statements.enter(connection, "", "restored", who=self._who, at=now, **said)
        rebuilding.go_on_after(connection, "", now)  # from its beginning

    # --- files

    def _require_room_for_keys(self) -> None:
        """Raises Refused where the folder of keys has a key to sign with, or to verify with, that the backup
        does not have, unless it has all of the backup's, too: then a newer one was made since."""
        folder, names = self._keys.folder, {Path(each.name).name for each in self._listed_keys()}
        there = {each.name for each in folder.glob("*")} if folder.is_dir() else set()
        others = [each for each in self._listed_keys() if not self._is_alike(each, self._key_place(each))]
        changed = [each for each in others if self._key_place(each).name != SIGNING]
        if changed or (others and not names <= there) or (there - names and SIGNING not in there):
            raise Refused(
                "{path} has keys, and not those of the backup: move them away, or put its own there first",
                path=folder,
            )

    def _listed_keys(self) -> list[ListedFile]:
        return self._found.within(listing.KEYS)

    def _key_place(self, listed: ListedFile) -> Path:
        return self._keys.folder / Path(listed.name).name

    @staticmethod
    def _is_alike(listed: ListedFile, path: Path) -> bool:
        """Returns whether a file that is there is the one of the backup. One that is not there can become
        it."""
        return not path.exists() or file_sha256(path) == listed.sha256

    def _put_files(self) -> None:
        try:
            if self._found.has(listing.CONFIGURATION):
                listed = next(each for each in self._found.files if each.name == listing.CONFIGURATION)
                self._put(listed, self._configuration)
            for each in sorted(self._listed_keys(), key=lambda each: each.name.endswith(SIGNING)):
                place = self._key_place(each)
                self._put(each, place, mode=PRIVATE if place.name == SIGNING else EVERYBODY)
            self._put_prompts()
            self._put_waiting()
        except OSError as error:
            raise WrongConfiguration("nothing was restored: {problem}", problem=told(error)) from error

    def _put_prompts(self) -> None:
        for each in self._found.within(listing.PROMPTS) if self._prompts else ():
            assert self._prompts
            place = self._prompts / each.name.removeprefix(f"{listing.PROMPTS}/")
            make_folder(place.parent, _OPEN_FOLDER)
            self._put(each, place, mode=EVERYBODY)

    def _put_waiting(self) -> None:
        """Puts what waited into the spool; of each recording last the file by which the archiver finds it."""
        waited = [*self._found.within(listing.CALLS), *self._found.within(listing.RECORDINGS)]
        for each in sorted(waited, key=lambda each: each.name.endswith(f"/{CAPTURED}")):
            self._put(each, self._spool / each.name)
            self._done.recordings += each.name.endswith(f"/{CAPTURED}")

    def _put(self, listed: ListedFile, place: Path, *, mode: int = PRIVATE) -> None:
        """Puts a file where none is. What is there stays."""
        make_folder(place.parent)
        with suppress(FileExistsError):
            copied = copy_new(self._folder / listed.name, place, mode=mode)
            self._done.written.append(place)
            if copied != (listed.size, listed.sha256):
                raise listing.broken(listed)
            return
        if file_sha256(place) != listed.sha256:
            self._done.stayed.append(place)
