"""What is shown before anything is changed, what is refused, and what is put back."""

from __future__ import annotations

import os
from pathlib import Path

import click
import pytest

from callrec.asterisk_files import installing, writing
from callrec.asterisk_files.plan import Wishes
from callrec.errors import CheckFailed
from callrec.files import Draft
from tests.unit.asterisk_files.etc import etc_of, files, install, run_installer, run_pbx


def test_without_a_terminal_nothing_is_changed(tmp_path: Path) -> None:
    etc = etc_of(tmp_path, http="[general]\n")
    before = files(etc)
    done = run_pbx("install", etc)
    assert done.code == 2 and "then give --yes; nothing was changed" in done.complaint
    assert '+#include "callrec/http.conf"' in done.out and "+++ callrec/ari.conf" in done.out
    assert files(etc) == before and sorted(each.name for each in etc.iterdir()) == sorted(before)


@pytest.mark.parametrize("answer", [True, False])
def test_on_a_terminal_it_asks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answer: bool) -> None:
    etc = etc_of(tmp_path)
    monkeypatch.setattr("callrec.commands.pbx_install.sys", _Terminal)
    monkeypatch.setattr(click, "confirm", lambda question: answer)
    done = run_pbx("install", etc)
    assert done.code == 0 and (etc / "callrec").is_dir() is answer
    assert ("nothing was changed" in done.out) is not answer


class _Terminal:
    """What there is of `sys`: somebody sits there."""

    class stdin:  # noqa: N801 (its name)
        @staticmethod
        def isatty() -> bool:
            return True


def test_no_password_is_shown(tmp_path: Path) -> None:
    theirs = "[admin]\nsecret = s3cret1\n  Password=>s3cret2\nmd5secret=s3cret3 ; why\n"
    etc = etc_of(tmp_path, manager=theirs, ari=theirs)
    first = run_installer(etc, ami_password="s3cret4", ari_password="s3cret5")
    again = run_installer(etc, ami_password="s3cret6", ari_password="s3cret7")
    assert " secret = ****" in first.out and "+secret = ****" in again.out
    for done in (first, again):
        assert done.code == 0 and "s3cret" not in done.out + done.err


def test_a_link_out_of_the_folder_is_not_followed(tmp_path: Path) -> None:
    etc = etc_of(tmp_path)
    (tmp_path / "http.conf").write_text("[general]\n")
    (etc / "http.conf").symlink_to(tmp_path / "http.conf")
    before = files(tmp_path)
    done = run_installer(etc)
    assert done.code == 4 and f"{etc}/http.conf is a link to {tmp_path}/http.conf" in done.complaint
    assert files(tmp_path) == before


def test_neither_is_one_that_leads_to_nothing_nor_a_folder(tmp_path: Path) -> None:
    etc = etc_of(tmp_path)
    (tmp_path / "elsewhere").mkdir()
    (etc / "callrec").symlink_to(tmp_path / "elsewhere")
    assert "is a link to" in run_installer(etc).complaint and not files(tmp_path / "elsewhere")
    (etc / "callrec").unlink()
    (etc / "ari.conf").symlink_to("/nowhere/ari.conf")
    assert "is a link to /nowhere/ari.conf" in run_installer(etc).complaint


def test_a_link_within_the_folder_stays_one_and_bytes_stay_bytes(tmp_path: Path) -> None:
    etc = etc_of(tmp_path)
    (etc / "own").mkdir()
    (etc / "own/http.conf").write_bytes(b"[general]\r\n; \xff\r\n")
    (etc / "http.conf").symlink_to("own/http.conf")
    (tmp_path / "link").symlink_to(etc)
    install(tmp_path / "link")
    assert (etc / "http.conf").is_symlink()
    assert (etc / "own/http.conf").read_bytes().startswith(b"[general]\r\n; \xff\r\n\n; added by callrec")


def test_a_file_that_ends_within_a_comment_is_refused(tmp_path: Path) -> None:
    etc = etc_of(tmp_path, http="[general]\n;-- off\n")
    before = files(etc)
    done = run_installer(etc)
    assert done.code == 1 and "http.conf ends within a comment" in done.complaint and files(etc) == before


@pytest.mark.parametrize("failing", range(1, 19))
def test_all_or_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failing: int) -> None:
    """Whichever file cannot be given its name, the folder is as it was."""
    etc = etc_of(tmp_path, http="[general]\n", extensions="[in]\n")
    found = installing.prepared(etc, Wishes())
    before, modes = files(etc), {each.name: each.stat().st_mode for each in etc.iterdir()}
    published, count = Draft.publish, 0

    def publish(draft: Draft, target: Path | None = None, *, synced: bool = True) -> None:
        nonlocal count
        count += 1
        if count == failing:
            raise PermissionError(1, "no", "x")
        published(draft, target, synced=synced)

    monkeypatch.setattr(Draft, "publish", publish)
    with pytest.raises(CheckFailed, match="cannot be written: no right to it; nothing was changed"):
        writing.carry_out(found.changes, etc)
    assert files(etc) == before and not (etc / "callrec").exists()
    assert {each.name: each.stat().st_mode for each in etc.iterdir()} == modes
    monkeypatch.undo()
    install(etc)


def test_a_disk_that_is_full_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    etc = etc_of(tmp_path, http="[general]\n")
    before = files(etc)

    def full(_descriptor: int) -> None:
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr("os.fsync", full)
    done = run_installer(etc)
    assert done.code == 1 and "the disk is full; nothing was changed" in done.complaint
    monkeypatch.undo()
    assert files(etc) == before and not (etc / "callrec").exists()


def test_a_callrec_on_another_machine_is_let_in_and_stays_so(tmp_path: Path) -> None:
    etc = etc_of(tmp_path)
    told = install(etc, "--permit", "192.0.2.10", "--permit", "2001:db8::/32", "--permit", "198.51.100.7/24")
    manager = etc / "callrec/manager.conf"
    wanted = ["127.0.0.1", "192.0.2.10", "2001:db8::/32", "198.51.100.0/24"]
    permits = [line.split(" = ")[1] for line in manager.read_text().splitlines() if line.startswith("permit")]
    assert permits == wanted and "callrec comes from 192.0.2.10, 2001:db8::/32" in told
    assert "bindaddr = 0.0.0.0" in (etc / "callrec/http.conf").read_text()
    manager.write_text(manager.read_text() + "permit = 203.0.113.5\n")  # by hand
    install(etc)
    assert "permit = 203.0.113.5" in manager.read_text() and "permit = 192.0.2.10" in manager.read_text()
    assert "nothing had to be changed" in install(etc)


@pytest.mark.parametrize("address", ["", "pbx.example", "192.0.2", "192.0.2.1/33", "0.0.0.0/0\nsecret = x"])
def test_what_is_no_address_is_refused(tmp_path: Path, address: str) -> None:
    done = run_installer(etc_of(tmp_path), "--permit", address)
    assert done.code == 2 and "is no address, such as" in done.complaint


def test_a_pbx_that_listens_to_itself_alone_is_told(tmp_path: Path) -> None:
    etc = etc_of(tmp_path, http="[general]\nenabled = yes\nbindaddr = 127.0.0.1\n")
    assert "http.conf says bindaddr = 127.0.0.1" in install(etc, "--permit", "192.0.2.10")


def test_the_absolute_names_of_a_copy_are_its_own(tmp_path: Path) -> None:
    etc = etc_of(tmp_path, http="#include /etc/asterisk/http_own.conf\n")
    (etc / "http_own.conf").write_text("[general]\nenabled = yes\nbindaddr = 192.0.2.5\n")
    install(etc)
    assert 'ari_url = "http://192.0.2.5:8088/ari"' in (etc / "callrec/init.toml").read_text()


def test_includes_that_go_in_a_circle_end(tmp_path: Path) -> None:
    etc = etc_of(tmp_path, http="#include http.conf\n" * 20 + "#include more.conf\n" * 20)
    (etc / "more.conf").write_text("#include http.conf\n" * 20)
    install(etc)
