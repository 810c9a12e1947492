"""The commands of docs/en/install.md, as they stand there, in a real Debian without a network."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from callrec import __version__
from release import bundle, deb
from release.lock import ROOT
from release.wheels import ARCHITECTURES
from tests.integration.debian_root import DebianRoot, debian
from tests.integration.released import PYTHON

PAGES = {language: (ROOT / f"docs/{language}/install.md").read_text("utf-8") for language in ("en", "ja")}
VERSION = f"callrec, version {__version__}"
AS_THE_ACCOUNT = "runuser -u callrec -- env PATH=/usr/local/bin:/usr/bin:/bin callrec --version"


def _blocks(page: str) -> list[str]:
    """The scripts of a page, as they are on this machine."""
    found = ["\n".join(line.strip() for line in each.splitlines()) for each in _indented(page)]
    machine = os.uname().machine
    places = {"x86_64": machine, "amd64": ARCHITECTURES[machine], "deb12": _release()}
    return [re.sub("|".join(places), lambda found: places[found[0]], each) for each in found]


def _indented(page: str) -> list[str]:
    return re.findall(r"(?m)(?:^    \S.*\n?)+", page)


def _release() -> str:
    return deb.RELEASES[deb.version_of(PYTHON)]


def _block(words: str) -> str:
    """The one script of the English page that has these words."""
    (found,) = (each for each in _blocks(PAGES["en"]) if words in each)
    return found


@pytest.fixture(scope="module")
def machine(scratch: Path) -> Iterator[DebianRoot]:
    """A Debian with the archive and the package in /mnt."""
    shared = scratch / "page"
    shared.mkdir()
    bundle.make(shared, os.uname().machine)
    deb.make(shared, PYTHON)
    with debian(shared) as root:
        yield root


def test_both_languages_show_the_same_commands() -> None:
    assert _blocks(PAGES["en"]) == _blocks(PAGES["ja"])


def test_the_pages_name_this_version() -> None:
    assert set(re.findall(r"callrec[-_](\d+\.\d+\.\d+)", "".join(PAGES.values()))) == {__version__}


def test_the_archive(machine: DebianRoot) -> None:
    machine.said(f"set -e; mkdir /root/a; cp /mnt/*.tar /root/a; cd /root/a; {_block('install.sh')}")
    assert machine.said("/usr/local/bin/callrec --version") == VERSION
    machine.said("rm -r /opt/callrec /usr/local/bin/callrec /root/a")


def test_the_package(machine: DebianRoot) -> None:
    machine.said(f"set -e; cd /mnt; {_block('.deb')}")
    assert machine.said(AS_THE_ACCOUNT) == VERSION
    machine.said(_block("install -d -m 0700").splitlines()[0])
    assert machine.said("stat -c '%A %U' /var/backups/callrec") == "drwx------ callrec"
    machine.said("dpkg --purge callrec")
    assert machine.run("command -v callrec").stdout == ""
