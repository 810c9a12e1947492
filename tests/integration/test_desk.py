"""The desk as accounts of the machine find it: real processes, a real archive, both databases."""

from __future__ import annotations

from callrec.model.access import Role
from tests.integration.desk_office import DeskOffice
from tests.integration.people import People


def test_who_has_a_role_is_served(desk_office: DeskOffice, people: People) -> None:
    desk_office.grant(people.name("rules"), Role.RULES)
    done = people.run("rules", "facility", "list", "--csv", desk=desk_office.socket)
    assert done.code == 0, done.err
    assert "shiba" in done.out and "azabu" in done.out
