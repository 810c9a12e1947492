"""callrec play: what is heard is the recording, it is on record, and no copy of it is left."""

from __future__ import annotations

import io
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import soundfile

from callrec.catalogue import custody
from callrec.commands import player
from callrec.errors import Unreachable
from tests.unit.bench import Bench, BenchAfter, archive_one
from tests.unit.program import Done
from tests.unit.samples import RECORDING_ID

Run = Callable[..., Done]


@pytest.fixture
def archived(archived_office: BenchAfter) -> Bench:
    """An office with one recording of ten seconds in its archive."""
    return archived_office(archive_one)


@pytest.fixture
def card(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A sound card that writes what is played into a file, as fast as it comes."""
    played = tmp_path / "played"
    monkeypatch.setenv("SDL_AUDIODRIVER", "disk")
    monkeypatch.setenv("SDL_DISKAUDIOFILE", str(played))
    monkeypatch.setenv("SDL_DISKAUDIODELAY", "0")
    return played


def _stand_in(monkeypatch: pytest.MonkeyPatch, name: str, script: str) -> None:
    """A player of this name, alone on its path."""
    folder = Path.cwd() / "bin"
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(f"#!{sys.executable}\nimport os, sys\n{script}\n")
    (folder / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(folder))


def _samples(bench: Bench, begin_s: float = 0.0) -> bytes:
    (key,) = (key for key in bench.store.objects if key.endswith(".flac"))
    sound, rate = soundfile.read(io.BytesIO(bench.store.objects[key]), dtype="int16")
    return bytes(sound[round(begin_s * rate) :].tobytes())


def _heard(bench: Bench) -> list[dict[str, object]]:
    with bench.database.read() as connection:
        return [each.details for each in custody.of(connection, RECORDING_ID) if each.action == "heard"]


@pytest.mark.parametrize(("more", "begin_s"), [([], 0.0), (["--from", "0:07"], 7.0)])
def test_what_is_heard_is_the_recording(
    archived: Bench, office: Run, card: Path, more: list[str], begin_s: float
) -> None:
    done = office("play", RECORDING_ID, *more)
    assert (done.code, done.err) == (0, "")
    played, said = card.read_bytes(), _samples(archived, begin_s)
    assert said in played and not played.replace(said, b"").strip(b"\0")
    (row,) = _heard(archived)
    assert (row["from"], row["format"], row["through"]) == (f"{begin_s:.10g}s", "wav", "direct")


WATCHES = """
while part := sys.stdin.buffer.read(1000):
    for folder, _, files in os.walk(os.environ["TMPDIR"]):
        assert not files, files
"""


def test_no_copy_is_anywhere(
    archived: Bench, office: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setenv("TMPDIR", str(folder))
    monkeypatch.setattr("tempfile.tempdir", None)
    _stand_in(monkeypatch, "mpv", WATCHES)
    before = {each for each in tmp_path.rglob("*") if each.is_file()}
    assert office("play", RECORDING_ID).code == 0
    left = {each for each in tmp_path.rglob("*") if each.is_file()} - before
    assert {each.name.partition("-")[0] for each in left} <= {"catalogue.db"}


@pytest.mark.parametrize("name", ["ffplay", "mpv", "paplay"])
def test_the_player_that_is_there_is_used(
    archived: Bench, office: Run, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    _stand_in(monkeypatch, name, "open('wav', 'wb').write(sys.stdin.buffer.read())")
    assert office("play", RECORDING_ID).code == 0
    played, rate = soundfile.read("wav", dtype="int16")
    assert played.tobytes() == _samples(archived) and rate == 8000


def test_the_first_of_several_players_is_used(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("paplay", "mpv", "ffplay"):
        _stand_in(monkeypatch, name, "")
        assert player.find().name == name


def test_without_a_player_it_says_how_to_get_one(
    archived: Bench, office: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    done = office("play", RECORDING_ID)
    assert done.code == 1 and "apt-get install ffmpeg" in done.complaint and _heard(archived) == []


def test_a_player_that_is_closed_early_is_no_error(
    archived: Bench, office: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    _stand_in(monkeypatch, "mpv", "sys.stdin.buffer.read(100)")
    done = office("play", RECORDING_ID)
    assert (done.code, done.err) == (0, "") and len(_heard(archived)) == 1


@pytest.mark.parametrize(
    "card",
    [{"SDL_AUDIODRIVER": "no such"}, {"SDL_AUDIODRIVER": "alsa", "AUDIODEV": "no such"}],
    ids=["no driver", "no card"],
)
def test_a_player_that_cannot_play_is_said(
    archived: Bench, office: Run, monkeypatch: pytest.MonkeyPatch, card: dict[str, str]
) -> None:
    """ffplay itself ends with 0 where there is no sound card."""
    for name, value in card.items():
        monkeypatch.setenv(name, value)
    done = office("play", RECORDING_ID)
    assert done.code == 1 and "ffplay could not play it" in done.complaint


def test_a_player_that_is_killed_is_said(
    archived: Bench, office: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    _stand_in(monkeypatch, "mpv", "os.kill(os.getpid(), 15)")
    done = office("play", RECORDING_ID)
    assert done.code == 1 and "mpv could not play it (exit code -15)" in done.complaint


def test_nothing_is_heard_of_what_does_not_verify(
    archived: Bench, office: Run, card: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for key in archived.store.objects:
        archived.store.versions[key][0] += b"more"
    assert office("play", RECORDING_ID).code == 5
    assert not card.exists() and _heard(archived) == []


def test_a_place_that_is_not_in_it_is_wrong(archived: Bench, office: Run) -> None:
    for begin, complaint in (
        ("soon", "is no place in a recording"),
        ("", "is no place in a recording"),
        ("0:11", "after the recording ends"),
    ):
        done = office("play", RECORDING_ID, "--from", begin)
        assert done.code == 2 and complaint in done.complaint and _heard(archived) == []


@pytest.fixture
def interruptible() -> Iterator[None]:
    """Ctrl-C interrupts: what a shell runs in the background is told to ignore it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("interruptible")
def test_whoever_interrupts_it_stops_the_player(
    archived: Bench, office: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = "open('pid', 'w').write(str(os.getpid()))\nos.kill(os.getppid(), 2)\nsys.stdin.buffer.read()"
    _stand_in(monkeypatch, "mpv", script)
    done = office("play", RECORDING_ID)
    assert done.code == 130 and not Path("/proc", Path("pid").read_text()).exists()


def test_a_desk_that_goes_away_stops_the_player(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def sound() -> Iterator[bytes]:
        yield b"x" * 100_000
        raise Unreachable("the desk does not answer")

    monkeypatch.chdir(tmp_path)
    _stand_in(monkeypatch, "mpv", "open('pid', 'w').write(str(os.getpid()))\nsys.stdin.buffer.read()")
    with pytest.raises(Unreachable):
        player.play(player.find(), sound())
    assert not Path("/proc", Path("pid").read_text()).exists()
