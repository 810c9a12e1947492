"""systemd as a machine has it, first process of a world of its own, in which callrec's units run.

Processes, mounts and journal are its own; the network is that of the machine, where PBX and S3 are. `booted`
lends it the settings and the spool of a system; `empty` has nothing of callrec but the program in /opt, and
/etc, accounts, /var/lib and /srv of its own, as somebody finds a machine who is to install it.
"""

from __future__ import annotations

import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from callrec.service import units
from callrec.settings import Settings
from tests.integration.people import People
from tests.integration.system import SystemUnderTest, eventually

PROGRAM = Path("/opt/callrec/bin/callrec")
BOOT = """
set -e
mount --make-rprivate /
mount -t proc proc /proc
mount -t tmpfs -o mode=755 tmpfs /run
mkdir -p /run/systemd/system /run/lock
for folder in lib log; do mount --bind "$1/$folder" "/var/$folder"; done
if [ -d "$1/etc" ]; then
    for folder in etc srv; do mount --bind "$1/$folder" "/$folder"; done
    mount -t tmpfs -o mode=755 tmpfs /opt
    mkdir /opt/callrec
    mount --bind "$2" /opt/callrec
    mount --bind "$1/callrec" /opt/callrec/bin/callrec
fi
cp -r "$1"/units/. /run/systemd/system/
mount -t cgroup2 none /sys/fs/cgroup
# As on a machine: systemd mounts credentials in a world apart, and they have to get here.
mount --make-rshared /
export container=other
exec /lib/systemd/systemd --system --unit=world.target --log-target=null --show-status=0
"""
WORLD = """
[Unit]
DefaultDependencies=no
AllowIsolate=yes
Requires=systemd-journald.service
After=systemd-journald.service
"""
OURS = """
[Unit]
DefaultDependencies=no
After=
[Service]
User={user}
ExecStart=
ExecStart={program}/bin/callrec {command}
Environment=CALLREC_CONFIG={config} CALLREC_LANG=en
Environment=CALLREC_DESK__SOCKET=/run/callrec/desk.sock
BindPaths={shared}
BindReadOnlyPaths={people}
WatchdogSec={watchdog}
"""
"""What of a unit depends on this world; how it is confined stays as it is."""
APART = """
[Unit]
DefaultDependencies=no
After=
"""
"""What an administrator would write beside a unit here, where nothing else of a machine is started."""


class Machine:
    """A running systemd. `ask` runs a program within."""

    def __init__(self, process: subprocess.Popen[bytes], program: Path, config: Path) -> None:
        self._process, self._program, self._config = process, program, config

    def ask(self, *command: str | Path) -> subprocess.CompletedProcess[str]:
        inside = ["nsenter", "--all", f"--target={self._init()}", "--", *command]
        return subprocess.run(inside, capture_output=True, text=True, check=False, timeout=60)

    def start(self, unit: str) -> None:
        """Starts a unit, and returns when it has said that it is ready."""
        done = self.ask("systemctl", "start", unit)
        assert done.returncode == 0, (done.stderr, self.ask("journalctl", "-q", "-t", "callrec").stdout)

    def pid(self, unit: str) -> int:
        """The first process of a unit, as it is numbered within; 0 where there is none."""
        return int(self.ask("systemctl", "show", "--value", "--property=MainPID", unit).stdout or 0)

    def send(self, unit: str, number: signal.Signals) -> None:
        self.ask("kill", f"-{number.value}", str(self.pid(unit)))

    def callrec(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Runs the program within, as the root of the machine would."""
        words = ["--unset=PYTHONPATH", f"CALLREC_CONFIG={self._config}", "CALLREC_LANG=en"]
        return self.ask("env", *words, self._program, *arguments)

    def write(self, path: str, text: str) -> None:
        """Writes a file within, for root alone."""
        script = 'umask 077; mkdir -p "$(dirname "$1")"; printf %s "$2" >"$1"'
        self.run("sh", "-c", script, "-", path, text)

    def run(self, *command: str | Path) -> str:
        """Runs a program within that must succeed; returns what it prints."""
        done = self.ask(*command)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def path(self, within: str) -> Path:
        """Where a path within is found from outside."""
        return Path(f"/proc/{self._init()}/root{within}")

    def told(self, unit: str) -> str:
        """What a unit has told systemd of itself."""
        return self.run("systemctl", "show", "--value", "--property=StatusText", unit).strip()

    def log(self) -> str:
        """What callrec's units have written into the journal."""
        return self.ask("journalctl", "-q", "--no-pager", "--output=cat", "-t", "callrec").stdout

    def _init(self) -> int:
        """The first process within, which the one that was started waits for."""
        children = Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children")
        return int(eventually(lambda: children.read_text().split() or None)[0])


@contextmanager
def booted(folder: Path, system: SystemUnderTest, people: People, watchdog: int) -> Iterator[Machine]:
    """A machine with callrec's units, in place of the controller and the desk of a system."""
    user = people.name("service")
    _prepare(folder, system, people, user, watchdog)
    with _lent(system, user), _running(folder, people.program) as process:
        machine = Machine(process, people.program / "bin/callrec", system.demo.config)
        eventually(lambda: machine.ask("systemctl", "is-active", "world.target").returncode == 0)
        yield machine


@contextmanager
def _lent(system: SystemUnderTest, user: str) -> Iterator[None]:
    """Gives what callrec works with to an account: settings, catalogue, spool and keys of a system."""
    demo = system.demo
    folders = demo.home / "spool", system.app.settings.evidence.keys

    def give(account: str) -> None:
        inside = (path for folder in folders for path in folder.rglob("*"))
        for path in (demo.home, demo.config, *demo.home.glob("catalogue.db*"), *folders, *inside):
            shutil.chown(path, account)

    give(user)
    try:
        yield
    finally:
        give("root")


@contextmanager
def empty(folder: Path, people: People) -> Iterator[Machine]:
    """A machine on which nothing of callrec is but the program."""
    for name in ("lib", "log", "srv", "units"):
        (folder / name).mkdir(parents=True)
    shutil.copytree("/etc", folder / "etc", symlinks=True)
    (folder / "units/world.target").write_text(WORLD)
    for path in units.templates():
        beside = folder / f"units/{path.name}.d"
        beside.mkdir()
        (beside / "apart.conf").write_text(APART)
    script = (people.program / "bin/callrec").read_text()
    (folder / "callrec").write_text(script.replace(str(people.program), str(PROGRAM.parents[1])))
    (folder / "callrec").chmod(0o755)
    folder.chmod(0o755)
    with _running(folder, people.program) as process:
        machine = Machine(process, PROGRAM, Path("/etc/callrec/callrec.toml"))
        eventually(lambda: machine.ask("systemctl", "is-active", "world.target").returncode == 0)
        yield machine


@contextmanager
def _running(folder: Path, program: Path) -> Iterator[subprocess.Popen[bytes]]:
    spaces = ["--pid", "--mount", "--uts", "--ipc", "--cgroup", "--fork", "--kill-child"]
    process = subprocess.Popen(["unshare", *spaces, "sh", "-c", BOOT, "boot", folder, program])
    try:
        yield process
    finally:
        process.kill()  # systemd does not end for a polite signal; all that it started ends with it
        process.wait()


def _prepare(folder: Path, system: SystemUnderTest, people: People, user: str, watchdog: int) -> None:
    for name in ("lib", "log", "units"):
        (folder / name).mkdir(parents=True)
    values = {
        "user": user,
        "program": people.program,
        "people": people.folder,
        "shared": system.demo.home.parent,
        "config": system.demo.config,
        "watchdog": watchdog,
    }
    (folder / "units/world.target").write_text(WORLD)
    place = units.Place(PROGRAM, Path("/etc/callrec/callrec.toml"), user, Settings())
    shipped = units.filled(place)
    for name, command in (("callrec", "serve --wait"), ("callrec-desk", "desk")):
        (folder / f"units/{name}.service").write_text(shipped[f"{name}.service"])
        own = folder / f"units/{name}.service.d"
        own.mkdir()
        (own / "machine.conf").write_text(OURS.format(command=command, **values))
    folder.chmod(0o755)
