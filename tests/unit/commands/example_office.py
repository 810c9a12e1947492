"""What there is in the office of the examples, before one of them is run."""

from __future__ import annotations

import grp
import os
import pwd
from datetime import UTC, datetime

from callrec.catalogue import facilities
from callrec.model.office import Extension, Facility
from tests.example_lines import RECORDING, REQUEST
from tests.unit.bench import Bench
from tests.unit.evidence import packages
from tests.unit.samples import RECORDING_ID, START


def with_phones(bench: Bench) -> None:
    """A recording, two facilities, and two extensions."""
    _with_facilities(bench)
    with bench.database.begin() as connection:
        for number in ("2101", "2102"):
            facilities.add_extension(connection, Extension(number, "shiba"), who="test", at=START)


def _with_facilities(bench: Bench) -> None:
    packages.archive(bench)
    with bench.database.begin() as connection:
        for code in ("shiba", "azabu"):
            facilities.add_facility(connection, Facility(code, code), who="test", at=START)


BEGUN = {"facility add": packages.archive, "extension add": _with_facilities}
"""What there is before the example of a command; before all others there is `with_phones`."""


def made_up() -> dict[str, str]:
    """What there is in the places of what is made up."""
    return {
        RECORDING: RECORDING_ID[:13],
        REQUEST: f"{datetime.now(UTC).year}-0001",
        "tanaka": pwd.getpwuid(os.getuid()).pw_name,
        "@soumu": f"@{grp.getgrgid(os.getgid()).gr_name}",
    }
