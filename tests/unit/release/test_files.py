"""Whatever belongs to the program is in the wheel, and the sdist has all of the checkout."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest
from pathspec import GitIgnoreSpec

from callrec import __version__
from release.lock import ROOT
from release.wheels import digest, own_wheel

SHIPPED = ("asterisk", "migrations", "prompts")
"""The folders that stand beside the package in a checkout."""
KEPT = ("pyproject.toml", "README.md", "LICENSE", "callrec", "__init__.py")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return own_wheel(tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def sdist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sdist, unpacked."""
    folder = tmp_path_factory.mktemp("sdist")
    _build(ROOT, "sdist", folder)
    (packed,) = folder.glob("*.tar.gz")
    with tarfile.open(packed) as tar:
        tar.extractall(folder, filter="data")
    (found,) = (each for each in folder.iterdir() if each.is_dir())
    return found


def _build(where: Path, target: str, folder: Path) -> None:
    command = [sys.executable, "-m", "hatchling", "build", "--target", target, "--directory", str(folder)]
    subprocess.run(command, cwd=where, check=True, capture_output=True)


def _checkout() -> set[str]:
    """The files of the checkout: all that git would be given, whether git is there or not."""
    ignored, found = GitIgnoreSpec.from_lines((ROOT / ".gitignore").read_text().splitlines()), set()
    for place, folders, files in os.walk(ROOT):
        here = Path(place).relative_to(ROOT)
        folders[:] = [
            each for each in folders if each != ".git" and not ignored.match_file(f"{here / each}/")
        ]
        found |= {str(here / each) for each in files if each != ".git"}
    return {each for each in found if not ignored.match_file(each)}


def _content(wheel: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(wheel) as packed:
        return {each: packed.read(each) for each in packed.namelist()}


def _place(name: str) -> str:
    """Where a file of the checkout is in the wheel."""
    return f"callrec/shipped/{name}" if name.startswith(SHIPPED) else name


def test_the_wheel_has_every_file_of_the_program_as_it_is(wheel: Path) -> None:
    ours = {each for each in _checkout() if each.startswith(("callrec/", *(f"{each}/" for each in SHIPPED)))}
    assert len({Path(each).suffix for each in ours}) > 10, "sounds, pages, units, migrations, translations …"
    content = _content(wheel)
    assert {_place(each): (ROOT / each).read_bytes() for each in ours} == {
        name: data for name, data in content.items() if name.startswith("callrec/")
    }


def test_the_wheel_has_nothing_else(wheel: Path) -> None:
    assert {each.partition("/")[0] for each in _content(wheel)} == {
        "callrec",
        f"callrec-{__version__}.dist-info",
    }


def test_what_is_run_as_a_program_can_be_run(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as packed:
        assert packed.getinfo(_place("asterisk/get")).external_attr >> 16 & stat.S_IXUSR


def test_the_sdist_is_the_whole_checkout(sdist: Path) -> None:
    found = {str(each.relative_to(sdist)) for each in sdist.rglob("*") if each.is_file()}
    assert found - {"PKG-INFO"} == _checkout()


def test_what_is_in_no_clone_is_in_no_sdist(tmp_path: Path) -> None:
    """Secrets stand in a callrec.toml, and a demo's recordings beside it."""
    shutil.copytree(ROOT, tmp_path / "a", ignore=lambda _, names: {*names} - {*KEPT}, symlinks=True)
    for name in ("callrec.toml", "notes.txt"):
        (tmp_path / "a" / name).write_text("secret")
    _build(tmp_path / "a", "sdist", tmp_path)
    (packed,) = tmp_path.glob("*.tar.gz")
    with tarfile.open(packed) as tar:
        names = {Path(each).name for each in tar.getnames()}
    assert "pyproject.toml" in names and not names & {"callrec.toml", "notes.txt"}


def test_the_sdist_makes_the_same_wheel(sdist: Path, wheel: Path, tmp_path: Path) -> None:
    _build(sdist, "wheel", tmp_path)
    (made,) = tmp_path.glob("*.whl")
    assert digest(made) == digest(wheel)
