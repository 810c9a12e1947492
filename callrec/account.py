"""Who acts: the account of the machine under which this process runs, for what is written down."""

from __future__ import annotations

import grp
import os
import pwd
from collections.abc import Callable
from typing import Any


def acting() -> str:
    """Returns the account of this process, which nobody can choose.

    Who used sudo to become it is a detail, believed only when there is such an account.
    """
    name = person(os.getuid())
    before = _account(pwd.getpwnam, os.environ.get("SUDO_USER", ""))
    return f"{name} (sudo: {before})" if before and before != name else name


def name_of(user: int) -> str:
    """Returns the name of a user of the machine by the number; the number where there is no such account."""
    return _account(pwd.getpwuid, user) or str(user)


def person(user: int) -> str:
    """Returns who a user of the machine is, as roles are given and the custody log has it: the account; where
    there is none, ``#54321``: there may be an account that is called 54321, and it is another one."""
    return _account(pwd.getpwuid, user) or f"#{user}"


def groups_of(user: int) -> frozenset[str]:
    """Returns the names of all groups that a user is in now; none where there is no such account.

    The group of the process does not count: by `newgrp`, or the bit of a file, it outlasts that somebody was
    taken out of the group.
    """
    try:
        found = pwd.getpwuid(user)
    except KeyError:
        return frozenset()
    numbers = os.getgrouplist(found.pw_name, found.pw_gid)
    return frozenset(name for number in numbers if (name := _group(number)))


def known(who: str) -> str | None:
    """Returns how the system itself calls an account, or a ``@group``; None where the machine has none.

    That may be another name than was typed: of two accounts with one number, and where a directory does not
    tell large letters from small ones.
    """
    try:
        if who.startswith("@"):
            name = _group(grp.getgrnam(who[1:]).gr_gid)
            return f"@{name}" if name else None
        return name_of(pwd.getpwnam(who).pw_uid)
    except (KeyError, ValueError):  # ValueError: signs that no name can have
        return None


def groups_of_account(name: str) -> frozenset[str]:
    """Returns the groups that an account is in when it logs in; none where there is no such account."""
    try:
        found = pwd.getpwnam(name)
    except (KeyError, ValueError):
        return frozenset()
    return groups_of(found.pw_uid)


def _group(number: int) -> str | None:
    try:
        return grp.getgrgid(number).gr_name
    except KeyError:
        return None


def _account(find: Callable[[Any], pwd.struct_passwd], key: object) -> str | None:
    """Returns the name of an account; None where there is no such account."""
    try:
        return find(key).pw_name
    except KeyError:
        return None
