"""Finds the commands that the documents show, and says of those that no test runs as they stand why."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from tests.example_lines import RUN_BY_THE_DEMO, RUN_ELSEWHERE

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted(ROOT.glob("docs/en/*.md")), *sorted(ROOT.glob("docs/ja/*.md"))]
_DEMO = "needs a PBX or a real bucket: test_demo.py runs its examples"
NOT_RUN: dict[str, str] = {
    **dict.fromkeys(RUN_BY_THE_DEMO, _DEMO),
    **dict.fromkeys(RUN_ELSEWHERE, "an integration test of its own runs its examples"),
}
"""By a command: why its lines are read by Click only."""
RUN_WHOLE = {"rollout.md": "each line builds on those before it: test_rollout.py runs all of them in order"}
"""By a page: where its lines are run as they stand."""
_JOURNAL = "reads the journal of the machine, which has nothing of this call; with --file it is run"
_OUTSIDE = "writes outside the test's folder; test_services.py has root do it on an empty machine"
_INIT = "callrec --config /etc/callrec/callrec.toml init --answers /etc/asterisk/callrec/init.toml"
LINES_NOT_RUN: dict[str, str] = {
    "callrec log CALL": _JOURNAL,
    "callrec log CALL --json": _JOURNAL,
    "callrec verify --all --after ID": "there is one recording in the office, and none after it",
    "callrec pbx config -o /etc/asterisk/callrec --force": "writes outside the test's folder",
    _INIT: _OUTSIDE,
    f"{_INIT} --answers /root/s3.toml --non-interactive --make-bucket": _OUTSIDE,
}
"""By a line: why it is read by Click only."""
FIRST: dict[str, tuple[str, ...]] = {
    "callrec rule add --facility azabu --mode automatic --prompt short --language ja,zh,ko": (
        "callrec prompt add shiba.wav --name short --language zh --text 本次通话将被录音。",
        "callrec prompt add shiba.wav --name short --language ko --text '이 통화는 녹음됩니다.'",
    ),
    "callrec rule add --facility shiba --mode automatic --prompt night": (
        "callrec prompt make --name night --text 録音いたします。",
    ),
    "callrec rule add --facility shiba --mode automatic --prompt day --hours 'mon-fri 08:30-17:15' "
    "--holidays exclude --priority 1": ("callrec prompt make --name day --text 録音いたします。",),
    "callrec extension alias 2101 --remove 992101": ("callrec extension alias 2101 2101-WS 992101",),
    "callrec rule change 3 --unannounced record": ("callrec rule change 1 --unannounced discard",),
    "callrec rule change 3 --beep none": ("callrec rule change 1 --beep 15s",),
}
"""By a line: what is done before it, other than before the examples of its command."""
UNDER_A_REQUEST = ("request open", "request add", "request approve")
"""Commands, whose first examples are done before a line that names a request, if nothing else is."""
_GIVEN_ON = {"sudo", "exec", "env", "do", "then", "if", "while", "!", "--", "$", "time", "&&"}
"""Words after which a program may stand."""
_ENDS = re.compile(r"[|&;<>()]+")


@dataclass(frozen=True, slots=True)
class Shown:
    """A command of a page, as it is typed: without what a shell does with it, and without what is said of
    it."""

    page: str
    line: str


@cache
def shown() -> tuple[Shown, ...]:
    """Returns every command in every block of code of the documents, in order."""
    return tuple(
        Shown(str(page.relative_to(ROOT)), line)
        for page in PAGES
        for code in _code(page.read_text("utf-8"))
        for line in commands_in(code)
    )


def distinct() -> list[Shown]:
    """Returns the commands, those in words that are the same once."""
    return list({each.line: each for each in reversed(shown())}.values())[::-1]


def _code(text: str) -> Iterator[str]:
    """Yields the lines of blocks of code, between fences or indented; what is continued is one line."""
    fenced, begun = False, ""
    for line in text.splitlines():
        if line.lstrip().startswith("```"):
            fenced = not fenced
        elif fenced or re.match(r"(    |\t)", line):
            begun += line.strip()
            if begun.endswith("\\"):
                begun = begun[:-1]
                continue
            yield begun
            begun = ""


def commands_in(code: str) -> Iterator[str]:
    """Yields the commands of callrec in a line of a shell. What stands behind three blanks or # tells
    of it."""
    code = re.split(r"\s{3,}|\s#\s", code)[0]
    if not re.search(r"(^|[\s/(])callrec\s", code):
        return
    try:
        words = _words(code)
    except ValueError:  # no shell: a dialplan, a unit, a sentence
        return
    while words:
        words = _given_on(words)
        end = next((n for n, word in enumerate(words) if _ENDS.fullmatch(word)), len(words))
        if _is_ours(words[:end]):
            yield shlex.join(["callrec", *words[1:end]])
        words = words[end + 1 :]


def _is_ours(words: list[str]) -> bool:
    """Whether it is a command of callrec, and no indented sentence that begins with the name."""
    program = bool(words) and (words[0] == "callrec" or words[0].endswith("/bin/callrec"))
    return program and (not words[1:] or words[1].isascii())


def _words(code: str) -> list[str]:
    lexer = shlex.shlex(code, posix=True, punctuation_chars=True)
    lexer.whitespace_split, lexer.commenters = True, ""
    return list(lexer)


def _given_on(words: list[str]) -> list[str]:
    """Returns a command without what only says as whom and where it is run: ``sudo -u callrec A=1``."""
    while words:
        if words[0] in ("-u", "-g", "runuser") and len(words) > 1:
            words = words[1 if words[0] == "runuser" else 2 :]
        elif words[0] in _GIVEN_ON or re.fullmatch(r"-[A-Za-z]+|[A-Z_]+=.*", words[0]):
            words = words[1:]
        else:
            break
    return words
