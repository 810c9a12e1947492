"""Every command can be asked of the desk, or is for those alone who can read callrec.toml."""

from __future__ import annotations

import pytest

from callrec.desk import operations
from callrec.desk.operation import OPERATIONS
from callrec.desk.operations.access import ALIKE, roles_by_command
from tests import reference

DIRECT = {
    *("init", "serve", "doctor", "demo", "pbx", "desk", "purge", "catalogue", "reconcile", "testcall"),
    *("backup", "restore", "upgrade", "service"),
}
"""What sets callrec up, runs it, or destroys: for whoever can read callrec.toml."""
ONLY_DIRECT = {"access grant", "access revoke", "evidence key new", "evidence key list"}
"""Operations that no role allows."""

operations.load()


@pytest.mark.parametrize("command", reference.commands())
def test_a_command_is_asked_of_the_desk(command: str) -> None:
    noun = command.split(maxsplit=1)[0]
    known = roles_by_command()
    if noun in DIRECT:
        allowed = known.get(command, (frozenset(), False))
        assert allowed == (frozenset(), False), f"a role allows {command}: take {noun} out of DIRECT here"
        return
    assert command in known, (
        f"no operation says that it is for callrec {command}: name it so in @operation(…), "
        f"or write in ALIKE of callrec.desk.operations.access whose operation it asks"
    )
    roles, anybody = known[command]
    assert roles or anybody or command in ONLY_DIRECT, f"no role allows callrec {command}"


@pytest.mark.parametrize("name", sorted(OPERATIONS))
def test_an_operation_says_by_which_command_it_is_asked(name: str) -> None:
    """People read it when they are refused. What clients ask by themselves begins with a hyphen."""
    command = OPERATIONS[name].command
    assert command.startswith("-") or command in reference.commands(), f"there is no callrec {command}"


def test_commands_alike_are_commands() -> None:
    assert set(ALIKE) | set(ALIKE.values()) <= set(reference.commands())
