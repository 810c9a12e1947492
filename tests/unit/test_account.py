"""Which groups somebody is in, and what an account is called."""

from __future__ import annotations

import grp
import os
import pwd

import pytest

from callrec import account

NOBODY = 54321


def test_of_nobody_there_is_a_number_and_no_group() -> None:
    assert account.name_of(NOBODY) == str(NOBODY)
    assert account.person(NOBODY) == f"#{NOBODY}", "what is granted to an account of that name is not for it"
    assert account.groups_of(NOBODY) == frozenset()


def test_the_groups_are_those_that_the_machine_has_now(monkeypatch: pytest.MonkeyPatch) -> None:
    me = pwd.getpwuid(os.getuid())
    own, other = grp.getgrgid(me.pw_gid), next(each for each in grp.getgrall() if each.gr_gid != me.pw_gid)
    numbers = [own.gr_gid, other.gr_gid, NOBODY]
    monkeypatch.setattr(os, "getgrouplist", lambda name, first: numbers)
    assert account.groups_of(me.pw_uid) == {own.gr_name, other.gr_name}, "NOBODY is no group"
    numbers.remove(other.gr_gid)
    assert account.groups_of(me.pw_uid) == {own.gr_name}
