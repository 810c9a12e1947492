"""Makes a backup while controller, desk and purge work.

What waits in the spool is copied first, then the database is read as it is at one moment: a recording that is
archived in between is in both, which does no harm, and none is in neither. Nobody waits for it. The folder
has its name only when every file was read back, so what has the name is whole.
"""

from __future__ import annotations

import hashlib
import json
import re
import socket
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import Any

from callrec import __version__
from callrec.backup import listing, waiting
from callrec.backup.listing import TOLD_EACH, ListedFile, ListedTable, Listing, Tell
from callrec.catalogue import custody, portable, statements
from callrec.catalogue.database import Connection, Database
from callrec.errors import CallrecError, Refused, WrongUsage
from callrec.evidence.keys import SIGNING, KeyFolder
from callrec.failures import told
from callrec.files import Draft, copy_new, draft, make_folder, new_folder, write_new
from callrec.model.access import Through
from callrec.signing import Signer

_KEY_FILE = re.compile(rf"{re.escape(SIGNING)}|[0-9a-f]{{16}}\.(pem|json)")
_GZIP, _LEVEL = 31, 1
"""The form of what is compressed, for zlib, and how hard it tries."""
READ_BACK = "read back"


class Maker:
    """Makes backups of one callrec. `prompts` is the office's own folder of announcements, if it has one."""

    def __init__(
        self,
        database: Database,
        keys: KeyFolder,
        *,
        configuration: Path,
        prompts: Path | None,
        spool: Path,
        who: str,
        clock: Callable[[], datetime],
    ) -> None:
        self._database, self._keys = database, keys
        self._configuration, self._prompts, self._spool = configuration, prompts, spool
        self._who, self._clock = who, clock

    def make(self, target: Path, tell: Tell) -> Listing:
        """Makes a backup in a new folder, and returns what is in it.

        Raises Refused where the folder is there and not empty, WrongUsage where it cannot be made,
        CatalogueDamaged for a row that something else has changed, and WrongConfiguration where there is no
        key to sign with.
        """
        self._database.require_current()
        signer, at = self._keys.signer(), self._clock()
        with _said(target), new_folder(target) as folder:
            self._note(at, target)
            files = [*self._files(folder)]
            whole, left_out = waiting.joined(self._spool)
            files += self._waiting(folder, whole)
            with self._database.snapshot() as connection:
                found = self._rows(connection, folder, tell)
                head = custody.head(connection)
            files += (listed for listed, _ in found)
            made = Listing(
                at,
                self._who,
                socket.gethostname(),
                __version__,
                self._kind,
                self._database.versions()[1],
                *head,
                tuple(table for _, table in found),
                tuple(sorted(files, key=lambda each: each.name)),
                left_out,
            )
            return _proved(folder, made, signer, tell)

    @property
    def _kind(self) -> str:
        return "postgresql" if self._database.file is None else "sqlite"

    def _note(self, at: datetime, target: Path) -> None:
        """Writes down who has a copy of everything: before it is made, so that it is in there, too."""
        said: dict[str, Any] = {"role": "", "through": Through.DIRECT, "folder": str(target.absolute())}
        with self._database.begin() as connection:
            statements.enter(connection, "", "backed-up", who=self._who, at=at, **said)

    # --- files

    def _files(self, folder: Path) -> Iterator[ListedFile]:
        yield _copied(self._configuration, folder, listing.CONFIGURATION)
        for path in sorted(self._keys.folder.iterdir()):
            if _KEY_FILE.fullmatch(path.name):
                yield _copied(path, folder, f"{listing.KEYS}/{path.name}")
        if self._prompts:
            for path in sorted(each for each in self._prompts.rglob("*") if each.is_file()):
                name = path.relative_to(self._prompts).as_posix()
                yield _copied(path, folder, f"{listing.PROMPTS}/{name}")

    def _waiting(self, folder: Path, whole: list[Path]) -> Iterator[ListedFile]:
        """Copies what waits. What the archiver takes away meanwhile is in the bucket, and is left out."""
        for recording in whole:
            with suppress(FileNotFoundError):
                base = f"{listing.RECORDINGS}/{recording.name}"
                yield from [_copied(each, folder, f"{base}/{each.name}") for each in waiting.files(recording)]
        for call in waiting.calls(self._spool):
            with suppress(FileNotFoundError):
                yield _copied(call, folder, f"{listing.CALLS}/{call.name}")

    def _rows(self, connection: Connection, folder: Path, tell: Tell) -> list[tuple[ListedFile, ListedTable]]:
        make_folder(folder / listing.TABLES)
        return [_dumped(connection, each, folder, tell) for each in portable.tables(connection)]


class _RowFile:
    """Rows as JSON, a list a line, compressed."""

    def __init__(self, file: Draft) -> None:
        self._file, self._hash, self._packer = file, hashlib.sha256(), zlib.compressobj(_LEVEL, wbits=_GZIP)
        self.rows = self.size = 0

    def add(self, row: portable.Row) -> None:
        self._write(self._packer.compress(json.dumps(row, separators=(",", ":")).encode() + b"\n"))
        self.rows += 1

    def end(self) -> None:
        self._write(self._packer.flush())
        self._file.publish()

    @property
    def sha256(self) -> str:
        return self._hash.hexdigest()

    def _write(self, data: bytes) -> None:
        self._file.write(data)
        self._hash.update(data)
        self.size += len(data)


def _dumped(
    connection: Connection, table: portable.PortableTable, folder: Path, tell: Tell
) -> tuple[ListedFile, ListedTable]:
    name = listing.table_file(table.name)
    with draft(folder / name, new=True) as file:
        made = _RowFile(file)
        for row in portable.rows(connection, table):
            made.add(row)
            if made.rows % TOLD_EACH == 0:
                tell(table.name, made.rows)
        made.end()
    listed = ListedFile(name, made.size, made.sha256)
    return listed, ListedTable(table.name, table.columns, table.key, made.rows)


def _copied(path: Path, folder: Path, name: str) -> ListedFile:
    if not name.isprintable():
        raise WrongUsage(
            "the name of {path} cannot be written down: give the file another one", path=repr(name)
        )
    target = folder / name
    make_folder(target.parent)
    return ListedFile(name, *copy_new(path, target))


def _proved(folder: Path, made: Listing, signer: Signer, tell: Tell) -> Listing:
    """Writes the list, and returns it as it is read back, with all that stands on it."""
    write_new(folder / listing.FILE, listing.written(made, signer))
    found = listing.read(folder)
    for number, _ in enumerate(listing.check(folder, found), start=1):
        tell(READ_BACK, number)
    return found


@contextmanager
def _said(target: Path) -> Iterator[None]:
    """Makes of what the disk refuses one line that says what to do."""
    try:
        yield
    except FileExistsError as error:
        raise Refused("{path} is there already: give a new folder", path=target) from error
    except BlockingIOError as error:
        raise Refused("another process makes the backup {path} at this moment", path=target) from error
    except OSError as error:
        if isinstance(error, CallrecError):
            raise
        raise WrongUsage(
            "the backup {path} cannot be made: {problem}", path=target, problem=told(error)
        ) from error
