"""What recordings take in the spool while the archive is away."""

from __future__ import annotations

from callrec.catalogue import reports
from callrec.catalogue.database import Database
from callrec.catalogue.tables import recordings
from tests.filled_catalogue import DAY, place
from tests.unit.samples import START


def test_what_a_day_takes_in_the_spool(database: Database) -> None:
    """The FLAC, and two tracks of two bytes a sample: wideband where nothing else is known."""
    place(database, "shiba", START, seconds=10.0, because="automatic")
    with database.begin() as connection:
        connection.execute(recordings.update().values(size=5, sample_rate=8000))
    place(database, "shiba", START, seconds=1.0, because="automatic")
    place(database, "shiba", START + DAY, seconds=1000.0, because="automatic")
    with database.read() as connection:
        assert reports.spool_bytes(connection, START, START + DAY) == 5 + 10 * 32_000 + 64_000
        assert reports.spool_bytes(connection, START - DAY, START) == 0
