"""Checks the authority of time-stamps, where one is set: it is asked for one, over a few bytes."""

from __future__ import annotations

from callrec.doctor.check import Check, Checkup
from callrec.language import translated as _

SECONDS = 5.0
"""How long it may take: whoever runs doctor waits for it."""


def _time_stamps(checkup: Checkup) -> str:
    """Raises as TimeStampAuthority does: what it says must be believed by evidence.tsa_ca_file."""
    authority = checkup.app.time_stamp_authority(SECONDS)
    if authority is None:
        return _("no authority is set (evidence.tsa_url)")
    found = authority.try_out(b"a trial by callrec doctor")
    return _("{host} stamps, by a certificate that ends on {day}").format(
        host=authority.host, day=f"{found.ends_at:%Y-%m-%d}"
    )


CHECKS: tuple[Check, ...] = (("time-stamps", _time_stamps),)
