"""Joining tracks into one file: each voice in its track, at its time, nothing lost."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st
from mutagen.flac import FLAC

from callrec.errors import EvidenceBroken
from callrec.spool.sound import SegmentSound, Wav, examine, join, tag
from tests.listen import hears, hears_no
from tests.unit.wave import tone, write_wav


def test_left_is_external_right_is_staff(tmp_path: Path) -> None:
    external = Wav(write_wav(tmp_path / "in.wav", tone(500, 2)))
    staff = Wav(write_wav(tmp_path / "out.wav", tone(1000, 2)))
    placements, written = join([SegmentSound(1, 0.0, external, staff)], tmp_path / "a.flac")
    sound, rate = soundfile.read(tmp_path / "a.flac", dtype="int16")
    assert rate == 8000 and sound.shape == (16000, 2)
    assert np.array_equal(sound[:, 0], tone(500, 2)) and np.array_equal(sound[:, 1], tone(1000, 2))
    assert placements[0].duration_s == 2.0
    assert written == hashlib.sha256(sound.astype("<i2").tobytes()).hexdigest()


@settings(max_examples=25, deadline=None)
@given(
    lengths=st.lists(st.tuples(st.integers(1, 90_000), st.integers(1, 90_000)), min_size=1, max_size=3),
    pauses=st.lists(st.floats(0, 2), min_size=3, max_size=3),
)
def test_every_sample_is_where_it_belongs(
    tmp_path_factory: pytest.TempPathFactory, lengths: list[tuple[int, int]], pauses: list[float]
) -> None:
    folder = tmp_path_factory.mktemp("join")
    random = np.random.default_rng(len(lengths))
    sounds, tracks, offset = [], [], 0.0
    for number, (left, right) in enumerate(lengths):
        pair = [random.integers(-9999, 9999, size, dtype=np.int16) for size in (left, right)]
        names = [write_wav(folder / f"{number}-{i}.wav", data) for i, data in enumerate(pair)]
        sounds.append(SegmentSound(number, offset, Wav(names[0]), Wav(names[1])))
        tracks.append((offset, pair))
        offset += max(left, right) / 8000 + pauses[number]
    join(sounds, folder / "a.flac")
    sound, _ = soundfile.read(folder / "a.flac", dtype="int16")
    covered = np.zeros(sound.shape, dtype=bool)
    for begin_s, pair in tracks:
        begin = round(begin_s * 8000)
        for side, data in enumerate(pair):
            assert np.array_equal(sound[begin : begin + len(data), side], data)
            covered[begin : begin + len(data), side] = True
    assert not sound[~covered].any(), "silence everywhere else"


def test_a_track_that_begins_later_is_moved(tmp_path: Path) -> None:
    external = Wav(write_wav(tmp_path / "in.wav", tone(500, 1)))
    staff = Wav(write_wav(tmp_path / "out.wav", tone(1000, 1)))
    join([SegmentSound(1, 0.0, external, staff, staff_lead_s=0.25)], tmp_path / "a.flac")
    sound, _ = soundfile.read(tmp_path / "a.flac", dtype="int16")
    assert len(sound) == 10000
    assert not sound[:2000, 1].any() and np.array_equal(sound[2000:, 1], tone(1000, 1))


def test_a_part_that_runs_into_the_next_one_is_cut_there(tmp_path: Path) -> None:
    """What comes after keeps its time: nothing is heard twice, and nothing is moved."""
    first = Wav(write_wav(tmp_path / "1.wav", tone(500, 2)))
    second = Wav(write_wav(tmp_path / "2.wav", tone(1000, 1)))
    placements, _ = join(
        [SegmentSound(1, 0.0, first, first), SegmentSound(2, 1.5, second, second)], tmp_path / "a.flac"
    )
    sound, _ = soundfile.read(tmp_path / "a.flac", dtype="int16")
    assert sound.shape == (20_000, 2)
    assert np.array_equal(sound[:12_000, 0], tone(500, 2)[:12_000])
    assert np.array_equal(sound[12_000:, 0], tone(1000, 1))
    assert [(each.offset_s, each.duration_s) for each in placements] == [(0.0, 1.5), (1.5, 1.0)]


def test_a_part_whose_time_is_wrong_cuts_nothing(tmp_path: Path) -> None:
    first = Wav(write_wav(tmp_path / "1.wav", tone(500, 3)))
    second = Wav(write_wav(tmp_path / "2.wav", tone(1000, 1)))
    sounds = [SegmentSound(1, 0.0, first, first), SegmentSound(2, 0.0, second, second)]
    placements, _ = join(sounds, tmp_path / "a.flac")
    sound, _ = soundfile.read(tmp_path / "a.flac", dtype="int16")
    assert np.array_equal(sound[:, 0], np.concatenate([tone(500, 3), tone(1000, 1)]))
    assert [(each.offset_s, each.duration_s) for each in placements] == [(0.0, 3.0), (3.0, 1.0)]


def test_where_nothing_may_be_heard_nothing_is(tmp_path: Path) -> None:
    """Over the border of two parts, and to the end."""
    track = Wav(write_wav(tmp_path / "1.wav", tone(500, 2)))
    sounds = [SegmentSound(1, 0.0, track, track), SegmentSound(2, 2.0, track, track)]
    _, written = join(sounds, tmp_path / "a.flac", [(1.5, 2.5), (3.0, 1e6)])
    sound, _ = soundfile.read(tmp_path / "a.flac", dtype="int16")
    assert len(sound) == 32_000 and examine(tmp_path / "a.flac").pcm_sha256 == written
    for begin, end, silent in ((0, 1.5, False), (1.5, 2.5, True), (2.5, 3, False), (3, 4, True)):
        assert sound[int(begin * 8000) + 1 : int(end * 8000)].any() is not np.bool_(silent)


def test_a_missing_track_becomes_silence_and_is_named(tmp_path: Path) -> None:
    staff = Wav(write_wav(tmp_path / "out.wav", tone(1000, 1)))
    placements, _ = join([SegmentSound(1, 0.0, None, staff)], tmp_path / "a.flac")
    sound, _ = soundfile.read(tmp_path / "a.flac", dtype="int16")
    assert not sound[:, 0].any() and placements[0].missing == ("external",)


def test_parts_of_different_rates_are_joined_at_the_higher_one(tmp_path: Path) -> None:
    narrow = Wav(write_wav(tmp_path / "a.wav", tone(500, 1)))
    wide = Wav(write_wav(tmp_path / "b.wav", tone(5000, 1, 16000), 16000))
    join([SegmentSound(1, 0.0, narrow, narrow), SegmentSound(2, 1.0, wide, wide)], tmp_path / "a.flac")
    sound, rate = soundfile.read(tmp_path / "a.flac", dtype="int16")
    assert rate == 16000 and abs(len(sound) - 32000) <= 2
    assert hears(sound[:16000, 0], rate, 500) and hears(sound[16000:, 1], rate, 5000)
    assert hears_no(sound[:15000, 0], rate, 7500), "no mirror of the tone above the old rate"


def test_the_header_of_a_crashed_pbx_is_not_believed(tmp_path: Path) -> None:
    wav = Wav(write_wav(tmp_path / "in.wav", tone(500, 1), closed=False))
    assert wav.frames == 8000 and not wav.is_closed
    assert np.array_equal(np.concatenate(list(wav.blocks(8000))), tone(500, 1))


@pytest.mark.parametrize("data", [b"", b"RIFF", b"not a wav at all" * 10, b"RIFF\0\0\0\0WAVEfmt "])
def test_what_is_no_wav_is_refused(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "a.wav").write_bytes(data)
    with pytest.raises(EvidenceBroken):
        Wav(tmp_path / "a.wav")


@pytest.mark.parametrize("length", range(44))
def test_a_header_torn_anywhere_is_refused(tmp_path: Path, length: int) -> None:
    path = write_wav(tmp_path / "a.wav", tone(500, 1))
    path.write_bytes(path.read_bytes()[:length])
    with pytest.raises(EvidenceBroken):
        Wav(path)


@pytest.mark.parametrize("rate", [0, 7999, 2**32 - 1])
def test_a_rate_that_cannot_be_is_refused(tmp_path: Path, rate: int) -> None:
    data = bytearray(write_wav(tmp_path / "a.wav", tone(500, 1)).read_bytes())
    data[24:28] = rate.to_bytes(4, "little")
    (tmp_path / "a.wav").write_bytes(data)
    with pytest.raises(EvidenceBroken):
        Wav(tmp_path / "a.wav")


def test_a_file_that_becomes_shorter_does_not_stop_the_reader(tmp_path: Path) -> None:
    wav = Wav(write_wav(tmp_path / "a.wav", tone(500, 1)))
    (tmp_path / "a.wav").write_bytes(b"")
    with pytest.raises(EvidenceBroken, match="became shorter"):
        list(wav.blocks(8000))


def test_tags_are_japanese_and_change_the_file_not_the_sound(tmp_path: Path) -> None:
    wav = Wav(write_wav(tmp_path / "in.wav", tone(500, 1)))
    join([SegmentSound(1, 0.0, wav, wav)], tmp_path / "a.flac")
    before = examine(tmp_path / "a.flac")
    tag(tmp_path / "a.flac", {"ORGANIZATION": "芝地区総合支所", "EXTENSION": "2101"})
    after = examine(tmp_path / "a.flac")
    assert before.pcm_sha256 == after.pcm_sha256 and before.sha256 != after.sha256
    assert FLAC(tmp_path / "a.flac")["organization"] == ["芝地区総合支所"]  # type: ignore[no-untyped-call]


def test_examine_tells_what_is_there(tmp_path: Path) -> None:
    wav = Wav(write_wav(tmp_path / "in.wav", tone(500, 1)))
    _, written = join([SegmentSound(1, 0.0, wav, wav)], tmp_path / "a.flac")
    facts = examine(tmp_path / "a.flac")
    assert (facts.format, facts.sample_rate, facts.channels, facts.frames) == ("flac", 8000, 2, 8000)
    assert facts.pcm_sha256 == written
    assert facts.sha256 == hashlib.sha256((tmp_path / "a.flac").read_bytes()).hexdigest()


def test_a_damaged_file_does_not_decode(tmp_path: Path) -> None:
    wav = Wav(write_wav(tmp_path / "in.wav", tone(500, 1)))
    join([SegmentSound(1, 0.0, wav, wav)], tmp_path / "a.flac")
    data = bytearray((tmp_path / "a.flac").read_bytes())
    (tmp_path / "a.flac").write_bytes(data[:40])
    with pytest.raises(EvidenceBroken):
        examine(tmp_path / "a.flac")
