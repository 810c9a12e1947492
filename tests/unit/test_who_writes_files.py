"""Nobody but callrec.files writes files: read off the syntax tree of everything else."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

import callrec
from tests.parsed import nodes_of

PACKAGE = Path(callrec.__file__).parent
MAKES = {
    "write_text", "write_bytes", "touch", "mkdir", "makedirs", "rename", "renames", "link", "symlink",
    "hardlink_to", "symlink_to", "chmod", "chown", "mkstemp", "mkdtemp", "TemporaryDirectory",
    "NamedTemporaryFile", "TemporaryFile", "copy2", "copyfile", "copytree", "copyfileobj", "savefig",
    "export", "truncate", "fdopen", "mkfifo",
}  # fmt: skip
"""What makes or changes files: methods of paths and sounds, functions of modules."""
CALLS = {"os.open", "os.write", "os.replace", "shutil.copy", "shutil.move", "file.save"}
CALLED = {each.split(".")[1] for each in CALLS}
MODES = {f"{kind}{more}" for kind in "wxa" for more in ("", "b", "+", "b+", "+b", "t")} | {"r+", "r+b", "rb+"}
ALLOWED = {
    "archive/conversion.py": {
        "target.open('wb')": "streams sound into a draft",
        "soundfile.SoundFile(target, 'w')": "streams sound into a draft",
    },
    "archive/trial.py": {"source.write_bytes": "into a file that never has a name"},
    "catalogue/database.py": {"os.open": "an empty file, which SQLite fills"},
    "catalogue/locks.py": {"os.open": "an empty file, to be locked: nothing is written"},
    "commands/streams.py": {"os.open": "the null device"},
    "commands/demo.py": {"tempfile.TemporaryDirectory": "the folder of a whole system, removed at its end"},
    "commands/picture.py": {"figure.savefig": "into memory"},
    "commands/export.py": {"whole.open('wb')": "into a file that never has a name"},
    "evidence/package_zip.py": {
        "target.open('wb')": "into a file that never has a name",
        "self._zip.open('w')": "into the zip, which is a draft",
    },
    "desk/listener.py": {"os.open": "an empty file, to be locked: nothing is written"},
    "desk/operations/prompts.py": {"copy.write_bytes": "into a file that never has a name"},
    "demo/processes.py": {"log.open('ab')": "the log of a child, which writes it itself"},
    "demo/system.py": {"shutil.copytree": "the announcements, into the folder of the demo"},
    "evidence/keys.py": {"os.open": "a folder, to be locked: nothing is written"},
    "evidence/redacted_sound.py": {
        "soundfile.SoundFile(target, 'w')": "streams sound into a file without a name"
    },
    "pbx/ari.py": {"target.open('wb')": "streams sound into a draft"},
    "prompts/decoder.py": dict.fromkeys(("os.open", "os.fdopen"), "reads, and is not held up by a pipe"),
    "prompts/library.py": {
        "os.open": "a folder, to be locked: nothing is written",
        "path.chmod": "of a folder, for the PBX's user",
    },
    "prompts/playable.py": {"made.export": "into memory"},
    "spool/lock.py": {"os.open": "an empty file, to be locked: nothing is written"},
    "spool/sound.py": {
        "soundfile.SoundFile(target, 'w')": "streams sound into a draft",
        "file.save": "tags a draft",
    },
}
"""Who does it all the same, and why that leaves nothing half."""


def writes(nodes: Iterable[ast.AST]) -> Iterator[str]:
    """Every call in a module that makes, changes or names files, and every import of what does."""
    for node in nodes:
        if isinstance(node, ast.ImportFrom) and node.module in ("os", "shutil", "tempfile"):
            yield from (each.name for each in node.names)
        if isinstance(node, ast.Call):
            yield from _writes(node)


def _writes(call: ast.Call) -> Iterator[str]:
    method = call.func.attr if isinstance(call.func, ast.Attribute) else ""
    if (method or getattr(call.func, "id", "")) in ("open", "SoundFile"):
        given = [each.value for each in ast.walk(call) if isinstance(each, ast.Constant)]
        first = f"{ast.unparse(call.args[0])}, " if method == "SoundFile" else ""
        yield from (f"{ast.unparse(call.func)}({first}{mode!r})" for mode in given if mode in MODES)
    if method in MAKES or (method in CALLED and ast.unparse(call.func) in CALLS) or _renames(method, call):
        yield ast.unparse(call.func)


def _renames(method: str, call: ast.Call) -> bool:
    """Whether it is a path's `replace`: a text's has two values, a date's has names."""
    return method == "replace" and len(call.args) == 1 and not call.keywords


def test_nobody_else_writes_files() -> None:
    found = {
        str(path.relative_to(PACKAGE)): calls
        for path in PACKAGE.rglob("*.py")
        if path != PACKAGE / "files.py" and (calls := set(writes(nodes_of(path))))
    }
    assert found == {name: set(calls) for name, calls in ALLOWED.items()}


@pytest.mark.parametrize(
    "line",
    [
        "path.write_text('x')",
        "(folder / 'x').write_bytes(data)",
        "open(path, 'w')",
        "open(path, mode='a')",
        "path.open('x', encoding='utf-8')",
        "path.open('r+b')",
        "os.open(path, os.O_CREAT)",
        "path.mkdir(exist_ok=True)",
        "os.makedirs(path)",
        "shutil.copy(one, two)",
        "partial.replace(path)",
        "os.replace(one, two)",
        "path.rename(name)",
        "path.chmod(0o644)",
        "tempfile.NamedTemporaryFile()",
        "soundfile.SoundFile(path, 'w', 8000)",
        "from shutil import copyfile",
    ],
)
def test_what_writes_is_found(line: str) -> None:
    assert list(writes(ast.walk(ast.parse(line))))


@pytest.mark.parametrize(
    "line",
    [
        "path.open('rb')",
        "open(path)",
        "text.replace('a', 'b')",
        "at.replace(tzinfo=UTC)",
        "replace(call, at=1)",
    ],
)
def test_what_reads_is_not(line: str) -> None:
    assert not list(writes(ast.walk(ast.parse(line))))
