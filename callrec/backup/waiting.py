"""Knows what of a spool can be copied while the controller works on it.

A recording that is joined does not change any more: its sound and its manifest are whole, and stay until the
archive was proved to have both. Not copied is one of which the sound is on the PBX still, what is under way
and what was discarded, of which the PBX knows, and alerts: nobody is to be alarmed a second time.
"""

from __future__ import annotations

from pathlib import Path

from callrec.files import PARTIAL

TRACKS = ".wav"
MANIFEST, SOUND = ".manifest.json", ".flac"
CAPTURED = "captured.json"


def joined(spool: Path) -> tuple[list[Path], int]:
    """Returns the folders of recordings that are whole, and how many are not yet."""
    folders = sorted(each for each in (spool / "recordings").glob("*") if each.is_dir())
    whole = [each for each in folders if _is_whole(each)]
    return whole, len(folders) - len(whole)


def files(folder: Path) -> list[Path]:
    """Returns the files of a recording that are copied: all but its tracks, which the PBX has, too."""
    found = sorted(each for each in folder.glob("*") if each.is_file())
    return [each for each in found if each.suffix not in (TRACKS, PARTIAL)]


def calls(spool: Path) -> list[Path]:
    """Returns the calls that are over and wait for the catalogue."""
    return sorted((spool / "calls").glob("*.json"))


def _is_whole(folder: Path) -> bool:
    named = folder / folder.name
    ends = (f"{named}{SOUND}", f"{named}{MANIFEST}", str(folder / CAPTURED))
    return all(Path(each).is_file() for each in ends)
