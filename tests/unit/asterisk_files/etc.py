"""The configuration folder of an Asterisk, and the installer run on it."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from functools import cache
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path
from types import ModuleType

import pytest

from callrec.resources import shipped

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


@cache
def _installer() -> ModuleType:
    """The program, as a module: to start Python anew takes longer than all it does."""
    loader = SourceFileLoader("asterisk_install", str(shipped("asterisk/install")))
    spec = spec_from_loader(loader.name, loader)
    assert spec
    module = module_from_spec(spec)
    sys.modules[loader.name] = module  # its dataclasses look there
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "dont_write_bytecode", True)
        loader.exec_module(module)
    return module


def run_installer(etc: Path, *options: str, **passwords: str) -> subprocess.CompletedProcess[str]:
    """Runs it in this process; `passwords` are given on standard input."""
    command = ["install", "--etc", str(etc), *options, *(["--passwords", "-"] if passwords else [])]
    given = "".join(f"{name} = {json.dumps(password)}\n" for name, password in passwords.items())
    out, err, code = io.StringIO(), io.StringIO(), 0
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(err):
        patch.setattr(sys, "argv", command)
        patch.setattr(sys, "stdin", io.StringIO(given))
        try:
            _installer().main()
        except SystemExit as ended:
            code = int(ended.code or 0)
    return subprocess.CompletedProcess(command, code, out.getvalue(), err.getvalue())


def install(etc: Path, *options: str, **passwords: str) -> str:
    done = run_installer(etc, *options, **passwords)
    assert done.returncode == 0, done.stderr
    return done.stdout
