"""`install.sh` on a program that is small: what it does beside the one in use, and when it leaves that alone.

That it installs the real one is shown by test_released.py. Everything is without a network.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import zipfile
from pathlib import Path

import pytest

from release.bundle import FILES, seal
from release.wheels import VERSIONS, requirements
from tests.integration.released import PYTHON, bare

PROGRAM = "import sys\n\n\ndef main():\n    print('callrec, version {version}')\n    sys.exit({status})\n"
Snapshot = dict[str, str]


def _bundle(folder: Path, version: str, status: int = 0) -> Path:
    """Makes the folder to install a version from, whose program ends with `status`."""
    content = folder / f"callrec-{version}-{status}"
    (content / "wheels").mkdir(parents=True)
    wheel = _wheel(content / "wheels", version, status)
    for each in VERSIONS:
        (content / f"requirements-{each}.txt").write_text(requirements([wheel]))
    for file in FILES:
        shutil.copy(file, content)
    seal(content, version, os.uname().machine)
    return content


@pytest.fixture(scope="module")
def old(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that the version in use was installed from."""
    return _bundle(tmp_path_factory.mktemp("old"), "1.0")


@pytest.fixture(scope="module")
def prefix(old: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where a version is in use."""
    folder = tmp_path_factory.mktemp("prefix") / "callrec"
    assert "callrec 1.0 is installed" in _install(old, folder).stdout
    return folder


def _wheel(folder: Path, version: str, status: int) -> Path:
    """A wheel with nothing but a program that says its version."""
    path, facts = folder / f"callrec-{version}-py3-none-any.whl", f"callrec-{version}.dist-info"
    files = {
        "callrec/__init__.py": "",
        "callrec/commands.py": PROGRAM.format(version=version, status=status),
        f"{facts}/METADATA": f"Metadata-Version: 2.1\nName: callrec\nVersion: {version}\n",
        f"{facts}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{facts}/entry_points.txt": "[console_scripts]\ncallrec = callrec.commands:main\n",
    }
    with zipfile.ZipFile(path, "w") as packed:
        for name, text in {**files, f"{facts}/RECORD": "".join(f"{each},,\n" for each in files)}.items():
            packed.writestr(name, text)
    return path


def _install(bundle: Path, prefix: Path, *more: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return bare(
        "sh", str(bundle / "install.sh"), "--prefix", str(prefix), "--python", PYTHON, *more, **environment
    )


def _said(prefix: Path) -> str:
    return bare(str(prefix / "bin/callrec"), "--version").stdout.strip()


def _snapshot(folder: Path) -> Snapshot:
    """Every file and link below a folder, with its time or where it leads."""
    return {
        str(each): str(each.readlink()) if each.is_symlink() else str(each.lstat().st_mtime_ns)
        for each in sorted(folder.rglob("*"))
    }


def test_twice_changes_nothing(old: Path, prefix: Path) -> None:
    before = _snapshot(prefix)
    again = _install(old, prefix)
    assert (again.returncode, "installed already" in again.stdout) == (0, True)
    assert _snapshot(prefix) == before


@pytest.mark.parametrize("step", ["its first start", "installing its packages"])
def test_what_does_not_work_is_not_used(prefix: Path, tmp_path: Path, step: str) -> None:
    before, faulty = _snapshot(prefix), _bundle(tmp_path, "1.1", status=1)
    if step == "installing its packages":
        _wheel(faulty / "wheels", "1.1", 0)  # not the one whose hash is in the requirements
        seal(faulty, "1.1", os.uname().machine)
    done = _install(faulty, prefix)
    assert done.returncode == 1
    last = f"install.sh: callrec 1.1 was not installed: {step} failed; callrec in use is as before"
    assert done.stderr.splitlines()[-1] == last
    assert _snapshot(prefix) == before and _said(prefix) == "callrec, version 1.0"


def test_an_upgrade_goes_beside_and_there_is_a_way_back(old: Path, prefix: Path, tmp_path: Path) -> None:
    new, before = _bundle(tmp_path, "1.1"), _snapshot(prefix)
    upgraded = _install(new, prefix)
    assert upgraded.returncode == 0 and "way back: sh install.sh --back" in upgraded.stdout
    assert _said(prefix) == "callrec, version 1.1"
    was = (str(prefix / "current"), str((prefix / "former").readlink()))
    assert before.items() - _snapshot(prefix).items() == {was}, "the version before is as it was"

    back = _install(new, prefix, "--back")
    assert "callrec 1.0 is used again" in back.stdout and _said(prefix) == "callrec, version 1.0"
    assert _install(new, prefix).returncode == 0 and _said(prefix) == "callrec, version 1.1"


def test_the_first_one_that_fails_leaves_nothing(tmp_path: Path) -> None:
    """Nor does it of one that was broken off before."""
    faulty, target = _bundle(tmp_path, "1.0", status=1), tmp_path / "callrec"
    with (faulty / "SHA256SUMS").open("rb") as sums:
        mark = hashlib.file_digest(sums, "sha256").hexdigest()[:8]
    version = bare(PYTHON, "-c", "import sys; print('%d.%d' % sys.version_info[:2])").stdout.strip()
    broken_off = target / f"1.0-py{version}-{mark}"
    broken_off.mkdir(parents=True)
    (broken_off / "pyvenv.cfg").write_text("half of it")
    assert _install(faulty, target).returncode == 1
    assert not target.exists()


@pytest.fixture
def tools(tmp_path: Path) -> Path:
    """A folder of programs as the only one that is looked in, with all that install.sh calls."""
    folder = tmp_path / "tools"
    folder.mkdir()
    for name in (
        "sh",
        "cat",
        "cut",
        "dirname",
        "env",
        "flock",
        "ffmpeg",
        "ffprobe",
        "ln",
        "ls",
        "mkdir",
        "mv",
    ):
        (folder / name).symlink_to(str(shutil.which(name)))
    for name in ("paste", "readlink", "rm", "rmdir", "sed", "sha256sum", "touch", "uname"):
        (folder / name).symlink_to(str(shutil.which(name)))
    return folder


MISSING = {
    "ffmpeg": "missing: ffmpeg (apt-get install ffmpeg)",
    "ffprobe": "missing: ffmpeg (apt-get install ffmpeg)",
    "python": "missing: python3 python3-venv (apt-get install python3 python3-venv)",
    "venv": "missing: python3-venv (apt-get install python3-venv)",
    "version": "is Python 3.9, and this is for one of: 3.11 3.13",
    "machine": "this is for riscv64, and the machine is",
    "bytes": "this folder is damaged: version: FAILED",
    "file": "this folder is damaged: CHANGELOG.md",
    "venv by hand": "is there and was made by something else",
    "blank": "has a blank in its name",
    "relative": "the folder must begin with /",
    "option": "--fast is no option",
    "back": "there is no version before in",
}


@pytest.mark.parametrize("what", MISSING)
def test_what_is_missing_is_said_in_one_line(what: str, tools: Path, tmp_path: Path) -> None:
    content, target, more = _bundle(tmp_path, "1.0"), tmp_path / "callrec", list[str]()
    python = tools / "python3"
    python.write_text(f'#!/bin/sh\nexec {PYTHON} "$@"\n')
    python.chmod(0o755)
    match what:
        case "ffmpeg" | "ffprobe":
            (tools / what).unlink()
        case "python":
            python.unlink()
        case "venv":
            python.write_text(f'#!/bin/sh\ncase "$*" in *venv*) exit 1;; esac\nexec {PYTHON} "$@"\n')
        case "version":
            python.write_text("#!/bin/sh\necho 3.9\n")
        case "machine":
            seal(content, "1.0", "riscv64")
        case "bytes":
            (content / "version").write_text("1.1\n")
        case "file":
            (content / "CHANGELOG.md").unlink()
        case "venv by hand":
            (target / "bin").mkdir(parents=True)
        case "blank":
            target = tmp_path / "o pt"
        case "relative":
            target = Path("opt")
        case "option":
            more = ["--fast"]
        case "back":
            more = ["--back"]
    before = _snapshot(tmp_path)
    script = ("sh", str(content / "install.sh"), "--prefix", str(target), *more)
    done = bare(*script, PATH=str(tools))
    assert done.returncode == 1 and done.stdout == ""
    assert MISSING[what] in done.stderr and done.stderr.count("\n") == 1
    assert done.stderr.endswith("; nothing was changed\n")
    assert _snapshot(tmp_path) == before
