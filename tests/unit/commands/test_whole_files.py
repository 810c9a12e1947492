"""What commands write is there whole or not at all, and can be written again after it failed."""

from __future__ import annotations

import io
import os
import resource
import shutil
import stat
from collections.abc import Callable
from pathlib import Path

import click
import numpy as np
import pytest
import soundfile
from matplotlib.figure import Figure

from callrec.archive.conversion import convert
from callrec.archive.given import Clip
from callrec.catalogue import custody
from callrec.commands import main
from callrec.errors import CheckFailed, WrongUsage
from tests.unit.bench import Bench, BenchAfter, archive_a_second
from tests.unit.program import Done
from tests.unit.samples import RECORDING_ID
from tests.unit.stops import run_until_full, run_until_killed, run_until_refused, steps_of

Run = Callable[..., Done]
MADE = Path("made")


@pytest.fixture
def archived(archived_office: BenchAfter) -> Bench:
    """An office with one recording of a second in its archive."""
    return archived_office(archive_a_second)


@pytest.fixture(autouse=True)
def _plain_picture(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Figure, "savefig", lambda self, target, **_: target.write(b"picture"))


def _init() -> list[str]:
    """A new configuration for the office's database and spool."""
    folder = Path.cwd()
    url, spool = f"sqlite:///{folder}/c.db", str(folder / "spool")
    config = str(MADE / "callrec.toml")
    return ["--config", config, "init", "--non-interactive", "--database-url", url, "--spool", spool]


COMMANDS: dict[str, list[str]] = {
    "export": ["rule", "export", "made/office.toml"],
    "chart": ["facility", "report", "--chart", "made/chart.png"],
    "fetch": ["fetch", RECORDING_ID, "-o", "made", "--format", "wav", "--clip", "0..0:00.5"],
    "keys": ["pbx", "config", "-o", "made"],
    "init": [],
}
STOPS = {"full": run_until_full, "refused": run_until_refused, "killed": run_until_killed}
CASES = [
    *((name, "full") for name in COMMANDS),
    *((name, "killed") for name in ("export", "keys", "init")),
    *((name, "refused") for name in ("fetch", "keys")),
]
"""All that files do at each step is tried in test_files; here it is whether a command relies on it."""


@pytest.mark.parametrize(("name", "stop"), CASES)
def test_a_command_that_is_stopped_leaves_nothing_half(
    office: Run, archived: Bench, capsys: pytest.CaptureFixture[str], name: str, stop: str
) -> None:
    arguments = COMMANDS[name] or _init()

    def run() -> int:
        try:
            main(arguments)
        except SystemExit as ended:
            return int(ended.code or 0)
        raise AssertionError

    codes: list[int] = []
    MADE.mkdir()
    steps = steps_of(lambda: codes.append(run()))
    assert codes == [0]
    whole = _content()
    for after in range(steps):
        _empty()
        capsys.readouterr()
        codes.clear()
        STOPS[stop](lambda: codes.append(run()), after)
        said = capsys.readouterr().err
        left = _content()
        if left == whole and (codes == [0] or stop == "killed"):
            continue
        assert left == {} or (stop == "killed" and set(left.items()) < set(whole.items()))
        if stop != "killed":
            assert codes[0] in (1, 2) and len(said.splitlines()) == 1 and "a bug" not in said
            assert "cannot be written" in said
        if after == steps // 2:
            assert run() == 0 and _content() == whole


def _content() -> dict[str, bytes]:
    return {each.name: each.read_bytes() for each in MADE.iterdir()}


def _empty() -> None:
    shutil.rmtree(MADE)
    MADE.mkdir()


# --- who may read it


def test_what_is_written_is_for_its_owner_only(office: Run, archived: Bench) -> None:
    before = os.umask(0o022)
    try:
        for arguments in (COMMANDS["fetch"], COMMANDS["export"], COMMANDS["chart"]):
            assert office(*arguments).code == 0
        assert office(*_init()[:1], "made/new/callrec.toml", *_init()[2:]).code == 0
    finally:
        os.umask(before)
    assert stat.S_IMODE(MADE.stat().st_mode) == 0o700
    files = [each for each in MADE.rglob("*") if each.is_file()]
    assert len(files) == 5 and {stat.S_IMODE(each.stat().st_mode) for each in files} == {0o600}


def test_the_program_gives_nothing_to_others(office: Run) -> None:
    before = os.umask(0o022)
    try:
        assert office("rule", "list").code == 0
        (now := os.umask(0)) and os.umask(now)
    finally:
        os.umask(before)
    assert now == 0o077


def test_a_file_for_the_pbx_can_be_read_by_it(office: Run) -> None:
    """A new one is as its folder is: Asterisk has a user of its own."""
    MADE.mkdir()
    MADE.chmod(0o755)
    assert office(*COMMANDS["keys"]).code == 0
    assert {stat.S_IMODE(each.stat().st_mode) for each in MADE.iterdir()} == {0o644}


# --- init


def test_init_says_first_where_it_writes(run: Run, tmp_path: Path) -> None:
    done = run(
        "init", "--non-interactive", "--database-url", f"sqlite:///{tmp_path}/c.db", "--spool", "spool"
    )
    lines = done.out.splitlines()
    assert lines[0] == f"the configuration goes to {tmp_path}/callrec.toml"
    assert lines[1].startswith(f"{tmp_path}/callrec.toml written")


@pytest.mark.parametrize(
    ("given", "code"),
    [
        (["--bucket", "\udcff"], 2),
        (["--database-url", "sqlite:////proc/no/c.db"], 3),
        (["--database-url", "sqlite:///made"], 3),
        (["--ami-port", "no"], 2),
        (["--bucket", "a b"], 2),
    ],
)
def test_init_leaves_no_file_that_cannot_be_used(run: Run, given: list[str], code: int) -> None:
    MADE.mkdir()
    usable = ["--database-url", f"sqlite:///{Path.cwd()}/c.db", "--spool", "spool"]
    done = run("--config", "made/callrec.toml", "init", "--non-interactive", *usable, *given)
    assert done.code == code and done.complaint and "/fd/" not in done.err and not list(MADE.iterdir())
    assert run("--config", "made/callrec.toml", "init", "--non-interactive", *usable).code == 0


def test_a_setting_that_is_wrong_is_said_of_the_file_it_would_be_in(run: Run, tmp_path: Path) -> None:
    done = run("init", "--non-interactive", "--bucket", "a b")
    assert done.complaint.startswith(f"callrec: {tmp_path}/callrec.toml, line ")
    assert ": archive.bucket = " in done.complaint


def test_nobody_is_there_to_answer(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    for answers in ("", "sqlite:////nowhere/c.db\n"):
        monkeypatch.setattr("sys.stdin", io.StringIO(answers))
        done = run("init")
        assert done.code == 2 and "nobody answers: give --non-interactive" in done.err.splitlines()[-1]
        assert not Path("callrec.toml").exists()


def test_nobody_is_asked_where_nothing_can_be_written(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(click, "prompt", lambda *_, **__: pytest.fail("asked"))
    done = run("--config", "/proc/callrec.toml", "init")
    assert done.code == 2 and "/proc/callrec.toml cannot be written" in done.complaint


# --- pictures


def test_a_picture_takes_no_place_that_is_no_files(office: Run) -> None:
    Path("null.png").symlink_to("/dev/null")
    Path("folder.png").mkdir()
    for name in ("null.png", "folder.png", "nowhere/x.png"):
        done = office("facility", "report", "--chart", name)
        assert done.code == 2 and f"{name} cannot be written" in done.complaint
    assert Path("/dev/null").is_char_device() and not list(Path("folder.png").iterdir())


# --- clips


CLIPS = {
    "0..0.00001": "the clip is shorter than 0.1 s",
    "0:00.5..0:00.59": "the clip is shorter than 0.1 s",
    "0:00.95..0:01": "the clip is shorter than 0.1 s",
    "0:01..0:02": "the clip begins after the recording ends, at 1 s",
    "99:00..99:10": "the clip begins after the recording ends, at 1 s",
    "0..0:02": "the clip ends after the recording, which ends at 1 s",
    "-1..1": "is not a part of a recording",
    "0:01..-1": "is not a part of a recording",
    "0:01..0:01": "is not a part of a recording",
}


def test_a_clip_of_which_nothing_is_heard_is_refused_before_it_is_logged(
    office: Run, archived: Bench
) -> None:
    with archived.database.read() as connection:
        before = custody.of(connection, RECORDING_ID)
    for number, (clip, complaint) in enumerate(CLIPS.items()):
        form = ("flac", "wav", "mp3", "opus")[number % 4]
        done = office("fetch", RECORDING_ID, "-o", "made", "--format", form, "--clip", clip)
        assert done.code == 2 and complaint in done.complaint and not MADE.exists(), clip
    with archived.database.read() as connection:
        assert custody.of(connection, RECORDING_ID) == before


def test_the_sound_itself_says_where_a_clip_ends(tmp_path: Path) -> None:
    """The catalogue may have another length."""
    soundfile.write(tmp_path / "a.flac", np.zeros((8000, 2), "int16"), 8000)
    with pytest.raises(WrongUsage, match="begins after the recording ends, at 1 s"):
        convert(tmp_path / "a.flac", tmp_path / "b.flac", "flac", Clip(1.0, 2.0))


@pytest.mark.parametrize(
    ("kind", "limit"), [("flac", 1), ("flac", 8192), ("wav", 1), ("wav", 8192), ("mp3", 8192), ("opus", 8192)]
)
def test_sound_that_is_cut_off_is_noticed(tmp_path: Path, kind: str, limit: int) -> None:
    """libsndfile says nothing of a FLAC whose last samples found no place."""
    noise = np.random.default_rng(1).integers(-30000, 30000, (20000, 2), "int16")
    soundfile.write(tmp_path / "a.flac", noise, 8000)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    clip = Clip(0.0, 0.3) if kind in ("flac", "wav") else None
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, before[1]))
    try:
        with pytest.raises((OSError, soundfile.LibsndfileError, CheckFailed)):
            convert(tmp_path / "a.flac", tmp_path / "b", kind, clip)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
