"""Where settings come from: file, variables, credentials, files of secrets; how a wrong one is named."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Any

import hypothesis
import pytest
import tomlkit
from hypothesis import strategies as st

from callrec.errors import WrongConfiguration
from callrec.language import use
from callrec.settings import Settings
from callrec.settings_file import load

MAIL = "[help]\nsmtp_host = 'mail'\nmail_from = 'a@b.example'\n"
KEY = "[archive]\naccess_key = 'AKIA'\n"


def _file(folder: Path, text: str | bytes) -> str:
    path = folder / "callrec.toml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return str(path)


def _complaint(folder: Path, text: str | bytes) -> str:
    with pytest.raises(WrongConfiguration) as caught:
        load(_file(folder, text))
    return caught.value.shown().replace(f"{folder}/", "")


def test_a_file_that_windows_wrote_is_read(tmp_path: Path) -> None:
    assert load(_file(tmp_path, b"\xef\xbb\xbf[pbx]\r\nname = 'ward'\r\n")).pbx.name == "ward"


@pytest.mark.parametrize(
    ("text", "begins"),
    [
        ("# callrec\n[pbx]\n\nname = 'X'", "callrec.toml, line 4: pbx.name = 'X': write up to 32 small"),
        ("pbx.ami_port = true", "callrec.toml, line 1: pbx.ami_port = true: write a number"),
        ("[retention]\ndays = 1" + "0" * 4200, "callrec.toml, line 2 is not TOML: a number has too many"),
        ("[retention]\ndays = 100000", "callrec.toml, line 2: retention.days = 100000: write 36525 or less"),
        ("[archive]\nbuckt = 'x'", "callrec.toml, line 2: there is no setting archive.buckt; did you mean"),
        (
            "allow_plain_text = true",
            "callrec.toml, line 1: there is no setting allow_plain_text; did you mean",
        ),
        ("\n[pbz]", "callrec.toml, line 2: there is no setting pbz"),
        ("[office]\ntimezone = 5", "callrec.toml, line 2: office.timezone = 5: write a text, between quotes"),
        ("\npbx = 1", "callrec.toml, line 2: pbx = …: write a table"),
    ],
)
def test_a_wrong_setting_is_named_with_its_line(tmp_path: Path, text: str, begins: str) -> None:
    assert _complaint(tmp_path, text).startswith(begins)


@pytest.mark.parametrize(
    "text",
    [
        *("[pbx]\nami_port = 'x'", "[pbx]\nami_port = 1.5", "[pbx]\nami_port = 0", "[pbx]\ntimeout = inf"),
        *("[pbx]\ntimeout = 'x'", "[pbx]\nname = 1", "[pbx]\nlines = 1", "[archive]\nobject_lock = 'x'"),
        *(
            "pbx = 1",
            "[network]\nallow_plain_text = 'maybe'",
            "[pbx]\nextension_pattern = '" + "x" * 300 + "'",
        ),
        *(
            "[retention]\ndays = 0",
            "[office]\ntimezone = 'Asia'",
            "[help]\nphone = '2900 2901'",
            "[pbx",
            "x = 1",
        ),
    ],
)
def test_a_japanese_complaint_has_no_english_in_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    monkeypatch.setenv("LANGUAGE", "")  # to be put back
    use("ja")
    said = _complaint(tmp_path, text)
    assert not any(word in said.lower() for word in ("input", "should", "valid", "write", "expected", " a "))


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ("help@city.example", ("help@city.example",)),
        ("a@x.example, b@x.example", ("a@x.example", "b@x.example")),
        ("a@x.example、b@x.example", ("a@x.example", "b@x.example")),
        ('["a@x.example", "b@x.example"]', ("a@x.example", "b@x.example")),
        ("", ()),
    ],
)
def test_a_list_in_a_variable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, value: str, found: tuple[str, ...]
) -> None:
    monkeypatch.setenv("CALLREC_HELP__MAIL_TO", value)
    assert load(_file(tmp_path, MAIL)).help.mail_to == found


def test_a_wrong_variable_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CALLREC_HELP__MAIL_TO", '["a@b.example"')
    said = "the variable CALLREC_HELP__MAIL_TO: help.mail_to = '[\"a@b.example\"': write a list"
    assert _complaint(tmp_path, MAIL).startswith(said)


@pytest.mark.parametrize("text", ["pbx = 1", "[[pbx]]\nname = 'x'", "pbx = 'x'"])
def test_a_variable_beside_what_is_no_section(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    monkeypatch.setenv("CALLREC_PBX__NAME", "x")
    assert "callrec.toml, line 1: pbx = …: write a table" in _complaint(tmp_path, text)


def test_a_secret_in_a_file_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    secret = tmp_path / "s3.key"
    secret.write_text("geheim\n")
    settings = load(_file(tmp_path, f"{KEY}secret_key_file = '{secret}'"))
    assert settings.archive.secret_key.get_secret_value() == "geheim"
    monkeypatch.setenv("CALLREC_ARCHIVE__SECRET_KEY_FILE", str(secret))
    settings = load(_file(tmp_path, f"{KEY}secret_key = 'older'"))
    assert settings.archive.secret_key.get_secret_value() == "geheim"


def test_credentials_that_cannot_be_read_are_not_taken_for_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "callrec.toml").write_text("[log]\nnumbers = true\n")
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path / "gone"))
    with pytest.raises(WrongConfiguration, match="gone cannot be read"):
        load(str(tmp_path / "callrec.toml"))


def test_a_credential_of_systemd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "credentials"
    folder.mkdir()
    (folder / "archive.secret_key").write_text("geheim\n")
    (folder / "somebody.else").write_text("x")
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(folder))
    settings = load(_file(tmp_path, f"{KEY}secret_key = 'older'"))
    assert settings.archive.secret_key.get_secret_value() == "geheim"
    (folder / "archive.secretkey").write_text("geheim\n")
    assert "there is no setting archive.secretkey; did you mean" in _complaint(tmp_path, KEY)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("secret_key_file = 's3.key'", "archive.secret_key_file: write a path from the root"),
        ("secret_key_file = '/nowhere/s3.key'", "/nowhere/s3.key cannot be read: it is not there"),
        ("secret_key_file = '/'", "/ cannot be read: it is a folder"),
        ("secret_key_file = '/dev/null'", "/dev/null must have one line"),
        ("secret_key_file = '/dev/zero'", "/dev/zero"),
        ("secret_key = 'x'\nsecret_key_file = '/x'", "secret_key and archive.secret_key_file are both set"),
        ("bucket_file = '/x'", "there is no setting archive.bucket_file"),
    ],
)
def test_a_file_of_a_secret_that_cannot_be_used(tmp_path: Path, given: str, said: str) -> None:
    assert said in _complaint(tmp_path, KEY + given)


QUICKLY = hypothesis.settings(
    max_examples=30, suppress_health_check=[hypothesis.HealthCheck.function_scoped_fixture], database=None
)
_KEYS = [
    f"{section}.{key}"
    for section, field in Settings.model_fields.items()
    for key in getattr(field.annotation, "model_fields", ())
]
_VALUES = st.one_of(
    st.text(),
    st.integers(),
    st.floats(),
    st.booleans(),
    st.lists(st.text(max_size=5), max_size=3),
    st.dictionaries(st.text(max_size=5), st.integers(), max_size=2),
    st.sampled_from(
        ["sqlite:////x", "postgresql://u:p@h/x", "http://u:p@h:x/", "[::1", "%", "{", "(" * 200, "a@b"]
    ),
)


@QUICKLY
@hypothesis.given(values=st.dictionaries(st.sampled_from(_KEYS), _VALUES, min_size=1, max_size=4))
def test_whatever_is_written_is_read_or_refused_in_one_line(tmp_path: Path, values: dict[str, Any]) -> None:
    document = tomlkit.document()
    for name, value in values.items():
        section, _, key = name.partition(".")
        document.setdefault(section, tomlkit.table())[key] = value
    try:
        load(_file(tmp_path, tomlkit.dumps(document)))
    except WrongConfiguration as error:
        assert "line " in str(error) and error.shown()


@QUICKLY
@hypothesis.given(
    data=st.one_of(st.binary(max_size=80), st.text(alphabet="[]{}=\"'\\\n.#, a1-:\ufeff").map(str.encode))
)
def test_whatever_is_in_the_file_is_read_or_refused(tmp_path: Path, data: bytes) -> None:
    with suppress(WrongConfiguration):
        load(_file(tmp_path, data))
