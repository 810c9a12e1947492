"""What a shell completes: what there is, for who may know it, in time, and never an error."""

from __future__ import annotations

import os
import socket
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import click
import pytest
import sqlalchemy as sa

from callrec.catalogue import custody, tables
from callrec.commands import COMPLETE, completing, program
from callrec.desk.operations import completing as operations
from callrec.model.access import Role
from callrec.model.names import NameKind
from tests import reference
from tests.unit.bench import Bench, BenchAfter, archive_one
from tests.unit.desk.server_thread import ThroughDesk
from tests.unit.kept_recording import request
from tests.unit.program import Done
from tests.unit.samples import CALL_ID, RECORDING_ID, START

Run = Callable[..., Done]
NEW_OR_FREE = {
    *("text", "reason", "ground", "for_whom", "to_whom", "medium", "note", "voice", "licence"),  # words
    *("date", "day", "on", "when", "at", "begin", "end", "from", "until", "due", "since", "expires", "hours"),
    *("clip", "beep", "retain", "retain_incident", "min_duration", "limit", "sample", "priority"),
    *("caller", "mails", "mail", "language", "keys"),
    *("database_url", "spool", "ari_url", "ari_password", "ami_host", "ami_port", "ami_password"),
    *("s3_url", "bucket", "access_key", "secret_key", "passphrase_file", "redaction"),
}
"""Parameters that name nothing callrec knows, in whichever command."""
NEW = {
    *(("extension add", "number"), ("extension add", "name"), ("facility add", "code")),
    *(("facility add", "name"), ("facility rename", "name"), ("prompt add", "name")),
    *(("init", "user"), ("service install", "user")),
    *(("pbx install", "permits"), ("pbx install", "http_port")),
    *(("prompt make", "name"), ("prompt make", "office"), ("prompt make", "reading")),
    *(("search", "number"), ("absence", "number"), ("policy text", "name")),
}
"""What is given for the first time, and numbers outside."""
SHIPPED = ["closing", "from-now", "notice", "recorded", "short", "warning"]


def _parameters() -> Iterator[tuple[str, click.Parameter]]:
    for path in reference.commands():
        command: click.Command = program
        for word in path.split():
            assert isinstance(command, click.Group)
            found = command.get_command(click.Context(command), word)
            assert found
            command = found
        yield from ((path, each) for each in command.params)


def test_each_parameter_is_completed_or_names_nothing_that_there_is() -> None:
    """Click itself completes choices and paths."""
    left = [
        f"{path}: {each.name}"
        for path, each in _parameters()
        if not completing.kind_of(path, each)
        and not getattr(each, "is_flag", False)
        and not isinstance(each.type, (click.Choice, click.Path))
        and each.name not in NEW_OR_FREE
        and (path, each.name) not in {*NEW, *completing._FILES}
    ]
    assert not left, "say in completing.py what it names, or here that it is nothing"


@pytest.fixture
def tab(run: Run, monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[str]]:
    """Presses Tab behind these words, of which the last one is not whole."""

    def completed(*words: str, of: str = "bash") -> list[str]:
        monkeypatch.setenv(COMPLETE, f"{of}_complete")
        line = ["callrec", *words]
        monkeypatch.setenv("COMP_WORDS", "\n".join(f"'{each}'" for each in line))
        monkeypatch.setenv("COMP_CWORD", str(len(line) - 1))
        done = run()
        monkeypatch.delenv(COMPLETE)
        assert (done.code, done.err) == (0, "")
        return done.out.splitlines() if done.out.strip() else []

    return completed


@pytest.fixture
def kept(archived_office: BenchAfter, office: Run) -> Bench:
    """An office with a facility, its phones, a recording, and a request."""
    bench = archived_office(archive_one)
    for line in (
        ["facility", "add", "shiba", "--name", "芝地区総合支所"],
        ["extension", "add", "2101", "--facility", "shiba", "--name", "窓口1"],
        ["extension", "add", "2102", "--facility", "shiba"],
        ["extension", "alias", "2101", "2101-WS"],
        ["rule", "add", "--facility", "shiba", "--mode", "automatic"],
    ):
        assert office(*line).code == 0
    return bench


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("facility", "rename", ""), ["shiba"]),
        (("facility", "rename", "a"), []),
        (("facility", "add", ""), []),
        (("extension", "list", "--facility", ""), ["shiba"]),
        (("extension", "move", "21"), ["2101", "2102"]),
        (("extension", "alias", "2101", ""), ["2101-WS"]),
        (("rule", "explain", "--extension", ""), ["2101", "2102"]),
        (("rule", "change", ""), ["1"]),
        (("rule", "add", "--prompt", "not"), ["notice"]),
        (("prompt", "play", "not"), ["notice"]),
        (("show", ""), [RECORDING_ID]),
        (("show", RECORDING_ID[:9]), [RECORDING_ID]),
        (("show", "zz"), []),
        (("fetch", RECORDING_ID, ""), []),
        (("hold", "add", "01a2"), [RECORDING_ID]),
        (("custody", "01a2"), [RECORDING_ID]),
        (("custody", ""), ["anchor", "report", "verify", RECORDING_ID]),
        (("request", "approve", ""), ["2026-0001"]),
        (("fetch", "--request", "2026"), ["2026-0001"]),
        (("rule", "add", "--mode", "a"), ["automatic"]),
        (("comple",), ["completion"]),
        (("verify", "01a2"), [RECORDING_ID]),
    ],
    ids=" ".join,
)
def test_what_there_is_is_completed(
    kept: Bench, tab: Callable[..., list[str]], words: tuple[str, ...], expected: list[str]
) -> None:
    request(kept.database, START)
    assert tab(*words) == [f"plain,{each}" for each in expected]


def test_a_call_without_a_recording_is_completed_where_it_can_be_shown(
    kept: Bench, tab: Callable[..., list[str]]
) -> None:
    with kept.database.begin() as connection:
        connection.execute(tables.recordings.delete())
    assert tab("show", "01") == tab("log", "01") == tab("note", "01") == [f"plain,{CALL_ID}"]
    assert tab("play", "01") == []


def test_files_are_left_to_the_shell(kept: Bench, tab: Callable[..., list[str]]) -> None:
    assert tab("verify", "pack") == tab("init", "--answers", "pack") == ["file,pack"]
    assert tab("extension", "import", "pack") == ["file,pack"]


def test_zsh_and_fish_are_told_what_it_is(kept: Bench, tab: Callable[..., list[str]]) -> None:
    assert tab("facility", "rename", "", of="zsh") == ["plain", "shiba", "芝地区総合支所"]
    assert tab("extension", "move", "2101", of="zsh") == ["plain", "2101", "shiba 窓口1"]
    assert tab("play", "01", of="zsh") == ["plain", RECORDING_ID, "2026-11-22 10:00:02 2101"]


def test_fish_is_told_in_its_own_form(
    kept: Bench, run: Run, tab: Callable[..., list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {
        COMPLETE: "fish_complete",
        "COMP_WORDS": "callrec facility rename sh",
        "COMP_CWORD": "sh",
    }.items():
        monkeypatch.setenv(name, value)
    assert run().out == "plain,shiba\t芝地区総合支所\n"


# --- for whom


def _rows(through: ThroughDesk) -> int:
    with through.app.database.read() as connection:
        return int(connection.scalar(sa.select(sa.func.count()).select_from(tables.custody)) or 0)


def _told(through: ThroughDesk, kind: NameKind) -> list[str]:
    return [each.name for each in through.remote.do(operations.names, kind, "")]


@pytest.mark.parametrize(
    ("roles", "facilities", "told"),
    [
        ((), (), {}),
        ((Role.RULES,), (), {"facility": ["shiba"], "extension": ["2101", "6000"], "prompt": SHIPPED}),
        ((Role.HANDLER,), ("shiba",), {"facility": ["shiba"], "extension": ["2101", "6000"]}),
        ((Role.HANDLER,), ("elsewhere",), {}),
        ((Role.AUDITOR,), (), {"facility": ["shiba"], "extension": ["2101", "6000"], "account": [None]}),
    ],
)
def test_nobody_is_told_more_than_may_be_listed_and_nothing_is_written_down(
    through_desk: ThroughDesk, roles: tuple[Role, ...], facilities: tuple[str, ...], told: dict[str, Any]
) -> None:
    through_desk.grant(*roles, facilities=facilities)
    before = _rows(through_desk)
    for kind in NameKind:
        if kind is not NameKind.ENDPOINT:  # there is no PBX
            found = _told(through_desk, kind)
            assert len(found) == len(told.get(kind, [])) and set(found) <= {*told.get(kind, []), *found}
            assert None in told.get(kind, []) or found == told.get(kind, []), kind
    assert _rows(through_desk) == before


def test_requests_are_those_in_reach(through_desk: ThroughDesk) -> None:
    number = request(through_desk.app.database, START)
    through_desk.grant(Role.MANAGER)
    assert _told(through_desk, NameKind.REQUEST) == [number]


# --- whatever happens


def test_nothing_is_said_where_nothing_can_be_told(
    tab: Callable[..., list[str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No configuration, a broken one, no database, no desk, and words that are no command."""
    words = ("facility", "rename", "")
    assert tab(*words) == []
    (tmp_path / "callrec.toml").write_text("[broken")
    assert tab(*words) == []
    (tmp_path / "callrec.toml").write_text('[catalogue]\nurl = "sqlite:///nowhere/c.db"\n')
    assert tab(*words) == []
    assert tab("--desk", str(tmp_path / "desk.sock"), *words) == []
    assert tab("--config") == ["plain,--config"]
    assert tab("no", "such", "command") == [] and tab("facility", "rename", "it's") == []


def test_a_desk_that_gives_no_answer_is_not_waited_for(
    tab: Callable[..., list[str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(completing, "SECONDS", 0.2)
    with closing(socket.socket(socket.AF_UNIX)) as silent:
        silent.bind(str(tmp_path / "desk.sock"))
        silent.listen()
        assert tab("--desk", str(tmp_path / "desk.sock"), "facility", "rename", "") == []


def test_nothing_is_written_down_of_who_works_directly(kept: Bench, tab: Callable[..., list[str]]) -> None:
    with kept.database.read() as connection:
        before = custody.of(connection, RECORDING_ID)
    assert tab("show", "01")
    with kept.database.read() as connection:
        assert custody.of(connection, RECORDING_ID) == before


# --- a real shell

PRESSES_TAB = """
set -eu
eval "$(callrec completion bash)"
complete -p callrec >&2
COMP_WORDS=({words} "{last}") COMP_CWORD={count}
_callrec_completion callrec
printf '%s\\n' "${{COMPREPLY[@]}}"
"""


@pytest.mark.parametrize(
    ("line", "expected"),
    [("callrec facility rename s", "shiba"), ("callrec extension list --facility ", "shiba")],
)
def test_a_real_bash_completes(shiba: Run, tmp_path: Path, line: str, expected: str) -> None:
    folder = tmp_path / "bin"
    folder.mkdir()
    (folder / "callrec").write_text(f'#!/bin/sh\nexec {sys.executable} -m callrec "$@"\n')
    (folder / "callrec").chmod(stat.S_IRWXU)
    *words, last = line.split(" ")
    script = PRESSES_TAB.format(words=" ".join(words), last=last, count=len(words))
    path = {"PATH": f"{folder}:{os.environ['PATH']}", "PYTHONPATH": str(Path(__file__).parents[3])}
    done = subprocess.run(
        ["bash", "-c", script],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
        env={**os.environ, **path},
    )
    assert (done.returncode, done.stdout) == (0, f"{expected}\n"), done.stderr
    assert done.stderr == "complete -o nosort -F _callrec_completion callrec\n"


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_script_is_that_of_the_shell(run: Run, shell: str) -> None:
    done = run("completion", shell)
    assert done.code == 0 and f"{COMPLETE}={shell}_complete" in done.out
    assert run("completion", "tcsh").code == 2
