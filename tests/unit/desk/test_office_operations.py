"""Facilities, extensions, rules, announcements and status: the same directly and through the desk."""

from __future__ import annotations

from callrec.model.access import Role
from tests.unit.desk.server_thread import ThroughDesk


def test_nobody_has_a_role_until_it_is_granted(through_desk: ThroughDesk) -> None:
    done = through_desk("facility", "list")
    assert done.code == 4 and "it needs the role rules" in done.complaint
    through_desk.grant(Role.RULES)
    assert "芝地区総合支所" in through_desk("facility", "list").out
