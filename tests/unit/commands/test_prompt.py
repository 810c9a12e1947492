"""callrec prompt: what a caller would hear of a file, and what is added of it."""

from __future__ import annotations

import hashlib
import json
import re
import shlex
import shutil
import stat
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile

from callrec.prompts.wordings import WORDINGS
from callrec.resources import shipped
from tests.unit.program import Done
from tests.unit.prompts.seconds import SECONDS

DOCS = Path(__file__).parents[3] / "docs"
WORDS = shipped("prompts") / "ja/notice.wav16"
TEXT = ("--name", "notice", "--language", "ja", "--text", "別の文言")


@pytest.fixture
def library(office: Callable[..., Done], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of an empty library, which the program is to use."""
    monkeypatch.setenv("CALLREC_PROMPTS__DIRECTORY", str(tmp_path / "own"))
    return tmp_path / "own"


def test_a_good_file_is_described_and_added(office: Callable[..., Done], library: Path) -> None:
    done = office("prompt", "check", str(WORDS))
    assert done.code == 0 and not library.exists()
    for said in ("6.47 s", "16000 Hz", "-18.3 dBFS", "-20.0 dBFS", "silence: 39", "clipped: 0.0 %", "good: "):
        assert said in done.out
    assert office("prompt", "add", str(WORDS), *TEXT).code == 0
    assert [each["text"] for each in json.loads(office("prompt", "list", "--json").out)] == ["別の文言"]


def test_a_bad_file_is_described_and_refused(
    office: Callable[..., Done], library: Path, tmp_path: Path
) -> None:
    words, rate = soundfile.read(WORDS)
    path = tmp_path / "a.wav"
    soundfile.write(path, np.c_[words, -words], rate)
    done = office("prompt", "check", str(path), "--json")
    assert done.code == 1 and "cancel each other" in done.complaint
    [found] = json.loads(done.out)
    assert found["usable"] is False and found["level_dbfs"] == -120 and len(found["problems"]) == 1
    done = office("prompt", "add", str(path), *TEXT)
    assert done.code == 2 and "cancel each other" in done.complaint and not library.exists()


def test_a_file_that_is_none_of_sound_is_one_line(
    office: Callable[..., Done], library: Path, tmp_path: Path
) -> None:
    (tmp_path / "a.mp3").write_text("not a sound")
    for path in (tmp_path / "a.mp3", tmp_path, tmp_path / "nowhere.wav"):
        done = office("prompt", "check", str(path), "--json")
        assert done.code == 1 and str(path) in done.complaint
        [found] = json.loads(done.out)
        assert not found["usable"] and found["seconds"] is None and str(path) in found["problems"][0]


def test_words_from_a_terminal_of_another_encoding(office: Callable[..., Done], library: Path) -> None:
    typed = "録音".encode("cp932").decode("utf-8", "surrogateescape")
    done = office("prompt", "add", str(WORDS), *TEXT[:-1], typed)
    assert done.code == 2 and "UTF-8" in done.complaint and not library.exists()


def test_who_adds_is_warned(office: Callable[..., Done], library: Path, tmp_path: Path) -> None:
    words, rate = soundfile.read(WORDS)
    soundfile.write(tmp_path / "a.wav", np.concatenate([np.zeros(rate), words]), rate)
    done = office("prompt", "add", str(tmp_path / "a.wav"), *TEXT)
    assert done.code == 0 and done.complaint == "warning: it is silent for 1.7 s at the beginning"


def _make(office: Callable[..., Done], *more: str) -> Done:
    return office("prompt", "make", "--name", "office-recorded", "--office", "港区役所", *more)


def test_the_voice_speaks_what_the_office_is_called(office: Callable[..., Done], library: Path) -> None:
    done = _make(office)
    assert done.code == 0 and not done.err
    assert "read as: ミナトクヤクショデス。" in done.out and "office-recorded (ja) added: 8.1 s" in done.out
    [added] = json.loads(office("prompt", "list", "--json").out)
    words = "港区役所です。内容の確認とサービス向上のため、この通話を録音いたします。"
    assert added["text"] == words and added["text_sha256"] == hashlib.sha256(words.encode()).hexdigest()
    assert "Mei" in added["voice"] and added["licence"] == "CC BY 3.0"
    [sound] = library.glob("ja/*.wav16")
    [found] = json.loads(office("prompt", "check", str(sound), "--json").out)
    assert found["usable"] and found["level_dbfs"] == pytest.approx(-20, abs=0.3) and not found["warnings"]


def test_a_reading_is_spoken_and_the_words_are_kept(office: Callable[..., Done], library: Path) -> None:
    words = ["--name", "own", "--text", "東雲です。録音します。"]
    read = office("prompt", "make", *words, "--reading", "しののめです。録音します。")
    assert "シノノメ" in read.out
    [added] = json.loads(office("prompt", "list", "--json").out)
    assert added["text"] == "東雲です。録音します。"


def test_it_is_heard_before_it_is_added(
    office: Callable[..., Done], library: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    played, file = tmp_path / "played", tmp_path / "made.wav"
    monkeypatch.setenv("SDL_AUDIODRIVER", "disk")
    monkeypatch.setenv("SDL_DISKAUDIOFILE", str(played))
    monkeypatch.setenv("SDL_DISKAUDIODELAY", "0")
    done = office("prompt", "make", "--text", "録音します。", "-o", str(file), "--listen")
    assert done.code == 0 and not library.exists()
    samples, rate = soundfile.read(file, dtype="int16")
    assert rate == 16000 and samples.tobytes() in played.read_bytes()
    again = office("prompt", "make", "--text", "録音します。", "-o", str(file))
    assert again.code == 4 and "already" in again.complaint
    monkeypatch.setenv("PATH", "")
    mute = office("prompt", "make", "--text", "録音します。", "--listen")
    assert mute.code == 1 and "apt-get install ffmpeg" in mute.complaint


def test_a_machine_without_sound_says_what_to_do(
    office: Callable[..., Done], library: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SDL_AUDIODRIVER", "nothing-of-the-kind")
    done = office("prompt", "make", "--text", "録音します。", "--listen")
    assert done.code == 1 and "-o FILE.wav" in done.complaint


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        (["--text", "録音します。"], "--name"),
        (["--name", "own", "--text", "Recorded", "--language", "en"], "prompt add"),
        (["--name", "Own!", "--text", "録音します。"], "no name for a prompt"),
        (["--name", "own", "--text", "録音します。", "--reading", "😀"], "cannot read"),
        (["--name", "own", "--text", "録音します。" * 60], "too long"),
        (["--name", "own", "--text", "録音".encode("cp932").decode("utf-8", "surrogateescape")], "UTF-8"),
        (["--text", "録音します。", "-o", "/nowhere/at/all.wav"], "cannot be written"),
    ],
)
def test_what_cannot_be_made(
    office: Callable[..., Done], library: Path, line: list[str], complaint: str
) -> None:
    done = office("prompt", "make", *line)
    assert done.code == 2 and complaint in done.complaint and not library.exists()


def test_without_the_voice_it_says_what_to_install(
    office: Callable[..., Done], library: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pyopenjtalk", None)
    done = office("prompt", "make", "--name", "own", "--text", "録音します。")
    assert done.code == 2 and "callrec[prompts]" in done.complaint and not library.exists()


@pytest.mark.parametrize("spoken", ["en", "ja"])
def test_the_commands_of_the_documents(
    office: Callable[..., Done], library: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, spoken: str
) -> None:
    """Those that ring no phone. The sounds that somebody has spoken are there."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SDL_AUDIODRIVER", "dummy")
    shutil.copytree(shipped("prompts"), library, ignore=shutil.ignore_patterns("*.py"))
    for name in ("short-zh.wav", "short-ko.wav", "FILE"):
        shutil.copy(WORDS, tmp_path / name)
    for facility in ("shiba", "azabu"):
        assert office("facility", "add", facility, "--name", facility).code == 0
    assert office("extension", "add", "2102", "--facility", "shiba").code == 0
    page = (DOCS / spoken / "announcements.md").read_text("utf-8")
    lines = [line.strip() for line in page.splitlines() if line.startswith("    callrec ")]
    assert len(lines) > 10
    for line in lines:
        done = office(*shlex.split(line)[1:])
        assert done.code == (3 if "--to" in line else 0), (line, done.err)
    listed = {(each["name"], each["language"]) for each in json.loads(office("prompt", "list", "--json").out)}
    made = {
        ("office-recorded", "ja"),
        ("after-hours", "ja"),
        ("branch", "ja"),
        ("short", "zh"),
        ("short", "ko"),
    }
    assert made <= listed


@pytest.mark.parametrize("spoken", ["en", "ja"])
def test_the_documents_have_the_words_and_seconds_of_all_that_come_with_callrec(spoken: str) -> None:
    page = (DOCS / spoken / "announcements.md").read_text("utf-8")
    rows = re.findall(r"^\| `([a-z-]+)` \| [^|]+ \| ([^|]+) \| ([\d.]+) \|$", page, re.MULTILINE)
    assert {name: words for name, words, _ in rows} == WORDINGS
    assert {name: float(seconds) for name, _, seconds in rows} == SECONDS
    assert "Mei" in page and "CC BY 3.0" in page


@pytest.mark.parametrize(
    "line", [("add", str(WORDS), *TEXT), ("make", "--name", "own", "--text", "録音します。")]
)
def test_nothing_goes_into_the_folder_that_an_upgrade_replaces(
    office: Callable[..., Done], line: tuple[str, ...]
) -> None:
    before = {path: path.stat().st_mtime_ns for path in shipped("prompts").rglob("*")}
    done = office("prompt", *line)
    assert done.code == 4 and "set prompts.directory to a folder of your own" in done.complaint
    assert {path: path.stat().st_mtime_ns for path in shipped("prompts").rglob("*")} == before


def test_init_furnishes_a_folder_of_the_office_that_the_pbx_can_read(
    run: Callable[..., Done], tmp_path: Path
) -> None:
    url = ("--database-url", f"sqlite:///{tmp_path}/state/c.db", "--spool", str(tmp_path / "state/spool"))
    assert run("init", "--non-interactive", *url).code == 0
    own = tmp_path / "state/prompts"
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in own.parent.iterdir()}
    assert modes == {"prompts": 0o755, "spool": 0o700, "evidence": 0o700, "c.db": 0o600}
    assert stat.S_IMODE(own.parent.stat().st_mode) == 0o711
    assert run("prompt", "add", str(WORDS), *TEXT).code == 0
    for folder in ("en", "tones"):
        shutil.rmtree(own / folder)
    (own / "prompts.toml").write_text((own / "prompts.toml").read_text("utf-8").split("[")[0], "utf-8")
    assert run("upgrade").code == 0 and (own / "tones/beep.wav").exists()
    assert run("prompt", "add", str(WORDS), *TEXT).code == 0
    assert run("init").code == 0
    listed = json.loads(run("prompt", "list", "--json").out)
    said = {(each["name"], each["language"]): each["text"] for each in listed}
    assert said["notice", "ja"] == "別の文言" and ("notice", "en") in said
