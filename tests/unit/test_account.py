"""Which groups somebody is in, and what an account is called."""

from __future__ import annotations

import grp
import os
import pwd

import pytest

from callrec import account

NOBODY = 54321


def test_of_nobody_there_is_a_number_and_the_group_of_the_process() -> None:
    root = grp.getgrgid(0).gr_name
    assert account.name_of(NOBODY) == str(NOBODY)
    assert account.groups_of(NOBODY, NOBODY) == frozenset()
    assert account.groups_of(NOBODY, 0) == {root}


def test_the_first_group_counts_and_the_others_and_that_of_the_process(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """`newgrp` changes the group of a process, which then is not the first one of its account."""
    me, root = pwd.getpwuid(os.getuid()), grp.getgrgid(0).gr_name
    others = [each for each in grp.getgrall() if each.gr_gid not in (0, me.pw_gid)][:2]
    monkeypatch.setattr(os, "getgrouplist", lambda name, first: [first, others[0].gr_gid])
    own = grp.getgrgid(me.pw_gid).gr_name
    assert account.groups_of(me.pw_uid, others[1].gr_gid) == {own, others[0].gr_name, others[1].gr_name}
    assert account.groups_of(me.pw_uid, 0) == {own, others[0].gr_name, root}
