"""What commands import before they do anything: time is not measured here (bench/start.py), but what takes it
is named. Who searches through the desk needs no database, S3, sound, calendar or server, and help needs
nothing but the command line."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from callrec import account
from callrec.app import App
from callrec.catalogue import grants
from callrec.commands import COMPLETE
from callrec.model.access import Role
from tests.unit.desk.server_thread import serving

LATER = {
    "boto3",
    "botocore",
    "cheroot",
    "flask",
    "holidays",
    "jinja2",
    "phonenumbers",
    "rich.console",
    "soundfile",
}
"""What is imported when it is needed, by the process that needs it."""
BY_WHOEVER_READS_SETTINGS = LATER | {
    "alembic",
    "callrec.manifest",
    "callrec.pbx",
    "callrec.policy",
    "cryptography",
    "numpy",
    "requests",
    "structlog",
}
THROUGH_THE_DESK = BY_WHOEVER_READS_SETTINGS | {
    "asyncio",
    "callrec.app",
    "callrec.catalogue",
    "callrec.settings",
    "callrec.model.calls",
    "callrec.wording",
    "concurrent",
    "email",
    "hashlib",
    "http",
    "importlib.metadata",
    "logging",
    "pydantic",
    "sqlalchemy",
    "sqlite3",
    "shutil",
    "ssl",
}
FOR_HELP = THROUGH_THE_DESK | {
    "callrec.desk",
    "callrec.model",
    "callrec.dates",
    "dataclasses",
    "json",
    "pathlib",
    "rich",
    "socket",
}

RUN = """
import sys
from callrec.commands import main
try:
    main(sys.argv[1:])
finally:
    print(*sorted(sys.modules), file=sys.stderr)
"""


def _imported(*arguments: str, config: Path | None = None) -> set[str]:
    """Returns what a process of its own has imported when the command is done."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("CALLREC")}
    environment |= {"CALLREC_LANG": "en"} | ({"CALLREC_CONFIG": str(config)} if config else {})
    code = [sys.executable, "-c", RUN, *arguments]
    done = subprocess.run(code, capture_output=True, text=True, check=False, env=environment)
    *said, modules = done.stderr.splitlines()
    assert done.returncode in (0, 1) and not any("bug" in each for each in said), done.stderr
    return set(modules.split())


def test_what_is_left_when_a_command_ends_is_not_looked_at_once_more() -> None:
    code = "import atexit, gc; from callrec.commands import main; "
    code += (
        "atexit.register(lambda: print(len(gc.get_objects()), gc.get_freeze_count())); main(['--version'])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    looked_at, left = map(int, done.stdout.split()[-2:])
    assert looked_at < 100 < left


def _grant(app: App) -> None:
    with app.database.begin() as connection:
        grants.grant(connection, account.name_of(os.getuid()), Role.HANDLER, (), by="tester", at=app.now)


def test_asking_the_desk_imports_nothing_that_only_the_desk_needs() -> None:
    names = "access custody export fetch hold incident note play request retain search show verify"
    loaded = f"from callrec.commands import {names.replace(' ', ', ')}; import callrec.desk.client, sys"
    code = f"{loaded}; print(*sorted({LATER!r} & sys.modules.keys()))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


@pytest.mark.parametrize("arguments", [("--help",), ("--version",)])
def test_help_imports_nothing_but_the_command_line(arguments: tuple[str, ...]) -> None:
    assert sorted(FOR_HELP & _imported(*arguments)) == []


def test_a_search_imports_nothing_that_it_does_not_search_with(app: App, tmp_path: Path) -> None:
    config = tmp_path / "callrec.toml"
    config.write_text(f'[catalogue]\nurl = "{app.settings.catalogue.url}"\n')
    config.chmod(0o600)
    imported = _imported("search", "2026-11-22", "--extension", "2101", config=config)
    assert "sqlalchemy" in imported
    assert sorted(BY_WHOEVER_READS_SETTINGS & imported) == []


def test_the_tab_key_imports_neither_database_nor_settings(
    app: App, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serving(app, tmp_path / "desk.sock") as socket:
        _grant(app)
        asked = {"COMP_WORDS": f"callrec --desk {socket} show 01", "COMP_CWORD": "4"}
        for name, value in {COMPLETE: "bash_complete", **asked}.items():
            monkeypatch.setenv(name, value)
        imported = _imported()
    assert "callrec.desk.client" in imported
    # show itself has words, catalogue and models for what it prints; its file is found by its name
    assert sorted((LATER | {"callrec.app", "callrec.settings"}) & imported) == []


def test_a_search_through_the_desk_imports_neither_database_nor_settings(app: App, tmp_path: Path) -> None:
    with serving(app, tmp_path / "desk.sock") as socket:
        _grant(app)
        imported = _imported("--desk", str(socket), "search", "2026-11-22", "--extension", "2101")
    assert "callrec.desk.client" in imported
    assert sorted(THROUGH_THE_DESK & imported) == []
