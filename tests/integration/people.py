"""Accounts and groups of this machine, made for a session of tests, and callrec as they run it."""

from __future__ import annotations

import fcntl
import grp
import os
import pwd
import re
import shutil
import stat
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from importlib.metadata import Distribution, distribution
from pathlib import Path

from packaging.requirements import Requirement

import callrec
from callrec.errors import CallrecError
from tests.unit.program import Done

NAME = re.compile(r"callrec-t-(\d+)-")
PACKAGE = Path(callrec.__file__).parent
PROJECT = Path(__file__).parents[2] / "pyproject.toml"
SHIPPED = ("asterisk", "migrations", "prompts")
"""Folders that a package of callrec has within itself."""
NOBODY = 54321
"""A user, and a group, of whom the machine knows nothing."""
SECONDS = 60.0


@dataclass
class People:
    """Accounts, made when they are first named, and a callrec that all of them can run.

    Their real names begin with that of the session, so that sessions side by side have their own; `name`
    tells it. A context manager, which leaves neither account nor group behind.
    """

    prefix: str = field(default_factory=lambda: f"callrec-t-{os.getpid()}-")
    folder: Path = field(default_factory=lambda: Path(tempfile.mkdtemp(prefix="callrec-people-")))

    def __enter__(self) -> People:
        self.folder.chmod(0o755)
        try:
            _forget(lambda name: (found := NAME.match(name)) is not None and not _runs(int(found[1])))
            self.program = _installed(self.folder / "program")
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        _forget(lambda name: name.startswith(self.prefix))
        shutil.rmtree(self.folder)

    def name(self, who: str, *groups: str, primary: str = "everybody") -> str:
        """The account of somebody; the first time it is made, in these groups. Once made, it stays so."""
        name = self.prefix + who
        with suppress(KeyError):
            return pwd.getpwnam(name).pw_name
        others = [f"--groups={','.join(map(self.group, groups))}"] if groups else []
        _run("useradd", "--no-create-home", f"--gid={self.group(primary)}", *others, name)
        home = self.home(who)
        home.mkdir(mode=0o700)
        shutil.chown(home, name)
        return name

    def group(self, which: str) -> str:
        """A group, made the first time it is named."""
        name = self.prefix + which
        with suppress(KeyError):
            return grp.getgrnam(name).gr_name
        _run("groupadd", name)
        return name

    def home(self, who: str) -> Path:
        """The folder in which somebody works, and others cannot read."""
        return self.folder / who

    def run(self, who: str, *arguments: str, desk: Path, env: Mapping[str, str] | None = None) -> Done:
        """Has somebody run callrec at a desk, in English unless `env` says otherwise, in their folder."""
        return self.execute(who, [self.program / "bin/callrec", "--desk", desk, *arguments], env)

    def python(self, who: str, script: str, *arguments: str) -> Done:
        """Has somebody run a text as a program of Python that can import callrec."""
        return self.execute(who, [self.program / "bin/python", "-c", script, *arguments])

    def execute(self, who: str, command: Sequence[str | Path], env: Mapping[str, str] | None = None) -> Done:
        """Has somebody run a program, with nothing of this process's environment."""
        with self.started(who, command, env) as process:
            out, err = process.communicate(timeout=SECONDS)
        return Done(process.returncode, out, err)

    @contextmanager
    def started(
        self, who: str, command: Sequence[str | Path], env: Mapping[str, str] | None = None
    ) -> Iterator[subprocess.Popen[str]]:
        """A program that somebody runs. It does not outlast the block."""
        account = pwd.getpwnam(self.name(who))
        with self._process(
            command,
            (account.pw_uid, account.pw_gid, os.getgrouplist(account.pw_name, account.pw_gid)),
            self.home(who),
            env,
        ) as process:
            yield process

    def nobody(self, *arguments: str, desk: Path) -> Done:
        """Has a user without an account run callrec at a desk."""
        command: list[str | Path] = [self.program / "bin/callrec", "--desk", desk, *arguments]
        with self._process(command, (NOBODY, NOBODY, []), Path("/"), None) as process:
            out, err = process.communicate(timeout=SECONDS)
        return Done(process.returncode, out, err)

    @contextmanager
    def _process(
        self,
        command: Sequence[str | Path],
        as_: tuple[int, int, list[int]],
        folder: Path,
        env: Mapping[str, str] | None,
    ) -> Iterator[subprocess.Popen[str]]:
        user, group, groups = as_
        process = subprocess.Popen(
            command,
            user=user,
            group=group,
            extra_groups=groups,
            cwd=folder,
            env={"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "CALLREC_LANG": "en", **(env or {})},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        with process:
            try:
                yield process
            finally:
                process.kill()


def made() -> Iterator[People]:
    """People for a fixture. Only root can make any."""
    assert os.geteuid() == 0, "only root can make accounts"
    with People() as people:
        yield people


# --- accounts


def _run(*command: str) -> None:
    """Runs what changes the accounts of the machine: one at a time, as they lock them for a moment only."""
    with PROJECT.open("rb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        subprocess.run(command, check=True, capture_output=True)


def _forget(whom: Callable[[str], bool]) -> None:
    """Removes the accounts and groups whose names a function says yes to."""
    for name in [each.pw_name for each in pwd.getpwall() if whom(each.pw_name)]:
        _run("userdel", name)
    for name in [each.gr_name for each in grp.getgrall() if whom(each.gr_name)]:
        _run("groupdel", name)


def _runs(process: int) -> bool:
    return Path(f"/proc/{process}").exists()


# --- the program


def _installed(target: Path) -> Path:
    """Installs what callrec needs at work where everybody can read it.

    It is linked from this environment: copied, it would take seconds and 300 MB.
    """
    subprocess.run([_python(), "-m", "venv", "--without-pip", target], check=True)
    (packages,) = target.glob("lib/*/site-packages")
    for each in _needed():
        _link(each, packages)
    half = shutil.ignore_patterns("*.pyc.*")  # is being compiled by another process
    shutil.copytree(PACKAGE, packages / "callrec", copy_function=_link_file, ignore=half)
    for name in SHIPPED:
        beside = packages / "callrec/shipped" / name
        shutil.copytree(PROJECT.parent / name, beside, copy_function=_link_file, ignore=half)
    script = target / "bin/callrec"
    script.write_text(f"#!{target}/bin/python\nfrom callrec.commands import main\n\nmain()\n")
    script.chmod(0o755)
    return target


def _python() -> Path:
    """A Python of this version that every account can run; this one may be in somebody's home."""
    name = "python{}.{}".format(*sys.version_info)
    for folder in (Path(sys.base_prefix, "bin"), Path("/usr/bin"), Path("/usr/local/bin")):
        if (found := folder / name).exists() and _is_open(found.resolve()):
            return found
    raise CallrecError("no {name} can be run by every account: install python3-venv", name=name)


def _is_open(path: Path) -> bool:
    return all(each.stat().st_mode & stat.S_IXOTH for each in (path, *path.parents))


def _needed() -> list[Distribution]:
    """The packages that callrec depends on, and those they depend on; none for demo, tests, or docs."""
    waiting: list[str] = tomllib.loads(PROJECT.read_text("utf-8"))["project"]["dependencies"]
    found: dict[str, Distribution] = {}
    while waiting:
        wanted = Requirement(waiting.pop())
        if wanted.marker and not wanted.marker.evaluate({"extra": ""}):
            continue
        each = distribution(wanted.name)
        if each.name not in found:
            found[each.name] = each
            waiting += each.requires or []
    return list(found.values())


def _link(package: Distribution, target: Path) -> None:
    for file in package.files or ():
        source = Path(str(file.locate()))
        if file.parts[0] != ".." and source.exists():
            place = target / file
            place.parent.mkdir(parents=True, exist_ok=True)
            _link_file(str(source), str(place))


def _link_file(source: str, target: str) -> None:
    """Makes a file also that of another name, or a copy of it where that cannot be, or would be closed."""
    if Path(source).stat().st_mode & stat.S_IROTH:
        with suppress(OSError):
            os.link(source, target)
            return
    shutil.copyfile(source, target)
    Path(target).chmod(0o644)
