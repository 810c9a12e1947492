"""Checks that no certificate ends soon, of the servers that callrec reaches by TLS."""

from __future__ import annotations

from callrec.doctor.check import Check, Checkup
from callrec.health.certificates import end_of, require_long, servers
from callrec.language import translated as _


def _certificates(checkup: Checkup) -> str:
    """Checks how long each certificate holds that this machine trusts. Of others their own checks tell."""
    found = []
    for server in servers(checkup.app.settings):
        if (end := end_of(server, checkup.app.ca_file)) is None:
            continue
        require_long(server, end, checkup.app.now)
        host = f"{server[0]}:{server[1]}"
        found.append(_("{host} until {day}").format(host=host, day=end.date()))
    return ", ".join(found) or _("none")


CHECKS: tuple[Check, ...] = (("certificates", _certificates),)
