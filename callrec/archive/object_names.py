"""Names the objects of a recording in the bucket."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from callrec.manifest import Manifest


def object_key(manifest: Manifest, zone: ZoneInfo) -> str:
    """Returns the key of a recording's sound in the bucket: by facility, and by day.

    `recordings/{facility}/{yyyy}/{mm}/{dd}/{recording}.flac`. The facility is the code of that of the call's
    extension, or `unassigned`; the day that of `capture.started_at`, the moment in which the recording was
    begun, in the office's zone; the recording its id, a UUID of version 7 (`ids`). Nothing comes before it.
    """
    day = manifest.capture.started_at.astimezone(zone)  # decision 6: people look for days
    return f"recordings/{manifest.call.facility}/{day:%Y/%m/%d}/{manifest.recording_id}.flac"


def manifest_key(audio_key: str) -> str:
    """Returns the key of the manifest that belongs to a sound: `.manifest.json` in place of `.flac`."""
    return audio_key.removesuffix(".flac") + ".manifest.json"
