"""Roles: granted to accounts that there are, taken back from those that are gone, and shown."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from callrec import account
from callrec.app import App
from callrec.catalogue import facilities, grants
from callrec.catalogue.database import Database
from callrec.dates import spoken
from callrec.desk import wire
from callrec.desk.operation import OPERATIONS, perform
from callrec.desk.operations import access
from callrec.desk.operations.searching import conventions
from callrec.errors import NotAllowed, NotFound
from callrec.model.access import Caller, Role, Through
from callrec.model.office import Facility
from tests.unit.program import Done, table
from tests.unit.samples import START

Office = Callable[..., Done]
DAEMON = "daemon"
"""An account, and a group, that every machine has."""


def caller(name: str, *groups: str) -> Caller:
    return Caller(name, frozenset(groups), Through.DESK)


def give(app: App, who: str, role: Role, *places: str) -> None:
    with app.database.begin() as connection:
        grants.grant(connection, who, role, places, by="root", at=START)


@pytest.fixture
def places(app: App) -> App:
    with app.database.begin() as connection:
        for code, name in (("shiba", "芝地区総合支所"), ("azabu", "麻布地区総合支所")):
            facilities.add_facility(connection, Facility(code, name), who="root", at=START)
    return app


def test_a_role_is_granted_listed_and_taken_back(shiba: Office) -> None:
    done = shiba("access", "grant", DAEMON, "handler", "--facility", "芝地区総合支所")
    assert (done.code, done.out) == (0, "daemon has the role handler now, for shiba\n")
    (listed,) = json.loads(shiba("access", "list", "--json").out)
    since = datetime.fromisoformat(listed.pop("granted_at"))
    assert listed == {
        "who": DAEMON,
        "role": "handler",
        "facility": "shiba",
        "granted_by": account.acting(),
        "gone": False,
    }
    assert spoken(since, ZoneInfo("Asia/Tokyo")) in shiba("access", "list").out
    assert table(shiba("access", "list", "--csv").out)[0]["facility"] == "shiba"
    assert "no longer has the role handler for shiba" in shiba("access", "revoke", DAEMON, "handler").out
    done = shiba("access", "list")
    assert done.code == 0 and "no role is granted" in done.complaint


def test_a_group_is_granted_a_role_for_everywhere(office: Office) -> None:
    assert (
        "@daemon has the role auditor now, for everywhere"
        in office("access", "grant", "@daemon", "auditor").out
    )
    assert office("access", "grant", "@daemon", "auditor").out == (
        "@daemon has the role auditor already: nothing changes\n"
    )


def test_a_facility_adds_nothing_to_everywhere(shiba: Office) -> None:
    shiba("access", "grant", DAEMON, "handler")
    done = shiba("access", "grant", DAEMON, "handler", "--facility", "shiba")
    assert done.code == 0 and "has the role handler for everywhere: nothing changes" in done.out
    assert len(json.loads(shiba("access", "list", "--json").out)) == 1
    done = shiba("access", "revoke", DAEMON, "handler", "--facility", "shiba")
    assert done.code == 4 and "revoke it without --facility" in done.complaint


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["grant", "daemom", "handler"], 1, "this machine has no account daemom"),
        (["grant", "@daemom", "handler"], 1, "this machine has no group daemom"),
        (["grant", "", "handler"], 1, "this machine has no account"),
        (["grant", "a\x00b", "handler"], 1, "this machine has no account a\\x00b"),
        (["grant", "@", "handler"], 1, "this machine has no group"),
        (["grant", "x" * 5000, "handler"], 1, "xxx…"),
        (["grant", DAEMON, "handler", "--facility", "sibha"], 1, "there is no facility sibha"),
        (["grant", DAEMON, "listener"], 2, "listener"),
        (["revoke", DAEMON, "handler"], 1, "daemon does not have the role handler"),
        (["revoke", "gone", "handler"], 1, "gone does not have the role handler"),
        (["revoke", DAEMON, "rules", "--facility", "azabu"], 1, "for azabu"),
        (["show", "gone"], 1, "this machine has no account gone"),
        (["show", ""], 2, "the name is empty"),
    ],
)
def test_what_cannot_be(shiba: Office, arguments: list[str], code: int, words: str) -> None:
    shiba("access", "grant", DAEMON, "rules", "--facility", "shiba")
    done = shiba("access", *arguments)
    assert done.code == code and words in done.complaint


def test_nothing_is_granted_where_one_facility_is_wrong(shiba: Office) -> None:
    shiba("access", "grant", DAEMON, "handler", "--facility", "shiba", "--facility", "sibha")
    assert json.loads(shiba("access", "list", "--json").out) == []


def test_grants_of_accounts_that_are_gone_are_marked_and_taken_back(office: Office, tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path}/c.db")
    with database.begin() as connection:
        grants.grant(connection, "has-left", Role.HANDLER, ["shiba"], by="root", at=START)
        grants.grant(connection, "@legal", Role.MANAGER, [], by="root", at=START)
    database.close()
    listed = json.loads(office("access", "list", "--json").out)
    assert [(each["who"], each["gone"]) for each in listed] == [("@legal", True), ("has-left", True)]
    assert office("access", "list").out.count("no longer on this machine") == 2
    assert "no longer on this machine" in office("access", "show", "has-left").out
    assert office("access", "revoke", "has-left", "handler", "--facility", "shiba").code == 0
    assert office("access", "revoke", "@legal", "manager").code == 0


def test_the_account_is_called_as_the_system_calls_it(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    """A directory may take any case, and two names may be one account: the kernel tells numbers only."""
    monkeypatch.setattr(account, "known", lambda who: DAEMON)
    direct = Caller("root", frozenset(), Through.DIRECT)
    assert perform(access.grant_role, app, direct, "DAEMON", Role.RULES, []).who == DAEMON
    assert perform(access.revoke_role, app, direct, "DAEMON", Role.RULES, []).who == DAEMON


def test_every_change_is_written_down(places: App) -> None:
    direct = Caller("root", frozenset(), Through.DIRECT)
    for _ in range(2):  # the second changes nothing
        perform(access.grant_role, places, direct, DAEMON, Role.HANDLER, ["shiba"])
    perform(access.revoke_role, places, direct, DAEMON, Role.HANDLER, [])
    with places.database.read() as connection:
        rows = connection.exec_driver_sql("SELECT who FROM changes WHERE subject = 'access daemon'").all()
    assert rows == [("root",), ("root",)]


def test_everybody_sees_what_they_may_do_themselves(places: App) -> None:
    found = perform(access.show_access, places, caller("tanaka"))
    assert not found.grants and not found.gone
    assert [each.command for each in found.commands] == ["access show", "completion"]
    give(places, "@legal", Role.RULES, "shiba")
    found = perform(access.show_access, places, caller("tanaka", "legal"), "tanaka")
    assert [each.who for each in found.grants] == ["@legal"]
    allowed = {each.command: each.facilities for each in found.commands}
    assert allowed["facility add"] == ["shiba"] and allowed["access show"] == []
    assert "access grant" not in allowed and "access list" not in allowed and "prompt check" in allowed


@pytest.mark.parametrize("who", ["root", "nobody-at-all", "a\x00b"])
def test_others_are_for_auditors(places: App, who: str) -> None:
    give(places, "tanaka", Role.MANAGER)
    with pytest.raises((NotAllowed, NotFound)):
        perform(access.show_access, places, caller("tanaka"), who)
    words_of = (
        ("list_access", "role auditor"),
        ("grant_role", "can read callrec.toml"),
        ("revoke_role", "only"),
    )
    for name, words in words_of:
        with pytest.raises(NotAllowed, match=words):
            perform(OPERATIONS[name], places, caller("tanaka"))
    with places.database.read() as connection:
        refused = connection.exec_driver_sql("SELECT count(*) FROM custody WHERE action = 'refused'")
        assert refused.scalar_one() >= 3


def test_the_zone_of_the_office_is_no_secret(places: App) -> None:
    """Else who has no role would be refused that, and not told what was refused."""
    assert perform(conventions, places, caller("tanaka")).timezone == "Asia/Tokyo"


def test_an_auditor_sees_what_is_about_facilities_in_reach(places: App) -> None:
    give(places, "suzuki", Role.AUDITOR, "shiba")
    give(places, DAEMON, Role.HANDLER, "azabu")
    give(places, "@daemon", Role.RULES)
    listed = perform(access.list_access, places, caller("suzuki"))
    assert [each.grant.who for each in listed] == ["@daemon", "suzuki"]
    shown = perform(access.show_access, places, caller("suzuki"), DAEMON)
    assert [each.role for each in shown.grants] == [Role.RULES] and "daemon" in shown.groups
    give(places, "has-left", Role.HANDLER, "azabu")
    for who in ("has-left", "never-was"):
        with pytest.raises(NotFound, match=f"this machine has no account {who}"):
            perform(access.show_access, places, caller("suzuki"), who)


def test_who_works_directly_may_do_everything(shiba: Office) -> None:
    shown = shiba("access", "show").out
    assert "can read callrec.toml, and may do everything" in shown and "callrec access grant" in shown
    shiba("access", "grant", "@daemon", "rules", "--facility", "shiba")
    shown = shiba("access", "show", DAEMON).out
    assert "rules: shiba (as a member of @daemon)" in shown and "callrec facility add" in shown
    whole = json.loads(shiba("access", "show", DAEMON, "--json").out)
    assert {"command": "facility add", "facilities": ["shiba"]} in whole["commands"]
    assert whole["who"] == DAEMON and not whole["direct"] and not whole["gone"]


def test_what_travels_arrives_as_it_was(places: App) -> None:
    direct = Caller("root", frozenset(), Through.DIRECT)
    given = wire.arguments(access.grant_role, (DAEMON, Role.HANDLER, ["shiba"]), {})
    change = perform(access.grant_role, places, direct, **wire.read_arguments(access.grant_role, given))
    assert wire.read_line(access.grant_role, wire.value_line(access.grant_role, change)) == change
    listed = perform(access.list_access, places, direct)
    assert wire.read_line(access.list_access, wire.value_line(access.list_access, listed)) == listed
    shown = perform(access.show_access, places, direct, DAEMON)
    assert wire.read_line(access.show_access, wire.value_line(access.show_access, shown)) == shown
