"""callrec service: unit files are put there, compared with what is there, and taken away."""

from __future__ import annotations

import os
import pwd
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from callrec.service import systemctl, units
from tests.unit.program import Done

Office = Callable[..., Done]
Install = Callable[..., Done]
ACCOUNT = next(each.pw_name for each in pwd.getpwall() if each.pw_uid)
"""Somebody whom every machine has, and who is not root."""


@pytest.fixture
def install(office: Office, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Install:
    """Writes the units of an office into the folder `units`; what no service could see is taken as seen."""
    monkeypatch.setattr(units, "HIDDEN", ())
    (tmp_path / "units").mkdir()

    def call(*words: str) -> Done:
        program = ("--program", "/opt/callrec/bin/callrec")
        return office(*("service", "install", "--unit-dir", "units", "--user", ACCOUNT), *program, *words)

    return call


@pytest.fixture
def as_root(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Root of a machine whose units are in the folder `units`, and which systemd does not run."""
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(systemctl, "UNITS", tmp_path / "units")
    monkeypatch.setattr(systemctl, "BOOTED", tmp_path / "nowhere")


def test_the_units_are_written_and_a_second_run_changes_nothing(install: Install) -> None:
    done = install()
    assert done.code == 0 and "units/callrec.service written" in done.out
    names = {path.name for path in units.templates()}
    assert {path.name for path in Path("units").iterdir()} == names
    for path in Path("units").iterdir():
        assert path.stat().st_mode & 0o777 == 0o644
    before = {path: path.read_text() for path in Path("units").iterdir()}
    again = install()
    assert again.code == 0 and " written" not in again.out and "stays as it is" in again.out
    assert {path: path.read_text() for path in Path("units").iterdir()} == before
    service = Path("units/callrec.service").read_text()
    assert f"User={ACCOUNT}\n" in service and f"{Path.cwd()}/callrec.toml" in service
    assert f"ReadWritePaths=-{Path.cwd()}/spool\n" in service


def test_a_file_of_other_settings_is_replaced_as_nobody_changed_it(install: Install) -> None:
    install()
    done = install("--program", "/usr/local/bin/callrec")
    assert done.code == 0 and "units/callrec.service written" in done.out
    assert "ExecStart=/usr/local/bin/callrec serve --wait" in Path("units/callrec.service").read_text()
    assert not list(Path("units").glob("*.before-callrec"))


def test_a_file_that_somebody_changed_is_shown_and_stays(install: Install) -> None:
    install()
    desk = Path("units/callrec-desk.service")
    desk.write_text(changed := desk.read_text() + "# mine\n")
    Path("units/callrec.service").unlink()
    done = install()
    assert done.code == 4 and "-# mine" in done.out.splitlines()
    assert "callrec-desk.service is not as callrec wrote it" in done.complaint
    assert desk.read_text() == changed and not Path("units/callrec.service").exists()
    assert install("--force").code == 0
    assert "# mine" not in desk.read_text()
    assert Path("units/callrec-desk.service.before-callrec").read_text() == changed


def test_a_unit_that_is_masked_stays_so(install: Install) -> None:
    Path("units/callrec-purge.timer").symlink_to("/dev/null")
    done = install("--force")
    assert done.code == 4 and "callrec-purge.timer is a link, perhaps of systemctl mask" in done.complaint
    assert [path.name for path in Path("units").iterdir()] == ["callrec-purge.timer"]


def test_a_folder_that_is_not_there(install: Install) -> None:
    Path("units").rmdir()
    done = install()
    assert done.code == 1 and "cannot be written" in done.complaint


@pytest.mark.parametrize(
    ("user", "code", "complaint"),
    [
        ("nobody-has-this-name", 2, "there is no account 'nobody-has-this-name' on this machine"),
        ("root", 4, "callrec needs no right of root"),
        ("@root", 2, "there is no account '@root'"),
    ],
)
def test_an_account_that_cannot_run_it(install: Install, user: str, code: int, complaint: str) -> None:
    done = install("--user", user)
    assert done.code == code and complaint in done.complaint and not list(Path("units").iterdir())


def test_what_lies_in_a_home_folder_is_refused(install: Install, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(units, "HIDDEN", (Path("/home"),))
    done = install("--program", "/home/anna/bin/callrec")
    assert done.code == 4 and "/home/anna/bin/callrec lies where no service can see it" in done.complaint


@pytest.mark.parametrize("verb", ["install", "remove"])
def test_only_root_installs_and_removes(office: Office, monkeypatch: pytest.MonkeyPatch, verb: str) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    done = office("service", verb)
    assert done.code == 4 and f"only root can do that: sudo callrec service {verb}" in done.complaint


def test_units_want_settings(run: Office) -> None:
    done = run("--config", "none.toml", "service", "install", "--unit-dir", ".")
    assert done.code == 2 and "none.toml" in done.complaint


def test_the_units_start_it_as_it_was_called(
    install: Install, office: Office, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By a link, such as that of install.sh, which leads to the next version after an upgrade."""
    (tmp_path / "0.2.0-py3.13").mkdir()
    (tmp_path / "0.2.0-py3.13/callrec").touch()
    (tmp_path / "bin").mkdir()
    link = tmp_path / "bin/callrec"
    link.symlink_to("../0.2.0-py3.13/callrec")
    install()
    monkeypatch.setattr(sys, "argv", [str(link)])
    done = office("service", "install", "--unit-dir", "units", "--user", ACCOUNT)
    assert done.code == 0, done.err
    assert f"\nExecStart={link} serve --wait\n" in Path("units/callrec.service").read_text()


@pytest.mark.usefixtures("as_root")
def test_what_nobody_changed_is_removed(install: Install, office: Office) -> None:
    install()
    desk, other = Path("units/callrec-desk.service"), Path("units/asterisk.service")
    desk.write_text(desk.read_text() + "# mine\n")
    other.touch()
    done = office("service", "remove", "--yes")
    assert done.code == 0 and f"{desk.absolute()} was changed by somebody and stays" in done.out
    assert "callrec pbx remove ends it" in done.out
    assert set(Path("units").iterdir()) == {desk, other}
    again = office("service", "remove", "--yes")
    assert again.code == 0 and "stays" in again.out
    desk.unlink()
    assert "there are no units of callrec in" in office("service", "remove", "--yes").out


@pytest.mark.usefixtures("as_root")
def test_nothing_is_removed_unless_somebody_says_so(install: Install, office: Office) -> None:
    install()
    done = office("service", "remove")
    assert done.code == 2 and "give --yes" in done.complaint
    assert len(list(Path("units").iterdir())) == len(units.templates())
