"""The configuration: what is wrong is said in one line, and a typo does not pass."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from callrec.configuration import Answers, render, write_file
from callrec.errors import Refused, WrongConfiguration
from callrec.settings import Settings, find_file, load


def _file(tmp_path: Path, text: str) -> str:
    path = tmp_path / "callrec.toml"
    path.write_text(text)
    return str(path)


def test_what_a_file_does_not_set_is_the_default(tmp_path: Path) -> None:
    settings = load(_file(tmp_path, "[pbx]\nname = 'main'"))
    assert settings.pbx.app == "callrec" and str(settings.office.zone) == "Asia/Tokyo"


@pytest.mark.parametrize("text", ["", "\n", "# callrec\n", "[pbx]\n[archive]\n"])
def test_a_file_that_sets_nothing_is_refused(tmp_path: Path, text: str) -> None:
    """A full disk leaves such a file: with the defaults, voices would go to Amazon's S3."""
    with pytest.raises(WrongConfiguration, match=r"callrec\.toml sets nothing: remove it"):
        load(_file(tmp_path, text))


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("[pbx]\nari_ur = 'x'", "there is no setting pbx.ari_ur"),
        ("[pbz]", "there is no setting pbz"),
        ("[pbx]\nami_port = 99999", "pbx.ami_port = 99999"),
        ("[pbx]\nname = 'Main PBX'", "pbx.name = 'Main PBX'"),
        ("[pbx]\nextension_pattern = '['", "is no regular expression"),
        ("[pbx]\nphone_technologies = ['PJSIP/']", "write a kind of channel as the PBX names it"),
        ("[pbx]\nlines = ['a b']", "write the name of an endpoint"),
        ("[pbx]\nlines = '33'", "pbx.lines = '33'"),
        ("[office]\ntimezone = 'Asia/Tokio'", "is no time zone"),
        ("[office]\nprefixes = ['O']", "office.prefixes.0 = …: 'O' is no prefix: write one to eight digits"),
        ("[office]\nprefixes = ['0', '']", "office.prefixes.1 = …: '' is no prefix"),
        ("[office]\nprefixes = ['9 0']", "office.prefixes.0 = …: '9 0' is no prefix"),
        ("[office]\nprefixes = ['０']", "office.prefixes.0 = …: '０' is no prefix"),
        ("[office]\nprefixes = [0]", "office.prefixes.0 = …"),
        ("[office]\nprefixes = '0'", "office.prefixes = "),
        ("[archive]\nobject_lock = 'yes'", "archive.object_lock = 'yes'"),
        ("[archive]\nendpoint_url = 'localhost:8333'", "archive.endpoint_url = …: write an address that"),
        ("[archive]\nendpoint_url = 'http://[::1'", "archive.endpoint_url = …: write an address that"),
        ("[archive]\nbucket = ''", "archive.bucket = ''"),
        ("[archive]\nbucket = 'two words'", "archive.bucket = 'two words'"),
        ("[pbx]\nari_url = ''", "pbx.ari_url = …: write an address that ends with /ari"),
        ("[pbx]\nari_url = 'http://127.0.0.1:8088'", "pbx.ari_url = …: write an address that ends with /ari"),
        ("[pbx]\nari_url = '127.0.0.1:8088/ari'", "pbx.ari_url = …: write an address that begins with http"),
        ("[retention]\ndays = 0", "retention.days = 0"),
        ("pbx = ", "is not TOML"),
        ("[help]\nmail_to = ['x']", "help.mail_to.0 = …: write a bare mail address"),
        ("[help]\nmail_to = ['']", "help.mail_to.0 = …"),
        ("[help]\nmail_from = 'a@b, c@d'", "help.mail_from = 'a@b, c@d': write a bare mail address"),
        ("[help]\nmail_to = ['a@x.example']", "mail_to needs smtp_host"),
        ("[help]\nsmtp_host = 'mail'", "smtp_host needs mail_from"),
        ("[help]\nsmtp_security = 'tls'", "help.smtp_security = 'tls'"),
        ("[help]\nwebhook_url = 'https://x.example/'", "webhook_url needs a webhook_secret"),
        ("[help]\nwebhook_url = 'x.example'\nwebhook_secret = 's'", "begins with https://"),
        ("[help]\nphone = '29oo'", "help.phone = '29oo': write the number of an extension"),
        ("[help]\nphone = '2900 2901'", "help.phone = '2900 2901': 2900 2901 is more than one number"),
        ("[help]\nphone_dial = 'PJSIP/2900'", "with {extension} in it"),
        ("[help]\nphone_dial = 'PJSIP/{number}'", "with {extension} in it"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, text: str, problem: str) -> None:
    with pytest.raises(WrongConfiguration) as caught:
        load(_file(tmp_path, text))
    assert problem in str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        "[pbx]\nari_password = 12345678",
        "[pbx]\nari_password = ['12345678']",
        "pbx = '12345678'",
        "archive = ['user', '12345678']",
        "[catalogue]\nurl = ['postgresql://user:12345678@host/name']",
        "[pbx]\nami_port = ['12345678']",
        "[pbx]\nami_port = { password = '12345678' }",
        "[pbx]\nari_pasword = '12345678'",
        "[pbx]\nari_password = '12345678",
        "[archive]\nendpoint_url = ['https://user:12345678@host']",
        "[archive]\nendpoint_url = 'https://user:12345678/@host'",
        "[help]\nwebhook_secret = ['12345678']",
        "[help]\nwebhook_url = 'ftp://user:12345678@host'",
        "[help]\nwebhook_url = 'https://user:12345678@host'",
        "[help]\nsmtp_host = 'mail'\nsmtp_password = '12345678'",
    ],
)
def test_secrets_are_not_repeated(tmp_path: Path, text: str) -> None:
    with pytest.raises(WrongConfiguration) as caught:
        load(_file(tmp_path, text))
    assert "12345678" not in caught.value.shown() and "\n" not in caught.value.shown()


@pytest.mark.parametrize("value", ["foo", '"foo"', "{", "[]", '{"nope": "foo"}', ""])
def test_a_variable_for_a_whole_section_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    monkeypatch.setenv("CALLREC_PBX", value)
    with pytest.raises(WrongConfiguration) as caught:
        load(_file(tmp_path, ""))
    assert "foo" not in caught.value.shown()


@pytest.mark.parametrize("password", ["港12345678", "12345678\r\nAction: Command"])
def test_a_password_that_the_pbx_could_not_be_sent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, password: str
) -> None:
    """In HTTP it would be no header, in AMI a line break would be a second command."""
    monkeypatch.setenv("CALLREC_PBX__AMI_PASSWORD", password)
    with pytest.raises(WrongConfiguration, match=r"pbx\.ami_password = …: .*printable ASCII") as caught:
        load(_file(tmp_path, ""))
    assert "12345678" not in str(caught.value)


def test_who_is_called_to_help(tmp_path: Path) -> None:
    """A number may be written with full-width digits, as everywhere."""
    text = "[help]\nmail_to = ['a@x.example', 'b@x.example']\nmail_from = 'c@x.example'\n"
    wanted = load(_file(tmp_path, text + "smtp_host = 'mail'\nphone = '２９００'")).help
    assert (wanted.mail_to, wanted.phone) == (("a@x.example", "b@x.example"), "2900")
    assert wanted.smtp_security == "starttls"


def test_variables_go_before_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CALLREC_ARCHIVE__BUCKET", "other")
    assert load(_file(tmp_path, "[archive]\nbucket = 'one'")).archive.bucket == "other"


@pytest.mark.parametrize("name", ["CALLREC_ARCHIVE__BUCKT", "CALLREC_ARCHIV__BUCKET", "CALLREC_BUCKET"])
def test_a_variable_that_sets_nothing_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv(name, "x")
    with pytest.raises(WrongConfiguration):
        load(_file(tmp_path, ""))


def test_where_the_file_is_looked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert find_file("given") == Path("given")
    (tmp_path / "callrec.toml").write_text("")
    assert find_file(None) == Path("callrec.toml")
    monkeypatch.setenv("CALLREC_CONFIG", "named")
    assert find_file(None) == Path("named")


def test_a_missing_file_is_said(tmp_path: Path) -> None:
    with pytest.raises(WrongConfiguration, match="cannot be read"):
        load(str(tmp_path / "nowhere.toml"))


def test_what_init_writes_can_be_read(tmp_path: Path) -> None:
    path = tmp_path / "new" / "callrec.toml"
    write_file(path, Answers(ari_password='quo"te', secret_key="港", prompts="/p", pbx_prompts="/q"))
    settings = load(str(path))
    assert settings.pbx.ari_password.get_secret_value() == 'quo"te'
    assert settings.archive.secret_key.get_secret_value() == "港"
    assert settings.prompts.pbx_directory == "/q"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_every_setting_stands_in_the_file_that_init_writes() -> None:
    text = render(Answers())
    for section, field in Settings.model_fields.items():
        assert f"[{section}]" in text
        kind = field.annotation
        assert kind is not None
        for name in kind.model_fields:
            assert f"{name} = " in text or name in ("app", "timeout", "pbx_directory"), f"{section}.{name}"


@pytest.mark.parametrize("port", ["0", "99999", "http", "-1"])
def test_what_is_no_port_is_not_written(tmp_path: Path, port: str) -> None:
    with pytest.raises(WrongConfiguration, match="is no port"):
        write_file(tmp_path / "callrec.toml", Answers(ami_port=port))
    assert not (tmp_path / "callrec.toml").exists()


def test_a_file_that_is_there_is_not_overwritten(tmp_path: Path) -> None:
    path = Path(_file(tmp_path, "mine"))
    with pytest.raises(Refused):
        write_file(path, Answers())
    assert path.read_text() == "mine"
