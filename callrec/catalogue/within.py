"""Says in a query what somebody reaches: calls in which one of their facilities took part."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from callrec.catalogue.tables import call_facilities
from callrec.model.access import Reach


def within(call_id: sa.ColumnElement[Any], reach: Reach) -> list[sa.ColumnElement[bool]]:
    """Returns the condition that a call is within reach; none where that is everything.

    Asked of each row by the primary key, so that a search by date still goes by its own index.
    """
    if reach.facilities is None:
        return []
    of_call = sa.select(call_facilities.c.facility).where(
        call_facilities.c.call_id == call_id, call_facilities.c.facility.in_(sorted(reach.facilities))
    )
    return [of_call.exists()]
