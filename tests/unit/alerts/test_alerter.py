"""Alerts go out by every way, at once and until somebody takes them; what became of them is written down."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callrec.alerts import delivery_worker
from callrec.alerts.alerter import Alerter
from callrec.alerts.delivery_worker import BACKOFF, DeliveryWorker
from callrec.alerts.ledger import Ledger
from callrec.app import App
from callrec.catalogue import alerts
from callrec.catalogue.database import Database
from callrec.demo.processes import wait_until
from callrec.errors import AlertNotSent, CatalogueUnreachable
from callrec.model.alerts import Alert, AlertState, Delivery
from callrec.model.office import Facility
from callrec.policy.office import Office as RulesOffice
from callrec.spool.directory import Spool
from callrec.worker import Pulse
from tests.told import told_by
from tests.unit.bench import Clock
from tests.unit.samples import CALL_ID, START, alert

LATER_ID = alert().id[:-1] + "2"


@dataclass
class Post:
    """A way that keeps what it is given, and takes nothing while it is away."""

    name: str = "mail"
    to: tuple[str, ...] = ("help@city.example",)
    sent: list[tuple[str, str]] = field(default_factory=list)
    tried: list[str] = field(default_factory=list)
    away: set[str] = field(default_factory=set)

    def recipients(self, alert: Alert) -> Sequence[str]:
        return self.to

    def send(self, alert: Alert, recipient: str) -> None:
        self.tried.append(alert.id)
        if {"all", recipient} & self.away:
            raise AlertNotSent("the server is away")
        self.sent.append((alert.id, recipient))


@dataclass
class Office:
    """An alerter whose ways are worked by hand, with a clock of its own."""

    alerter: Alerter
    spool: Spool
    clock: Clock
    day: list[datetime]

    def work(self, seconds: float = 0.0) -> None:
        """Time goes by, every way has worked, and so have the books."""
        self.clock.now += seconds
        self.day[0] += timedelta(seconds=seconds)
        self.alerter._load()
        for each in self.alerter.workers:
            each.work()
        self.alerter.work()


Make = Callable[..., Office]


@pytest.fixture
def make(tmp_path: Path, database: Database) -> Make:
    def made(*ways: Post, catalogue: Database = database) -> Office:
        spool, clock, day = Spool(tmp_path / "spool"), Clock(), [START]
        alerter = Alerter(spool, ways, catalogue, clock)
        for each in alerter.workers:
            each._clock, each._now = clock, lambda: day[0]
        return Office(alerter, spool, clock, day)

    return made


def told(database: Database) -> list[tuple[str, str, str, int]]:
    with database.read() as connection:
        found = alerts.of_call(connection, CALL_ID)
    return [(each.way, each.recipient, str(each.state), each.tries) for each in found]


def test_an_alert_goes_out_by_every_way_and_to_everybody(make: Make, database: Database) -> None:
    mail, webhook = Post(to=("a@x.example", "b@x.example")), Post("webhook", ("",))
    office = make(mail, webhook)
    office.spool.save_alert(alert())
    office.work()
    assert mail.sent == [(alert().id, "a@x.example"), (alert().id, "b@x.example")]
    assert webhook.sent == [(alert().id, "")]
    assert told(database) == [
        ("mail", "a@x.example", "sent", 1),
        ("mail", "b@x.example", "sent", 1),
        ("webhook", "", "sent", 1),
    ]
    assert office.spool.alerts() == [] and list((office.spool.directory / "alerts").iterdir()) == []
    assert told_by(office.alerter) == []


def test_what_fails_is_tried_again_and_is_a_problem_until_then(make: Make, database: Database) -> None:
    mail, webhook = Post(away={"all"}), Post("webhook", ("",))
    office = make(mail, webhook)
    office.spool.save_alert(alert())
    office.work()
    assert webhook.sent, "one way does not wait for the other"
    assert told(database)[0] == ("mail", "help@city.example", "waiting", 1)
    assert ["the server is away" in each for each in told_by(office.alerter)] == [True]
    office.work(0.5)
    assert len(mail.tried) == 1, "not yet"
    mail.away.clear()
    office.work(0.6)
    assert len(mail.sent) == 1 and len(webhook.sent) == 1
    assert told(database)[0] == ("mail", "help@city.example", "sent", 2)
    assert told_by(office.alerter) == [] and office.spool.alerts() == []


def test_many_alerts_that_wait_for_the_database_are_no_thread_that_hangs(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each may take as long as a server that does not answer; all of them together are not one thing."""
    office, longest = make(Post()), [0.0]
    pulse = office.alerter.pulse = Pulse(office.clock)
    for number in range(10):
        office.spool.save_alert(alert(id=f"01a20000-0000-7000-8000-00000000010{number}"))

    def away(_: Alert) -> None:
        office.clock.now += 10
        longest[0] = max(longest[0], pulse.busy_for())
        raise CatalogueUnreachable("the database is away")

    monkeypatch.setattr(office.alerter, "_settle", away)
    pulse.beat()
    office.work()
    assert longest[0] == 10


def test_help_is_unsent_until_everybody_is_told_wherever_it_is_written_down(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither a full disk nor a database that is away changes whether somebody waits to be told."""
    mail, away = Post(away={"all"}), Database("postgresql://127.0.0.1:9/x?connect_timeout=1")
    office = make(mail, catalogue=away)

    def full(_: Alert) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(office.spool, "save_alert", full)
        with pytest.raises(OSError, match="No space"):
            office.alerter.take(alert())
        assert (office.alerter.unsent(), office.spool.alerts()) == (1, [])
    office.work()
    assert office.alerter.unsent() == 1
    mail.away.clear()
    office.work(300)
    assert mail.sent and office.spool.alerts(), "which waits for the database"
    assert office.alerter.unsent() == 0
    away.close()


def test_one_address_that_is_refused_keeps_nobody_else_waiting(make: Make, database: Database) -> None:
    mail = Post(to=("a@x.example", "b@x.example"), away={"a@x.example"})
    office = make(mail)
    office.spool.save_alert(alert())
    office.work()
    office.work(1.5)
    assert mail.sent == [(alert().id, "b@x.example")], "and no mail comes twice"
    assert told(database) == [("mail", "a@x.example", "waiting", 2), ("mail", "b@x.example", "sent", 1)]


def test_a_new_alert_goes_before_those_that_failed(make: Make) -> None:
    mail = Post(away={"all"})
    office = make(mail)
    office.spool.save_alert(alert())
    office.work()
    office.spool.save_alert(alert(id=LATER_ID))
    office.work(2)
    assert mail.tried == [alert().id, LATER_ID, alert().id]


@given(st.integers(1, 10**6))
def test_pauses_are_doubled_up_to_five_minutes(tries: int) -> None:
    assert BACKOFF.after(0) == 1.0
    assert BACKOFF.after(tries) <= 300.0
    assert BACKOFF.after(tries + 1) == min(2 * BACKOFF.after(tries), 300.0)


def test_it_is_given_up_after_a_day_and_not_before(make: Make, database: Database) -> None:
    mail = Post(away={"all"})
    office = make(mail)
    office.spool.save_alert(alert())
    office.work()
    office.work(timedelta(hours=23.99).total_seconds())
    assert told(database) == [("mail", "help@city.example", "waiting", 2)]
    office.work(301)
    assert told(database) == [("mail", "help@city.example", "given-up", 3)]
    assert office.spool.alerts() == []
    assert len(office.spool.given_up_alerts()) == 1, "a person has to look at it"
    (problem,) = told_by(office.alerter)
    assert "look at them" in problem and str(office.spool.directory) in problem
    mail.away.clear()
    office.work(301)
    assert mail.sent == []


def test_the_day_begins_with_the_first_try(make: Make, database: Database) -> None:
    """An alert that was pressed before a long power failure is tried for a day too."""
    office = make(Post(away={"all"}))
    office.spool.save_alert(alert(at=START - timedelta(days=3)))
    office.work()
    office.work(400)
    assert told(database) == [("mail", "help@city.example", "waiting", 2)]


def test_without_the_database_alerts_go_out_and_are_written_down_later(
    make: Make, database: Database, tmp_path: Path
) -> None:
    mail = Post()
    office = make(mail, catalogue=Database("postgresql://x@127.0.0.1:1/x"))
    office.spool.save_alert(alert())
    office.work()
    office.work(10)
    assert len(mail.sent) == 1 and office.spool.alerts() == [alert().id]
    assert any("does not answer" in each for each in told_by(office.alerter))
    again = make(mail)
    again.work()
    assert len(mail.sent) == 1, "a restart sends nothing twice"
    assert told(database) == [("mail", "help@city.example", "sent", 1)]
    assert again.spool.alerts() == []


def test_a_crash_before_it_was_written_down_sends_twice_and_loses_nothing(make: Make, tmp_path: Path) -> None:
    mail = Post()
    make(mail).spool.save_alert(alert())
    (tmp_path / "spool/alerts" / f"{alert().id}.sent").write_text("[{")
    make(mail).work()
    assert mail.sent == [(alert().id, "help@city.example")]


def test_a_full_disk_makes_no_flood_of_mails(
    make: Make, monkeypatch: pytest.MonkeyPatch, database: Database
) -> None:
    mail = Post()
    office = make(mail)
    office.spool.save_alert(alert())

    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", full)
        for _ in range(3):
            office.work(60)
        assert any("the disk is full" in each for each in told_by(office.alerter))
    office.work()
    assert len(mail.sent) == 1 and office.spool.alerts() == [] and told_by(office.alerter) == []
    assert told(database) == [("mail", "help@city.example", "sent", 1)]


FULL = OSError(28, "No space left on device")


def _refuse(monkeypatch: pytest.MonkeyPatch, *methods: str) -> None:
    def full(*_: object) -> None:
        raise FULL

    for each in methods:
        monkeypatch.setattr(Spool, each, full)


def test_an_alert_goes_out_while_the_disk_takes_nothing(
    make: Make, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Once; and it is in the catalogue, and asked for again it is not sent again."""
    mail = Post()
    office = make(mail)
    with monkeypatch.context() as patched:
        _refuse(patched, "save_alert", "save_deliveries")
        for _ in range(2):
            with pytest.raises(OSError, match="No space"):
                office.alerter.take(alert())
            office.work()
        assert len(mail.sent) == 1 and office.spool.alerts() == []
        assert any("the disk is full" in each for each in told_by(office.alerter))
        assert told(database) == [("mail", "help@city.example", "sent", 1)]
    office.alerter.take(alert())
    assert office.spool.alerts() == [alert().id]
    office.work()
    office.alerter.take(alert())
    office.work(60)
    assert len(mail.sent) == 1 and office.spool.alerts() == [] and told_by(office.alerter) == []


def test_an_alert_goes_out_while_the_disk_hangs(
    tmp_path: Path, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    mail, spool, back = Post(), Spool(tmp_path / "spool"), threading.Event()
    save_for_real, list_for_real = Spool.save_alert, Spool.alerts

    def save(self: Spool, alert: Alert) -> None:
        back.wait(60)
        save_for_real(self, alert)

    def listed(self: Spool) -> list[str]:
        back.wait(60)
        return list_for_real(self)

    monkeypatch.setattr(Spool, "save_alert", save)
    monkeypatch.setattr(Spool, "alerts", listed)
    alerter = Alerter(spool, [mail], database)
    threads = [threading.Thread(target=each) for each in (alerter.run, lambda: alerter.take(alert()))]
    for thread in threads:
        thread.start()
    try:
        wait_until(lambda: bool(mail.sent), 20, "the mail")
    finally:
        back.set()
        alerter.stop()
        for thread in threads:
            thread.join(20)
    assert len(mail.sent) == 1 and not any(thread.is_alive() for thread in threads)


def test_an_alert_that_a_person_takes_out_of_the_spool_is_not_tried_again(make: Make, tmp_path: Path) -> None:
    mail = Post(away={"all"})
    office = make(mail)
    office.spool.save_alert(alert())
    office.work()
    (tmp_path / "spool/alerts" / f"{alert().id}.json").unlink()
    office.work(400)
    assert len(mail.tried) == 1 and told_by(office.alerter) == []


def test_a_way_with_a_bug_does_not_stop_the_others(make: Make) -> None:
    class Broken(Post):
        def send(self, alert: Alert, recipient: str) -> None:
            raise ZeroDivisionError

    webhook = Post("webhook", ("",))
    office = make(Broken(), webhook)
    office.spool.save_alert(alert())
    office.work()
    assert webhook.sent
    assert any("ZeroDivisionError" in each for each in told_by(office.alerter))


def test_help_that_nobody_can_be_told_of_is_a_problem(make: Make) -> None:
    office = make(Post(to=()))
    office.spool.save_alert(alert(support_phone=None))
    office.work()
    assert any("nobody who could be told" in each for each in told_by(office.alerter))
    assert office.alerter.unsent() == 1
    office.work(86_399)
    assert office.spool.alerts()
    office.work(1)
    assert office.spool.alerts() == [] and len(office.spool.given_up_alerts()) == 1


@pytest.mark.parametrize("days", [1, -1, 29_000])
def test_a_clock_that_is_set_gives_no_alert_up(make: Make, days: int) -> None:
    mail = Post(away={"all"})
    office = make(mail)
    office.spool.save_alert(alert())
    office.work()
    office.day[0] += timedelta(days=days)
    for _ in range(20):
        office.work(300)
    assert office.spool.alerts() and not office.spool.given_up_alerts()
    mail.away.clear()
    office.work(300)
    assert mail.sent and office.spool.alerts() == []


def test_where_only_a_support_phone_is_called_there_is_nothing_to_send(make: Make) -> None:
    office = make()
    office.spool.save_alert(alert())
    office.work()
    assert office.spool.alerts() == [] and told_by(office.alerter) == [] and office.alerter.unsent() == 0


def test_an_alert_that_cannot_be_read_keeps_nobody_waiting(make: Make, tmp_path: Path) -> None:
    mail = Post()
    office = make(mail)
    office.spool.save_alert(alert())
    (tmp_path / "spool/alerts" / f"{LATER_ID}.json").write_text("{")
    office.work()
    assert mail.sent == [(alert().id, "help@city.example")]
    assert office.spool.given_up_alerts() == [f"{LATER_ID}.json"]


def test_what_crashes_leave_is_swept(make: Make, tmp_path: Path) -> None:
    office = make(Post())
    left = tmp_path / "spool/alerts" / f"{LATER_ID}.sent"
    left.write_text("[]")
    office.spool.save_alert(alert())
    office.work()
    assert not left.exists()


def test_an_alert_comes_back_from_the_spool_as_it_was(tmp_path: Path) -> None:
    spool, made = Spool(tmp_path), alert(number=None, direction=None)
    spool.save_alert(made)
    spool.save_alert(made)
    assert spool.alerts() == [made.id] and spool.alert_of(made.id) == made
    told = (Delivery("mail", "a@x.example", AlertState.SENT, 2, START, START, "x"),)
    spool.save_deliveries(made.id, told)
    assert spool.deliveries_of(made.id) == told
    assert spool.deliveries_of(LATER_ID) == ()


def test_its_threads_send_at_once_and_a_way_that_hangs_keeps_nobody(
    tmp_path: Path, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("callrec.alerts.alerter.STOP_SECONDS", 0.1)
    hangs, webhook, spool = threading.Event(), Post("webhook", ("",)), Spool(tmp_path / "spool")

    class Hanging(Post):
        def send(self, alert: Alert, recipient: str) -> None:
            hangs.wait(60)

    alerter = Alerter(spool, [Hanging(), webhook], database)
    thread = threading.Thread(target=alerter.run)
    thread.start()
    try:
        spool.save_alert(alert())
        alerter.wake()
        wait_until(lambda: bool(webhook.sent), 20, "the message")
        wait_until(lambda: ("webhook", "", "sent", 1) in told(database), 20, "its row")
    finally:
        alerter.stop()
        thread.join(5)
        hangs.set()
    assert not thread.is_alive(), "an end does not wait for it either"
    assert spool.alerts() == [alert().id], "what was not sent waits for the next start"


def test_the_pause_ends_when_the_next_try_is_due(tmp_path: Path) -> None:
    spool, clock = Spool(tmp_path), Clock()
    spool.save_alert(alert())
    ledger = Ledger(spool)
    ledger.load()
    made = DeliveryWorker(Post(away={"all"}), ledger, lambda: None, clock=clock)
    assert made._pause() == delivery_worker.IDLE_SECONDS
    made.work()
    assert made._pause() == pytest.approx(1.0)


def test_addresses_of_a_facility_are_a_problem_where_no_mail_server_is_named(app: App) -> None:
    """They were set by command, which does not know callrec.toml of the controller's machine."""
    office = RulesOffice([Facility("shiba", "芝地区総合支所", support_mail=("a@x.example",))])
    alerter = app.alerter(lambda: office)
    app.spool.save_alert(alert())
    alerter._load()
    for each in alerter.workers:
        each.work()
    alerter.work()
    (problem,) = told_by(alerter)
    assert "help.smtp_host" in problem and app.spool.alerts() == [alert().id]


def test_what_is_taken_out_of_the_spool_while_others_are_tried_is_not_sent(make: Make) -> None:
    mail = Post()
    office = make(mail)
    office.spool.save_alert(alert())
    office.spool.save_alert(alert(id=LATER_ID))
    office.alerter._load()
    (worker,) = office.alerter.workers
    send = mail.send

    def removing(sent: Alert, recipient: str) -> None:
        send(sent, recipient)
        office.spool.remove_alert(LATER_ID)
        office.alerter._load()

    mail.send = removing  # type: ignore[method-assign,assignment]
    worker.work()
    assert mail.sent == [(alert().id, "help@city.example")]


def test_a_new_alert_does_not_wait_until_all_others_were_tried_again(make: Make) -> None:
    """Also while one after the other of many is tried again, each for as long as a server takes."""
    mail = Post(away={"all"})
    office = make(mail)
    for number in range(3):
        office.spool.save_alert(alert(id=f"01a20000-0000-7000-8000-00000000010{number}"))
    office.work()
    office.clock.now += 10
    send, late = mail.send, alert(id="01a20000-0000-7000-8000-000000000109")

    def slow(sent: Alert, recipient: str) -> None:
        office.alerter._ledger.add(late)
        send(sent, recipient)

    mail.tried.clear()
    mail.send = slow  # type: ignore[method-assign,assignment]
    office.alerter.workers[0].work()
    assert mail.tried[1] == late.id


def test_an_alert_that_comes_while_it_is_looked_what_is_due_goes_first(make: Make) -> None:
    mail = Post(away={"all"})
    office = make(mail)
    for number in range(3):
        office.spool.save_alert(alert(id=f"{alert().id[:-2]}{number:02}"))
    office.work()
    mail.tried.clear()
    office.clock.now += 2
    (worker,) = office.alerter.workers
    ready = worker._ready

    def meanwhile() -> list[tuple[Alert, Delivery]]:
        found = ready()
        if not mail.tried:
            office.alerter.take(alert(id=LATER_ID))
        return found

    worker._ready = meanwhile  # type: ignore[method-assign]
    worker.work()
    assert mail.tried[1] == LATER_ID, "after the one that was under way"
