"""Makes a package of Debian: the program with all its wheels in /opt/callrec, units, an account and its
folders. It is for one Python, that of the Debian it is made for, which is asked to compile it.

usage: python -m release.deb [--python PROGRAM] [--output FOLDER]
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from callrec import __version__
from callrec.service import units
from callrec.settings import Settings
from release.lock import ROOT
from release.wheels import (
    ARCHITECTURES,
    MADE_AT,
    VERSIONS,
    NotMade,
    own_wheel,
    pip,
    platform,
    requirements,
    wheels,
)

HERE = Path(__file__).parent / "debian"
RELEASES = {"3.11": "deb12", "3.13": "deb13"}
"""Which Debian has which Python. The later one's package has the higher version, and replaces the other after
the system was upgraded."""
HOME = Path("opt/callrec")
_PROGRAM = """#!/opt/callrec/bin/python3
import sys

from callrec.commands import main

sys.exit(main())
"""


def make(folder: Path, python: str, revision: str = "1") -> Path:
    """Makes the package for the Debian that `python` is of, and returns its path. Raises NotMade."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder) as scratch:
        root = Path(scratch, "root")
        plant(root, Path(scratch), python)
        return pack(root, folder, python, revision)


def version_of(python: str) -> str:
    """Returns the version of a Python, as ``3.11``. Raises NotMade."""
    asked = [python, "-c", "import sys; print('%d.%d' % sys.version_info[:2])"]
    try:
        version = subprocess.run(asked, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError) as error:
        raise NotMade(f"{python} does not start") from error
    if version not in VERSIONS:
        raise NotMade(f"{python} is Python {version}, and no Debian that callrec is made for has that")
    return version


def plant(root: Path, scratch: Path, python: str) -> None:
    """Makes a tree with the program in a virtual environment that is right where the package puts it. Raises
    NotMade."""
    version, architecture = version_of(python), os.uname().machine
    home = root / HOME
    packages = home / f"lib/python{version}/site-packages"
    found = [own_wheel(scratch), *wheels(architecture, version)]
    asked = scratch / "requirements.txt"
    asked.write_text(requirements(found))
    folders = [f"--find-links={each}" for each in {each.parent for each in found}]
    pip(
        *("--isolated", "install", "--quiet", "--no-deps", "--no-index", "--no-compile", "--require-hashes"),
        *("--only-binary=:all:", *platform(architecture, version), *folders),
        *("--target", packages, "--requirement", asked),
    )
    shutil.rmtree(packages / "bin")  # programs of the libraries; nobody is to run them
    _environment(home, version)
    # the tree as it will be found; by content, since a package sets the times of its files
    compiled = [python, "-m", "compileall", "-q", "-j0", "--invalidation-mode", "unchecked-hash"]
    subprocess.run([*compiled, "-s", str(root), "-p", "/", str(packages)], check=False)


def _environment(home: Path, version: str) -> None:
    """Makes the folder of the program a virtual environment of the system's Python."""
    program = home / "bin"
    program.mkdir()
    for name in ("python", "python3", f"python{version}"):
        (program / name).symlink_to(f"/usr/bin/python{version}")
    (program / "callrec").write_text(_PROGRAM)
    (program / "callrec").chmod(0o755)
    settings = {"home": "/usr/bin", "include-system-site-packages": "false", "version": version}
    (home / "pyvenv.cfg").write_text("".join(f"{name} = {value}\n" for name, value in settings.items()))


def pack(root: Path, folder: Path, python: str, revision: str = "1") -> Path:
    """Adds what makes a tree with the program a package, and packs it. Raises NotMade."""
    version, architecture = version_of(python), os.uname().machine
    _links_and_units(root)
    _documents(root)
    full = f"{__version__}-{revision}+{RELEASES[version]}"
    _control(root, full, version, ARCHITECTURES[architecture])
    package = folder / f"callrec_{full}_{ARCHITECTURES[architecture]}.deb"
    made = {"SOURCE_DATE_EPOCH": str(MADE_AT), **os.environ}
    command = ["dpkg-deb", "--root-owner-group", "-Zzstd", "--build", str(root), str(package)]
    if subprocess.run(command, stdout=subprocess.DEVNULL, env=made, check=False).returncode:
        raise NotMade("dpkg-deb failed; see the lines above")
    return package


def _links_and_units(root: Path) -> None:
    (root / "usr/bin").mkdir(parents=True, exist_ok=True)
    link = root / "usr/bin/callrec"
    link.unlink(missing_ok=True)
    link.symlink_to("/opt/callrec/bin/callrec")
    _units(root / "usr/lib/systemd/system")


def _units(folder: Path) -> None:
    """Writes the units as they are right for a machine of the usual kind. Those that fit the settings of one
    are written by `callrec service install`, where systemd looks first."""
    folder.mkdir(parents=True, exist_ok=True)
    none = Path("/nonexistent")  # the credentials of the machine that makes the package are not meant
    program, config = Path("/", HOME, "bin/callrec"), Path("/etc/callrec/callrec.toml")
    for name, text in units.filled(units.Place(program, config, "callrec", Settings(), none)).items():
        (folder / name).write_text(text, "utf-8")
        (folder / name).chmod(0o644)


def _documents(root: Path) -> None:
    folder = root / "usr/share/doc/callrec"
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copy(HERE / "copyright", folder)
    shutil.copytree(ROOT / "docs", folder / "docs", dirs_exist_ok=True)
    with gzip.GzipFile(folder / "changelog.gz", "wb", 9, mtime=0) as file:
        file.write((ROOT / "CHANGELOG.md").read_bytes())


def _control(root: Path, full: str, version: str, architecture: str) -> None:
    control = root / "DEBIAN"
    control.mkdir(exist_ok=True)
    files = [each for each in _files(root) if control not in each.parents]
    values = {
        "VERSION": full,
        "ARCHITECTURE": architecture,
        "PYTHON": f"python{version}",
        "SIZE": str(sum(each.stat().st_size for each in files) // 1024),
    }
    text = (HERE / "control").read_text("utf-8")
    for name, value in values.items():
        text = text.replace(f"@{name}@", value)
    (control / "control").write_text(text, "utf-8")
    (control / "md5sums").write_text("".join(f"{_md5(each)}  {each.relative_to(root)}\n" for each in files))
    for script in ("preinst", "postinst", "prerm", "postrm"):
        shutil.copy(HERE / script, control)
        (control / script).chmod(0o755)


def _files(root: Path) -> list[Path]:
    return [each for each in sorted(root.rglob("*")) if each.is_file() and not each.is_symlink()]


def _md5(path: Path) -> str:
    """Returns the sum by which dpkg finds files that somebody changed."""
    return hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest()


def main() -> None:
    parser = argparse.ArgumentParser(prog="release.deb", description="Makes the package of Debian.")
    parser.add_argument("--python", default="/usr/bin/python3", metavar="PROGRAM")
    parser.add_argument("--output", type=Path, default=ROOT / "dist", metavar="FOLDER")
    given = parser.parse_args()
    print(make(given.output, given.python))


if __name__ == "__main__":
    main()
