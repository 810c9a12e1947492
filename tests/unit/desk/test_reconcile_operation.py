"""What the command takes for followed, before it acts on what nobody follows."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from callrec.app import App
from callrec.desk.operations import reconcile
from callrec.errors import Refused
from callrec.spool import status
from callrec.spool.directory import Spool


def _tell(spool: Spool, at: datetime) -> None:
    status.write(spool.directory, {"at": at.isoformat(), "link_up": True, "followed": ["a"]})


def test_a_controller_that_falls_silent_between_two_looks_is_not_acted_for(app: App) -> None:
    """Its disk may be full: then what it follows is in its memory alone."""
    now = datetime.now(UTC)
    app.spool.lock()
    _tell(app.spool, now)
    assert reconcile._followed(app, False) == {"a"}
    _tell(app.spool, now - timedelta(minutes=1))
    assert reconcile._followed(app, True) == {"a"}
    with pytest.raises(Refused, match="no callrec serve"):
        reconcile._followed(app, False)
