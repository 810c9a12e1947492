"""Who may do what: roles granted, taken back and listed, and what one person may do by them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from callrec import account
from callrec.catalogue import facilities, grants
from callrec.desk.operation import OPERATIONS, Session, operation, reach_of
from callrec.desk.operations import load
from callrec.errors import NotAllowed, NotFound
from callrec.model.access import EVERYWHERE, Grant, Role, Through
from callrec.texts import unshown

ALIKE = {"rule show": "rule history", "rule export": "rule explain"}
"""Commands that ask the same as another one."""
ASKING_NOTHING = ("prompt check",)
"""Commands for which callrec has not to be asked: whoever has any role may use them."""
LONGEST = 200
"""Signs of a name that are shown: no account of a machine has more."""


@dataclass(frozen=True, slots=True)
class GrantChange:
    """What granting or revoking came to. `who`: as the system itself calls the account or group."""

    who: str
    changed: list[Grant]
    """What was given or taken back; empty: nothing, as it was so already."""
    everywhere: bool
    """Whether the role holds for everywhere now."""


@dataclass(frozen=True, slots=True)
class ListedGrant:
    """A grant, and whether the machine has no such account or group any more."""

    grant: Grant
    gone: bool


@dataclass(frozen=True, slots=True)
class AllowedCommand:
    """A command that somebody may use. `facilities` None: for all; none: it is about no facility."""

    command: str
    facilities: list[str] | None


@dataclass(frozen=True, slots=True)
class Access:
    """What an account, or the members of a ``@group``, may do."""

    who: str
    direct: bool
    """Whether this is who asks, and works with callrec.toml itself, which allows everything."""
    gone: bool
    groups: list[str]
    grants: list[Grant]
    """Its own, and those of its groups."""
    commands: list[AllowedCommand]


@operation("access grant")
def grant_role(session: Session, /, who: str, role: Role, places: list[str]) -> GrantChange:
    """Gives a role for facilities (codes or names), or without any for everywhere.

    Raises NotFound for an account, a group or a facility that there is not.
    """
    name = _known(who)
    with session.app.database.begin() as connection:
        codes = [facilities.facility(connection, each).code for each in places]
        new = grants.grant(connection, name, role, codes, by=session.who, at=session.now)
        return GrantChange(name, new, _holds_everywhere(grants.of(connection, [name]), role))


@operation("access revoke")
def revoke_role(session: Session, /, who: str, role: Role, places: list[str]) -> GrantChange:
    """Takes a role back for facilities, or without any altogether; also of an account that is gone, and for a
    facility that was removed. Raises NotFound where it was not given, Refused for a part of everywhere."""
    _check_typed(who)
    with session.app.database.begin() as connection:
        name = who if grants.of(connection, [who]) else account.known(who) or _shown(who)
        codes = [facilities.code_of_calls(connection, each) for each in places]
        gone = grants.revoke(connection, name, role, codes, by=session.who, at=session.now)
        return GrantChange(name, gone, _holds_everywhere(grants.of(connection, [name]), role))


@operation("access list", Role.AUDITOR)
def list_access(session: Session, /) -> list[ListedGrant]:
    """Returns what is granted, as far as it is about facilities that the caller reaches."""
    with session.app.database.read() as connection:
        found = _in_reach(session, grants.all_grants(connection))
    there = {who: account.known(who) is not None for who in {each.who for each in found}}
    return [ListedGrant(each, not there[each.who]) for each in found]


@operation("access show", Role.AUDITOR, anybody=True)
def show_access(session: Session, /, who: str | None = None) -> Access:
    """Returns what somebody may do; without `who`, the caller. Others than that are for auditors.

    Raises NotFound for who is neither on the machine nor has any role.
    """
    load()
    _check_typed(who or "")
    name = session.who if who is None else account.known(who) or who
    if name == session.who:
        direct = session.caller.through is Through.DIRECT
        return _access(session, name, session.caller.groups, direct=direct, own=True)
    if session.role is None and session.caller.through is not Through.DIRECT:
        raise NotAllowed("only an auditor may see what others may do: leave the name out for yourself")
    return _access(session, name, account.groups_of_account(name), direct=False, own=False)


def roles_by_command() -> dict[str, tuple[frozenset[Role], bool]]:
    """Returns the roles of which each command needs one, and whether anybody may use it. What clients ask by
    themselves is left out. All operations have to be loaded."""
    found: dict[str, tuple[frozenset[Role], bool]] = {}
    for each in OPERATIONS.values():
        if not each.command.startswith("-"):
            roles, anybody = found.get(each.command, (frozenset[Role](), False))
            found[each.command] = (roles | set(each.roles), anybody or each.anybody)
    found |= {command: found[other] for command, other in ALIKE.items() if other in found}
    return found | dict.fromkeys(ASKING_NOTHING, (frozenset(Role), False))


def _known(who: str) -> str:
    """Returns how the system calls an account or a group. Raises NotFound where it has none such."""
    name = account.known(who)
    if name is None and who.startswith("@"):
        raise NotFound("this machine has no group {name}: getent group shows all", name=_shown(who[1:]))
    if name is None:
        raise NotFound(
            "this machine has no account {name}: getent passwd shows all; a group is written @{name}",
            name=_shown(who),
        )
    return name


def _check_typed(who: str) -> None:
    """Raises NotFound for what can be no name, and no database would take."""
    if unshown(who):
        _known(who)


def _shown(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"


def _holds_everywhere(held: Iterable[Grant], role: Role) -> bool:
    return any(each.role is role and each.facility is None for each in held)


def _in_reach(session: Session, found: Iterable[Grant]) -> list[Grant]:
    """Returns the grants that allow something in facilities that the caller reaches."""
    return [each for each in found if session.reach.meets(reach_of([each]))]


def _access(session: Session, name: str, groups: Iterable[str], *, direct: bool, own: bool) -> Access:
    names = [name, *(f"@{each}" for each in sorted(groups))]
    with session.app.database.read() as connection:
        held = grants.of(connection, names)
    gone = not own and account.known(name) is None
    seen = held if own else _in_reach(session, held)
    if gone and not seen:
        _known(name)
    return Access(name, direct, gone, sorted(groups), seen, _commands(seen, direct=direct))


def _commands(held: list[Grant], *, direct: bool) -> list[AllowedCommand]:
    """Returns the commands that some grants allow, taken together; who works directly may use all."""
    allowed = []
    for command, (roles, anybody) in sorted(roles_by_command().items()):
        usable = [each for each in held if each.role in roles]
        if direct or usable or anybody:
            reach = EVERYWHERE if direct else reach_of(usable)
            allowed.append(AllowedCommand(command, reach.as_list()))
    return allowed
