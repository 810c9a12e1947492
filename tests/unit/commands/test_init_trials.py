"""callrec init tries what it is answered: each part at once, and again until it answers or is let be."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from pathlib import Path

import click
import pytest

from callrec import places
from callrec.archive import bucket
from callrec.archive.s3 import S3Store
from callrec.commands import init, init_owner, init_trial
from callrec.configuration import ANSWERS, Answers
from callrec.errors import NoBucket
from callrec.settings import ArchiveSettings
from callrec.settings_file import load
from tests.unit.program import Done

Run = Callable[..., Done]
Terminal = Callable[[dict[str, list[str]]], list[str]]
DOCS = Path(__file__).parents[3] / "docs"
NOWHERE = "http://127.0.0.1:9"


def _answers(text: str) -> str:
    Path("answers.toml").write_text(f'spool = "spool"\ndatabase_url = "sqlite:///c.db"\n{text}')
    Path("answers.toml").chmod(0o600)
    return "answers.toml"


def _init(run: Run, text: str = "", *words: str) -> Done:
    return run("init", "--non-interactive", "--answers", _answers(text), *words)


def test_what_does_not_answer_is_told_and_everything_is_written(run: Run) -> None:
    done = _init(
        run,
        f'ari_url = "{NOWHERE}/ari"\nari_password = "one"\nami_port = 9\nami_password = "two"\n'
        f's3_url = "{NOWHERE}"\naccess_key = "a"\nsecret_key = "three"\n',
    )
    assert done.code == 0 and stat.S_IMODE(Path("callrec.toml").stat().st_mode) == 0o600
    told = done.err.splitlines()
    assert [": ".join(line.split(": ")[: 2 if line[:3] == "PBX" else 1]) for line in told] == [
        "PBX: ARI",
        "PBX: AMI",
        "archive",
    ]
    assert f"the PBX does not answer at {NOWHERE}" in told[0]
    assert "database: sqlite:///" in done.out and f"spool: {Path.cwd()}/spool" in done.out
    assert not {"one", "two", "three"} & set(done.err.replace(":", " ").split())


def test_a_part_without_its_password_is_not_tried(run: Run) -> None:
    done = _init(run)
    assert done.code == 0 and not done.err
    for said in (
        "PBX: ARI: not tried, ari_password is not known yet",
        "PBX: AMI: not tried, ami_password is not known yet",
        "archive: not tried, access_key, secret_key is not known yet",
    ):
        assert said in done.out


def test_every_answer_of_a_file_is_taken(run: Run) -> None:
    """Also those that nobody is asked for."""
    done = _init(run, 'pbx = "honcho"\npbx_prompts = "/srv/sounds"\nevidence_keys = "keys"\n')
    settings = load("callrec.toml")
    assert done.code == 0 and settings.pbx.name == "honcho"
    assert settings.prompts.pbx_directory == "/srv/sounds"
    assert settings.evidence.keys == Path.cwd() / "keys" and (Path.cwd() / "keys/signing.pem").exists()


@pytest.mark.parametrize("language", ["en", "ja"])
def test_the_documents_name_every_answer(language: str) -> None:
    text = (DOCS / language / "admin.md").read_text("utf-8")
    for name, kind in ANSWERS.items():
        assert f"`{name}`" in text or kind != "str" or name in init.QUESTIONS, name
    assert "`ari_password`" in text


def test_the_steps_that_remain_are_named(run: Run) -> None:
    assert _next(_init(run)) == [
        "callrec pbx install",
        "callrec facility add CODE --name NAME",
        "callrec extension add NUMBER --facility CODE",
        "callrec rule add --everywhere --mode MODE",
        "callrec doctor",
    ]


def test_a_step_that_is_done_is_not_named(office: Run) -> None:
    office("facility", "add", "shiba", "--name", "芝")
    office("rule", "add", "--everywhere", "--mode", "never")
    assert _next(office("init", "--non-interactive")) == [
        "callrec pbx install",
        "callrec extension add NUMBER --facility CODE",
        "callrec doctor",
    ]


def _next(done: Done) -> list[str]:
    assert done.code == 0, done.err
    told = [line.partition("next: ")[2] for line in done.out.splitlines() if line.startswith("next: ")]
    return [each for each in told if "service install" not in each]


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """Somebody at a terminal, who types these answers by the name of what is asked for, else Enter; returns
    a list of what was asked for."""

    def made(typed: dict[str, list[str]]) -> list[str]:
        asked: list[str] = []

        def prompt(text: str, default: str = "", **_: object) -> str:
            name = next(name for name, question in init.QUESTIONS.items() if question.startswith(text))
            asked.append(name)
            return typed[name].pop(0) if typed.get(name) else default

        monkeypatch.setattr(click, "prompt", prompt)
        monkeypatch.setattr("sys.stdin.isatty", lambda: True)
        return asked

    return made


def test_what_does_not_answer_is_asked_for_again(run: Run, terminal: Terminal) -> None:
    asked = terminal(
        {"database_url": ["sqlite:////etc/passwd/c.db", "sqlite:///c.db"], "spool": ["spool"]},
    )
    done = run("init")
    assert done.code == 0 and asked[:3] == ["database_url", "database_url", "spool"]
    assert asked.count("ari_url") == 2, "once more, and Enter lets it be"
    assert done.err.startswith("database: the database sqlite:////etc/passwd/c.db does not answer")
    assert "type it again, or press Enter where it is to stay as it is" in done.out
    assert Path("c.db").exists()


def test_what_was_given_is_not_asked_for(run: Run, terminal: Terminal) -> None:
    asked = terminal({})
    assert run("init", "--answers", _answers("")).code == 0
    assert "database_url" not in asked and "spool" not in asked and "bucket" in asked


def test_a_trial_makes_nothing(tmp_path: Path) -> None:
    answers = Answers(database_url=f"sqlite:///{tmp_path}/made/c.db", spool=f"{tmp_path}/spool")
    part = next(each for each in init_trial.PARTS if each.name == "database")
    assert init_trial.works(part, answers, tmp_path / "callrec.toml", asks=False)
    assert not list(tmp_path.iterdir())


# --- the bucket


class Bucket:
    """A bucket that is made or not, in place of an S3 server's."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.made: list[str] = []
        monkeypatch.setattr(S3Store, "check", self._check)
        monkeypatch.setattr(bucket, "make", lambda settings, ca_file: self.made.append(settings.bucket))

    def _check(self) -> None:
        if not self.made:
            raise NoBucket("there is no bucket")


def test_the_bucket_is_made_once(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    there = Bucket(monkeypatch)
    done = _init(run, 'access_key = "a"\nsecret_key = "b"\nbucket = "an-office"\n', "--make-bucket")
    assert "bucket an-office is made" in done.out and there.made == ["an-office"]
    again = run("init", "--non-interactive", "--make-bucket")
    assert again.code == 0 and "bucket an-office is there already" in again.out
    assert there.made == ["an-office"]


@pytest.mark.parametrize("yes", [True, False])
def test_somebody_at_a_terminal_is_asked_for_the_bucket(
    run: Run, terminal: Terminal, monkeypatch: pytest.MonkeyPatch, yes: bool
) -> None:
    there, asked = Bucket(monkeypatch), list[str]()
    terminal({"access_key": ["a"], "secret_key": ["b"]})

    def confirm(text: str) -> bool:
        asked.append(text)
        return yes

    monkeypatch.setattr(click, "confirm", confirm)
    done = run("init", "--answers", _answers('bucket = "an-office"\n'))
    assert done.code == 0 and there.made == (["an-office"] if yes else [])
    assert asked[0] == "There is no bucket an-office: make it, with Object Lock?"
    assert ("bucket an-office is made" in done.out) is yes


def test_a_bucket_that_cannot_be_made_fails(run: Run) -> None:
    done = _init(run, f'access_key = "a"\nsecret_key = "b"\ns3_url = "{NOWHERE}"\n', "--make-bucket")
    assert done.code == 3 and f"does not answer at {NOWHERE}" in done.complaint
    assert Path("callrec.toml").exists(), "the rest is there"


@pytest.mark.parametrize(
    ("address", "told"), [(None, {"CreateBucketConfiguration": {"LocationConstraint": "ap-northeast-1"}}),
                          ("https://s3.example", {})],
)  # fmt: skip
def test_a_bucket_is_asked_for_with_object_lock(address: str | None, told: dict[str, object]) -> None:
    settings = ArchiveSettings(bucket="one", endpoint_url=address, region="ap-northeast-1")
    assert bucket._wanted(settings, locks=True) == {
        "Bucket": "one",
        "ObjectLockEnabledForBucket": True,
        **told,
    }
    assert bucket._wanted(settings, locks=False) == {"Bucket": "one", **told}


# --- whose it is


def test_only_root_gives_to_another(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    done = _init(run, "", "--user", "callrec")
    assert done.code == 4 and "only root can do that" in done.complaint
    assert not Path("callrec.toml").exists()


def test_there_is_no_such_account(run: Run) -> None:
    done = _init(run, "", "--user", "nobody-has-this-name")
    assert done.code == 2 and "there is no account 'nobody-has-this-name'" in done.complaint


def test_what_root_writes_for_the_machine_is_callrecs(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(places, "CONFIGURATION", (tmp_path / "a.toml", tmp_path / "b.toml"))
    assert init_owner.of(tmp_path / "b.toml", None).name == "callrec"
    assert not init_owner.of(tmp_path / "a.toml", None).name, "one of another folder stays root's"
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert not init_owner.of(tmp_path / "b.toml", None).name
