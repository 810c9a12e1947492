"""What the command takes for followed, before it acts on what nobody follows."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from callrec.app import App
from callrec.desk.operations import reconcile
from callrec.errors import Refused
from callrec.health.reconciliation import SETTLE_SECONDS
from callrec.spool import status
from callrec.spool.directory import Spool


def _tell(spool: Spool, at: datetime) -> None:
    status.write(spool.directory, {"at": at.isoformat(), "link_up": True, "followed": ["a"]})


@pytest.fixture(autouse=True)
def no_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reconcile, "PATIENCE_SECONDS", 0.0)


def test_what_was_written_before_the_look_that_is_confirmed_is_not_enough(app: App) -> None:
    """A recording that began since is in no list, where the disk is full: its snoop would be hung up."""
    app.spool.lock()
    _tell(app.spool, datetime.now(UTC) - timedelta(seconds=SETTLE_SECONDS))
    with pytest.raises(Refused, match="no callrec serve"):
        reconcile._followed(app, False)


def test_it_is_waited_for_what_a_controller_has_yet_to_write(
    app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    app.spool.lock()
    _tell(app.spool, datetime.now(UTC) - timedelta(seconds=SETTLE_SECONDS))
    monkeypatch.setattr(reconcile, "PATIENCE_SECONDS", 60.0)
    monkeypatch.setattr("time.sleep", lambda seconds: _tell(app.spool, datetime.now(UTC)))
    assert reconcile._followed(app, False) == {"a"}


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
