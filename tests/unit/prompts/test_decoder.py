"""Files of sound of every usual kind are read; damaged ones, and what is no sound, are refused."""

from __future__ import annotations

import io
import os
import struct
import subprocess
from pathlib import Path

import numpy as np
import pytest
import soundfile

from callrec.errors import CheckFailed, NotFound, WrongUsage
from callrec.prompts import file_ends
from callrec.prompts.decoder import decoded
from callrec.prompts.measures import measure
from callrec.resources import shipped
from tests.unit.wave import tone, write_wav

SECONDS = 3.0
MADE = {
    "tagged.mp3": "-metadata title=お知らせ -id3v2_version 3 -write_id3v1 1",
    "cover.mp3": "-map 0 -map 1 -c:v copy -disposition:v attached_pic -write_xing 0",
    "a.ogg": "-c:a libvorbis -metadata title=お知らせ",
    "a.opus": "-c:a libopus -ar 48000",
    "cover.flac": "-map 0 -map 1 -c:v copy -disposition:v attached_pic",
    "a.m4a": "-movflags +faststart",
    "film.mp4": "-map 0 -map 1 -c:v mpeg4",
    "mute.mp4": "-map 1 -c:v mpeg4",
    "adpcm.wav": "-c:a adpcm_ms",
    "a.wav": "",
    "a.gsm": "-ar 8000 -ac 1",
    "a.ulaw": "-ar 8000 -ac 1 -f mulaw",
}
"""Files, and the options by which ffmpeg makes them."""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the same words in files of many kinds."""
    folder = tmp_path_factory.mktemp("sounds")
    words = ["-t", str(SECONDS), "-i", str(shipped("prompts") / "ja/notice.wav16")]
    film = ["-f", "lavfi", "-i", f"color=red:size=32x32:rate=5:duration={SECONDS}"]
    picture = ["-i", str(folder / "red.png")]
    subprocess.run(["ffmpeg", "-v", "error", *film, "-frames:v", "1", folder / "red.png"], check=True)
    for is_film, second in ((True, film), (False, picture)):
        chosen = {name: each for name, each in MADE.items() if name.endswith(".mp4") == is_film}
        outputs = [part for name, each in chosen.items() for part in (*each.split(), str(folder / name))]
        subprocess.run(["ffmpeg", "-v", "error", *words, *second, *outputs], check=True)
    return folder


@pytest.mark.parametrize("name", [name for name in MADE if name not in ("mute.mp4", "a.wav")])
def test_a_whole_file_is_taken(made: Path, name: str) -> None:
    sound = decoded(made / name)
    assert sound.seconds == pytest.approx(SECONDS, abs=0.1)
    assert measure(sound).level == pytest.approx(-18, abs=1.5)


@pytest.mark.parametrize("name", ["a.ogg", "a.wav", "cover.flac", "tagged.mp3", "a.m4a"])
def test_half_of_a_file_is_refused(made: Path, tmp_path: Path, name: str) -> None:
    data = (made / name).read_bytes()
    (tmp_path / name).write_bytes(data[: len(data) // 2])
    with pytest.raises(WrongUsage, match="damaged or cut off"):
        decoded(tmp_path / name)


@pytest.mark.parametrize("name", ["a.ogg", "cover.flac", "tagged.mp3"])
def test_zeros_within_a_file_are_refused(made: Path, tmp_path: Path, name: str) -> None:
    data = (made / name).read_bytes()
    middle = len(data) // 2
    (tmp_path / name).write_bytes(data[:middle] + bytes(2000) + data[middle + 2000 :])
    with pytest.raises(WrongUsage, match="damaged or cut off"):
        decoded(tmp_path / name)


def test_what_follows_the_sound_of_an_mp3_is_no_part_of_it(made: Path) -> None:
    data = (made / "cover.mp3").read_bytes()
    assert not file_ends.is_cut_off(io.BytesIO(data + b"APETAGEX" + bytes(40)), "mp3")


@pytest.mark.parametrize("name", ["a.ogg", "a.opus", "tagged.mp3", "cover.mp3"])
def test_a_file_whose_end_is_missing_shows_it(made: Path, name: str) -> None:
    data, container = (made / name).read_bytes(), "mp3" if "mp3" in name else "ogg"
    assert not file_ends.is_cut_off(io.BytesIO(data), container)
    assert file_ends.is_cut_off(io.BytesIO(data[:-200]), container)
    assert file_ends.is_cut_off(io.BytesIO(data[: len(data) * 2 // 3]), container)


def test_a_wav_that_was_written_into_a_pipe_is_taken(tmp_path: Path) -> None:
    data = write_wav(tmp_path / "a.wav", tone(700, 1)).read_bytes()
    for size in (0xFFFFFFFF, 0x7FFFFFFF, 0):
        piped = data[:40] + struct.pack("<I", size) + data[44:]
        assert file_ends.is_of_unknown_length(io.BytesIO(piped), "wav")
    (tmp_path / "a.wav").write_bytes(piped)
    assert decoded(tmp_path / "a.wav").seconds == pytest.approx(1.0)
    assert not file_ends.is_of_unknown_length(io.BytesIO(data[:-100]), "wav")


def test_what_a_pbx_wrote_in_mu_law_keeps_its_14_bits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    soundfile.write(tmp_path / "a.wav", tone(700, 1, loud=1500), 8000, "ULAW")
    (tmp_path / "a.wav").rename(tmp_path / "-b.mp3")
    monkeypatch.chdir(tmp_path)
    sound = decoded(Path("-b.mp3")).samples[:, 0]
    spectrum = np.abs(np.fft.rfft(sound * np.hanning(len(sound)))) ** 2
    assert spectrum[690:711].sum() > 100 * (spectrum.sum() - spectrum[690:711].sum())


def test_numbers_that_are_no_sound_are_refused(tmp_path: Path) -> None:
    samples = tone(700, 1) / 32768
    samples[400:402] = np.nan, np.inf
    soundfile.write(tmp_path / "a.wav", samples, 8000, "FLOAT")
    with pytest.raises(WrongUsage, match="damaged"):
        decoded(tmp_path / "a.wav")


def test_a_film_without_sound_and_a_rate_of_4_hz_are_refused(made: Path, tmp_path: Path) -> None:
    with pytest.raises(WrongUsage, match="there is no sound in"):
        decoded(made / "mute.mp4")
    with pytest.raises(WrongUsage, match="only 4 samples a second"):
        decoded(write_wav(tmp_path / "a.wav", tone(700, 1), 4))


def test_only_the_file_itself_is_read(made: Path, tmp_path: Path) -> None:
    """A list of other files is none of sound, whatever it is called; a WAV is one, called like a list."""
    other = made / "a.wav"
    lists = {
        "a.wav": f"#EXTM3U\n#EXT-X-TARGETDURATION:3\n#EXTINF:2,\n{other}\n#EXT-X-ENDLIST\n",
        "b.mp3": f"ffconcat version 1.0\nfile '{other}'\n",
        "c.flac": "not a sound",
    }
    for name, text in lists.items():
        (tmp_path / name).write_text(text)
        with pytest.raises(WrongUsage, match="no sound file"):
            decoded(tmp_path / name)
    (tmp_path / "%d[error]corrupt.m3u8").write_bytes(other.read_bytes())
    assert decoded(tmp_path / "%d[error]corrupt.m3u8").seconds == pytest.approx(SECONDS)


def test_what_is_no_file_is_refused_at_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "empty.wav").touch()
    for path in (tmp_path, Path("/dev/zero"), tmp_path / "fifo"):
        with pytest.raises(WrongUsage, match="folder or a device"):
            decoded(path)
    with pytest.raises(WrongUsage, match="is empty"):
        decoded(tmp_path / "empty.wav")
    for path in (tmp_path / "nowhere.wav", tmp_path / "empty.wav/x"):
        with pytest.raises((NotFound, WrongUsage)):
            decoded(path)
    with pytest.raises(WrongUsage, match="cannot be read"):
        decoded(tmp_path / ("x" * 300))


def test_without_ffmpeg_people_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(CheckFailed, match="apt-get install ffmpeg"):
        decoded(shipped("prompts") / "ja/notice.wav")
