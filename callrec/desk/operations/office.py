"""What a client has to know before it asks: the zone of the office, and what staff dial before a number."""

from __future__ import annotations

from callrec.desk.operation import ANY, Session, operation
from callrec.settings import OfficeSettings


@operation("--help", *ANY)
def office_settings(session: Session, /) -> OfficeSettings:
    """Returns the settings by which dates and numbers are read and shown."""
    return session.app.settings.office
