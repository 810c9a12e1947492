"""The configuration folder of an Asterisk, and `callrec pbx` run on it."""

from __future__ import annotations

import io
import json
import sys
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import pytest

from callrec.commands import main
from tests.unit.program import Done

NAMES = (
    "ari.conf",
    "confbridge.conf",
    "extensions.conf",
    "features.conf",
    "http.conf",
    "manager.conf",
    "modules.conf",
)


def etc_of(tmp_path: Path, **files: str) -> Path:
    """A configuration folder; `modules` gives modules.conf its text, and so on."""
    etc = tmp_path / "asterisk"
    etc.mkdir()
    for name, text in {"modules": "[modules]\nautoload = yes\n", **files}.items():
        (etc / f"{name}.conf").write_text(text)
        (etc / f"{name}.conf").chmod(0o640)
    return etc


def run_pbx(command: str, etc: Path, *options: str, stdin: str = "") -> Done:
    """Runs `callrec pbx` in this process, with a standard input that is no terminal."""
    out, err, code = io.StringIO(), io.StringIO(), 0
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(err):
        patch.setattr(sys, "stdin", io.StringIO(stdin))
        try:
            main(["pbx", command, "--etc", str(etc), *options])
        except SystemExit as ended:
            code = int(ended.code or 0)
    return Done(code, out.getvalue(), err.getvalue())


def run_installer(etc: Path, *options: str, **passwords: str) -> Done:
    """Runs the installation; `passwords` are given on standard input."""
    given = "".join(f"{name} = {json.dumps(password)}\n" for name, password in passwords.items())
    from_stdin = ("--passwords", "-") if passwords else ()
    return run_pbx("install", etc, "--yes", *options, *from_stdin, stdin=given)


def install(etc: Path, *options: str, **passwords: str) -> str:
    """What the installation says."""
    done = run_installer(etc, *options, **passwords)
    assert done.code == 0, done.err
    return done.out


def remove(etc: Path, *options: str) -> str:
    """What the removal says."""
    done = run_pbx("remove", etc, "--yes", *options)
    assert done.code == 0, done.err
    return done.out


def files(etc: Path) -> dict[str, bytes]:
    """All that lies in the folder, by name."""
    return {str(path.relative_to(etc)): path.read_bytes() for path in etc.rglob("*") if path.is_file()}
