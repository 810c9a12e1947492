"""The installer: what the PBX sets stays, what is missing is added, and a second run changes nothing."""

from __future__ import annotations

import grp
import os
import shlex
from pathlib import Path

import pytest

from callrec.configuration import read_answers
from tests.unit.asterisk_files.etc import NAMES, etc_of, files, install, run_installer


def _refused(etc: Path, *options: str, code: int = 2, **passwords: str) -> str:
    """The one line with which it refuses; nothing was changed."""
    before = files(etc)
    done = run_installer(etc, *options, **passwords)
    assert done.code == code and not done.out and files(etc) == before
    return done.complaint


def _init(told: str) -> dict[str, str]:
    """The answers in the file that the installer proposes for `callrec init`; it prints no password."""
    (line,) = [line for line in told.splitlines() if " init --answers " in line]
    *program, option, name = shlex.split(line)
    assert program == ["callrec", "--config", "/etc/callrec/callrec.toml", "init"]
    assert option == "--answers" and Path(name).stat().st_mode & 0o777 == 0o600
    answers = read_answers(Path(name), Path(name).read_text())
    assert not [each for each in ("ari_password", "ami_password") if answers[each] in told]
    return answers


def _mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


def _include(etc: Path, name: str) -> list[str]:
    return (etc / "callrec" / name).read_text().splitlines()


def test_an_empty_configuration_gets_the_sections_it_lacks(tmp_path: Path) -> None:
    etc = etc_of(tmp_path)
    told = _init(install(etc))
    assert told["ari_url"] == "http://127.0.0.1:8088/ari"
    assert (told["ami_host"], told["ami_port"]) == ("127.0.0.1", "5038")
    for name, section in (("http", "general"), ("manager", "general"), ("features", "applicationmap")):
        lines = (etc / f"{name}.conf").read_text().splitlines()
        assert lines[-2:] == [f"[{section}]", f'#include "callrec/{name}.conf"'], "(+) needs the section"
    assert "bindaddr = 127.0.0.1" in _include(etc, "http.conf")
    assert f"password = {told['ari_password']}" in _include(etc, "ari.conf")
    assert f"secret = {told['ami_password']}" in _include(etc, "manager.conf")


def test_an_include_without_its_section_is_mended(tmp_path: Path) -> None:
    etc = etc_of(tmp_path, features='#include "callrec/features.conf"\n')
    install(etc)
    text = (etc / "features.conf").read_text()
    assert text == '; added by callrec: this section\n[applicationmap]\n#include "callrec/features.conf"\n'


def test_a_second_run_changes_nothing(tmp_path: Path) -> None:
    etc = etc_of(tmp_path, extensions="[mine]\nexten => 1,1,Answer()\n")
    first = install(etc, "--http-port", "8090", "--ami-port", "5040")
    there = files(etc)
    again = install(etc)
    assert files(etc) == there and "nothing had to be changed" in again
    assert _init(again) == _init(first), "the ports and passwords that were installed are read back"
    assert (etc / "extensions.conf.before-callrec").read_text() == "[mine]\nexten => 1,1,Answer()\n"


def test_every_file_that_is_changed_is_kept(tmp_path: Path) -> None:
    etc = etc_of(tmp_path)
    install(etc, ami_password="first")
    install(etc, ami_password="second")
    install(etc, ami_password="third")
    folder = etc / "callrec"
    assert "secret = first" in (folder / "manager.conf.before-callrec").read_text()
    assert "secret = second" in (folder / "manager.conf.before-callrec1").read_text()
    assert not (folder / "ari.conf.before-callrec").exists(), "it was not changed"


def test_ports_and_addresses_of_the_pbx_stay(tmp_path: Path) -> None:
    etc = etc_of(
        tmp_path,
        http="[general]\nenabled=yes\nbindaddr = 192.0.2.5 ; the office\nbindport => 8089\nprefix = pbx\n",
        manager="[general]\nenabled = yes\n;port = 1\n#include manager.d/*.conf\n",
    )
    (etc / "manager.d").mkdir()
    (etc / "manager.d" / "own.conf").write_text("port=5039\nbindaddr=192.0.2.5\n")
    told = _init(install(etc))
    assert told["ari_url"] == "http://192.0.2.5:8089/pbx/ari"
    assert (told["ami_host"], told["ami_port"]) == ("192.0.2.5", "5039")
    for name in ("http.conf", "manager.conf"):
        keys = {line.partition(" =")[0] for line in _include(etc, name)}
        assert not keys & {"bindaddr", "bindport", "port"}, "the include does not override them"
    assert "permit = 192.0.2.5" in _include(etc, "manager.conf")


def test_a_manager_interface_that_is_open_to_others_stays_so(tmp_path: Path) -> None:
    etc = etc_of(tmp_path, manager="[general]\nenabled = yes\n")
    told = _init(install(etc))
    assert (told["ami_host"], told["ami_port"]) == ("127.0.0.1", "5038")
    assert not [line for line in _include(etc, "manager.conf") if line.startswith(("bindaddr", "port"))]


def test_what_is_switched_off_is_switched_on_and_said(tmp_path: Path) -> None:
    told = install(etc_of(tmp_path, manager="[general]\nenabled = no\n"))
    assert "manager.conf says enabled = no" in told


def test_channel_variables_of_others_stay(tmp_path: Path) -> None:
    etc = etc_of(tmp_path, ari="[general]\nchannelvars = FOO\n")
    install(etc)
    assert "channelvars = FOO,CHANNEL(linkedid)" in _include(etc, "ari.conf")


def test_a_port_in_use_is_not_overridden(tmp_path: Path) -> None:
    etc = etc_of(tmp_path, http="[general]\nbindport = 8089\n")
    assert "http.conf: bindport is 8089 already, not 8088" in _refused(etc, "--http-port", "8088")


@pytest.mark.parametrize(
    "password", ["a|b&c\\1/2", "semi;colon", "sp ace", "quo\"te's", "x\\;y", "=>z", "-y"]
)
def test_any_printable_password_is_written_and_read_back(tmp_path: Path, password: str) -> None:
    etc = etc_of(tmp_path)
    told = _init(install(etc, ari_password=password, ami_password=password))
    assert told["ari_password"] == told["ami_password"] == password
    assert _init(install(etc)) == told
    written = password.replace(";", "\\;")
    assert f"password = {written}" in _include(etc, "ari.conf")


@pytest.mark.parametrize("password", ["two\nlines", " space", "tab\t", "港"])
def test_a_password_that_would_not_arrive_as_it_is_is_refused(tmp_path: Path, password: str) -> None:
    assert "a password must be of printable ASCII" in _refused(etc_of(tmp_path), ami_password=password)


@pytest.mark.parametrize("port", ["0", "65536", "http"])
def test_what_is_no_port_is_refused(tmp_path: Path, port: str) -> None:
    assert f"{port} is no port" in _refused(etc_of(tmp_path), "--ami-port", port)


def test_a_folder_of_something_else_is_refused(tmp_path: Path) -> None:
    assert "is no configuration folder of an Asterisk" in _refused(tmp_path)
    assert "is no configuration folder" in run_installer(tmp_path / "nowhere").err


def test_a_user_of_that_name_is_not_taken_over(tmp_path: Path) -> None:
    etc = etc_of(tmp_path, manager="[general]\n[callrec]\nsecret = theirs\n")
    assert "manager.conf has a section [callrec] of its own" in _refused(etc)


def test_comments_set_nothing(tmp_path: Path) -> None:
    text = "[general]\n;bindport=1\n;--\nbindport=2\n--;\nservername=x ; bindport=3\n; see ;-- there\n"
    told = _init(install(etc_of(tmp_path, http=text)))
    assert told["ari_url"] == "http://127.0.0.1:8088/ari"


def test_the_includes_are_as_readable_as_the_pbxs_own_files(tmp_path: Path) -> None:
    etc = etc_of(tmp_path, manager="[general]\n")
    install(etc)
    for name in NAMES:
        assert _mode(etc / "callrec" / name) == 0o640


@pytest.mark.parametrize("mode", [0o644, 0o664, 0o604, 0o666])
def test_passwords_are_read_by_nobody_else_though_the_pbxs_own_files_are(tmp_path: Path, mode: int) -> None:
    """But by Asterisk's group, which may not own them."""
    group = grp.getgrgid(os.getgid()).gr_name
    etc = etc_of(tmp_path, asterisk=f"[options]\nrungroup = {group}\n")
    for path in etc.iterdir():
        path.chmod(mode)
    for password in ("first", "second"):
        install(etc, ari_password=password, ami_password=password)
    for path in (etc / "callrec").iterdir():
        secret = path.name.startswith(("ari.conf", "manager.conf", "init.toml"))
        assert _mode(path) & 0o007 == (0 if secret else mode & 0o007), path.name
    for name in ("ari.conf", "manager.conf"):
        assert _mode(etc / "callrec" / name) & 0o440 == 0o440
        assert (etc / "callrec" / name).stat().st_gid == os.getgid()


def test_passwords_that_everybody_could_read_are_closed_again(tmp_path: Path) -> None:
    etc = etc_of(tmp_path)
    install(etc)
    for name in ("ari.conf", "init.toml"):
        (etc / "callrec" / name).chmod(0o644)
    install(etc)
    assert _mode(etc / "callrec/ari.conf") == 0o640 and _mode(etc / "callrec/init.toml") == 0o600


def test_a_copy_is_as_readable_as_what_it_is_of(tmp_path: Path) -> None:
    before = os.umask(0o022)
    try:
        install(etc_of(tmp_path, manager="[admin]\nsecret = theirs\n"))
    finally:
        os.umask(before)
    assert _mode(tmp_path / "asterisk/manager.conf.before-callrec") == 0o640


@pytest.mark.parametrize(
    "options", [["--ari-password=s3cret"], ["--ami-password", "s3cret"], ["--ami-pass=s3cret"]]
)
def test_a_password_in_the_arguments_is_refused(tmp_path: Path, options: list[str]) -> None:
    line = _refused(etc_of(tmp_path), *options)
    assert ("give --passwords FILE" in line or "No such option" in line) and "s3cret" not in line


@pytest.mark.parametrize(
    ("text", "mode", "complaint"),
    [
        ('ari_password = "s3cret"\n', 0o644, "can be read by others"),
        ('ari_password = "s3cret"\n', 0o640, "can be read by others"),
        ("s3cret\n", 0o600, "has no line like"),
        ('ari_password = "s3\\cret"\n', 0o600, "has lines that are not like"),
    ],
)
def test_a_file_of_passwords_that_cannot_be_used(
    tmp_path: Path, text: str, mode: int, complaint: str
) -> None:
    (tmp_path / "passwords").write_text(text)
    (tmp_path / "passwords").chmod(mode)
    line = _refused(
        etc_of(tmp_path), "--passwords", str(tmp_path / "passwords"), code=2 if mode == 0o600 else 4
    )
    assert complaint in line and "s3" not in line


def test_a_pbx_that_loads_modules_by_name_is_restarted(tmp_path: Path) -> None:
    told = install(etc_of(tmp_path, modules="[modules]\nautoload = no\n"))
    assert "core restart when convenient" in told and "module reload" not in told


def test_features_in_the_way_of_keys_are_named_all_at_once(tmp_path: Path) -> None:
    etc = etc_of(
        tmp_path,
        features="[featuremap]\natxfer => *2\nautomon => *5\n[applicationmap]\n"
        "tape => *9,self,NoOp()\nidle => *91,self,NoOp()\n",
        extensions="[office]\nexten => 1,1,Set(__DYNAMIC_FEATURES=tape)\n",
    )
    told = install(etc)
    for rival in ("atxferabort (*1)", "atxferswap (*4)", "automon (*5)", "tape (*9)"):
        assert f"Note: {rival} in features.conf is in the way of " in told
    assert "Note: idle" not in told, "no call has it"
