"""The desk as accounts of the machine find it: real processes, a real archive, both databases."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from threading import Thread

import pytest
import sqlalchemy as sa

from callrec import account
from callrec.catalogue import custody, grants
from callrec.desk import operations
from callrec.desk.client import RemoteDesk
from callrec.desk.operation import CHECK_SECONDS, OPERATIONS
from callrec.desk.operations import giving
from callrec.errors import NotAllowed
from callrec.model.access import Role
from tests.integration.desk_office import DeskOffice, answers
from tests.integration.people import NOBODY, People
from tests.integration.system import eventually

WITHOUT = "without"
"""Somebody who has no role."""
ONCE = pytest.mark.parametrize("desk_office", ["sqlite"], indirect=True)
"""For what has nothing to do with the database."""
TRY_ALL = """
import json, sys
from pathlib import Path
from callrec.desk.client import RemoteDesk

desk, found = RemoteDesk(Path(sys.argv[1])), {}
for name in sys.argv[2:]:  # with an argument that no operation has: nothing is done
    with desk._answer("POST", f"/v1/{name}", b'{"": 0}') as answer:
        found[name] = json.loads(answer.readline())["error"]
print(json.dumps(found))
"""
CLAIM = """
import http.client, socket, sys

connection = http.client.HTTPConnection("desk")
connection.sock = socket.socket(socket.AF_UNIX)
connection.sock.connect(sys.argv[1])
claims = {name: sys.argv[2] for name in sys.argv[3:]}
connection.request("POST", "/v1/list_facilities", b"{}", {**claims, "Connection": "close"})
print(connection.getresponse().read().decode())
"""
MANY = """
import sys, threading
from collections import Counter
from pathlib import Path
from callrec.desk.client import RemoteDesk
from callrec.desk.operations.facilities import add_facility, list_facilities
from callrec.errors import NotAllowed

threads, desk, may, outcomes = int(sys.argv[2]), Path(sys.argv[1]), sys.argv[3] == "may", Counter()
together = threading.Barrier(threads)

def ask():
    together.wait()
    try:
        found = RemoteDesk(desk).do(list_facilities)
        outcomes[f"{len(found)} facilities"] += 1
    except NotAllowed:
        outcomes["refused"] += 1
    except Exception as error:
        outcomes[repr(error)] += 1

every = [threading.Thread(target=ask) for _ in range(threads)]
for each in every: each.start()
for each in every: each.join()
print(dict(outcomes))
"""
ADD = """
import sys
from pathlib import Path
from callrec.desk.client import RemoteDesk
from callrec.desk.operations.facilities import add_facility
from callrec.errors import Refused

desk = RemoteDesk(Path(sys.argv[1]))
for number in range(int(sys.argv[2])):
    try:
        desk.do(add_facility, f"f{number}", f"{number}")
        print(number)
    except Refused:
        pass
"""


@pytest.fixture
def staff(desk_office: DeskOffice, people: People) -> dict[str, str]:
    """Somebody of each role, and somebody of none, with the names that the machine knows them by."""
    names = {role.value: people.name(role.value) for role in Role}
    for role, name in names.items():
        desk_office.grant(name, Role(role))
    return {**names, WITHOUT: people.name(WITHOUT)}


def refusals(office: DeskOffice, who: str) -> list[custody.Entry]:
    """What the custody log says was refused to somebody."""
    with office.app.database.read() as connection:
        return [each for each in custody.of(connection, "") if (each.who, each.action) == (who, "refused")]


# --- who asks


def test_who_has_a_role_is_served(desk_office: DeskOffice, people: People, staff: dict[str, str]) -> None:
    done = people.run("rules", "facility", "list", "--csv", desk=desk_office.socket)
    assert done.code == 0, done.err
    assert "shiba" in done.out and "azabu" in done.out


def test_nobody_is_refused_and_written_down(desk_office: DeskOffice, people: People) -> None:
    done = people.nobody("facility", "list", desk=desk_office.socket)
    assert done.code == 4 and f"#{NOBODY} " in done.complaint
    (entry,) = refusals(desk_office, f"#{NOBODY}")
    assert entry.details["command"] == "facility list" and entry.details["through"] == "desk"


@ONCE
def test_what_needs_the_configuration_itself_is_refused_and_written_down(
    desk_office: DeskOffice, people: People, staff: dict[str, str]
) -> None:
    before = len(refusals(desk_office, staff[Role.MANAGER]))
    done = people.run(Role.MANAGER, "purge", desk=desk_office.socket)
    assert done.code == 4 and "callrec purge does not go through the desk" in done.complaint
    (entry,) = refusals(desk_office, staff[Role.MANAGER])[before:]
    assert entry.details["command"] == "purge"


@ONCE
def test_who_sends_another_name_is_not_taken_for_that(
    desk_office: DeskOffice, people: People, staff: dict[str, str]
) -> None:
    before = len(refusals(desk_office, staff[WITHOUT]))
    headers = (
        "X-Remote-Uid",
        "X_REMOTE_UID",
        "X-Remote-User",
        "REMOTE_USER",
        "Remote-User",
        "Cookie",
        "From",
    )
    done = people.python(WITHOUT, CLAIM, str(desk_office.socket), staff["rules"], *headers)
    assert json.loads(done.out)["error"] == "NotAllowed", done.err
    variables = ("USER", "LOGNAME", "SUDO_USER", "USERNAME")
    done = people.run(
        WITHOUT, "facility", "list", desk=desk_office.socket, env=dict.fromkeys(variables, staff["rules"])
    )
    assert done.code == 4 and staff[WITHOUT] in done.complaint
    assert len(refusals(desk_office, staff[WITHOUT])) == before + 2


@ONCE
def test_a_group_counts_whether_it_is_the_first_of_somebody_or_not(
    desk_office: DeskOffice, people: People
) -> None:
    desk_office.grant("@" + people.group("section"), Role.RULES)
    people.name("member", "section", "others")
    people.name("first", primary="section")
    people.name("stranger", "others")
    codes = {
        who: people.run(who, "facility", "list", desk=desk_office.socket).code
        for who in ("member", "first", "stranger")
    }
    assert codes == {"member": 0, "first": 0, "stranger": 4}


@ONCE
def test_what_is_being_heard_ends_with_the_role(desk_office: DeskOffice) -> None:
    """What the kernel has already may still be heard; the rest is not sent."""
    me = account.name_of(os.getuid())
    desk_office.grant(me, Role.HANDLER)
    with RemoteDesk(desk_office.socket).do(giving.play, desk_office.shiba) as sound:
        pieces = iter(sound)
        came = len(next(pieces))
        with desk_office.app.database.begin() as connection:
            grants.revoke(connection, me, Role.HANDLER, [], by="test", at=desk_office.app.now)
        time.sleep(CHECK_SECONDS)
        with pytest.raises(NotAllowed, match="it needs the role handler"):
            for each in pieces:
                came += len(each)
    with desk_office.app.database.read() as connection:
        heard, refused = custody.of(connection, desk_office.shiba)[-2:]
    assert (heard.action, refused.action, refused.who) == ("heard", "refused", me)
    assert refused.details["sent"] == f"{10 * came / sound.about.size:.0f}s" and came < sound.about.size / 2


@ONCE
def test_who_must_not_read_the_configuration_goes_through_the_desk(
    desk_office: DeskOffice, people: People, staff: dict[str, str]
) -> None:
    env = {"CALLREC_CONFIG": str(desk_office.config), "CALLREC_DESK": str(desk_office.socket)}
    done = people.execute("rules", [people.program / "bin/callrec", "facility", "list"], env)
    assert done.code == 0, done.err
    done = people.execute(
        "rules",
        [people.program / "bin/callrec", "--config", str(desk_office.config), "facility", "list"],
        env,
    )
    assert done.code == 0, done.err


# --- who may what


def test_each_role_may_what_is_its_own_and_nothing_else(
    desk_office: DeskOffice, people: People, staff: dict[str, str]
) -> None:
    operations.load()
    before = len(refusals(desk_office, staff[WITHOUT]))
    for who in (*Role, WITHOUT):
        done = people.python(who, TRY_ALL, str(desk_office.socket), *OPERATIONS)
        found = json.loads(done.out)
        expected = {
            name: "WrongUsage" if who in each.roles or getattr(each, "anybody", False) else "NotAllowed"
            for name, each in OPERATIONS.items()
        }
        assert found == expected, who
    refused = [each for each, expected in expected.items() if expected == "NotAllowed"]
    assert len(refusals(desk_office, staff[WITHOUT])) == before + len(refused)


# --- many at once


def test_fifty_at_once_are_all_answered(
    desk_office: DeskOffice, people: People, staff: dict[str, str]
) -> None:
    """Half of them may, and half are refused, which is written into the custody log."""
    socket, program = desk_office.socket, people.program / "bin/callrec"
    before = len(refusals(desk_office, staff[WITHOUT]))
    command: list[str | Path] = [people.program / "bin/python", "-c", MANY, socket, "25"]
    with (
        ExitStack() as stack,
        people.started("rules", [*command, "may"]) as may,
        people.started(WITHOUT, [*command, "may not"]) as may_not,
    ):
        listing: list[str | Path] = [program, "--desk", socket, "facility", "list"]
        running = [stack.enter_context(people.started("rules", listing)) for _ in range(5)]
        assert [each.communicate(timeout=60)[1] for each in running] == [""] * 5
        assert [each.returncode for each in running] == [0] * 5
        with desk_office.app.database.read() as connection:
            count = connection.execute(sa.text("SELECT count(*) FROM facilities")).scalar_one()
        assert may.communicate(timeout=60)[0].strip() == str({f"{count} facilities": 25})
        assert may_not.communicate(timeout=60)[0].strip() == str({"refused": 25})
    assert len(refusals(desk_office, staff[WITHOUT])) == before + 25
    with desk_office.app.database.read() as connection:
        assert custody.broken_at(connection) is None


@contextmanager
def second_desk(office: DeskOffice) -> Iterator[Path]:
    path = office.socket.with_name("second.sock")
    desk = office.start_desk(socket=path)
    try:
        yield path
    finally:
        desk.stop()


def test_two_desks_do_the_same_work_once(
    desk_office: DeskOffice, people: People, staff: dict[str, str]
) -> None:
    with second_desk(desk_office) as second:
        added: dict[Path, list[str]] = {}

        def add(desk: Path) -> None:
            added[desk] = people.python("rules", ADD, str(desk), "12").out.split()

        threads = [Thread(target=add, args=(each,)) for each in (desk_office.socket, second)]
        for each in threads:
            each.start()
        for each in threads:
            each.join()
    first, other = added.values()
    assert sorted([*first, *other], key=int) == [str(number) for number in range(12)]
    with desk_office.app.database.read() as connection:
        assert custody.broken_at(connection) is None


# --- its beginning and its end


@ONCE
def test_it_ends_in_order_and_says_in_its_log_who_asked(
    desk_office: DeskOffice, people: People, staff: dict[str, str]
) -> None:
    path = desk_office.socket.with_name("ending.sock")
    desk = desk_office.start_desk(socket=path)
    assert people.run("rules", "facility", "list", desk=path).code == 0
    os.kill(desk.pid, signal.SIGTERM)
    eventually(lambda: not desk.running, what="its end")
    assert not path.exists()
    lines = [json.loads(line) for line in desk_office.log(path).read_text().splitlines()]
    (asked,) = [each for each in lines if each.get("operation") == "list_facilities"]
    assert (asked["who"], asked["code"]) == (staff["rules"], 0)
    assert lines[-1]["event"] == "the desk has ended"


@ONCE
def test_after_a_kill_it_starts_again_at_the_same_place(desk_office: DeskOffice, people: People) -> None:
    path = desk_office.socket.with_name("killed.sock")
    desk_office.start_desk(socket=path).kill()
    assert path.exists() and not answers(path)
    done = people.run("rules", "facility", "list", desk=path)
    assert done.code == 3 and "connection refused" in done.complaint
    desk_office.start_desk(socket=path).stop()
    assert not path.exists()


@ONCE
def test_it_does_not_start_a_second_time_nor_without_its_database(desk_office: DeskOffice) -> None:
    away = "postgresql+psycopg://callrec:x@127.0.0.1:1/callrec"
    for settings, code in (({}, 4), ({"CALLREC_CATALOGUE__URL": away}, 3)):
        done = subprocess.run(
            [sys.executable, "-m", "callrec", "--config", str(desk_office.config), "desk"],
            env={**os.environ, "CALLREC_DESK__SOCKET": str(desk_office.socket), **settings},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == code and len(done.stderr.splitlines()) == 1, done.stderr
    assert answers(desk_office.socket)


@pytest.mark.parametrize("desk_office", ["postgresql"], indirect=True)
def test_it_says_when_the_database_goes_and_goes_on_when_it_is_back(
    desk_office: DeskOffice, people: People, staff: dict[str, str]
) -> None:
    def asked() -> int:
        return people.run("rules", "facility", "list", desk=desk_office.socket).code

    assert asked() == 0
    with desk_office.database_away():
        done = people.run("rules", "facility", "list", desk=desk_office.socket)
        assert done.code == 3 and done.complaint
    assert eventually(lambda: asked() == 0, what="its return")
