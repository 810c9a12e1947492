"""Keeps what must survive a crash in the spool directory. Each file is whole or not there.

checkpoints/{recording}.json  captures under way
open_calls/{call}.json        calls under way of which nothing is captured
calls/{call}.json             calls that are over and wait for the catalogue
recordings/{recording}/       captures that are over and wait for the archive: captured.json, then tracks,
                              the FLAC and its manifest
discards/{recording}.json     captures that are over, not to be kept, and wait to be destroyed
alerts/{alert}.json           help that was asked for and waits to be sent, with {alert}.sent: how that goes
alerts/given-up/              what could not be sent, for a person to look at
removed/                      what the archive has, on its way out
quarantine/                   what nothing could be made of, for a person to look at
flaws/                        what was noticed of calls within the last day (`flaws`)

Beside them lie lock and version-2 (`lock`, `version`), the reserve (`reserve`), the copy of the rules
(`snapshot`: office.json), how the controller is (`status`: status.json), and lost-key, made when a key was
last pressed of which no call is known. Names end in .partial while they are written (`files`).

What is written here survives a power failure as well, except in open_calls/. Names are ids, so sorted they
are in the order of time. Who takes what out of the spool, and when, is not decided here.

Nothing is written where the spool is not there any more (`lock`), and for small things the reserve is let go
when the disk is full (`reserve`).
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import wraps
from pathlib import Path
from typing import Concatenate, ParamSpec, TypeVar

from pydantic import TypeAdapter, ValidationError

from callrec.errors import WrongConfiguration
from callrec.failures import why
from callrec.files import (
    PARTIAL,
    make_folder,
    move,
    narrow,
    partial_of,
    sync,
    write_early,
    write_unsynced,
    write_whole,
)
from callrec.model.alerts import Alert, Delivery
from callrec.model.calls import CallRecord
from callrec.model.captures import CapturedCall, Checkpoint
from callrec.model.flaws import Flaw
from callrec.spool import version
from callrec.spool.flaws import FOLDER as FLAWS
from callrec.spool.flaws import Flaws
from callrec.spool.lock import SpoolLock
from callrec.spool.reserve import Reserve

T = TypeVar("T")
P = ParamSpec("P")
_CHECKPOINT: TypeAdapter[Checkpoint] = TypeAdapter(Checkpoint)
_CAPTURED: TypeAdapter[CapturedCall] = TypeAdapter(CapturedCall)
_CALL: TypeAdapter[CallRecord] = TypeAdapter(CallRecord)
_ALERT: TypeAdapter[Alert] = TypeAdapter(Alert)
_DELIVERIES: TypeAdapter[tuple[Delivery, ...]] = TypeAdapter(tuple[Delivery, ...])
CAPTURED = "captured.json"
SENT = ".sent"
REMOVED = "removed"
QUARANTINE = "quarantine"
LOST_KEY = "lost-key"
_FOLDERS = ("checkpoints", "open_calls", "calls", "recordings", "discards", "alerts", FLAWS, REMOVED)


@dataclass(frozen=True, slots=True)
class Discarded:
    """A capture that is to be destroyed. `whole` says that nothing of the call is kept."""

    captured: CapturedCall
    whole: bool


_DISCARD: TypeAdapter[Discarded] = TypeAdapter(Discarded)


class Damaged(WrongConfiguration):
    """The content of a file of the spool cannot be read."""


def _there(method: Callable[Concatenate[Spool, P], T]) -> Callable[Concatenate[Spool, P], T]:
    """Has a method raise SpoolGone, an OSError, where the spool is not there: it would seem to be empty."""

    @wraps(method)
    def checked(self: Spool, /, *args: P.args, **kwargs: P.kwargs) -> T:
        self.check_there()
        return method(self, *args, **kwargs)

    return checked


def _small(method: Callable[Concatenate[Spool, P], T]) -> Callable[Concatenate[Spool, P], T]:
    """Has a method that writes something small done once more, with the reserve let go, if the disk is full.

    It can be repeated, therefore. Where the spool is not there, as `_there`.
    """

    @wraps(method)
    def written(self: Spool, /, *args: P.args, **kwargs: P.kwargs) -> T:
        self.check_there()
        return self.reserve.writing(lambda: method(self, *args, **kwargs))

    return written


class Spool(SpoolLock):
    """One spool directory; raises WrongConfiguration when it cannot be used.

    What was said and who said it is in folders that only their owner may enter. Methods that write raise
    OSError when the disk does not take it; those that return one thing by its id raise FileNotFoundError when
    it is not there.
    """

    def __init__(
        self, directory: Path, *, reserve_mb: int = 0, low_water_mb: int = 0, make: bool = True
    ) -> None:
        """Opens a spool, which is made where there is none if `make` says so; `reserve_mb` and `low_water_mb`
        as Reserve has them."""
        super().__init__(directory)
        self.flaws = Flaws(directory)
        self._seen = frozenset[str]()
        """The recordings that waited when it was last looked: what is in a folder by then stays."""
        self.reserve = Reserve(directory, reserve_mb, low_water_mb)
        self._calls_over: dict[str, str] = {}
        """The calls of the captures that are over: what is over stays of its call, and is read once."""
        try:
            (version.make if make else version.check)(directory)
            for name in _FOLDERS:
                make_folder(directory / name)
            self._narrow()
        except OSError as error:
            raise WrongConfiguration(
                "the spool {path} cannot be used ({problem}): check spool.directory",
                path=directory,
                problem=why(error),
            ) from error

    def _narrow(self) -> None:
        """Takes the spool from everybody but its owner, where an older callrec or a person has left it open.

        Only what is the spool's own: whoever else has something beneath keeps it as it is.
        """
        for path in self.directory.iterdir():
            if path.is_file() or path.name in (*_FOLDERS, QUARANTINE):
                inside = path.rglob("*") if narrow(path) else ()
                for each in inside:
                    narrow(each)
        narrow(self.directory)

    # --- captures under way

    @_small
    def save_checkpoint(self, checkpoint: Checkpoint, written: Callable[[], None] = lambda: None) -> None:
        """Writes a capture under way, with its call, and returns when it is on disk.

        `written` is called before, as soon as a kill of this process loses it no more: to sync it can take a
        disk long.
        """
        write_early(
            self._checkpoint(checkpoint.capture.recording_id), _CHECKPOINT.dump_json(checkpoint), written
        )

    @_there
    def checkpoints(self) -> list[Checkpoint]:
        """Returns the captures that were under way when they were last written down, the oldest first.

        A damaged one is quarantined: the calls of today need a controller more than it does.
        """
        # Those not synced yet are newer; read first, for one may be renamed meanwhile.
        newer = list(self._unsynced_checkpoints())
        found = {
            each.capture.recording_id: each for each in [*self._readable(_CHECKPOINT, "checkpoints"), *newer]
        }
        return [found[id_] for id_ in sorted(found)]

    def _unsynced_checkpoints(self) -> Iterator[Checkpoint]:
        for path in self._partial_checkpoints():
            with suppress(Damaged, FileNotFoundError):
                yield _read(_CHECKPOINT, path)

    def _partial_checkpoints(self) -> list[Path]:
        return list((self.directory / "checkpoints").glob(f"*{PARTIAL}"))

    def clear_partial_checkpoints(self) -> None:
        """Removes the checkpoints that were not written to their end. Only for a start: later, one may be
        half written because it is being written."""
        for path in self._partial_checkpoints():
            try:
                _read(_CHECKPOINT, path)
            except Damaged:
                path.unlink()

    def _readable(self, adapter: TypeAdapter[T], folder: str) -> list[T]:
        found = []
        for path in sorted((self.directory / folder).glob("*.json")):
            try:
                found.append(_read(adapter, path))
            except FileNotFoundError:  # it was removed meanwhile
                continue
            except Damaged:
                move(path, self._quarantine())
        return found

    @_small
    def hand_over(self, captured: CapturedCall) -> None:
        """Gives a capture that is over to the archiver, and forgets its checkpoint."""
        folder = self.folder(captured.capture.recording_id)
        make_folder(folder)
        write_whole(folder / CAPTURED, _CAPTURED.dump_json(captured))
        sync(folder.parent)
        self._forget_checkpoint(captured.capture.recording_id)

    @_small
    def discard(self, captured: CapturedCall, *, whole: bool) -> None:
        """Gives a capture that is over to the discarder, to be destroyed.

        `whole` says that nothing of the call is kept: then its checkpoint is forgotten, too.
        """
        # Only noted: it is destroyed on the PBX first, and then the call's row says so (decision 12).
        write_whole(
            self._discard(captured.capture.recording_id), _DISCARD.dump_json(Discarded(captured, whole))
        )
        if whole:
            self._forget_checkpoint(captured.capture.recording_id)

    # --- calls under way of which nothing is captured

    @_small
    def save_open_call(self, call: CallRecord) -> None:
        """Writes a call under way. Not synced to disk: with the machine the PBX and its calls end too."""
        write_unsynced(self._open(call.id), _CALL.dump_json(call))

    @_there
    def open_calls(self) -> list[CallRecord]:
        """Returns the calls that were under way when they were written down. A damaged file is quarantined.

        A kill or a power failure can leave one that was not written to its end: it is removed, nothing is in
        it. Only for a start.
        """
        for path in (self.directory / "open_calls").iterdir():
            if path.name.endswith(PARTIAL) or not path.stat().st_size:
                path.unlink()
        return self._readable(_CALL, "open_calls")

    @_there
    def calls_under_way(self) -> list[CallRecord]:
        """Returns the calls under way, captured or not, as they were written down. Changes nothing."""
        found = [each.call for each in self.checkpoints()]
        for path in (self.directory / "open_calls").glob("*.json"):
            with suppress(Damaged, FileNotFoundError):
                found.append(_read(_CALL, path))
        return found

    @_there
    def known_calls(self) -> set[str]:
        """Returns the ids of the calls of which there is more here than an open call: a capture or a row."""
        found = {each.call.id for each in self.checkpoints()} | set(self.calls())
        over = {f"waiting {id_}": (self._waiting_call, id_) for id_ in self.waiting()}
        over |= {f"discard {id_}": (self._discarded_call, id_) for id_ in self.discards()}
        before = self._calls_over
        known = {name: before[name] for name in over if name in before}
        for name in over.keys() - known.keys():
            read, id_ = over[name]
            with suppress(Damaged, FileNotFoundError):
                known[name] = read(id_).id
        self._calls_over = known  # as a whole: other threads ask, too
        return found.union(known.values())

    @_there
    def knows_call(self, call_id: str) -> bool:
        """Returns whether there is more here of a call than an open call."""
        return self._call(call_id).exists() or call_id in self.known_calls()

    @_there
    def has_capture(self, recording_id: str) -> bool:
        """Returns whether a capture is here: under way, over, or in the quarantine."""
        checkpoint, quarantined = self._checkpoint(recording_id), self.directory / QUARANTINE / recording_id
        kept = (self.folder(recording_id) / CAPTURED, self._discard(recording_id), quarantined)
        return any(path.exists() for path in (checkpoint, partial_of(checkpoint), *kept))

    @_there
    def tracks(self) -> set[str]:
        """Returns the names of the PBX's stored recordings that captures here have, whatever becomes of them.

        Of those that cannot be read it has none.
        """
        captures = [each.capture for each in self.checkpoints()]
        for id_ in self.discards():
            with suppress(Damaged, FileNotFoundError):
                captures.append(self.discard_of(id_).captured.capture)
        for path in self.directory.glob(f"*/*/{CAPTURED}"):  # recordings, also in the quarantine
            with suppress(Damaged, FileNotFoundError):
                captures.append(_read(_CAPTURED, path).capture)
        return {name for each in captures for name in each.track_names}

    @_there
    def followed(self) -> set[str]:
        """Returns the ids of the recordings that are here to be dealt with: under way, or over."""
        return {each.capture.recording_id for each in self.checkpoints()} | {
            *self.waiting(),
            *self.discards(),
        }

    @_there
    def damaged(self) -> set[str]:
        """Returns the names of the files that were put into the quarantine because they cannot be read: the
        ids of captures and calls."""
        return {path.stem for path in (self.directory / QUARANTINE).glob("*.json")}

    @_there
    def every_call(self) -> list[CallRecord]:
        """Returns the calls that are here in whatever form, but for those in the quarantine; one of which
        there is more, more than once. Changes nothing."""
        found = self.calls_under_way()
        for ids, read in (
            (self.discards(), self._discarded_call),
            (self.waiting(), self._waiting_call),
            (self.calls(), self.call_of),
        ):
            for id_ in ids:
                with suppress(Damaged, FileNotFoundError):
                    found.append(read(id_))
        return found

    def _discarded_call(self, recording_id: str) -> CallRecord:
        return self.discard_of(recording_id).captured.call

    def _waiting_call(self, recording_id: str) -> CallRecord:
        return self.captured_call(recording_id).call

    @_small
    def note_lost_key(self) -> None:
        """Writes down that until now a key was pressed of which no call is known."""
        write_whole(self.directory / LOST_KEY, b"")

    @_there
    def lost_key_at(self) -> datetime | None:
        """Returns when that was written down last; None where it never was."""
        try:
            return datetime.fromtimestamp((self.directory / LOST_KEY).stat().st_mtime, UTC)
        except FileNotFoundError:
            return None

    @_there
    def made_at(self) -> datetime:
        """Returns since when this is a spool; of one whose disk was not there, when it was begun anew."""
        return datetime.fromtimestamp((self.directory / version.MARK).stat().st_mtime, UTC)

    @_there
    def forget_open_call(self, call_id: str) -> None:
        """Removes an open call that is over, or of which a checkpoint is written."""
        self._open(call_id).unlink(missing_ok=True)

    # --- captures that are over

    @_there
    def discards(self) -> list[str]:
        """Returns the ids of the recordings of which something is to be destroyed, the oldest first."""
        return sorted(path.stem for path in (self.directory / "discards").glob("*.json"))

    def discard_of(self, recording_id: str) -> Discarded:
        """Returns what is to be destroyed of a recording. Raises Damaged."""
        return _read(_DISCARD, self._discard(recording_id))

    @_there
    def remove_discard(self, recording_id: str) -> None:
        self._unlink(self._discard(recording_id))

    @_there
    def waiting(self) -> list[str]:
        """Returns the ids of the recordings that wait for the archive, the oldest first."""
        there = [path.name for path in (self.directory / "recordings").iterdir()]
        # While the archive is away they become many, and each call that ends asks.
        found = frozenset(each for each in there if each in self._seen or self._is_captured(each))
        self._seen = found  # as a whole: other threads ask, too
        return sorted(found)

    def _is_captured(self, recording_id: str) -> bool:
        """Tells whether a folder is one of ours: whose we may not look into is not."""
        with suppress(PermissionError):
            return (self.folder(recording_id) / CAPTURED).exists()
        return False

    def folder(self, recording_id: str) -> Path:
        return self.directory / "recordings" / recording_id

    def captured_call(self, recording_id: str) -> CapturedCall:
        """Returns a capture that waits for the archive, with its call. Raises Damaged."""
        return _read(_CAPTURED, self.folder(recording_id) / CAPTURED)

    @_small
    def remove(self, recording_id: str) -> None:
        """Lets go of a recording that the archive has, and that was read back from there.

        In one step it is out of the way, so that a crash leaves nothing half removed to be taken for a
        recording; the next removal takes what is left.
        """
        removed = self.directory / REMOVED
        move(self.folder(recording_id), removed)
        for left in removed.iterdir():
            with suppress(FileNotFoundError):  # another lane of the archiver takes the same one
                shutil.rmtree(left)

    @_small
    def quarantine(self, recording_id: str) -> None:
        """Moves a recording of which nothing can be made away from the archiver, for people to look at."""
        move(self.folder(recording_id), self._quarantine())

    @_small
    def quarantine_call(self, call_id: str) -> None:
        """Moves the file of a call that cannot be read into the quarantine."""
        move(self._call(call_id), self._quarantine())

    def quarantined(self) -> list[str]:
        """Returns the names of what lies in the quarantine."""
        return sorted(path.name for path in self.directory.glob("quarantine/*"))

    def _quarantine(self) -> Path:
        folder = self.directory / QUARANTINE
        make_folder(folder)
        return folder

    # --- calls

    @_small
    def save_call(self, call: CallRecord) -> None:
        """Writes a call that is over, for the catalogue."""
        write_whole(self._call(call.id), _CALL.dump_json(call))

    @_there
    def calls(self) -> list[str]:
        """Returns the ids of the calls that wait for the catalogue."""
        return sorted(path.stem for path in (self.directory / "calls").glob("*.json"))

    def call_of(self, call_id: str) -> CallRecord:
        """Returns a call that waits for the catalogue. Raises Damaged."""
        return _read(_CALL, self._call(call_id))

    @_there
    def remove_call(self, call_id: str) -> None:
        self._unlink(self._call(call_id))

    @_small
    def tell_flaw(self, call_id: str, flaw: Flaw) -> None:
        """Has `callrec status` tell of a flaw of a call within the next day."""
        self.flaws.add(call_id, flaw)

    # --- alerts

    @_small
    def save_alert(self, alert: Alert) -> None:
        write_whole(self._alert(alert.id), _ALERT.dump_json(alert))

    @_there
    def has_alert(self, alert_id: str) -> bool:
        """Returns whether an alert waits to be sent."""
        return self._alert(alert_id).exists()

    @_there
    def alerts(self) -> list[str]:
        """Returns the ids of the alerts that wait to be sent, the oldest first."""
        return sorted(path.stem for path in (self.directory / "alerts").glob("*.json"))

    def alert_of(self, alert_id: str) -> Alert:
        """Returns an alert that waits to be sent. Raises Damaged."""
        return _read(_ALERT, self._alert(alert_id))

    @_small
    def save_deliveries(self, alert_id: str, deliveries: tuple[Delivery, ...]) -> None:
        write_whole(self._alert(alert_id).with_suffix(SENT), _DELIVERIES.dump_json(deliveries))

    def deliveries_of(self, alert_id: str) -> tuple[Delivery, ...]:
        """Returns how far the deliveries of an alert have come; nothing where that cannot be read.

        Then the alert is sent again: twice is better than never.
        """
        try:
            return _read(_DELIVERIES, self._alert(alert_id).with_suffix(SENT))
        except (FileNotFoundError, Damaged):
            return ()  # decision 11

    @_there
    def remove_alert(self, alert_id: str) -> None:
        """Removes an alert that was sent, once that is written down."""
        self._unlink(self._alert(alert_id))
        self._alert(alert_id).with_suffix(SENT).unlink(missing_ok=True)

    @_there
    def clear_deliveries(self) -> None:
        """Removes the deliveries that a crash has left of alerts that are gone. Not while one is written."""
        for path in (self.directory / "alerts").glob(f"*{SENT}"):
            if not path.with_suffix(".json").exists():
                path.unlink(missing_ok=True)

    @_small
    def give_up_alert(self, alert_id: str) -> None:
        """Moves an alert that nobody took out of the way, for a person to look at."""
        folder = self._given_up()
        make_folder(folder)
        move(self._alert(alert_id), folder)

    def given_up_alerts(self) -> list[str]:
        """Returns the names of the files of alerts that were given up."""
        return sorted(path.name for path in self._given_up().glob("*"))

    def _given_up(self) -> Path:
        return self.directory / "alerts" / "given-up"

    def _alert(self, alert_id: str) -> Path:
        return self.directory / "alerts" / f"{alert_id}.json"

    def free_bytes(self) -> int:
        return self.reserve.free_bytes()

    @_there
    def keep_room(self) -> None:
        """Sees to the reserve. Raises NoRoom as long as the disk is so full that no sound is taken."""
        self.reserve.keep()

    def room_for(self, size: int) -> None:
        """Raises NoRoom where the disk has no room for sound of so many bytes: it is to stay where it is."""
        self.reserve.check_room_for(size)

    def room_to_join(self, size: int) -> None:
        """Raises NoRoom where the disk has no room for a file of so many bytes, made of tracks that are here.

        It may go below the low-water mark: what is joined can leave.
        """
        self.reserve.check_room_to_join(size)

    def _checkpoint(self, recording_id: str) -> Path:
        return self.directory / "checkpoints" / f"{recording_id}.json"

    def _discard(self, recording_id: str) -> Path:
        return self.directory / "discards" / f"{recording_id}.json"

    def _open(self, call_id: str) -> Path:
        return self.directory / "open_calls" / f"{call_id}.json"

    def _call(self, call_id: str) -> Path:
        return self.directory / "calls" / f"{call_id}.json"

    @_there
    def is_waiting(self, recording_id: str) -> bool:
        """Returns whether a capture that is over waits here for the archive, or to be destroyed."""
        return (self.folder(recording_id) / CAPTURED).exists() or self._discard(recording_id).exists()

    def drop_checkpoint(self, recording_id: str) -> None:
        """Forgets a capture under way that is another machine's by now."""
        self._forget_checkpoint(recording_id)

    def _forget_checkpoint(self, recording_id: str) -> None:
        path = self._checkpoint(recording_id)
        partial_of(path).unlink(missing_ok=True)  # first: alone it would count
        self._unlink(path)

    def _unlink(self, path: Path) -> None:
        """Removes a file for good: it must not come back after a power failure."""
        path.unlink(missing_ok=True)
        sync(path.parent)


def read_captured(path: Path) -> CapturedCall:
    """Returns the capture in a file named CAPTURED. Raises Damaged, FileNotFoundError."""
    return _read(_CAPTURED, path)


def written_captured(captured: CapturedCall) -> bytes:
    """Returns what a file named CAPTURED holds."""
    return _CAPTURED.dump_json(captured)


def _read(adapter: TypeAdapter[T], path: Path) -> T:
    try:
        return adapter.validate_json(path.read_bytes())
    except ValidationError as error:
        raise Damaged(
            "{path} is damaged: move it away, it is not touched ({count} errors)",
            path=path,
            count=error.error_count(),
        ) from error
