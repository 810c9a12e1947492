"""The spool directory: what must survive a crash. Every write is whole and on disk, or not there.

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
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from pydantic import TypeAdapter, ValidationError

from callrec.errors import WrongConfiguration
from callrec.model.alerts import Alert, Delivery
from callrec.model.calls import CallRecord
from callrec.model.captures import CapturedCall, Checkpoint
from callrec.spool.files import PARTIAL, move, partial_of, sync, write_unsynced, write_whole
from callrec.spool.lock import SpoolLock

T = TypeVar("T")
_CHECKPOINT: TypeAdapter[Checkpoint] = TypeAdapter(Checkpoint)
_CAPTURED: TypeAdapter[CapturedCall] = TypeAdapter(CapturedCall)
_CALL: TypeAdapter[CallRecord] = TypeAdapter(CallRecord)
_ALERT: TypeAdapter[Alert] = TypeAdapter(Alert)
_DELIVERIES: TypeAdapter[tuple[Delivery, ...]] = TypeAdapter(tuple[Delivery, ...])
CAPTURED = "captured.json"
SENT = ".sent"
REMOVED = "removed"


@dataclass(frozen=True, slots=True)
class Discarded:
    """What is to be destroyed; `whole`: all that was captured of the call."""

    captured: CapturedCall
    whole: bool


_DISCARD: TypeAdapter[Discarded] = TypeAdapter(Discarded)


class Damaged(WrongConfiguration):
    """A file of the spool cannot be read."""


class Spool(SpoolLock):
    """One spool directory. Files of people's voices: readable by their owner only."""

    def __init__(self, directory: Path) -> None:
        super().__init__(directory)
        try:
            for name in ("checkpoints", "open_calls", "calls", "recordings", "discards", "alerts", REMOVED):
                (directory / name).mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError as error:
            raise WrongConfiguration(
                "the spool {path} cannot be used ({problem}): check spool.directory",
                path=directory,
                problem=error.strerror,
            ) from error

    # --- captures under way

    def save_checkpoint(self, checkpoint: Checkpoint, written: Callable[[], None] = lambda: None) -> None:
        """`written` is called once a kill loses it no more; to sync it, too, can take a disk long."""
        write_whole(
            self._checkpoint(checkpoint.capture.recording_id), _CHECKPOINT.dump_json(checkpoint), written
        )

    def checkpoints(self) -> list[Checkpoint]:
        """The captures that were under way when they were last written down.

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
        """Removes those that were not written to their end. For a start: while others write, some are not."""
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
            except FileNotFoundError:  # it was let go of meanwhile
                continue
            except Damaged:
                move(path, self._quarantine())
        return found

    def hand_over(self, captured: CapturedCall) -> None:
        """A capture is over: from now on it is the archiver's."""
        folder = self.folder(captured.capture.recording_id)
        folder.mkdir(exist_ok=True, mode=0o700)
        write_whole(folder / CAPTURED, _CAPTURED.dump_json(captured))
        sync(folder.parent)
        self._forget_checkpoint(captured.capture.recording_id)

    def discard(self, captured: CapturedCall, *, whole: bool) -> None:
        """A capture is over and not to be kept: from now on it is the archiver's, to destroy it.

        `whole`: nothing of the call is kept.
        """
        write_whole(
            self._discard(captured.capture.recording_id), _DISCARD.dump_json(Discarded(captured, whole))
        )
        if whole:
            self._forget_checkpoint(captured.capture.recording_id)

    # --- calls under way of which nothing is captured

    def save_open_call(self, call: CallRecord) -> None:
        """Whole or not there, but not synced to disk: with the machine the PBX and its calls end too."""
        write_unsynced(self._open(call.id), _CALL.dump_json(call))

    def open_calls(self) -> list[CallRecord]:
        """The calls that were under way when they were written down. A damaged file is quarantined.

        A kill or a power failure can leave one that was not written to its end: there is nothing in it.
        """
        for path in (self.directory / "open_calls").iterdir():
            if path.name.endswith(PARTIAL) or not path.stat().st_size:
                path.unlink()
        return self._readable(_CALL, "open_calls")

    def known_calls(self) -> set[str]:
        """The ids of the calls of which more is here than the open call: a capture, or the row."""
        found = {each.call.id for each in self.checkpoints()} | set(self.calls())
        for id_ in self.waiting():
            with suppress(Damaged, FileNotFoundError):
                found.add(self.captured_call(id_).call.id)
        for id_ in self.discards():
            with suppress(Damaged, FileNotFoundError):
                found.add(self.discard_of(id_).captured.call.id)
        return found

    def forget_open_call(self, call_id: str) -> None:
        """The call is over, or a checkpoint has it."""
        self._open(call_id).unlink(missing_ok=True)

    # --- captures that are over

    def discards(self) -> list[str]:
        """The ids of the recordings of which something is to be destroyed, the oldest first."""
        return sorted(path.stem for path in (self.directory / "discards").glob("*.json"))

    def discard_of(self, recording_id: str) -> Discarded:
        """What is to be destroyed. Raises Damaged."""
        return _read(_DISCARD, self._discard(recording_id))

    def remove_discard(self, recording_id: str) -> None:
        self._unlink(self._discard(recording_id))

    def waiting(self) -> list[str]:
        """The ids of the recordings that wait for the archive, the oldest first."""
        return sorted(path.parent.name for path in (self.directory / "recordings").glob(f"*/{CAPTURED}"))

    def folder(self, recording_id: str) -> Path:
        return self.directory / "recordings" / recording_id

    def captured_call(self, recording_id: str) -> CapturedCall:
        return _read(_CAPTURED, self.folder(recording_id) / CAPTURED)

    def remove(self, recording_id: str) -> None:
        """The archive has the recording and it was read back: the spool lets go of it.

        In one step it is out of the way, so that a crash leaves nothing half removed to be taken for
        a recording; the next removal takes what is left.
        """
        removed = self.directory / REMOVED
        move(self.folder(recording_id), removed)
        for left in removed.iterdir():
            shutil.rmtree(left)

    def quarantine(self, recording_id: str) -> None:
        """Nothing can be made of it: it is kept for a person to look at, out of the archiver's way."""
        move(self.folder(recording_id), self._quarantine())

    def quarantine_call(self, call_id: str) -> None:
        """As `quarantine`, for the file of a call."""
        move(self._call(call_id), self._quarantine())

    def quarantined(self) -> list[str]:
        """What a person has to look at."""
        return sorted(path.name for path in self.directory.glob("quarantine/*"))

    def _quarantine(self) -> Path:
        folder = self.directory / "quarantine"
        folder.mkdir(exist_ok=True, mode=0o700)
        return folder

    # --- calls

    def save_call(self, call: CallRecord) -> None:
        write_whole(self._call(call.id), _CALL.dump_json(call))

    def calls(self) -> list[str]:
        """The ids of the calls that wait for the catalogue."""
        return sorted(path.stem for path in (self.directory / "calls").glob("*.json"))

    def call_of(self, call_id: str) -> CallRecord:
        """A call that waits. Raises Damaged."""
        return _read(_CALL, self._call(call_id))

    def remove_call(self, call_id: str) -> None:
        self._unlink(self._call(call_id))

    # --- alerts

    def save_alert(self, alert: Alert) -> None:
        write_whole(self._alert(alert.id), _ALERT.dump_json(alert))

    def alerts(self) -> list[str]:
        """The ids of the alerts that wait, the oldest first."""
        return sorted(path.stem for path in (self.directory / "alerts").glob("*.json"))

    def alert_of(self, alert_id: str) -> Alert:
        """An alert that waits. Raises Damaged."""
        return _read(_ALERT, self._alert(alert_id))

    def save_deliveries(self, alert_id: str, deliveries: tuple[Delivery, ...]) -> None:
        write_whole(self._alert(alert_id).with_suffix(SENT), _DELIVERIES.dump_json(deliveries))

    def deliveries_of(self, alert_id: str) -> tuple[Delivery, ...]:
        """How it goes with an alert. Where that cannot be read it is sent again: twice is better than not."""
        try:
            return _read(_DELIVERIES, self._alert(alert_id).with_suffix(SENT))
        except (FileNotFoundError, Damaged):
            return ()

    def remove_alert(self, alert_id: str) -> None:
        """An alert was sent, and that is written down. What a crash has left of others goes too."""
        self._unlink(self._alert(alert_id))
        for path in (self.directory / "alerts").glob(f"*{SENT}"):
            if not path.with_suffix(".json").exists():
                path.unlink(missing_ok=True)

    def give_up_alert(self, alert_id: str) -> None:
        """Nobody took the alert: it is kept for a person to look at."""
        folder = self._given_up()
        folder.mkdir(exist_ok=True, mode=0o700)
        move(self._alert(alert_id), folder)

    def given_up_alerts(self) -> list[str]:
        """The alerts a person has to look at."""
        return sorted(path.name for path in self._given_up().glob("*"))

    def _given_up(self) -> Path:
        return self.directory / "alerts" / "given-up"

    def _alert(self, alert_id: str) -> Path:
        return self.directory / "alerts" / f"{alert_id}.json"

    def free_bytes(self) -> int:
        return shutil.disk_usage(self.directory).free

    def _checkpoint(self, recording_id: str) -> Path:
        return self.directory / "checkpoints" / f"{recording_id}.json"

    def _discard(self, recording_id: str) -> Path:
        return self.directory / "discards" / f"{recording_id}.json"

    def _open(self, call_id: str) -> Path:
        return self.directory / "open_calls" / f"{call_id}.json"

    def _call(self, call_id: str) -> Path:
        return self.directory / "calls" / f"{call_id}.json"

    def _forget_checkpoint(self, recording_id: str) -> None:
        path = self._checkpoint(recording_id)
        partial_of(path).unlink(missing_ok=True)  # first: alone it would count
        self._unlink(path)

    def _unlink(self, path: Path) -> None:
        """Removes a file for good: it must not come back after a power failure."""
        path.unlink(missing_ok=True)
        sync(path.parent)


def _read(adapter: TypeAdapter[T], path: Path) -> T:
    try:
        return adapter.validate_json(path.read_bytes())
    except ValidationError as error:
        raise Damaged(
            "{path} is damaged: move it away, it is not touched ({count} errors)",
            path=path,
            count=error.error_count(),
        ) from error
