"""The configuration: what is wrong is said in one line, and a typo does not pass."""

from __future__ import annotations

import re
import stat
from pathlib import Path

import pytest
from pydantic import SecretStr

from callrec.configuration import Answers, render, write_file
from callrec.errors import Refused, WrongConfiguration
from callrec.places import find_file
from callrec.settings import Settings
from callrec.settings_file import load


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
        ("[evidence]\ntsa_url = 'https://x.example/'", "tsa_url needs tsa_ca_file"),
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
    ("key", "values"),
    [
        (
            "office.timezone",
            ["Asia", "../x", "posixrules", "asia/tokyo", "posix/Asia/Tokyo", "Factory", "", "/"],
        ),
        ("help.mail_from", ["a@b..example", ".a@b", "a..b@c", "a@-b", "パ@b", "a@b\\n", "x" * 65 + "@b"]),
        (
            "help.phone_dial",
            ["PJSIP/{extension[a]}", "PJSIP/{extension!r}", "PJSIP/{extension:5}", "{extension}"],
        ),
        (
            "help.phone_dial",
            ["PJSIP/{extension}{}", "PJSIP/{{extension}}", "PJSIP/{extension}&PJSIP/1", "P/{ext"],
        ),
        ("help.smtp_host", ["mail:25", "http://mail", "a b", "a..b", "[::1]", "x" * 64 + "."]),
        ("pbx.ami_host", ["", "127.0.0.1:5038", "::g"]),
        ("pbx.ari_user", ["", "a:b", "a b", "港"]),
        (
            "pbx.ari_url",
            ["http://u:p@h/ari", "http://h/ari?x/ari", "http://h:0/ari", "http:///ari", "http://h h/ari"],
        ),
        ("pbx.name", ["", "Main", "a\\n"]),
        ("pbx.app", ["", "a,b"]),
        (
            "pbx.extension_pattern",
            [".*", "", "(a+)+", "(a|a)*b", "[1-9]*", "a?a?a?a?a?aaaaa", "(?P<x>1)(?P=x)", "(", "(1|1)" * 5],
        ),
        ("archive.bucket", ["", "a", "two words", "a..b", "-a-", "192.168.0.1", "arn:x", "a/b"]),
        ("archive.region", ["", "us east", "-", "1"]),
        ("archive.endpoint_url", ["http://u:p@h", "http://h?x", "http://h#x", "ftp://h", "http://a..b"]),
        ("help.webhook_url", ["https://u:p@h/", "https://h/#x", "https://h/ x", "https://h/港", "https://"]),
        ("help.webhook_proxy", ["proxy:8080", "http://u:p@proxy"]),
        ("evidence.tsa_url", ["x.example", "https://u:p@h/"]),
        ("evidence.tsa_ca_file", ["ca.pem"]),
        ("evidence.tsa_proxy", ["proxy:8080", "http://u:p@proxy"]),
        ("spool.directory", ["spool", "", "~/spool", "./x", "/a\\n"]),
        ("prompts.directory", ["prompts"]),
        ("prompts.pbx_directory", ["prompts", "/a,b", "/a&b"]),
        ("network.ca_file", ["ca.pem"]),
        (
            "catalogue.url",
            ["", "sqlite://", "sqlite:///c.db", "sqlite:////c.db?timeout=abc", "sqlite:////c.db?mode=ro"],
        ),
        (
            "catalogue.url",
            ["sqlite:///:memory:", "sqlite:////", "mysql://h/x", "postgresql+asyncpg://h/x", "oracle://h"],
        ),
        (
            "catalogue.url",
            ["postgresql://h/x?nosuch=1", "postgresql://h/x?connect_timeout=abc", "postgresql://h"],
        ),
        ("catalogue.url", ["postgresql://u:a@b@h/x", "postgresql://u:a/b@h/x", "postgresql://u:a#b@h/x"]),
        ("catalogue.url", ["postgresql://h:1x/x", "postgresql://h h/x", "postgresql://h/x?sslmode=yes"]),
        ("catalogue.url", ["postgresql://h/x?sslmode=verify-full", "postgresql://h/x?password=12345678"]),
        (
            "catalogue.url",
            ["postgresql://u:100%@h/x", "postgresql://h/x?service=a", "postgresql://h/x?sslmode="],
        ),
    ],
)
def test_values_that_would_fail_later(tmp_path: Path, key: str, values: list[str]) -> None:
    section, _, name = key.partition(".")
    for value in values:
        with pytest.raises(WrongConfiguration, match=rf"line 2: {key} = ") as caught:
            load(_file(tmp_path, f'[{section}]\n{name} = "{value}"'))
        assert "12345678" not in caught.value.shown()


@pytest.mark.parametrize(
    ("key", "values"),
    [
        ("office.timezone", ["Asia/Tokyo", "UTC", "Etc/GMT-9", "America/Argentina/Ushuaia"]),
        ("help.phone_dial", ["PJSIP/{extension}@trunk", "Local/{extension}@help/n", "SIP/help-{extension}"]),
        ("pbx.ami_host", ["::1", "pbx", "pbx.city.example.", "my_pbx"]),
        ("pbx.ari_url", ["https://[::1]:8089/ari", "http://pbx:8088/asterisk/ari/"]),
        (
            "pbx.extension_pattern",
            ["[1-9][0-9]{1,5}", "(sip-)?[0-9]+", "(?:2|3)[0-9]{3}", "[a-z*+?]+-\\\\d+"],
        ),
        ("archive.bucket", ["callrec", "ward.minato.callrec", "Old_Bucket"]),
        ("archive.bucket", ["arn:aws:s3:ap-northeast-1:123456789012:accesspoint/callrec"]),
        ("archive.endpoint_url", ["https://s3.city.example:9000/store"]),
        ("catalogue.url", ["sqlite:////srv/100%/港 #1.db", "postgresql://u:p%40@h:5432/x?sslmode=require"]),
        (
            "catalogue.url",
            ["postgresql://u:@/x?host=/run/postgresql", "postgres://u@[::1]/x?connect_timeout=9"],
        ),
        (
            "catalogue.url",
            ["postgresql+psycopg://h/x?options=-c%20search_path%3Dx&target_session_attrs=primary"],
        ),
        (
            "catalogue.url",
            ["postgresql:///x?host=/run/postgresql&user=u", "postgresql://h/x?sslcertmode=allow"],
        ),
    ],
)
def test_values_that_offices_need(tmp_path: Path, key: str, values: list[str]) -> None:
    section, _, name = key.partition(".")
    for value in values:
        load(_file(tmp_path, f'[{section}]\n{name} = "{value}"'))


@pytest.mark.parametrize(
    ("section", "text", "problem"),
    [
        ("archive", "access_key = 'a'", "access_key and secret_key belong together"),
        ("archive", "secret_key = 'a'", "access_key and secret_key belong together"),
        ("help", "smtp_user = 'a'", "smtp_user and smtp_password belong together"),
        ("help", "smtp_password = 'パスワード'", "write printable ASCII"),
        ("help", "smtp_user = 'パ'", "write printable ASCII"),
        ("pbx", "timeout = nan", "pbx.timeout"),
        ("pbx", "timeout = 1e9", "write 60"),
        ("pbx", "timeout = true", "write a number"),
        ("retention", "days = 99999999", "write 36525 or less"),
    ],
)
def test_halves_and_amounts(tmp_path: Path, section: str, text: str, problem: str) -> None:
    with pytest.raises(WrongConfiguration, match=re.escape(problem)):
        load(_file(tmp_path, f"[{section}]\n{text}"))


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
        "[help]\nwebhook_proxy = 'http://user:12345678@proxy'",
        "[help]\nsmtp_host = 'smtp://user:12345678@mail'",
        "[pbx]\nami_host = 'callrec:12345678@pbx'",
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
    write_file(
        path, Answers(ari_password='quo"te', access_key="a", secret_key="港", prompts="/p", pbx_prompts="/q")
    )
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


@pytest.mark.parametrize("language", ["en", "ja"])
def test_every_setting_stands_in_the_documentation(language: str) -> None:
    text = (Path(__file__).parents[2] / f"docs/{language}/settings.md").read_text("utf-8")
    for section, field in Settings.model_fields.items():
        kind = field.annotation
        assert kind is not None
        assert all(f"`{section}.{name}`" in text for name in kind.model_fields), section


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


def test_neither_controller_nor_desk_has_the_keys_that_destroy() -> None:
    whole = Settings.model_validate(
        {
            "archive": {"access_key": "a", "secret_key": "archive-secret"},
            "desk": {"access_key": "d", "secret_key": "desk-secret"},
            "destruction": {"access_key": "x", "secret_key": "destroying-secret", "at_most": "5"},
        }
    )
    for narrowed, key in ((whole.of_controller(), "a"), (whole.of_desk(), "d")):
        assert narrowed.archive.access_key.get_secret_value() == key
        assert "destroying-secret" not in str([each.get_secret_value() for each in _secrets(narrowed)])
        assert narrowed.destruction.at_most == whole.destruction.at_most
    assert Settings().of_desk() == Settings()


def _secrets(settings: Settings) -> list[SecretStr]:
    return [value for _, section in settings for _, value in section if isinstance(value, SecretStr)]
