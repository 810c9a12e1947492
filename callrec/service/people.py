"""The account that callrec runs as, and what belongs to it."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
from collections.abc import Iterable, Iterator
from pathlib import Path

from callrec import account
from callrec.errors import CheckFailed, Refused, WrongUsage
from callrec.failures import why
from callrec.files import give, make_folder
from callrec.service.units import STATE, STATE_MODE

USER = "callrec"
"""The account that is made where it is missing, with a group of its name; others have to be there."""


def known(name: str) -> pwd.struct_passwd | None:
    """Returns the account of that name; None where there is none."""
    found = None if name.startswith("@") else account.known(name)
    return pwd.getpwnam(found) if found else None


def check_there(name: str) -> None:
    """Raises WrongUsage for an account that the machine has not, and that is not made by itself."""
    if name != USER and not known(name):
        raise WrongUsage(
            "there is no account {name} on this machine: make it, or leave --user out", name=repr(name)
        )


def check_usable(name: str) -> None:
    """Raises WrongUsage as `check_there`, and Refused for root, whom no service needs."""
    check_there(name)
    if (found := known(name)) and found.pw_uid == 0:
        raise Refused("callrec needs no right of root: give the services an account of their own")


def make(name: str) -> bool:
    """Makes the account where it is missing; returns whether it was. Raises WrongUsage as `check_there`, and
    CheckFailed where it cannot be made."""
    check_there(name)
    if known(name):
        return False
    home, shell = f"--home-dir={STATE}", "--shell=/usr/sbin/nologin"
    _run("useradd", "--system", "--user-group", "--no-create-home", home, shell, name)
    return True


def _run(program: str, *words: str) -> None:
    """Runs what changes the accounts of the machine, also where root's path does not lead there."""
    found = shutil.which(program, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin") or program
    try:
        done = subprocess.run([found, *words], capture_output=True, text=True, check=False, timeout=60)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise CheckFailed("{command} failed: {problem}", command=program, problem=why(error)) from error
    if done.returncode:
        problem = " ".join(done.stderr.split()) or str(done.returncode)
        raise CheckFailed("{command} failed: {problem}", command=program, problem=problem)


def make_state(name: str, folder: Path = STATE) -> None:
    """Makes the folder in which callrec keeps what it has, where it is missing, as that account's own."""
    if not folder.exists():
        make_folder(folder.parent, 0o755)
        make_folder(folder, STATE_MODE)
        hand_over([folder], name)


def can_run(program: Path, name: str) -> bool:
    """Returns whether an account can start a program, with all that it is made of."""
    to = pwd.getpwnam(name)
    try:
        done = subprocess.run(
            [program, "--version"],
            user=to.pw_uid,
            group=to.pw_gid,
            extra_groups=[],
            cwd="/",
            env={},
            capture_output=True,
            check=False,
            timeout=60,
        )
    except (OSError, subprocess.SubprocessError):
        return False
    return done.returncode == 0


def hand_over(paths: Iterable[Path], name: str) -> None:
    """Gives files and folders, where they are there, with all that is in them, to an account and its group.

    Links are given themselves, and never what they lead to. Raises CheckFailed.
    """
    to = pwd.getpwnam(name)
    for path in paths:
        try:
            for each in (path, *path.rglob("*")) if path.exists() else ():
                give(each, to.pw_uid, to.pw_gid)
        except OSError as error:
            raise CheckFailed(
                "{path} cannot be given to {user}: {problem}", path=path, user=name, problem=why(error)
            ) from error


def strangers(paths: Iterable[Path], name: str) -> Iterator[Path]:
    """Yields those of the files and folders that are there and belong to another account."""
    owner = pwd.getpwnam(name).pw_uid
    for path in paths:
        if path.exists() and path.stat().st_uid != owner:
            yield path
