"""Puts a package into a zip, encrypted where a passphrase is given, and reads it again with care: whoever
sends one may have made it to do harm.

The zip of a package holds one folder. An encrypted one (AES-256, as WinZip and 7-Zip have it) holds that zip,
whole, as its only file: names within an encrypted zip can be read, and ids of recordings tell when a call
was.
"""

from __future__ import annotations

import hashlib
import stat
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import pyzipper

from callrec.errors import EvidenceBroken, Sentence, WrongUsage
from callrec.evidence.package import DOCUMENT, PackedFile
from callrec.failures import why
from callrec.files import scratch

MOST_FILES = 200_000
MOST_GROWTH = 200
"""How many times its size the content of a zip may be: text shrinks to a tenth, sound not at all."""
SPARE = 1 << 24
"""Bytes that the content may have in any case."""
CHUNK = 1 << 20
# zipfile says NotImplementedError of a kind of compression that it does not know.
_BROKEN = (zipfile.BadZipFile, pyzipper.BadZipFile, zlib.error, EOFError, NotImplementedError, ValueError)


class PackageWriter:
    """Writes the zip of a package. To be used in a `with`. Raises OSError."""

    def __init__(self, path: Path, folder: str, at: datetime) -> None:
        """`folder` is the one that all files are in, `at` the local time that they get."""
        self._zip = zipfile.ZipFile(path, "w", zipfile.ZIP_STORED)
        self._folder, self._at = folder, at.timetuple()[:6]
        self.files: list[PackedFile] = []

    def add(self, name: str, data: bytes) -> None:
        """Adds a file of text."""
        self._zip.writestr(self._entry(name, zipfile.ZIP_DEFLATED), data)
        self.files.append(PackedFile(name, len(data), hashlib.sha256(data).hexdigest()))

    def add_sound(self, name: str, path: Path, sha256: str) -> None:
        """Adds a file of sound, whose hash is known. Streamed."""
        entry, size = self._entry(name, zipfile.ZIP_STORED), path.stat().st_size
        entry.file_size = size
        with path.open("rb") as source, self._zip.open(entry, mode="w") as target:
            while chunk := source.read(CHUNK):
                target.write(chunk)
        self.files.append(PackedFile(name, size, sha256))

    def _entry(self, name: str, how: int) -> zipfile.ZipInfo:
        entry = zipfile.ZipInfo(f"{self._folder}/{name}", self._at)
        entry.compress_type = how
        entry.external_attr = (stat.S_IFREG | 0o600) << 16
        return entry

    def __enter__(self) -> PackageWriter:
        return self

    def __exit__(self, *_: object) -> None:
        self._zip.close()


def encrypt(source: Path, target: Path, name: str, passphrase: str) -> None:
    """Writes a zip that holds a file, encrypted by a passphrase. Streamed. Raises OSError."""
    with pyzipper.AESZipFile(target, "w", pyzipper.ZIP_STORED, encryption=pyzipper.WZ_AES) as made:
        made.setpassword(passphrase.encode())
        made.write(source, name)


class PackageFiles:
    """The files of a package in a zip, by their names within its folder."""

    def __init__(self, archive: Any) -> None:
        """Raises EvidenceBroken for a zip in which no package can be."""
        self._zip = archive
        entries = [each for each in archive.infolist() if not each.is_dir()]
        _check_size(archive, entries)
        folder = _folder(entries)
        self._entries = {each.filename.removeprefix(folder): each for each in entries}
        if len(self._entries) != len(entries):
            raise EvidenceBroken("it is no package: several files in it have one name")

    def names(self) -> list[str]:
        return sorted(self._entries)

    def chunks(self, name: str) -> Iterator[bytes]:
        """Yields the bytes of a file. Raises EvidenceBroken where it is damaged."""
        try:
            with self._zip.open(self._entries[name]) as file:
                while chunk := file.read(CHUNK):
                    yield chunk
        except (*_BROKEN, RuntimeError, OSError) as error:
            raise EvidenceBroken("it is damaged within the zip") from error


@contextmanager
def opened(path: Path, passphrase: str | None = None) -> Iterator[PackageFiles]:
    """Gives the files of a package. Raises EvidenceBroken for what is no zip, or is damaged, and WrongUsage
    where it cannot be read, or a passphrase is needed, or is another."""
    with _archive(path) as outer:
        if not any(each.flag_bits & 1 for each in outer.infolist()):
            yield PackageFiles(outer)
            return
        if passphrase is None:
            raise WrongUsage("{path} is encrypted: give --passphrase-file", path=path)
        with scratch() as inner:
            _decrypt(outer, inner, passphrase, path)
            with _archive(inner, path) as archive:
                yield PackageFiles(archive)


@contextmanager
def _archive(path: Path, shown: Path | None = None) -> Iterator[Any]:
    try:
        archive = pyzipper.AESZipFile(path)
    except (*_BROKEN, OverflowError) as error:
        raise EvidenceBroken("{path} is no zip file, or is damaged", path=shown or path) from error
    except OSError as error:
        raise WrongUsage(
            "{path} cannot be read: {problem}", path=shown or path, problem=why(error)
        ) from error
    with archive:
        yield archive


def _decrypt(outer: Any, target: Path, passphrase: str, path: Path) -> None:
    """Writes the only file of an encrypted zip into another."""
    entries = outer.infolist()
    _check_size(outer, entries)
    if len(entries) != 1:
        raise EvidenceBroken("it is no package: an encrypted one holds one zip")
    outer.setpassword(passphrase.encode())
    try:
        with outer.open(entries[0]) as source, target.open("wb") as file:
            while chunk := source.read(CHUNK):
                file.write(chunk)
    except RuntimeError as error:
        raise WrongUsage("{path} has another passphrase", path=path) from error
    except _BROKEN as error:
        raise EvidenceBroken("{path} is no zip file, or is damaged", path=path) from error


def _check_size(archive: Any, entries: list[Any]) -> None:
    """Raises EvidenceBroken for a zip that would grow beyond measure: it is not looked into."""
    size = sum(each.file_size for each in entries)
    on_disk = sum(min(each.compress_size, each.file_size) for each in entries)
    whole = Path(archive.filename).stat().st_size
    if len(entries) > MOST_FILES or size > SPARE + MOST_GROWTH * min(whole, on_disk):
        raise EvidenceBroken("it is no package: it would become {size} bytes when it is unpacked", size=size)


def _folder(entries: list[Any]) -> str:
    """Returns the folder that the package is in, with its slash; empty where there is none. Raises
    EvidenceBroken where a name leads elsewhere."""
    lists = [each.filename for each in entries if each.filename.rpartition("/")[2] == DOCUMENT]
    folder = min(lists, key=len, default="").removesuffix(DOCUMENT)
    for each in entries:
        if problem := _problem(each, folder):
            raise EvidenceBroken(
                "it is no package: {name} must not be in it: {what}", name=each.orig_filename, what=problem
            )
    return folder


def _problem(entry: Any, folder: str) -> Sentence | None:
    """Returns why a file cannot be in a package."""
    name = entry.orig_filename
    if stat.S_ISLNK(entry.external_attr >> 16):
        return Sentence("it is a link")
    if {"", ".", ".."} & set(name.split("/")) or set(name) & set("\\:\0") or not name.startswith(folder):
        return Sentence("it leads out of the folder")
    return None
