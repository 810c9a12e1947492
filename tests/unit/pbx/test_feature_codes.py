"""The keys as settings, as includes of the PBX, and compared with what a PBX has."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from callrec.commands import main
from callrec.errors import WrongConfiguration
from callrec.model.calls import FeatureCode
from callrec.pbx import feature_codes
from callrec.settings import KeySettings
from callrec.settings_file import load
from tests.unit.asterisk_files.etc import etc_of, install
from tests.unit.program import Done

USUAL = KeySettings()
OTHER = KeySettings(keep="#7", stop="*4", pause="8A", help="0911")


Config = dict[str, dict[str, str]]
"""A configuration file of Asterisk: its sections, and their settings."""


def _told(config: Config) -> feature_codes.Setting:
    """What a PBX says that has this file, whatever its name is."""
    return lambda _file, section, name: config.get(section, {}).get(name, "")


def _config(text: str) -> Config:
    """A configuration as it is written."""
    found: Config = {}
    for line in text.splitlines():
        if line.startswith("["):
            found[line.strip("[]()+")] = {}
        elif "=" in line and not line.startswith(";"):
            assert not line.startswith("#"), "Asterisk takes it for a command"
            name, _, value = line.partition("=")
            found[list(found)[-1]][name.strip()] = value.removeprefix(">").strip()
    return found


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "callrec.toml"
    path.write_text('[keys]\nkeep = "#7"\n')
    return path


@pytest.fixture
def run(file: Path, capsys: pytest.CaptureFixture[str]) -> object:
    def callrec(*arguments: str) -> Done:
        with pytest.raises(SystemExit) as ended:
            main(["--config", str(file), "pbx", "config", *arguments])
        code = ended.value.code
        assert isinstance(code, int)
        return Done(code, *capsys.readouterr())

    return callrec


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("keep = ''", "keys.keep = ''"),
        ("keep = '*12345'", "one to five of 0-9, *, # and A-D"),
        ("keep = 'a1'", "keys.keep = 'a1'"),
        ("keep = '*1\\n'", "one to five"),
        ("keep = '*4'", "keep *4 is how stop *4 begins"),
        ("stop = '*'", "stop * is how keep *1 begins"),
        ("help = '*11'", "keep *1 is how help *11 begins"),
        ("listen = '*3'", "there is no setting keys.listen"),
    ],
)
def test_keys_that_could_not_be_told_apart_are_refused(file: Path, text: str, problem: str) -> None:
    file.write_text("[keys]\n" + text.replace("'", '"') + "\n")
    with pytest.raises(WrongConfiguration) as caught:
        load(str(file))
    assert problem in str(caught.value).replace('"', "'")


@pytest.mark.parametrize("codes", [USUAL, OTHER], ids=["usual", "other"])
def test_the_includes_have_the_keys(codes: KeySettings) -> None:
    features = _config(feature_codes.include("features.conf", codes))
    assert feature_codes.wrong_features(_told(features), codes) == {}
    assert not list(feature_codes.rivals(_told(features), codes.codes, features["applicationmap"]))
    menu = _config(feature_codes.include("confbridge.conf", codes))
    assert set(menu[feature_codes.MENU]) == {"type"} | {
        code for code in codes.codes.values() if not code.startswith("#")
    }
    assert not feature_codes.wrong_menu(_told(menu), codes)


def test_what_the_pbx_has_otherwise_is_found() -> None:
    features = _config(feature_codes.include("features.conf", USUAL))
    assert feature_codes.wrong_features(_told(features), OTHER) == {
        FeatureCode.KEEP: "*1",
        FeatureCode.PAUSE: "*5",
        FeatureCode.HELP: "*9",
    }
    assert set(feature_codes.wrong_features(_told({}), USUAL).values()) == {""}
    features["applicationmap"]["callrec-keep"] = "*1,self,UserEvent(CallRec,Key: keep)"
    assert feature_codes.wrong_features(_told(features), USUAL) == {FeatureCode.KEEP: "*1"}, (
        "the line of an older version"
    )
    assert feature_codes.wrong_menu(_told(_config(feature_codes.include("confbridge.conf", USUAL))), OTHER)
    assert not feature_codes.wrong_menu(_told({"their_menu": {}}), OTHER), (
        "whose menu is their own look after it"
    )


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("[applicationmap]\napprecord => *1,caller,Macro,one-touch", [("apprecord", "*1", FeatureCode.KEEP)]),
        ("[featuremap]\nautomixmon => *4", [("automixmon", "*4", FeatureCode.STOP)]),
        ("[featuremap]\nparkcall => *99", [("parkcall", "*99", FeatureCode.HELP)]),
        (
            "[featuremap]\natxfer => *2",
            [("atxferabort", "*1", FeatureCode.KEEP), ("atxferswap", "*4", FeatureCode.STOP)],
        ),
        ("[general]\natxferabort=*7\natxferswap=*6\n[featuremap]\natxfer => *2", []),
        ("[general]\natxferabort=*1\n[featuremap]\nblindxfer => ##\natxfer =>", []),
    ],
)
def test_features_in_the_way_of_a_key(text: str, found: list[tuple[str, str, FeatureCode]]) -> None:
    assert list(feature_codes.rivals(_told(_config(text)), USUAL.codes, ["apprecord"])) == found


def test_disconnect_by_a_star_is_in_the_way_of_all() -> None:
    found = list(feature_codes.rivals(_told({"featuremap": {"disconnect": "*"}}), USUAL.codes, []))
    assert {key for _, _, key in found} == set(FeatureCode)


def test_the_include_is_printed(run) -> None:  # type: ignore[no-untyped-def]
    assert "callrec-keep => #7,self,Gosub(callrec-key,s,1(keep))\n" in run().out
    assert "\n*4 = dialplan_exec(callrec-key,stop,1)\n" in run("--conference").out
    assert "@" not in run().out + run("--conference").out


def test_a_file_is_written_once(run, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    path = tmp_path / "features.conf"
    assert run("-o", str(path)).code == 0
    assert path.read_text() == feature_codes.include("features.conf", KeySettings(keep="#7"))
    again = run("-o", str(path))
    assert again.code == 0 and "says this already" in again.out


def test_another_text_is_replaced_only_by_force(run, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    path = tmp_path / "etc" / "features.conf"
    path.parent.mkdir()
    path.write_text("; mine\n")
    path.chmod(0o640)
    link = tmp_path / "features.conf"
    link.symlink_to(path)
    for target in (path, path.parent):
        done = run("-o", str(target))
        assert done.code == 4 and "give --force; nothing was written" in done.complaint
        assert [each.name for each in path.parent.iterdir()] == ["features.conf"]
        assert path.read_text() == "; mine\n"
    assert run("-o", str(link), "--force").code == 0
    assert link.is_symlink() and "callrec-keep" in path.read_text()
    assert path.stat().st_mode & 0o777 == 0o640


def test_a_folder_gets_both(run, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    (tmp_path / "callrec").mkdir()
    assert run("-o", str(tmp_path / "callrec")).code == 0
    assert {each.name for each in (tmp_path / "callrec").iterdir()} == {
        "features.conf",
        "confbridge.conf",
    }


def test_a_place_that_cannot_be_written_is_said(run, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    done = run("-o", str(tmp_path / "nowhere" / "features.conf"))
    assert done.code == 1 and "cannot be written" in done.complaint


def test_a_pipe_or_a_device_is_not_waited_for(run, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    os.mkfifo(tmp_path / "pipe")
    for place in (tmp_path / "pipe", Path("/dev/null")):
        done = run("-o", str(place), "--force")
        assert done.code == 1 and f"{place} cannot be written: it is no ordinary file" in done.complaint


def test_the_installer_keeps_keys_that_were_changed(run, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    etc = etc_of(tmp_path)
    install(etc)
    for name in (feature_codes.FEATURES, feature_codes.CONFERENCE):
        assert (etc / "callrec" / name).read_text() == feature_codes.include(name, USUAL)
    assert run("-o", str(etc / "callrec"), "--force").code == 0
    assert "nothing had to be changed" in install(etc)


def test_the_installer_adds_to_features_that_all_calls_have(tmp_path: Path) -> None:
    etc = etc_of(tmp_path, extensions="[globals]\nDYNAMIC_FEATURES = theirs\n[mine]\n")
    install(etc)
    text = (etc / "callrec" / "extensions.conf").read_text()
    assert "\nDYNAMIC_FEATURES = theirs#callrec-keep#callrec-stop#callrec-pause#callrec-help\n" in text
