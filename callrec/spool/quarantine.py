"""Takes recordings out of the quarantine again: those that were declared lost, and whose sound turned up."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from callrec.files import move, write_whole
from callrec.model.captures import CapturedCall
from callrec.spool.absences import FILE as ABSENCE
from callrec.spool.directory import CAPTURED, QUARANTINE, Damaged, Spool, read_captured, written_captured
from callrec.spool.tracks import DAMAGED, SIDES


class Quarantine:
    """The recordings in the quarantine of one spool, for who looks whether their sound is there again."""

    def __init__(self, spool: Spool) -> None:
        self._spool = spool

    def captures(self) -> dict[str, CapturedCall]:
        """Returns what was captured of each, by the recording's id; nothing of what cannot be read.

        Also of what was archived in part: whose it is says the catalogue.
        """
        return {captured.capture.recording_id: captured for _, captured in self._readable()}

    def find(self, recording_id: str) -> CapturedCall | None:
        """Returns what was captured of a recording in the quarantine; None where there is none."""
        return self.captures().get(recording_id)

    def fetched(self) -> set[str]:
        """Returns the names of the tracks whose files are here, which were fetched before their recording was
        put aside: that the PBX has them, too, is nothing new."""
        found = set()
        for path, captured in self._readable():
            for each in captured.capture.segments:
                for side, track in zip(SIDES, (each.external, each.staff), strict=True):
                    wav = path / f"{each.number}-{side}.wav"
                    if wav.exists() or wav.with_name(wav.name + DAMAGED).exists():
                        found.add(track.name)
        return found

    def give_back(self, captured: CapturedCall) -> None:
        """Puts a recording back among those that wait for the archive, as it is given here.

        Does nothing where it waits there, or is in the quarantine no more. Raises OSError.
        """
        id_ = captured.capture.recording_id
        found = [path for path, each in self._readable() if each.capture.recording_id == id_]
        if not found or self._spool.folder(id_).exists():
            return
        (found[-1] / ABSENCE).unlink(missing_ok=True)  # it is waited for anew
        write_whole(found[-1] / CAPTURED, written_captured(captured))
        move(found[-1], self._spool.folder(id_).parent, id_)

    def _readable(self) -> Iterator[tuple[Path, CapturedCall]]:
        for path in sorted((self._spool.directory / QUARANTINE).glob(f"*/{CAPTURED}")):
            with suppress(Damaged, FileNotFoundError):
                yield path.parent, read_captured(path)
