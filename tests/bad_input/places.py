"""A folder in which the program runs: an office, some calls, and files, each of which may be damaged."""

from __future__ import annotations

import shutil
import sqlite3
import wave
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from random import Random

from callrec.catalogue import finding
from callrec.catalogue.database import Database
from callrec.configuration import Answers, write_file
from callrec.model.access import EVERYWHERE
from callrec.resources import shipped
from callrec.spool.directory import Spool
from tests import filled_catalogue
from tests.bad_input import texts

HERE = "/here"
"""Stands in files for the folder of a run."""
TABLE = "number,facility,name\n2103,shiba,窓口3\n2104,shiba,相談\n"
OFFICE = """[[facility]]
code = "shiba"
name = "芝地区総合支所"

[[extension]]
number = "2101"
facility = "shiba"
name = "窓口1"

[[rule]]
everywhere = true
mode = "automatic"
hours = "mon-fri 08:30-17:15"
"""
_ROWS = (
    "INSERT INTO facilities (code, name) VALUES ('shiba', '芝地区総合支所'), ('azabu', '麻布')",
    "INSERT INTO extensions (number, facility, name, service, aliases)"
    " VALUES ('2101', 'shiba', '窓口1', 0, '[]')",
)


@dataclass(frozen=True)
class Place:
    """What a folder is made of, as bytes, and the variables of the environment."""

    files: Mapping[str, bytes]
    environment: Mapping[str, str]
    language: str

    def lay_out(self, folder: Path) -> None:
        (folder / "folder").mkdir()
        shutil.copytree(shipped("prompts"), folder / "prompts", ignore=shutil.ignore_patterns("*.py"))
        for name, content in self.files.items():
            (folder / name).write_bytes(content.replace(HERE.encode(), bytes(folder)))
        Spool(folder / "spool")


def whole(folder: Path) -> tuple[dict[str, bytes], list[str]]:
    """Makes the files of a place in which nothing is wrong; returns them, and the ids of its recordings."""
    database = Database(f"sqlite:///{folder}/c.db")
    database.upgrade()
    with database.begin() as connection:
        for row in _ROWS:
            connection.exec_driver_sql(row)
    filled_catalogue.fill(database, datetime(2026, 11, 22, 1, tzinfo=UTC))
    with database.read() as connection:
        ids = finding.recording_ids(connection, reach=EVERYWHERE)
    database.close()
    answers = Answers()
    answers.database_url, answers.spool = f"sqlite:///{HERE}/c.db", f"{HERE}/spool"
    answers.ari_url, answers.ami_port = "http://127.0.0.1:1/ari", "1"
    answers.s3_url = "http://127.0.0.1:1"
    answers.access_key = answers.secret_key = answers.ari_password = answers.ami_password = "geheim"
    answers.prompts = f"{HERE}/prompts"
    write_file(folder / "callrec.toml", answers)
    (folder / "table.csv").write_text(TABLE, "utf-8")
    (folder / "office.toml").write_text(OFFICE, "utf-8")
    with wave.open(str(folder / "sound.wav"), "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(8000)
        sound.writeframes(Random(1).randbytes(16000))
    names = ("c.db", "callrec.toml", "table.csv", "office.toml", "sound.wav")
    return {name: (folder / name).read_bytes() for name in names}, ids


def place(chance: Random, whole_files: Mapping[str, bytes], folder: Path, words: tuple[str, ...]) -> Place:
    """Returns a place for a command in which one or two things are wrong: else only the first would be tried.

    `init` mostly finds no settings. What adds announcements has its settings: without them it would add to
    those that callrec comes with.
    """
    files = dict(whole_files)
    for name in ("table.csv", "office.toml", "sound.wav"):
        files[name] = texts.contents(chance, files[name])
    kind = chance.random()
    if words == ("init",) and chance.random() < 0.7:
        del files["callrec.toml"]
    elif kind < 0.15 and words not in (("prompt", "add"), ("prompt", "make")):
        files["callrec.toml"] = texts.contents(chance, files["callrec.toml"])
    elif kind < 0.25:
        files["c.db"] = _no_database(chance, files["c.db"])
    elif kind < 0.45:
        files["c.db"] = _damaged_row(chance, files["c.db"], folder)
    return Place(files, _environment(chance), chance.choice(("ja", "en")))


def _no_database(chance: Random, database: bytes) -> bytes:
    cut = database[: chance.randrange(len(database))]
    return chance.choice(
        (
            b"",
            b"no database",
            database[:100],
            cut,
            chance.randbytes(8192),
            texts._with_noise(chance, database),
        )
    )


def _damaged_row(chance: Random, database: bytes, folder: Path) -> bytes:
    """Returns the database with one column of one table changed by hand."""
    path = folder / "damaged.db"
    path.write_bytes(database)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode=DELETE")
        tables = [
            name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        ]
        table = chance.choice(tables)
        columns = [row[1] for row in connection.execute(f"PRAGMA table_info({table})")]
        value = chance.choice(
            (None, 7, -1.5, b"\xff", "{broken", "{}", "[]", "gestern", texts.text(chance)[:500])
        )
        if isinstance(value, str):
            value = value.encode("utf-8", "replace").decode()
        try:
            connection.execute(f"UPDATE {table} SET {chance.choice(columns)} = ?", (value,))  # noqa: S608
            connection.commit()
        except sqlite3.DatabaseError:  # the tables themselves refuse it
            connection.rollback()
    content = path.read_bytes()
    path.unlink()
    return content


def _environment(chance: Random) -> dict[str, str]:
    if chance.random() < 0.7:
        return {}
    name = chance.choice(
        (
            "CALLREC_HELP__MAIL_TO", "CALLREC_OFFICE__TIMEZONE", "CALLREC_PBX__TIMEOUT",
            "CALLREC_OFFICE__PREFIXES",
            "CALLREC_HELP__PHONE_DIAL", "CALLREC_CATALOGUE__URL", "CALLREC_SPOOL__DIRECTORY",
            "CALLREC_NONSENSE__X",
            "CALLREC_PBX__ARI_URL", "CALLREC_PROMPTS__DIRECTORY", "CALLREC_KEYS__KEEP",
            "CALLREC_RETENTION__DAYS",
            "AWS_PROFILE", "AWS_CONFIG_FILE", "AWS_ENDPOINT_URL", "REQUESTS_CA_BUNDLE", "HTTPS_PROXY",
            "PGSERVICE",
            "COLUMNS", "TERM", "NO_COLOR", "FORCE_COLOR", "HOME", "TMPDIR", "LC_ALL", "SUDO_USER",
            "PYTHONUTF8",
        )
    )  # fmt: skip
    value = texts.as_the_system_gives(texts.text(chance)[:20000])
    paths = ("DIRECTORY", "HOME", "TMPDIR", "URL")
    return {name: texts.inside(value) if name.endswith(paths) else value}
