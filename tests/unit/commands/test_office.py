"""callrec init, facility and extension: an office is set up step by step."""

from __future__ import annotations

import io
import json
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import click
import pytest
import sqlalchemy as sa

from callrec.app import App
from callrec.catalogue.database import Database
from callrec.catalogue.tables import changes
from callrec.settings_file import load
from tests.unit.program import Done, table

Office = Callable[..., Done]


def test_an_office_is_set_up_step_by_step(office: Office) -> None:
    assert office("facility", "add", "shiba", "--name", "芝地区総合支所").code == 0
    assert office("extension", "add", "２１０１", "--facility", "shiba", "--name", "窓口1").code == 0
    assert office("rule", "add", "--facility", "shiba", "--mode", "automatic", "--quiet").out == "1\n"
    assert (
        office("rule", "add", "--extension", "2101", "--mode", "never", "--direction", "outbound").code == 0
    )
    assert json.loads(office("facility", "list", "--json").out) == [
        {
            "code": "shiba",
            "name": "芝地区総合支所",
            "extensions": 1,
            "support_phone": None,
            "support_mail": None,
        }
    ]
    (extension,) = table(office("extension", "list", "--csv").out)
    kind = {"kind": "phone", "aliases": ""}
    assert extension == {"number": "2101", "facility": "shiba", "name": "窓口1", **kind}
    listed = json.loads(office("rule", "list", "--json").out)
    assert [
        (rule["id"], rule["scope"], rule["target"], rule["mode"], rule["direction"]) for rule in listed
    ] == [
        (1, "facility", "shiba", "automatic", "any"),
        (2, "extension", "2101", "never", "outbound"),
    ]
    assert "芝地区総合支所" in office("facility", "list").out
    assert office("facility", "remove", "shiba").code == 4
    assert office("rule", "remove", "1").code == 0 and office("rule", "remove", "2").code == 0
    assert office("extension", "remove", "2101").code == 0
    assert office("facility", "remove", "shiba").code == 0


def test_a_facility_has_its_own_who_are_called_to_help(office: Office, tmp_path: Path) -> None:
    office("facility", "add", "shiba", "--name", "芝")
    assert "as for all" in office("facility", "list").out
    mails = ("--mail", "a@x.example", "--mail", "b@x.example")
    assert office("facility", "support", "shiba", "--phone", "２９００", *mails).code == 0
    assert _support(office) == ("2900", ["a@x.example", "b@x.example"])
    assert office("facility", "support", "shiba", "--phone", "none").code == 0
    assert _support(office) == ("", ["a@x.example", "b@x.example"]), "what is not named stays"
    assert office("facility", "rename", "shiba", "--name", "芝地区").code == 0
    assert office("facility", "support", "shiba", "--mail", "none").code == 0
    assert _support(office) == ("", [])
    assert office("rule", "export", "office.toml").code == 0
    assert office("facility", "support", "shiba", "--default").code == 0
    assert _support(office) == (None, None)
    done = office("rule", "import", "office.toml")
    assert done.code == 0 and "芝地区 → 芝地区, support phone none, mail to none" in done.out
    assert _support(office) == ("", [])
    here = App(load(str(tmp_path / "callrec.toml")))
    with here.database.read() as connection:
        newest = connection.execute(sa.select(changes).order_by(changes.c.id.desc())).first()
        assert newest is not None and newest.subject == "facility shiba" and newest.who
        assert (newest.before["support_phone"], newest.after["support_phone"]) == (None, "")
    assert here.revision() == 1 + 7, "the controller takes each change up"
    here.close()


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ((), "give --phone or --mail"),
        (("--default", "--phone", "2900"), "give --phone or --mail"),
        (("--default", "--mail", "a@x.example"), "give --phone or --mail"),
        (("--phone", "29oo"), "29oo is none: an extension is a number"),
        (("--phone", ""), "is none: an extension is a number"),
        (("--mail", "a@x.example\nBcc: b@x.example"), "is no mail address"),
        (("--mail", "none", "--mail", "a@x.example"), "is no mail address"),
    ],
)
def test_who_cannot_be_called_is_said_in_one_line(
    office_after: Callable[..., Office], arguments: tuple[str, ...], complaint: str
) -> None:
    office = office_after(("facility", "add", "shiba", "--name", "芝"))
    done = office("facility", "support", "shiba", *arguments)
    assert done.code == 2 and complaint in done.err and done.err.count("\n") == 1
    assert _support(office) == (None, None)
    assert office("facility", "support", "nowhere", "--default").code == 1


def test_an_extension_has_other_phones(office: Office, tmp_path: Path) -> None:
    office("facility", "add", "shiba", "--name", "芝")
    office("extension", "add", "2101", "--facility", "shiba")
    done = office("extension", "alias", "２１０１", "992101", "2101-WS", "DAHDI/33")
    assert (done.code, done.out) == (0, "extension 2101 has the phones 2101 2101-WS 992101 DAHDI/33\n")
    assert office("extension", "alias", "2101", "2101-WS").code == 0, "again changes nothing"
    assert _aliases(office) == ["2101-WS", "992101", "DAHDI/33"]
    assert "2101-WS,992101,DAHDI/33" in office("extension", "list").out
    assert office("extension", "move", "2101", "--facility", "shiba").code == 0
    assert office("rule", "export", "office.toml").code == 0
    Path("phones.csv").write_text(office("extension", "list", "--csv").out, "utf-8")
    assert office("extension", "alias", "2101", "--remove", "2101-WS", "DAHDI/33").code == 0
    assert _aliases(office) == ["992101"]
    done = office("extension", "import", "phones.csv", "--dry-run")
    assert "shiba, also 992101 → shiba, also 2101-WS 992101 DAHDI/33" in done.out
    assert office("rule", "import", "office.toml").code == 0
    assert _aliases(office) == ["2101-WS", "992101", "DAHDI/33"]
    here = App(load(str(tmp_path / "callrec.toml")))
    with here.database.read() as connection:
        newest = connection.execute(sa.select(changes).order_by(changes.c.id.desc())).first()
    assert newest is not None and newest.subject == "extension 2101" and newest.who
    assert (newest.before["aliases"], len(newest.after["aliases"])) == (["992101"], 3)
    assert here.office().extension_of("PJSIP/2101-WS-00000001") == "2101"
    here.close()


@pytest.mark.parametrize(
    ("arguments", "code", "complaint"),
    [
        (("2102", "2101-WS"), 4, "2101-WS is an alias of extension 2101 already"),
        (("2102", "2101"), 4, "2101 is an extension itself, and no alias of 2102"),
        (("2102", "2102"), 4, "2102 is an extension itself"),
        (("2102", "PJSIP/2101"), 4, "2101 is an extension itself"),
        (("6000", "x"), 4, "6000 is a service number: it has no phones"),
        (("2102", "a b"), 2, "a b is no endpoint of a PBX: write its name there, such as 2101-WS"),
        (("2102", "a/b/c"), 2, "a/b/c is no endpoint"),
        (("2999", "x"), 1, "there is no extension 2999"),
        (("2102", "--remove", "2101-WS"), 1, "extension 2102 has no alias 2101-WS"),
        (("2102",), 2, "Missing argument"),
    ],
)
def test_phones_of_somebody_else_are_refused_in_one_line(
    office_after: Callable[..., Office], arguments: tuple[str, ...], code: int, complaint: str
) -> None:
    office = office_after(
        ("facility", "add", "shiba", "--name", "芝"),
        ("extension", "add", "2101", "--facility", "shiba"),
        ("extension", "add", "2102", "--facility", "shiba"),
        ("extension", "add", "6000", "--facility", "shiba", "--service"),
        ("extension", "alias", "2101", "2101-WS"),
    )
    done = office("extension", "alias", *arguments)
    assert done.code == code and complaint in done.complaint
    assert office("extension", "add", "2101-WS", "--facility", "shiba").code == 2
    assert office("extension", "alias", "2101", "992101").code == 0
    refused = office("extension", "add", "992101", "--facility", "shiba")
    assert refused.code == 4 and "992101 is an extension itself, and no alias of 2101" in refused.complaint
    Path("phones.csv").write_text("number,facility,aliases\n2102,shiba,992101\n", "utf-8")
    refused = office("extension", "import", "phones.csv")
    assert refused.code == 4 and "992101 is an alias of extension 2101 already" in refused.complaint


def _aliases(office: Office) -> list[str]:
    (listed,) = json.loads(office("extension", "list", "--json").out)
    aliases: list[str] = listed["aliases"]
    return aliases


def _support(office: Office) -> tuple[str | None, list[str] | None]:
    (listed,) = json.loads(office("facility", "list", "--json").out)
    return listed["support_phone"], listed["support_mail"]


def test_init_again_upgrades_and_leaves_the_file(office: Office) -> None:
    before = Path("callrec.toml").read_text()
    done = office("init", "--non-interactive")
    assert done.code == 0 and "stays as it is" in done.out
    assert Path("callrec.toml").read_text() == before


def test_init_upgrades_the_database_also_where_no_key_can_be_made(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As after an upgrade: with the database calls are recorded, and wait for the key."""
    upgraded = list[Database]()

    def upgrade(self: Database) -> None:
        upgraded.append(self)

    monkeypatch.setattr(Database, "upgrade", upgrade)
    monkeypatch.setenv("CALLREC_EVIDENCE__KEYS", "/proc/nowhere")
    done = office("init", "--non-interactive")
    assert done.code == 2 and "no key can be written into /proc/nowhere" in done.complaint
    assert len(upgraded) == 1


@pytest.mark.parametrize(
    ("given", "complaint"),
    [
        (["--database-url", "nonsense"], "is no database URL"),
        (["--s3-url", "nonsense"], "write an address that begins with https://"),
        (["--spool", "/proc/nowhere"], "the spool /proc/nowhere cannot be used"),
    ],
)
def test_answers_that_cannot_be_used_can_be_given_again(
    run: Office, tmp_path: Path, given: list[str], complaint: str
) -> None:
    usable = ["--database-url", f"sqlite:///{tmp_path}/c.db", "--spool", str(tmp_path / "spool")]
    done = run("init", "--non-interactive", *usable, *given)
    assert done.code == 2 and complaint in done.complaint and not Path("callrec.toml").exists()
    assert run("init", "--non-interactive", *usable).code == 0


def test_init_says_that_the_database_has_no_place(run: Office, tmp_path: Path) -> None:
    done = run(
        "init",
        "--non-interactive",
        "--database-url",
        "sqlite:////proc/no/c.db",
        "--spool",
        f"{tmp_path}/spool",
    )
    assert done.code == 3 and "does not answer (it is not there)" in done.complaint


SECRETS = 'ari_password = "s3cret1"\nami_password = "s3cret2"\naccess_key = "a"\nsecret_key = "s3cret3"\n'


def _kept() -> tuple[str, str, str]:
    """The secrets that callrec.toml has."""
    found = load("callrec.toml")
    kept = (found.pbx.ari_password, found.pbx.ami_password, found.archive.secret_key)
    first, second, third = (each.get_secret_value() for each in kept)
    return first, second, third


def test_secrets_come_from_files(run: Office, tmp_path: Path) -> None:
    """That of callrec pbx install, and one for S3; what is given as an option counts more."""
    (tmp_path / "one.toml").write_text(SECRETS + "ami_port = 5040\nari_url = 'http://one/ari'\n")
    (tmp_path / "two.toml").write_text(f'secret_key = "4"\ndatabase_url = "sqlite:///{tmp_path}/c.db"\n')
    for name in ("one.toml", "two.toml"):
        (tmp_path / name).chmod(0o600)
    done = run(
        *("init", "--non-interactive", "--answers", "one.toml", "--answers", "two.toml"),
        *("--ari-url", "http://127.0.0.1:1/ari", "--spool", "spool"),
    )
    assert done.code == 0 and "s3cret" not in done.out + done.err
    assert _kept() == ("s3cret1", "s3cret2", "4")
    assert (load("callrec.toml").pbx.ami_port, load("callrec.toml").pbx.ari_url) == (
        5040,
        "http://127.0.0.1:1/ari",
    )


def test_secrets_come_from_standard_input(
    run: Office, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Then nothing can be asked for."""
    monkeypatch.setattr("sys.stdin", io.StringIO(SECRETS))
    url = f"sqlite:///{tmp_path}/c.db"
    assert run("init", "--answers", "-", "--database-url", url, "--spool", "spool").code == 0
    assert _kept() == ("s3cret1", "s3cret2", "s3cret3")


@pytest.mark.parametrize(
    ("option", "name"),
    [
        ("--ari-password=s3cret", "ari_password"),
        ("--ami-password=s3cret", "ami_password"),
        ("--secret-key=s3cret", "secret_key"),
        ("--database-url=postgresql://user:s3cret@host/name", "database_url"),
        ("--database-url=postgresql://host/name?password=s3cret", "database_url"),
        ("--database-url=postgresql://host/name?sslpassword=s3cret", "database_url"),
        ("--s3-url=https://user:s3cret@host", "s3_url"),
    ],
)
def test_a_secret_in_the_arguments_is_refused(run: Office, option: str, name: str) -> None:
    done = run("init", "--non-interactive", option)
    assert done.code == 2 and f"write {name} = … into a file" in done.complaint
    assert "s3cret" not in done.out + done.err and not Path("callrec.toml").exists()


def test_the_secrets_are_no_options_of_the_help(run: Office) -> None:
    told = run("init", "--help").out
    assert "--answers FILE" in told and "password" not in told.partition("Options:")[2].replace(
        "passwords", ""
    )
    assert "--secret-key" not in told


@pytest.mark.parametrize(
    ("text", "mode", "code", "complaint"),
    [
        (SECRETS, 0o644, 4, "others can read answers.toml: chmod 600"),
        (SECRETS, 0o640, 4, "others can read answers.toml: chmod 600"),
        ('ari_password = "s3cret', 0o600, 2, "answers.toml, line 1 is not TOML"),
        ("s3cret", 0o600, 2, "answers.toml, line 1 is not TOML"),
        ('password = "s3cret"', 0o600, 2, "there is no answer password"),
        ('answer_first = "s3cret"', 0o600, 2, "there is no answer answer_first"),
        ('ari_password = ["s3cret"]', 0o600, 2, "ari_password must be one value"),
        ("ari_password = true", 0o600, 2, "ari_password must be one value"),
        ('[pbx]\nari_password = "s3cret"', 0o600, 2, "pbx must be one value"),
    ],
)
def test_answers_that_cannot_be_used_are_not_shown(
    run: Office, text: str, mode: int, code: int, complaint: str
) -> None:
    Path("answers.toml").write_text(text)
    Path("answers.toml").chmod(mode)
    done = run("init", "--non-interactive", "--answers", "answers.toml")
    assert done.code == code and complaint in done.complaint
    assert "s3cret" not in done.err and not Path("callrec.toml").exists()


@pytest.mark.parametrize("name", ["nowhere.toml", "."])
def test_answers_that_cannot_be_read(run: Office, tmp_path: Path, name: str) -> None:
    tmp_path.chmod(0o700)
    done = run("init", "--non-interactive", "--answers", name)
    assert done.code == 2 and f"{name} cannot be read" in done.complaint


def test_init_asks(run: Office, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    answers = iter([f"sqlite:///{tmp_path}/asked.db", f"{tmp_path}/spool"])
    monkeypatch.setattr(click, "prompt", lambda text, default="", **_: next(answers, default))
    assert run("init").code == 0
    assert "asked.db" in Path("callrec.toml").read_text() and Path("asked.db").exists()


@pytest.mark.parametrize(
    "arguments", [["init"], ["status"], ["serve"], ["facility", "list"], ["search"], ["rule", "check"]]
)
def test_a_database_of_a_newer_callrec_stops_every_command(
    office: Office, tmp_path: Path, arguments: list[str]
) -> None:
    with closing(sqlite3.connect(tmp_path / "c.db")) as newer:
        newer.execute("UPDATE alembic_version SET version_num = '9999'")
        newer.commit()
    done = office(*arguments)
    assert done.code == 3 and "has version 9999 of a newer callrec: upgrade callrec" in done.complaint


def test_init_writes_nothing_for_a_database_of_a_newer_callrec(
    run: Office, tmp_path: Path, empty_catalogue: Path
) -> None:
    shutil.copy(empty_catalogue, tmp_path / "c.db")
    with closing(sqlite3.connect(tmp_path / "c.db")) as newer:
        newer.execute("UPDATE alembic_version SET version_num = '9999'")
        newer.commit()
    given = ["--non-interactive", "--database-url", f"sqlite:///{tmp_path}/c.db", "--spool", f"{tmp_path}/s"]
    done = run("init", *given)
    assert done.code == 3 and "upgrade callrec" in done.complaint
    assert not (tmp_path / "callrec.toml").exists()


def test_no_part_of_a_password_is_printed(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not even where a sign that was not escaped lets the address fall apart at the wrong place."""
    for sign in "@/?#:%":
        monkeypatch.setenv("CALLREC_CATALOGUE__URL", f"postgresql://u:hunter{sign}secret@127.0.0.1:1/x")
        done = office("facility", "list")
        assert done.code in (2, 3) and "hunter" not in done.err and "secret" not in done.err
        assert done.complaint
