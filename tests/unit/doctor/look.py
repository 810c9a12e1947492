"""One check of doctor, looked at alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from callrec.app import App
from callrec.doctor.check import Checkup, Result
from callrec.doctor.run import CHECKS, run


def check(app: App, part: str, *, config: Path | None = None) -> Result:
    """What doctor says of one part."""
    (found,) = [each for each in CHECKS if each[0] == part]
    return run(found, Checkup(app, config))


def with_settings(app: App, **sections: Any) -> App:
    """An app with the same settings but for these sections. To be closed."""
    return App(app.settings.model_copy(update=sections))
