"""Writes, names and moves files so that each is there whole or not at all, whatever happens meanwhile.

What is written has no name (O_TMPFILE): of a process that is killed nothing is left. Then it is synced and
takes its name. Only what replaces a file stands beside it for a moment, as NAME.partial: Linux cannot put a
file without a name in the place of another. Where the file system has no files without a name (NFS, FAT), it
has one of its own meanwhile, and loses it where writing fails.

Files are for their owner only (0600, folders 0700) unless another mode is given, whatever the umask. A link
that is replaced stays, and what it leads to is replaced. Everything raises OSError, and then leaves what was
there before. Nobody else in callrec writes files; sound is streamed into the `path` of a `Draft`.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import itertools
import os
import secrets
import shutil
import stat
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

PARTIAL = ".partial"
PRIVATE = 0o600
PRIVATE_FOLDER = 0o700
AS_BEFORE = None
"""The mode of what keeps owner and rights of the file it replaces; of a new file, those of its folder."""


@dataclass(frozen=True, slots=True)
class Rights:
    """Whose a file is, and who may use it: in place of a mode, for what is another's on purpose."""

    owner: int
    group: int
    mode: int

    @classmethod
    def of(cls, path: Path) -> Rights:
        """Returns those of a file or folder."""
        found = path.stat()
        return cls(found.st_uid, found.st_gid, stat.S_IMODE(found.st_mode))


Mode = int | Rights | None


def partial_of(path: Path) -> Path:
    """Returns the path under which a file stands beside the one that it replaces."""
    return path.with_name(path.name + PARTIAL)


class Draft:
    """A file that is being written, through `path` or `write`, and is named by `publish`. See `draft`."""

    def __init__(self, target: Path, mode: Mode, *, new: bool) -> None:
        self._target, self._mode, self._new = target, mode, new
        self._own: Path | None = None
        """A name that it has meanwhile and loses with `close`."""
        self._made: Path | None = None
        """The name that it was given, where nothing had that before."""
        try:
            self._descriptor = os.open(target.parent, os.O_TMPFILE | os.O_RDWR, PRIVATE)
        except OSError:
            self._own = target.with_name(f".callrec-{secrets.token_hex(4)}")
            self._descriptor = os.open(self._own, os.O_RDWR | os.O_CREAT | os.O_EXCL, PRIVATE)
        # not /proc/self: a child process, such as ffmpeg, opens it, too
        self.path = self._own or Path(f"/proc/{os.getpid()}/fd/{self._descriptor}")

    def write(self, data: bytes) -> None:
        """Appends bytes."""
        left = memoryview(data)
        while left:
            left = left[os.write(self._descriptor, left) :]

    def allocate(self, size: int) -> None:
        """Takes room for so many bytes."""
        os.posix_fallocate(self._descriptor, 0, size)

    def sync(self) -> None:
        """Makes what was written survive a power failure. A disk that is full says so here at the latest."""
        os.fsync(self._descriptor)

    def publish(self, target: Path | None = None, *, synced: bool = True) -> None:
        """Gives the file its name, or that of `target` in the same folder.

        Raises FileExistsError where it is to be new and the name is taken. Not `synced`: a kill leaves the
        old or the new one, a power failure may leave neither.
        """
        target = target or self._target
        if synced:
            self.sync()
        self._take_rights(target)
        try:
            self._name(target)
            self._made = target
        except FileExistsError:
            if self._new:
                raise
            self._replace(target)
        if synced:
            self._sync_folder(target.parent)

    def withdraw(self) -> None:
        """Removes the file again, where it has replaced none."""
        if self._made:
            self._made.unlink()

    def close(self) -> None:
        """Lets go of the file: without a name it is gone."""
        if self._own:
            with suppress(OSError):
                self._own.unlink()
        os.close(self._descriptor)

    def _take_rights(self, target: Path) -> None:
        now, mode = os.fstat(self._descriptor), self._mode
        if mode is None:
            was = Rights.of(target if target.exists() else target.parent)
            mode = Rights(was.owner, was.group, was.mode & 0o666)
        if isinstance(mode, Rights):
            if (mode.owner, mode.group) != (now.st_uid, now.st_gid):
                os.fchown(self._descriptor, mode.owner, mode.group)
            mode = mode.mode
        if stat.S_IMODE(now.st_mode) != mode:
            with suppress(PermissionError):  # of a file of one's own: FAT has no modes
                os.fchmod(self._descriptor, mode)

    def _name(self, name: Path) -> None:
        """Gives the file a name that is free. Raises FileExistsError."""
        if self._own is None:
            # With src_dir_fd, Python calls linkat, which follows the link in /proc.
            os.link(f"/proc/self/fd/{self._descriptor}", name, src_dir_fd=self._descriptor)
            return
        try:
            name.hardlink_to(self._own)
        except FileExistsError:
            raise
        except OSError:  # FAT has no second names
            self._own.rename(_free(name))
            self._own = None

    def _replace(self, target: Path) -> None:
        """Puts the file in the place of another."""
        beside = self._own or self._beside(target)
        try:
            beside.replace(target)
        except FileNotFoundError:
            if self._own:
                raise
            # else another that replaces the same file at this moment has done it, see below
        except BaseException:
            beside.unlink(missing_ok=True)
            raise
        self._own = None

    def _beside(self, target: Path) -> Path:
        """Gives the file the name from which it replaces `target`."""
        beside = partial_of(target)
        while True:
            with suppress(FileExistsError):
                self._name(beside)
                return beside
            # What is there is whole: left by a kill, or about to replace the same file.
            with suppress(FileNotFoundError):
                beside.replace(target)

    def _sync_folder(self, folder: Path) -> None:
        try:
            sync(folder)
        except OSError:
            self.withdraw()
            raise


@contextmanager
def draft(path: Path, *, mode: Mode = PRIVATE, new: bool = False) -> Iterator[Draft]:
    """Gives a file to write, which is named `path` by its `publish`, and is gone without that.

    Where it is to be a `new` one, raises FileExistsError for a name that is taken, now or when it is given.
    """
    made = Draft(_free(path) if new else _replaceable(path), mode, new=new)
    try:
        yield made
    finally:
        made.close()


@contextmanager
def scratch() -> Iterator[Path]:
    """Gives a file of the temporary folder to write into; it never has a name, and is gone with the block."""
    made = Draft(Path(tempfile.gettempdir(), "scratch"), PRIVATE, new=True)
    try:
        yield made.path
    finally:
        made.close()


def publish(*drafts: Draft) -> None:
    """Gives several files their names. Where one cannot have it, those that replace nothing go again."""
    for each in drafts:
        each.sync()
    try:
        for each in drafts:
            each.publish()
    except OSError:
        for each in drafts:
            with suppress(OSError):
                each.withdraw()
        raise


def write_whole(path: Path, data: bytes, *, mode: Mode = PRIVATE) -> None:
    """Replaces a file so that, whatever happens, the old or the new one is there, and whole."""
    with draft(path, mode=mode) as made:
        made.write(data)
        made.publish()


def write_new(path: Path, data: bytes, *, mode: Mode = PRIVATE) -> None:
    """Makes a file that is not there yet, whole or not at all.

    Raises FileExistsError where there is one already, which stays as it is.
    """
    with draft(path, mode=mode, new=True) as made:
        made.write(data)
        made.publish()


def write_unsynced(path: Path, data: bytes) -> None:
    """Replaces a file so that a kill leaves the old or the new one; a power failure may leave neither."""
    with draft(path) as made:
        made.write(data)
        made.publish(synced=False)


def write_early(path: Path, data: bytes, written: Callable[[], None]) -> None:
    """Replaces a file, and says before it is synced that a kill of this process loses it no more.

    `written` is called when the new one stands beside the old as NAME.partial. There it stays when it cannot
    be synced: whoever reads these files looks for it.
    """
    partial = partial_of(path)
    with draft(partial) as made:
        made.write(data)
        with suppress(FileNotFoundError):  # one that was not synced is whole, and newer than the file
            partial.replace(path)
        made.publish(synced=False)
    written()
    sync(partial)
    rename(partial, path)


@contextmanager
def new_folder(path: Path) -> Iterator[Path]:
    """Gives a folder to write into, which is named `path` when the block ends, and is gone where that raises.

    Meanwhile it stands beside as NAME.partial; what a kill has left of one is taken away by the next. Raises
    FileExistsError where something has the name that is no empty folder, BlockingIOError where another
    process makes it at this moment.
    """
    beside = partial_of(path)
    beside.mkdir(PRIVATE_FOLDER, exist_ok=True)
    descriptor = os.open(beside, os.O_RDONLY | os.O_NOFOLLOW)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        try:
            _empty(beside)
            _require_free(path)
            yield beside
            _sync_folders(beside)
            beside.rename(path)  # also into the place of an empty one
            sync(path.parent)
        except BaseException:
            shutil.rmtree(beside, ignore_errors=True)
            raise
    finally:
        os.close(descriptor)


def _empty(folder: Path) -> None:
    for each in folder.iterdir():
        shutil.rmtree(each) if each.is_dir() and not each.is_symlink() else each.unlink()


def _require_free(path: Path) -> None:
    """Raises FileExistsError where something has this name that is no empty folder."""
    if path.is_symlink() or (path.exists() and (not path.is_dir() or any(path.iterdir()))):
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), path)


def _sync_folders(folder: Path) -> None:
    for each in (*(inside for inside in folder.rglob("*") if inside.is_dir()), folder):
        sync(each)


def copy_new(source: Path, target: Path, *, mode: int = PRIVATE) -> tuple[int, str]:
    """Makes a copy of a file under a name that is free, and returns its bytes, counted, and their SHA-256.

    Raises FileExistsError where the name is taken.
    """
    with source.open("rb") as file, draft(target, mode=mode, new=True) as made:
        hashed, size = hashlib.sha256(), 0
        while chunk := file.read(1 << 20):
            made.write(chunk)
            hashed.update(chunk)
            size += len(chunk)
        made.publish()
    return size, hashed.hexdigest()


def allocate(path: Path, size: int) -> None:
    """Makes a file of so many bytes that has its room on the disk, whole or not at all."""
    with draft(path) as made:
        made.allocate(size)
        made.publish()


def make_folder(path: Path, mode: int = PRIVATE_FOLDER) -> None:
    """Makes a folder, and those that it lies in, where they are not there, all with this mode."""
    for each in (*reversed(path.parents), path):
        if not each.is_dir():
            each.mkdir(mode, exist_ok=True)
            with suppress(PermissionError):  # FAT has no modes
                each.chmod(mode)  # the umask may have narrowed it


def make_folder_like(path: Path, like: Path) -> bool:
    """Makes a folder that is as another one: its owner, group and mode. Returns whether it was not there."""
    if path.is_dir():
        return False
    path.mkdir(PRIVATE_FOLDER)
    rights = Rights.of(like)
    if Rights.of(path) != rights:
        os.chown(path, rights.owner, rights.group)
        path.chmod(rights.mode)
    return True


def narrow(path: Path) -> bool:
    """Takes from everybody but the owner the rights to a file or folder; returns whether they had any.

    One that is gone or somebody else's stays as it is (root could: its owner may be who must not be locked
    out), and so does a folder that all may write in (/tmp): others have their things there.
    """
    with suppress(FileNotFoundError, PermissionError):
        found = path.stat()
        if found.st_uid == os.geteuid() and found.st_mode & 0o077 and not found.st_mode & stat.S_ISVTX:
            path.chmod(stat.S_IMODE(found.st_mode) & ~0o077)
            return True
    return False


def give(path: Path, user: int, group: int) -> None:
    """Gives a file or folder to another account; of a link the link itself."""
    os.chown(path, user, group, follow_symlinks=False)


def open_to_all(path: Path) -> None:
    """Lets everybody read and write a file, whatever the umask was when it was made: a socket is used so."""
    path.chmod(0o666)


def sync(path: Path) -> None:
    """Makes what is in a file, or the names in a folder, survive a power failure."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def file_sha256(path: Path) -> str:
    """Returns the SHA-256 of what is in a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def rename(path: Path, name: Path) -> None:
    """Gives a file another name in the same folder, in the place of what has it."""
    path.replace(name)
    sync(name.parent)


def move(path: Path, folder: Path, name: str = "") -> None:
    """Moves a file or folder into `folder`, as `name` or its own; with a number after where that is taken."""
    name = name or path.name
    names = (f"{name}.{number}" if number else name for number in itertools.count())
    path.rename(next(folder / name for name in names if not (folder / name).exists()))
    sync(folder)
    sync(path.parent)


def _free(path: Path) -> Path:
    if path.is_symlink() or path.exists():
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), path)
    return path


def _replaceable(path: Path) -> Path:
    """Returns what a path leads to. Raises OSError where that is there and no file."""
    with suppress(OSError):
        if stat.S_ISREG(path.lstat().st_mode):  # mostly: to follow each folder of a path costs more than this
            return path
    target = Path(os.path.realpath(path))
    if target.exists() and not target.is_file():
        number = errno.EISDIR if target.is_dir() else errno.EINVAL
        raise OSError(number, os.strerror(number), path)
    return target
