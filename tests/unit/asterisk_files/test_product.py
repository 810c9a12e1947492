"""Whose files they are: products that write them themselves are told, and their own files are left alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.asterisk_files import freepbx
from tests.unit.asterisk_files.etc import etc_of, files, install, remove, run_pbx

WAZO = "; This file is part of the Wazo packaging and should not be modified.\n#include extensions.d/*.conf\n"


def _etc(tmp_path: Path) -> Path:
    (tmp_path / "etc").mkdir()
    return etc_of(tmp_path / "etc")


def _freepbx(tmp_path: Path) -> Path:
    etc = _etc(tmp_path)
    freepbx.write_tree(etc)
    return etc


@pytest.mark.parametrize(
    ("marker", "product"),
    [
        ("etc/wazo-confd/config.yml", "Wazo"),
        ("usr/share/wazo-upgrade/x", "Wazo"),
        ("etc/xivo/x", "Wazo"),
        ("etc/inc/mikopbx-settings.json", "MikoPBX"),
        ("cf/conf/mikopbx.db", "MikoPBX"),
        ("etc/asterisk/features.conf", "Wazo"),
        ("etc/asterisk/asterisk.conf", "MikoPBX"),
    ],
)
def test_a_product_whose_files_are_not_written(tmp_path: Path, marker: str, product: str) -> None:
    etc = _etc(tmp_path)
    (tmp_path / marker).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / marker).write_text(
        WAZO if product == "Wazo" else "[directories]\nastspooldir => /storage/usbdisk1/mikopbx/astspool\n"
    )
    before = files(tmp_path)
    done = run_pbx("install", etc, "--yes")
    assert done.code == 4 and f"is {product}'s: nothing was changed" in done.complaint
    assert files(tmp_path) == before


def test_freepbxs_own_files_stay_as_they_are(tmp_path: Path) -> None:
    etc = _freepbx(tmp_path)
    before = files(etc)
    told = install(etc)
    after = files(etc)
    changed = {name for name in before if after[name] != before[name]}
    assert changed == {
        "ari_additional_custom.conf",
        "extensions_custom.conf",
        "features_applicationmap_custom.conf",
        "http_custom.conf",
        "manager_custom.conf",
    }
    assert "This is FreePBX" in told
    assert 'confbridge.conf has no file for what is yours: write #include "callrec/confbridge.conf"' in told
    assert "modules.conf has no file" not in told, "it loads all"
    assert "nothing had to be changed" in install(etc)
    remove(etc)
    assert {name: text for name, text in files(etc).items() if not name.count(".before-callrec")} == before


def test_what_freepbx_sets_is_left_to_it(tmp_path: Path) -> None:
    etc = _freepbx(tmp_path)
    install(etc)
    http, dialplan = ((etc / "callrec" / name).read_text() for name in ("http.conf", "extensions.conf"))
    assert "\nbindaddr" not in http and "\nbindport" not in http
    assert "DYNAMIC_FEATURES = apprecord#callrec-keep" in dialplan


def test_a_file_of_ones_own_for_conferences_is_used(tmp_path: Path) -> None:
    etc = _freepbx(tmp_path)
    (etc / "confbridge.conf").write_text("[general]\n#include confbridge_custom.conf\n")
    told = install(etc)
    assert "confbridge.conf has no file" not in told
    assert 'include "callrec/confbridge.conf"' in (etc / "confbridge_custom.conf").read_text()
    remove(etc)
    assert not (etc / "confbridge_custom.conf").exists(), "it was made for the line"


def test_modules_that_freepbx_loads_by_name_are_for_its_owner(tmp_path: Path) -> None:
    etc = _freepbx(tmp_path)
    (etc / "modules.conf").write_text("[modules]\nautoload = no\n")
    assert "modules.conf has no file for what is yours" in install(etc)


@pytest.mark.parametrize("marker", ["freepbx.conf", "amportal.conf"])
def test_freepbx_is_told_by_its_own_settings(tmp_path: Path, marker: str) -> None:
    etc = _etc(tmp_path)
    (tmp_path / "etc" / marker).touch()
    (etc / "extensions.conf").write_text("#include extensions_custom.conf\n")
    install(etc)
    assert (etc / "extensions.conf").read_text() == "#include extensions_custom.conf\n"
    assert "callrec/extensions.conf" in (etc / "extensions_custom.conf").read_text()


def test_a_fork_is_told_by_its_files(tmp_path: Path) -> None:
    etc = _freepbx(tmp_path)
    for name in freepbx.MAIN:
        (etc / name).write_text((etc / name).read_text().replace("FreePBX", "another"))
    install(etc)
    assert "callrec" not in (etc / "extensions.conf").read_text()


def test_freepbxs_main_files_may_be_links_to_its_modules(tmp_path: Path) -> None:
    etc = _freepbx(tmp_path)
    (tmp_path / "core").mkdir()
    for name in freepbx.MAIN:
        (etc / name).rename(tmp_path / "core" / name)
        (etc / name).symlink_to(tmp_path / "core" / name)
    before = files(tmp_path / "core")
    install(etc)
    assert files(tmp_path / "core") == before
    assert "callrec/ari.conf" in (etc / "ari_additional_custom.conf").read_text()
