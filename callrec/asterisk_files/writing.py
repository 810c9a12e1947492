"""Writes changes, all of them or none: what was written is put back where a later one fails.

Whatever may need room on the disk is there before the first file is touched: the new files, the copies that
are kept, and the old ones once more, to be put back. Each file that is changed is kept beside, under a name
that is free: no earlier copy is overwritten.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import TypeVar

from callrec.asterisk_files.changes import Change
from callrec.asterisk_files.reading import FOLDER
from callrec.errors import CheckFailed
from callrec.failures import why
from callrec.files import Draft, Rights, draft, make_folder_like

T = TypeVar("T")
KEPT = ".before-callrec"
OTHERS = 0o007


def carry_out(changes: Sequence[Change], etc: Path) -> None:
    """Makes the changes. Raises CheckFailed where one cannot be made; then all is as it was."""
    folder = etc / FOLDER
    if not changes:
        return
    made = _tried(folder, lambda: make_folder_like(folder, etc))
    try:
        with ExitStack() as stack:
            _Writer(stack, changes).write()
    except BaseException:
        with suppress(OSError):
            if made:
                folder.rmdir()
        raise


class _Writer:
    """Has a file without a name for each that is to be written, and for each that is to be put back."""

    def __init__(self, stack: ExitStack, changes: Sequence[Change]) -> None:
        self._stack, self._changes = stack, changes
        self._copies = [self._copy(each) for each in changes if _keeps_copy(each)]
        self._old = [self._drafted(each.path, each.before, each) for each in changes]
        self._new = [self._drafted(each.path, each.after, each, each.rights) for each in changes]

    def write(self) -> None:
        begun = 0
        try:
            for path, copy in self._copies:
                _tried(path, copy.publish)
            for change, new in zip(self._changes, self._new, strict=True):
                begun += 1
                _tried(change.path, new.publish if new else change.path.unlink)
        except BaseException:
            self._put_back(begun)
            raise

    def _put_back(self, count: int) -> None:
        """Undoes so many changes, the last of which may not have been made."""
        for old, new in reversed(list(zip(self._old, self._new, strict=True))[:count]):
            with suppress(OSError):
                if old:
                    old.publish()
                elif new:
                    new.withdraw()
        for _path, copy in self._copies:
            with suppress(OSError):
                copy.withdraw()

    def _copy(self, change: Change) -> tuple[Path, Draft]:
        names = (change.path.with_name(f"{change.path.name}{KEPT}{each or ''}") for each in range(1000))
        path = next(each for each in names if not each.exists() and not each.is_symlink())
        rights = Rights.of(change.path)
        if change.is_ours:  # it may hold a password that is still in use
            rights = Rights(rights.owner, rights.group, rights.mode & ~OTHERS)
        made = self._drafted(path, change.before, change, rights, new=True)
        assert made
        return path, made

    def _drafted(
        self,
        path: Path,
        data: bytes | None,
        change: Change,
        rights: Rights | None = None,
        *,
        new: bool = False,
    ) -> Draft | None:
        if data is None:
            return None

        def drafted() -> Draft:
            mode = rights or Rights.of(change.path)
            made = self._stack.enter_context(draft(path, mode=mode, new=new))
            made.write(data)
            made.sync()
            return made

        return _tried(path, drafted)


def _keeps_copy(change: Change) -> bool:
    """Returns whether a file is kept beside: one that is changed, and of the PBX's own one that goes."""
    return (
        change.before is not None
        and change.before != change.after
        and not (change.is_ours and change.after is None)
    )


def _tried(path: Path, step: Callable[[], T]) -> T:
    try:
        return step()
    except OSError as error:
        raise CheckFailed(
            "{path} cannot be written: {problem}; nothing was changed", path=path, problem=why(error)
        ) from error
