"""Letters of illness reach everybody once, whatever is away meanwhile."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from callrec.errors import AlertNotSent, Sentence
from callrec.health.course import AWAY, LASTED_SECONDS
from callrec.health.letters import Letter, LetterKind, plain, subject, text
from callrec.health.teller import APART_SECONDS, FILE, KEPT, Sender, Teller
from callrec.problems import Problem, Problems
from tests.unit.health.ill import NOON, problem

TOKYO = ZoneInfo("Asia/Tokyo")
SOON = LASTED_SECONDS + 1


class Post:
    """A way that keeps what it was given, or refuses it."""

    name = "mail"

    def __init__(self, *recipients: str) -> None:
        self.recipients: Sequence[str] = recipients
        self.sent: list[tuple[str, Letter]] = []
        self.away: set[str] = set()

    def send(self, letter: Letter, recipient: str) -> None:
        if recipient in self.away:
            raise AlertNotSent("the mail server {host} did not take it", host="mail.city.example")
        self.sent.append((recipient, letter))


class Office:
    """A teller with clocks that are set by hand."""

    def __init__(self, spool: Path, *ways: Post, digest_at: int | None = None) -> None:
        self.spool, self.ways, self.digest_at = spool, ways, digest_at
        self.seconds, self.at = 0.0, datetime(2026, 11, 29, 3, tzinfo=UTC)
        self.wrong: list[Problem] = []
        self.noted = Problems()
        self.spool_away = False
        self.restart()

    def restart(self) -> None:
        sender = Sender("pbx", TOKYO, self.digest_at, "rec1")
        self.teller = Teller(
            self.spool,
            self.ways,
            sender,
            lambda: self.wrong,
            self.noted,
            lambda: self.at,
            lambda: self.seconds,
            self._check_there,
        )

    def _check_there(self) -> None:
        if self.spool_away:
            raise OSError("the spool is not there")

    def after(self, seconds: float, *names: str) -> None:
        self.seconds += seconds
        self.at += timedelta(seconds=seconds)
        self.wrong = [problem(name) for name in names]
        self.noted.attempt("work", self.teller.work)


def test_everybody_is_told_once_when_it_begins_and_once_when_it_ends(tmp_path: Path) -> None:
    mail, hook = Post("a@city.example", "b@city.example"), Post("")
    hook.name = "webhook"
    office = Office(tmp_path, mail, hook)
    for seconds in (0, SOON, 100, 100):
        office.after(seconds, "S3")
    assert [to for to, _ in mail.sent] == ["a@city.example", "b@city.example"] and len(hook.sent) == 1
    (begun,) = hook.sent[0][1].begun
    assert begun.kind == "S3"
    office.after(AWAY.after(0) + 1)
    office.after(100)
    assert len(mail.sent) == 4 and [each.kind for each in hook.sent[1][1].ended] == ["S3"]


def test_what_begins_within_a_minute_is_told_together(tmp_path: Path) -> None:
    mail = Post("a@city.example")
    office = Office(tmp_path, mail)
    office.after(0, "S3")
    office.after(SOON, "S3", "mirror", "journal")
    office.after(SOON, "S3", "mirror", "journal")
    assert len(mail.sent) == 1, "the second has to wait"
    office.after(APART_SECONDS, "S3", "mirror", "journal")
    assert [len(letter.begun) for _, letter in mail.sent] == [1, 2]


def test_a_letter_that_is_not_taken_waits_also_over_a_restart(tmp_path: Path) -> None:
    mail = Post("a@city.example", "b@city.example")
    mail.away = {"b@city.example"}
    office = Office(tmp_path, mail)
    office.after(0, "S3")
    office.after(SOON, "S3")
    assert [to for to, _ in mail.sent] == ["a@city.example"]
    assert "nobody can be told of what is wrong here by mail: the mail server" in str(office.noted.texts())
    office.after(1, "S3")
    assert office.noted.texts(), "it is not due, which is no success"
    office.restart()
    mail.away = set()
    office.after(10, "S3")
    assert [to for to, _ in mail.sent] == ["a@city.example", "b@city.example"], "nobody twice"
    assert mail.sent[0][1].id == mail.sent[1][1].id
    office.after(10, "S3")
    assert len(mail.sent) == 2 and not office.noted.texts()


def test_a_letter_nobody_takes_is_given_up_after_a_day_and_the_next_one_goes(tmp_path: Path) -> None:
    mail = Post("a@city.example")
    mail.away = {"a@city.example"}
    office = Office(tmp_path, mail)
    office.after(0, "S3")
    for _ in range(300):
        office.after(300, "S3")
    assert json.loads((tmp_path / FILE).read_text())["letters"] == []


def test_nothing_is_written_in_the_place_of_a_spool_that_went_away(tmp_path: Path) -> None:
    """It is told all the same, and written when the spool is back: a restart tells nobody again."""
    mail = Post("a@city.example")
    office = Office(tmp_path, mail)
    office.spool_away = True
    for seconds in (0, SOON, SOON):
        office.after(seconds, "spool")
    assert len(mail.sent) == 1 and not list(tmp_path.iterdir())
    office.spool_away = False
    office.after(1, "spool")
    office.restart()
    for seconds in (0, SOON, SOON):
        office.after(seconds, "spool")
    assert len(mail.sent) == 1


def test_a_disk_that_cannot_be_written_silences_nothing(tmp_path: Path) -> None:
    (tmp_path / "spool").write_text("no folder")
    mail = Post("a@city.example")
    office = Office(tmp_path / "spool", mail)
    office.after(0, "disk")
    office.after(SOON, "disk")
    office.after(SOON, "disk")
    assert len(mail.sent) == 1


@pytest.mark.parametrize("found", ["", "{", "[]", '{"illnesses": 7}', '{"illnesses": [], "letters": [1]}'])
def test_a_damaged_file_is_no_reason_to_be_silent(tmp_path: Path, found: str) -> None:
    (tmp_path / FILE).write_text(found)
    mail = Post("a@city.example")
    office = Office(tmp_path, mail)
    office.after(0, "S3")
    office.after(SOON, "S3")
    assert len(mail.sent) == 1


def test_the_daily_report_comes_once_a_day_also_when_all_is_well(tmp_path: Path) -> None:
    mail = Post("a@city.example")
    office = Office(tmp_path, mail, digest_at=8 * 60)  # it is noon in Tokyo
    office.after(0)
    office.after(3600)
    office.restart()
    office.after(3600)
    assert [letter.kind for _, letter in mail.sent] == [LetterKind.DIGEST]
    assert "異常はありません" in text(mail.sent[0][1], TOKYO)
    office.after(17 * 3600)
    assert len(mail.sent) == 1, "not before eight"
    office.after(3600)
    assert len(mail.sent) == 2
    office.at -= timedelta(days=2)
    office.after(3600)
    assert len(mail.sent) == 2, "a clock that was set back makes no second report of a day"


def test_a_report_after_a_start_knows_what_is_wrong_since(tmp_path: Path) -> None:
    mail = Post("a@city.example")
    office = Office(tmp_path, mail, digest_at=8 * 60)
    for _ in range(20):
        office.after(5, "S3")
    (report,) = [letter for _, letter in mail.sent if letter.kind is LetterKind.DIGEST]
    assert [each.kind for each in report.lasting] == ["S3"]


def test_a_clock_that_was_far_ahead_ends_no_daily_report(tmp_path: Path) -> None:
    mail = Post("a@city.example")
    office = Office(tmp_path, mail, digest_at=8 * 60)
    right, office.at = office.at, datetime(2106, 2, 7, 3, tzinfo=UTC)
    office.after(100)
    office.at = right
    office.after(5)
    office.after(5)
    assert len(mail.sent) == 2, "one by the wrong clock, one of today"
    office.after(24 * 3600)
    assert len(mail.sent) == 3


def test_without_anybody_to_tell_nothing_is_written(tmp_path: Path) -> None:
    office = Office(tmp_path, digest_at=0)
    for _ in range(KEPT * 2):
        office.after(SOON, "S3")
    assert not (tmp_path / FILE).exists()


def test_a_letter_says_in_both_languages_what_is_wrong() -> None:
    office = Office(Path("/nowhere"), Post("a@city.example"))
    said = Sentence("the PBX did not run its dialplan within {seconds} s: is it overloaded?", seconds=5)
    office.teller._course.see([Problem("pbx 1", said, NOON), Problem("pbx 2", said, NOON)])
    (found,) = office.teller._course.known.values()
    letter = Letter("1", LetterKind.ILLNESS, NOON, "pbx", "rec1", begun=(found,))
    assert subject(letter) == "【録音異常】発生 1 件 / callrec: 1 wrong: pbx (rec1)"
    words = text(letter, TOKYO)
    assert "within 5 s" in words and "and 1 more" in words and "ほか 1 件" in words
    assert "2026-11-29 21:00 JST" in words
    (told,) = plain(letter)["begun"]
    assert "within 5 s" in told["text_en"] and told["text_ja"] != told["text_en"]
