"""The package of Debian: installed, upgraded, removed and purged in a real Debian with a real systemd.
Whatever happens to the package, what callrec has recorded and proves it with stays."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from callrec import __version__
from release import deb
from tests.integration.debian_root import DebianRoot, debian
from tests.integration.released import PYTHON

INIT = (
    "callrec --config /etc/callrec/callrec.toml init --non-interactive "
    "--database-url sqlite:////var/lib/callrec/catalogue.db"
)
EVIDENCE = (
    "cd / && find etc/callrec var/lib/callrec -type f ! -name 'catalogue.db-*' | sort | xargs sha256sum"
)


@pytest.fixture(scope="module")
def machine(scratch: Path) -> Iterator[DebianRoot]:
    """A Debian with two revisions of the package in /mnt."""
    shared = scratch / "deb"
    shared.mkdir()
    tree = shared / "tree"
    deb.plant(tree, shared, PYTHON)
    for revision in ("1", "2"):
        deb.pack(tree, shared, PYTHON, revision).rename(shared / f"{revision}.deb")
    with debian(shared) as root:
        yield root


def test_it_comes_goes_and_leaves_the_evidence(machine: DebianRoot) -> None:
    """One story: each step begins where the one before has ended."""
    _installed(machine)
    _set_up(machine)
    evidence = machine.said(EVIDENCE)
    assert {"callrec.toml", "catalogue.db", "signing.pem"} <= {Path(line).name for line in evidence.split()}
    _upgraded(machine)
    assert machine.said(EVIDENCE) == evidence
    _removed(machine)
    assert machine.said(EVIDENCE) == evidence
    _purged(machine)
    assert machine.said(EVIDENCE) == evidence
    machine.said("dpkg --install /mnt/2.deb")
    assert "signing.pem" in evidence and machine.said("callrec evidence key list"), "it is taken up again"


def _installed(machine: DebianRoot) -> None:
    machine.said("dpkg --install /mnt/1.deb")
    assert machine.said("callrec --version") == f"callrec, version {__version__}"
    assert machine.said("readlink -f /usr/bin/callrec") == "/opt/callrec/bin/callrec"
    assert machine.said("stat -c '%A %U %G' /etc/callrec /var/lib/callrec").splitlines() == [
        "drwxr-x--- root callrec",
        "drwx--x--x callrec callrec",
    ]
    assert machine.said("getent passwd callrec | cut -d: -f6-") == "/var/lib/callrec:/usr/sbin/nologin"
    assert machine.said("dpkg --verify callrec") == "", "every file is as it was packed"
    assert machine.said("find /opt/callrec /usr/lib/systemd/system/callrec* ! -user root") == ""
    assert machine.said("ls /usr/share/doc/callrec/docs/en/install.md")
    assert machine.said("cat /usr/lib/systemd/system/callrec*").count("$") == 0, "filled in"
    assert machine.run("systemctl is-enabled callrec.service").stdout.strip() == "disabled"
    assert machine.run("systemctl is-active callrec.service").stdout.strip() == "inactive"


def _set_up(machine: DebianRoot) -> None:
    machine.said(INIT)
    assert machine.said("stat -c '%U %a' /etc/callrec/callrec.toml") == "callrec 600"
    machine.said("cd /root && chmod 700 . && runuser -u callrec -- callrec facility add shiba --name 芝")
    machine.said("systemctl enable --now callrec-desk.service")  # the unit of the package
    assert "callrec-doctor.timer written" in machine.said("callrec service install")
    machine.said("systemctl restart callrec-desk.service")
    used = machine.said("systemctl show --value --property=FragmentPath callrec-desk.service")
    assert used == "/etc/systemd/system/callrec-desk.service", "those that fit the settings come first"


def _upgraded(machine: DebianRoot) -> None:
    """What runs, runs the new version afterwards; what does not, is left alone."""
    before = machine.said("systemctl show --value --property=MainPID callrec-desk.service")
    machine.said("dpkg --install /mnt/2.deb")
    assert machine.said("dpkg-query --show --showformat '${Version}' callrec").startswith(f"{__version__}-2+")
    assert machine.said("systemctl is-active callrec-desk.service") == "active"
    assert machine.said("systemctl show --value --property=MainPID callrec-desk.service") not in (before, "0")
    assert machine.run("systemctl is-active callrec.service").stdout.strip() == "inactive"


def _removed(machine: DebianRoot) -> None:
    machine.said("dpkg --remove callrec")
    assert machine.run("systemctl is-active callrec-desk.service").stdout.strip() == "inactive"
    assert machine.said("ls -d /opt/callrec /usr/bin/callrec 2>&1 || true").count("No such file") == 2
    assert machine.said("find /etc/systemd/system -type f -name 'callrec*'") == "", "it would never start"


def _purged(machine: DebianRoot) -> None:
    said = machine.said("dpkg --purge callrec")
    left = "callrec: left as they are, with settings, keys and recordings: /etc/callrec /var/lib/callrec"
    assert left in said.splitlines()
    assert machine.said("find /etc/systemd/system -name 'callrec*'") == ""


def test_it_does_not_go_where_something_else_is(machine: DebianRoot) -> None:
    """Such as what install.sh has made, with links through which its files would go astray."""
    machine.said("dpkg --purge callrec; rm -rf /opt/callrec; mkdir -p /opt/callrec/0.1.0/bin")
    machine.said("cd /opt/callrec && ln -s 0.1.0 current && ln -s current/bin bin")
    done = machine.run("dpkg --install /mnt/1.deb")
    assert done.returncode != 0 and "/opt/callrec was not made by this package; move it away" in done.stderr
    assert machine.said("ls -A /opt/callrec/0.1.0/bin") == ""
