"""The command line: help for everything, one line for every error, the exit codes of the contract."""

from __future__ import annotations

import errno
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import click
import pytest

from callrec import language
from callrec.catalogue import facilities
from callrec.commands import COMMANDS, Program, main, program
from callrec.prompts.wordings import SHIPPED
from tests import messages
from tests.unit.program import Done


def _all_commands() -> list[tuple[str, click.Command]]:
    found: list[tuple[str, click.Command]] = []
    context = click.Context(program)
    assert isinstance(program, Program)
    for name in COMMANDS:
        command = program.get_command(context, name)
        assert command is not None
        found.append((name, command))
        if isinstance(command, click.Group):
            found += [(f"{name} {sub}", each) for sub, each in command.commands.items()]
    return found


@pytest.mark.parametrize("name", [name for name, _ in _all_commands()])
def test_every_command_and_option_has_help(run: Callable[..., Done], name: str) -> None:
    command = dict(_all_commands())[name]
    assert command.help
    for parameter in command.params:
        assert not isinstance(parameter, click.Option) or parameter.help, f"{name} {parameter.name}"
    done = run(*name.split(), "--help")
    assert done.code == 0 and "Usage: callrec" in done.out and not done.err


def test_every_list_can_be_had_as_json_and_csv() -> None:
    for name, command in _all_commands():
        if name.split()[-1] in ("list", "search", "verify", "doctor"):
            options = {option for parameter in command.params for option in parameter.opts}
            assert {"--json", "--csv"} <= options, name


def test_everything_that_is_said_is_translated() -> None:
    said = messages.collect() | set(messages.CLICK) | {one for one, _ in messages.CLICK_PLURALS}
    done = {messages._key(each) for each in messages.catalogue() if any(messages._strings(each))} - {""}
    assert not said - done, "run python -m tests.messages and translate"
    assert not done - said, "texts nobody says any more"


def test_translations_keep_the_fields() -> None:
    fields = re.compile(r"{[^}]*}")
    plurals = {one for one, _ in messages.CLICK_PLURALS}
    for message in messages.catalogue():
        key = messages._key(message)
        if key and key not in plurals:
            (text,) = messages._strings(message)
            assert sorted(fields.findall(key)) == sorted(fields.findall(text)), key


def test_the_compiled_translations_are_those_of_the_source() -> None:
    assert messages.MO.read_bytes() == messages.compiled(messages.catalogue())


@pytest.mark.parametrize(
    ("environment", "japanese"),
    [
        ({"LANG": "ja_JP.UTF-8"}, True),
        ({"LANG": "C.UTF-8"}, False),
        ({"LANG": "ja_JP.UTF-8", "LC_ALL": "en_US.UTF-8"}, False),
        ({"LANG": "C.UTF-8", "CALLREC_LANG": "ja"}, True),
        ({"LANG": "ja_JP.UTF-8", "CALLREC_LANG": "en"}, False),
    ],
)
def test_the_language_is_that_of_the_locale(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], japanese: bool
) -> None:
    for name in ("CALLREC_LANG", "LC_ALL", "LC_MESSAGES", "LANG"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert language.choose() == ("ja" if japanese else "en")


def test_one_process_can_speak_both_languages(
    run: Callable[..., Done], monkeypatch: pytest.MonkeyPatch
) -> None:
    english = run("search", "--help").out
    monkeypatch.setenv("CALLREC_LANG", "ja")
    assert "録音" in run("search", "--help").out
    monkeypatch.setenv("CALLREC_LANG", "en")
    assert run("search", "--help").out == english


@pytest.mark.parametrize(("locale", "japanese"), [("ja_JP.UTF-8", True), ("C.UTF-8", False)])
def test_the_program_speaks_japanese_under_a_japanese_locale(
    tmp_path: Path, locale: str, japanese: bool
) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "callrec", "purge"],
        capture_output=True,
        encoding="utf-8",
        cwd=tmp_path,
        env={"PATH": os.environ["PATH"], "LANG": locale},
        check=False,
    )
    assert done.returncode == 2 and "callrec init" in done.stderr
    assert ("実行" in done.stderr) == japanese


def test_without_a_configuration_it_says_what_to_do(run: Callable[..., Done]) -> None:
    done = run("search", "today")
    assert (done.code, done.complaint) == (
        2,
        "callrec: there is no callrec.toml here or in /etc/callrec: run callrec init",
    )


@pytest.mark.parametrize("command", ["purge", "doctor"])
def test_who_works_through_the_desk_is_not_told_to_set_callrec_up(
    run: Callable[..., Done], command: str
) -> None:
    done = run("--desk", "/run/callrec/desk.sock", command)
    assert (done.code, done.complaint) == (
        4,
        f"callrec: callrec {command} does not go through the desk: ask whoever can read callrec.toml",
    )


@pytest.mark.parametrize(
    ("arguments", "code", "complaint"),
    [
        (["nonsense"], 2, "No such command"),
        ([], 2, "callrec: Missing command. (see callrec --help)"),
        (["rule"], 2, "callrec: Missing command. (see callrec rule --help)"),
        (["search", "--nonsense"], 2, "No such option"),
        (["rule", "add", "--mode", "sometimes"], 2, "'sometimes' is not one of"),
        (["rule", "add", "--mode", "automatic"], 2, "say whom the rule is about"),
        (["rule", "add", "--everywhere", "--extension", "2101", "--mode", "never"], 2, "say whom"),
        (["rule", "add", "--everywhere", "--mode", "never", "--retain", "long"], 2, "is not a duration"),
        (
            ["rule", "add", "--everywhere", "--mode", "never", "--language", "fr"],
            1,
            "no prompt notice in language fr",
        ),
        (["rule", "add", "--facility", "nowhere", "--mode", "never"], 1, "there is no facility nowhere"),
        (["rule", "remove", "7"], 1, "there is no rule 7"),
        (["extension", "add", "2101", "--facility", "nowhere"], 1, "there is no facility nowhere"),
        (["extension", "add", "abc", "--facility", "nowhere"], 2, "an extension is a number"),
        (["facility", "add", "芝", "--name", "芝"], 2, "is no code"),
        (["facility", "remove", "nowhere"], 1, "there is no facility nowhere"),
        (["facility", "add", "shiba", "--name", "\udc8e\udcc5"], 2, "is not UTF-8"),
        (["search", "--facility", "\udc8e\udcc5"], 2, "is not UTF-8"),
        (["search", "R8.13.1"], 2, "is not a date"),
        (["search", "today", "--on", "today"], 2, "the date was given twice"),
        (["search", "2026-11-22..2026-11-20"], 2, "ends before it begins"),
        (["search", "--min-duration", "x"], 2, "is not a duration"),
        (["search", "--on", ""], 2, "is not a date"),
        (["search", "--extension", ""], 2, "is no number"),
        (["search", "--extension", "shiba"], 2, "shiba is no number"),
        (["search", "--extension", "21o1"], 2, "21o1 is no number"),
        (["search", "--number", "abc"], 2, "abc is no number"),
        (["search", "--min-duration", ""], 2, "is not a duration"),
        (["search", "today"], 1, "or add --all-calls"),
        (["search", "today", "--all-calls"], 1, "or leave a condition out"),
        (["show", "12345678"], 1, "there is no recording or call 12345678"),
        (["show", "1234"], 2, "is too short"),
        (["fetch", "12345678"], 1, "there is no recording or call"),
        (["fetch", "12345678", "--clip", "x"], 2, "is not a part of a recording"),
        (["fetch", "12345678", "--request", "7\n2026-11-22  verified"], 2, "holds a control character"),
        (["verify"], 2, "say what to verify"),
        (["verify", "--sample", "1"], 1, "there is no recording in the archive yet"),
        (["prompt", "play", "nothing"], 1, "there is no prompt nothing"),
        (["serve"], 3, "the PBX does not answer"),
        (["status"], 1, "the controller is not running"),
        (["init", "--non-interactive", "--bucket", "x"], 4, "is there already"),
    ],
)
def test_errors_are_one_line_with_the_exit_code_of_the_contract(
    office: Callable[..., Done], arguments: list[str], code: int, complaint: str
) -> None:
    done = office(*arguments)
    assert done.code == code and complaint in done.complaint
    assert done.complaint.startswith("callrec: ")


def test_a_bug_is_one_line_too(office: Callable[..., Done], monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError("oops")

    monkeypatch.setattr(facilities, "all_facilities", broken)
    done = office("facility", "list")
    assert done.code == 1 and "a bug: ZeroDivisionError('oops')" in done.complaint
    monkeypatch.setenv("CALLREC_DEBUG", "1")
    with pytest.raises(ZeroDivisionError):
        main(["facility", "list"])


def test_what_the_system_refuses_is_no_bug(
    office: Callable[..., Done], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(facilities, "all_facilities", full)
    done = office("facility", "list")
    assert done.code == 1 and "the system refused: the disk is full" in done.complaint


def test_a_reader_that_has_gone_is_no_failure(office: Callable[..., Done]) -> None:
    """As after `callrec prompt list | head -1`, where the pipe is closed before all is written.

    In a process of its own, as the interpreter writes at its end too; in all forms: see test_streams.
    """
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run(
        [sys.executable, "-m", "callrec", "prompt", "list"],
        stdout=write,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        check=False,
    )
    os.close(write)
    assert (done.returncode, done.stderr) == (0, "")


def test_what_an_output_cannot_show_is_escaped(office: Callable[..., Done]) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "callrec", "prompt", "list", "--json"],
        capture_output=True,
        encoding="latin-1",
        env={**os.environ, "PYTHONIOENCODING": "latin-1"},
        check=False,
    )
    assert done.returncode == 0 and "録音" in json.loads(done.stdout)[1]["text"]


def test_an_empty_list_is_an_empty_array(office: Callable[..., Done]) -> None:
    for noun in ("facility", "extension", "rule"):
        done = office(noun, "list", "--json")
        assert (done.code, json.loads(done.out)) == (0, [])
        assert "yet" in office(noun, "list").err
    done = office("search", "today", "--json")
    assert (done.code, json.loads(done.out)) == (1, [])


def test_prompts_are_listed(office: Callable[..., Done]) -> None:
    listed = json.loads(office("prompt", "list", "--json").out)
    names = {(each["name"], each["language"]) for each in listed}
    assert names == {("notice", "en"), *((name, "ja") for name in SHIPPED)}


def test_a_prompt_is_played_here_or_that_cannot_be_is_said(
    office: Callable[..., Done], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Into a file, as the sound library of the player can."""
    monkeypatch.setenv("SDL_AUDIODRIVER", "disk")
    monkeypatch.setenv("SDL_DISKAUDIODELAY", "0")
    monkeypatch.setenv("SDL_DISKAUDIOFILE", str(tmp_path / "heard.raw"))
    assert office("prompt", "play", "notice").code == 0
    assert (tmp_path / "heard.raw").stat().st_size > 16000
    monkeypatch.setenv("SDL_DISKAUDIOFILE", "/nowhere/heard.raw")
    done = office("prompt", "play", "notice")
    assert done.code == 1 and "this machine plays no sound" in done.complaint


def test_the_version(run: Callable[..., Done]) -> None:
    assert re.fullmatch(r"callrec, version \d+\.\d+\.\d+\n", run("--version").out)
