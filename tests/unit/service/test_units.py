"""How the units are filled in: what of a machine's settings becomes a line of them, and what is refused."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from callrec.errors import Refused
from callrec.service import units
from callrec.settings import (
    CatalogueSettings,
    DeskSettings,
    NetworkSettings,
    PbxSettings,
    Settings,
    SpoolSettings,
)

PLACE = units.Place(
    Path("/opt/callrec/bin/callrec"), Path("/etc/callrec/callrec.toml"), "callrec", Settings(), Path("/none")
)


def _lines(name: str, settings: Settings, credentials: Path = PLACE.credentials) -> list[str]:
    return units.filled(replace(PLACE, settings=settings, credentials=credentials))[
        f"{name}.service"
    ].splitlines()


def _settings(**sections: object) -> Settings:
    return Settings(**sections)


def test_a_machine_of_the_usual_kind_needs_no_other_folder() -> None:
    for text in units.filled(PLACE).values():
        assert "ReadWritePaths" not in text and "LoadCredential" not in text and "$" not in text


def test_folders_that_are_set_elsewhere_may_be_written() -> None:
    settings = _settings(
        spool=SpoolSettings(directory=Path("/srv/office/spool")),
        catalogue=CatalogueSettings(url="sqlite:////srv/data/c.db"),
    )
    for name in ("callrec", "callrec-desk", "callrec-purge", "callrec-testcall", "callrec-doctor"):
        lines = _lines(name, settings)
        assert "ReadWritePaths=-/srv/office/spool" in lines and "ReadWritePaths=-/srv/data" in lines


@pytest.mark.parametrize(
    ("settings", "after"),
    [
        (Settings(), "asterisk.service"),
        (_settings(pbx=PbxSettings(ari_url="https://pbx.example/ari")), ""),
        (_settings(catalogue=CatalogueSettings(url="postgresql+psycopg://callrec@localhost/callrec")),
         "postgresql.service asterisk.service"),
        (_settings(catalogue=CatalogueSettings(url="postgresql+psycopg://callrec@db.example/callrec")),
         "asterisk.service"),
    ],
)  # fmt: skip
def test_what_is_on_the_same_machine_starts_first(settings: Settings, after: str) -> None:
    assert f"After=network-online.target {after}".rstrip() in _lines("callrec", settings)


def test_the_desk_gets_the_folder_of_its_socket() -> None:
    usual = _lines("callrec-desk", Settings())
    assert "RuntimeDirectory=callrec" in usual
    elsewhere = _lines("callrec-desk", _settings(desk=DeskSettings(socket=Path("/srv/office/desk.sock"))))
    assert "ReadWritePaths=-/srv/office" in elsewhere
    assert not [line for line in elsewhere if line.startswith("RuntimeDirectory")]


def test_credentials_are_named_as_settings_and_those_of_the_purge_are_its_own(tmp_path: Path) -> None:
    for name in ("archive.secret_key", "destruction.secret_key", "notes.txt", "archive"):
        (tmp_path / name).touch()
    (tmp_path / "archive").unlink()
    loads = f"LoadCredential=archive.secret_key:{tmp_path}/archive.secret_key"
    for name in ("callrec", "callrec-desk", "callrec-testcall", "callrec-doctor"):
        lines = _lines(name, Settings(), credentials=tmp_path)
        assert [line for line in lines if line.startswith("LoadCredential")] == [loads]
    purge = _lines("callrec-purge", Settings(), credentials=tmp_path)
    assert loads in purge
    assert f"LoadCredential=destruction.secret_key:{tmp_path}/destruction.secret_key" in purge


@pytest.mark.parametrize(
    "other",
    [
        {"program": Path("/home/anna/callrec/bin/callrec")},
        {"config": Path("/root/callrec.toml")},
        {"parts": (Path("/home/anna/.local/python3"),)},
        {"settings": _settings(spool=SpoolSettings(directory=Path("/run/user/1000/spool")))},
        {"settings": _settings(network=NetworkSettings(ca_file=Path("/home/anna/ca.pem")))},
    ],
)
def test_what_no_service_can_see_is_refused(other: dict[str, object]) -> None:
    with pytest.raises(Refused, match="lies where no service can see it"):
        units.filled(replace(PLACE, **other))  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["a b", "a%b", "a$b", 'a"b', "a;b", "a\\b"])
def test_a_path_that_means_another_in_a_unit_is_refused(name: str) -> None:
    with pytest.raises(Refused, match="no path of a service may have spaces"):
        units.filled(replace(PLACE, config=Path("/etc/callrec", name)))


def test_a_file_that_nobody_changed_is_known_and_one_that_somebody_did_is_not() -> None:
    text = units.filled(PLACE)["callrec.service"]
    assert units.is_untouched(text)
    assert not units.is_untouched(text + "# mine\n")
    assert not units.is_untouched(text.replace("TimeoutStopSec=60", "TimeoutStopSec=5"))
    assert not units.is_untouched("") and not units.is_untouched("[Service]\n")
