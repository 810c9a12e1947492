"""The parts of one callrec on which all others rest: settings, database, bucket, spool, keys."""

from __future__ import annotations

import ssl
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from callrec import account
from callrec.catalogue.database import Database
from callrec.errors import Sentence, WrongConfiguration
from callrec.failures import why
from callrec.lifecycle.refusals import Refusals
from callrec.settings import Settings

if TYPE_CHECKING:
    from callrec.archive.s3 import S3Store
    from callrec.evidence.keys import KeyFolder
    from callrec.spool.directory import Spool


class BaseParts:
    """What the other parts are made with, each made when it is first asked for. To be closed."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.refusals = Refusals()

    @cached_property
    def database(self) -> Database:
        return Database(self.settings.catalogue.url)

    @cached_property
    def ca_file(self) -> Path | None:
        """The authorities that are believed, where the settings name them. Raises WrongConfiguration where
        they cannot be read."""
        path = self.settings.network.ca_file
        if path is None:  # those of the machine, to read which takes a while, are not named here
            return None
        try:
            ssl.create_default_context(cafile=path)
        except OSError as error:
            problem = (
                Sentence("there are no certificates in it") if isinstance(error, ssl.SSLError) else why(error)
            )
            raise WrongConfiguration(
                "network.ca_file {path} cannot be used: {problem}", path=path, problem=problem
            ) from error
        return path

    def close(self) -> None:
        """Closes the database, if it was opened."""
        if "database" in self.__dict__:
            self.database.close()

    @cached_property
    def store(self) -> S3Store:
        from callrec.archive.s3 import S3Store

        return S3Store(self.settings.archive, self.ca_file)

    @cached_property
    def keys(self) -> KeyFolder:
        """The keys by which callrec signs."""
        from callrec.evidence.keys import KeyFolder

        return KeyFolder(self.settings.evidence.keys)

    @cached_property
    def spool(self) -> Spool:
        """The spool. Raises WrongConfiguration where it is not there: its disk may not be mounted."""
        return self._spool(make=False)

    def make_spool(self) -> None:
        """Makes the spool where it is not there. Raises WrongConfiguration where that cannot be."""
        self._spool(make=True)

    def _spool(self, *, make: bool) -> Spool:
        from callrec.spool.directory import Spool

        disk = self.settings.disk
        return Spool(
            self.settings.spool.directory,
            reserve_mb=disk.reserve_mb,
            low_water_mb=disk.low_water_mb,
            make=make,
        )

    @property
    def who(self) -> str:
        """Who acts, for what is written down."""
        return account.acting()

    @property
    def now(self) -> datetime:
        """This moment, by callrec's clock."""
        return datetime.now(UTC)
