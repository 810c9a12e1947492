"""A backup of one kind of database goes into the other; and the drill of docs/en/backup.md, command by
command, with real calls and everything but the bucket lost."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import threading
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from callrec.catalogue import changes, custody, portable
from callrec.catalogue.database import Database
from callrec.configuration import Answers, write_file
from callrec.demo.pbx import PbxPorts
from callrec.demo.softphones import Switchboard
from callrec.demo.system import DemoSystem
from callrec.desk.operation import perform
from callrec.desk.operations import keeping
from callrec.evidence.keys import KeyFolder
from callrec.model.access import Caller, Through
from tests import every_table
from tests.integration.conftest import DATABASES
from tests.integration.desk_office import own_database
from tests.integration.system import SystemUnderTest, callrec

DOCS = Path(__file__).parents[2] / "docs"
DRILLS = {"en": "\n## The drill\n", "ja": "\n## 訓練\n"}
"""By the language of the page: the heading above the commands."""
FOLDER = "/var/backups/callrec"


# --- from one kind to the other


def _configured(folder: Path, url: str) -> Path:
    """A configuration for an empty database."""
    folder.mkdir(mode=0o700)
    config = folder / "callrec.toml"
    write_file(config, Answers(database_url=url, spool=str(folder / "spool")))
    return config


def _rows(url: str) -> dict[str, Any]:
    database = Database(url)
    found = every_table.everything(database)
    database.close()
    return found


def test_rows_go_from_sqlite_to_postgresql_and_back(tmp_path: Path, postgresql: str) -> None:
    urls = [f"sqlite:///{tmp_path}/a.db", own_database(postgresql), f"sqlite:///{tmp_path}/b.db"]
    configs = [_configured(tmp_path / str(number), url) for number, url in enumerate(urls)]
    database = Database(urls[0])
    database.upgrade()
    every_table.fill(database)
    KeyFolder(tmp_path / "0/evidence").new("test", every_table.AT)
    before = every_table.everything(database)
    database.close()
    for number, (source, target) in enumerate(pairwise(configs)):
        backup = str(tmp_path / f"backup-{number}")
        done = callrec("--config", str(source), "backup", backup)
        assert (done.returncode, done.stderr) == (0, ""), done
        done = callrec("--config", str(target), "restore", backup)
        assert (done.returncode, done.stderr) == (0, ""), done
        _as_before(before, _rows(urls[number + 1]), 2 * (number + 1))
    _numbers_go_on(urls[1])


def _as_before(before: dict[str, Any], after: dict[str, Any], entries: int) -> None:
    """All is as it was, but that the custody log has more entries, and that the bucket is to be asked."""
    for name in before.keys() - {"custody", "rebuilding"}:
        assert after[name] == before[name], name
    assert after["custody"][:-entries] == before["custody"]


def _numbers_go_on(url: str) -> None:
    """The database gives numbers that nobody has, and still refuses to change the custody log."""
    database = Database(url)
    with database.begin() as connection:
        changes.note(connection, "rule 1", None, None, who="test", at=every_table.AT)
        assert custody.broken_at(connection) is None
    with pytest.raises(sa.exc.DBAPIError, match="only added to"), database.begin() as connection:
        connection.exec_driver_sql("DELETE FROM custody")
    database.close()


@pytest.mark.parametrize("kind", DATABASES)
def test_what_is_read_is_of_one_moment_and_nobody_waits(
    kind: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    url = f"sqlite:///{tmp_path}/a.db"
    if kind == "postgresql":
        url = own_database(request.getfixturevalue("postgresql"))
    database = Database(url)
    database.upgrade()
    with database.begin() as connection:
        changes.note(connection, "rule 1", None, None, who="test", at=every_table.AT)
    with database.snapshot() as reading:
        tables = {each.name: each for each in portable.tables(reading)}
        assert len(list(portable.rows(reading, tables["changes"]))) == 1
        writer = threading.Thread(target=_written, args=(database,))
        writer.start()
        writer.join(30)
        assert not writer.is_alive(), "who writes waits for who reads"
        assert len(list(portable.rows(reading, tables["changes"]))) == 1
        assert not list(portable.rows(reading, tables["custody"]))
    with database.read() as connection:
        assert custody.head(connection)[0] == 1
    database.close()


def _written(database: Database) -> None:
    with database.begin() as connection:
        changes.note(connection, "rule 2", None, None, who="test", at=every_table.AT)
        custody.append(connection, "", "refused", who="test", at=every_table.AT)


# --- the drill


@pytest.fixture(params=DATABASES)
def own(request: pytest.FixtureRequest, scratch: Path) -> Iterator[SystemUnderTest]:
    """A system of its own: all of it is to be lost."""
    url = own_database(request.getfixturevalue("postgresql")) if request.param == "postgresql" else ""
    home = scratch / f"drill-{request.param}"
    with (
        DemoSystem(home, database_url=url, ports=PbxPorts.free()) as demo,
        Switchboard("127.0.0.1", demo.pbx.ports.sip) as switchboard,
    ):
        yield SystemUnderTest(demo, switchboard)


def drill(language: str = "en") -> list[str]:
    """The commands of the drill, in order."""
    text = (DOCS / language / "backup.md").read_text("utf-8").partition(DRILLS[language])[2]
    return re.findall(r"^ {8}callrec (.+)$", text, re.MULTILINE)


def test_both_languages_drill_alike() -> None:
    assert drill("en") == drill("ja") and drill("en")


class Drill:
    """Types the commands of the page, one after the other."""

    def __init__(self, system: SystemUnderTest, backups: Path) -> None:
        self._system, self._backups, self._left = system, backups, drill()

    def next(self, begins: str, code: int = 0) -> subprocess.CompletedProcess[str]:
        line = self._left.pop(0)
        assert line.startswith(begins), f"the page says: {line}"
        words = re.findall(r'"([^"]*)"|(\S+)', line.replace(FOLDER, str(self._backups)))
        done = self._system.callrec(*("".join(each) for each in words), CALLREC_LANG="en")
        assert done.returncode == code, (line, done.stdout, done.stderr)
        return done

    def is_over(self) -> bool:
        return not self._left


def test_the_drill(own: SystemUnderTest, tmp_path: Path) -> None:
    typed = Drill(own, tmp_path)
    first = own.record_call("0312340001")
    key = own.app.keys.signer().key_id
    typed.next("backup")
    second = own.record_call("0312340002")
    sato = Caller("sato", frozenset(), Through.DIRECT)
    held = perform(keeping.add_holds, own.app, sato, [first.id], "訴訟", None)
    assert len(list(held)) == 1
    perform(keeping.add_note, own.app, sato, first.call_id, "怒鳴られた")
    own.wait_until_clean()
    typed.next("custody anchor")
    _lost(own)
    typed.next("restore")
    refused = own.callrec("purge", CALLREC_LANG="en", **_purge_keys(own.demo.home))
    assert refused.returncode == 4 and "catalogue rebuild" in refused.stderr, "it does not know of the hold"
    typed.next("catalogue rebuild")
    assert "older copy" in typed.next("custody verify", 5).stdout
    typed.next("custody anchor --note")
    typed.next("custody verify")
    typed.next("verify --all")
    typed.next("catalogue check")
    typed.next("search")
    assert {each["id"] for each in _json(own, "search", "today")} == {first.id, second.id}
    assert [each["id"] for each in _json(own, "hold", "list")] == [first.id]
    assert "怒鳴られた" in own.callrec("show", first.id).stdout
    own.demo.start_controller()
    own.demo.start_desk()
    third = own.record_call("0312340003")
    assert own.manifest(third)["key_id"] == key and key in typed.next("evidence key list").stdout
    typed.next("verify --all")
    assert typed.is_over()


def _json(system: SystemUnderTest, *command: str) -> Any:
    return json.loads(system.callrec(*command, "--json").stdout)


def _purge_keys(home: Path) -> dict[str, str]:
    lines = (home / "purge.env").read_text().splitlines()
    return dict(line.split("=", 1) for line in lines)


def _lost(system: SystemUnderTest) -> None:
    """The machine is gone, but for PBX and bucket."""
    assert system.demo.desk
    system.controller.stop()
    system.demo.desk.stop()
    system.app.database.close()
    for folder in (system.app.settings.spool.directory, system.app.settings.evidence.keys):
        shutil.rmtree(folder)
    system.demo.config.unlink()
    if file := system.app.database.file:
        for each in file.parent.glob(f"{file.name}*"):
            each.unlink()
        return
    with system.app.database.begin() as connection:
        connection.exec_driver_sql("DROP SCHEMA public CASCADE")
        connection.exec_driver_sql("CREATE SCHEMA public")
    system.app.database.close()
