"""From the spool into the archive: nothing is let go before its successor has been read back."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import soundfile

from callrec.archive.object_names import object_key
from callrec.catalogue import calls, custody, finding
from callrec.catalogue.calls import ArchivedRecording
from callrec.catalogue.database import Connection
from callrec.errors import EvidenceBroken, StoreUnreachable
from callrec.evidence.keys import PublicKeyRing
from callrec.manifest import read
from callrec.model.access import EVERYWHERE
from callrec.model.captures import Custody, Gap, Silence, SilenceReason, Track
from callrec.signing import opened
from tests.told import told_by
from tests.unit.bench import Bench, Sources
from tests.unit.samples import CALL_ID, DECISION, END, RECORDING_ID, START, call, captured_call, segment
from tests.unit.wave import tone, write_wav

KEY = f"recordings/shiba/2026/11/22/{RECORDING_ID}.flac"


def test_the_whole_way(bench: Bench) -> None:
    bench.captured()
    manifest = bench.archiver.archive(RECORDING_ID)
    assert manifest is not None and object_key(manifest, bench.recordings._zone) == KEY
    assert sorted(bench.store.objects) == [KEY, KEY.replace(".flac", ".manifest.json")]
    assert bench.deleted == ["callrec/r-1-external", "callrec/r-1-staff"]
    assert bench.spool.waiting() == []
    with bench.database.read() as connection:
        kept = finding.recording(connection, RECORDING_ID, reach=EVERYWHERE)
        assert [entry.action for entry in custody.of(connection, RECORDING_ID)] == [
            "captured",
            "spooled",
            "archived",
        ]
        assert custody.broken_at(connection) is None
    assert kept.state is Custody.ARCHIVED and kept.call_id == CALL_ID
    assert kept.retain_until == END + timedelta(days=90)
    assert read(bench.store.objects[kept.manifest_key]).audio.sha256 == kept.sha256


def test_the_day_in_the_key_is_that_of_the_facility(bench: Bench) -> None:
    late = START + timedelta(hours=15)  # past midnight in Tokyo
    bench.captured(started_at=late)
    assert bench.archiver.archive(RECORDING_ID) is not None
    assert any("/2026/11/23/" in key for key in bench.store.objects)


STEPS = ["put", "head", "read", "build", "catalogue", "delete", "remove"]


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("count", [1, 2])
def test_a_failure_at_any_step_loses_nothing(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, step: str, count: int
) -> None:
    """The step fails `count` times; what is on the PBX goes only once the archive has it."""
    bench.captured()
    owner, name = {
        "put": (bench.store, "put"),
        "head": (bench.store, "head"),
        "read": (bench.store, "read"),
        "build": (bench.builder, "build"),
        "catalogue": (calls, "save_recording"),
        "delete": (bench.endings, "_delete_track"),
        "remove": (bench.spool, "remove"),
    }[step]
    real, failures = getattr(owner, name), iter(range(count))

    def failing(*args: Any, **options: Any) -> Any:
        if next(failures, None) is not None:
            raise StoreUnreachable("it failed")
        return real(*args, **options)

    monkeypatch.setattr(owner, name, failing)
    for _ in range(count):
        with pytest.raises(StoreUnreachable):
            bench.archiver.archive(RECORDING_ID)
        in_archive = len(bench.store.objects) == 2
        assert in_archive or not bench.deleted, "deleted before the archive had it"
        assert bench.spool.waiting() == [RECORDING_ID]
    assert bench.archiver.archive(RECORDING_ID) is not None
    with bench.database.read() as connection:
        assert calls.find_recording(connection, RECORDING_ID)
        assert len(custody.of(connection, RECORDING_ID)) == 3, "written down once"
    assert bench.spool.waiting() == [] and not list(bench.pbx.rglob("r-*"))


@pytest.mark.parametrize("kept", [None, "kms", "aws:kms:dsse"])
def test_a_store_that_does_not_encrypt_is_noticed(bench: Bench, kept: str | None) -> None:
    bench.captured()
    bench.deposit._encryption, bench.store.encryption = "s3", kept
    with pytest.raises(EvidenceBroken, match=f'does not encrypt .* archive.encryption = "{kept or "none"}"'):
        bench.archiver.archive(RECORDING_ID)
    assert not bench.deleted and bench.spool.waiting() == [RECORDING_ID]
    bench.store.encryption = "s3"
    assert bench.archiver.archive(RECORDING_ID)


def test_a_store_may_encrypt_unasked(bench: Bench) -> None:
    bench.captured()
    bench.store.encryption = "kms"
    assert bench.archiver.archive(RECORDING_ID)


def test_a_store_that_drops_locks_is_noticed(bench: Bench) -> None:
    bench.captured()
    bench.store.drops_locks = True
    with pytest.raises(EvidenceBroken, match="does not lock"):
        bench.archiver.archive(RECORDING_ID)
    assert not bench.deleted and bench.spool.waiting() == [RECORDING_ID]


def test_retention_shorter_than_an_outage_locks_for_a_day(bench: Bench) -> None:
    bench.captured(call={"decision": replace(DECISION, retain_days=1)})
    bench.archiver.archive(RECORDING_ID)
    tomorrow = datetime.now(UTC) + timedelta(days=1)
    assert all(abs(until - tomorrow) < timedelta(minutes=1) for until in bench.store.until.values())
    with bench.database.read() as connection:
        assert finding.recording(connection, RECORDING_ID, reach=EVERYWHERE).retain_until == END + timedelta(
            days=1
        )


def test_the_versions_that_were_proved_are_on_record(bench: Bench) -> None:
    bench.captured()
    bench.archiver.archive(RECORDING_ID)
    with bench.database.read() as connection:
        kept = finding.recording(connection, RECORDING_ID, reach=EVERYWHERE)
        archived = custody.of(connection, RECORDING_ID)[-1]
    assert (kept.version, kept.manifest_version) == ("0", "0")
    assert (archived.details["version"], archived.details["manifest_version"]) == ("0", "0")


def test_what_was_captured_after_the_archive_had_it_is_kept_aside(bench: Bench) -> None:
    """A checkpoint that comes back with more than was archived: nothing of it is deleted or put over."""
    bench.captured()
    bench.archiver.archive(RECORDING_ID)
    before = dict(bench.store.objects)
    bench.track("callrec/r-2-external", 500)
    bench.spool.hand_over(captured_call(segments=(segment(1), segment(2))))
    bench.archiver.work()
    assert bench.spool.quarantined() == [RECORDING_ID] and (bench.pbx / "callrec/r-2-external").exists()
    assert bench.store.objects == before


@pytest.mark.parametrize("step", ["archive", "prepare"])
def test_the_catalogue_is_asked_once_whether_it_is_archived(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    looks: list[str] = []
    find = calls.find_recording

    def look(connection: Connection, id_: str) -> ArchivedRecording | None:
        looks.append(id_)
        return find(connection, id_)

    monkeypatch.setattr(calls, "find_recording", look)
    bench.captured()
    getattr(bench.recordings, step)(RECORDING_ID)
    assert looks == [RECORDING_ID]


def test_calls_without_a_recording_get_their_row(bench: Bench) -> None:
    bench.spool.save_call(call())
    bench.archiver.work()
    with bench.database.read() as connection:
        assert finding.call(connection, CALL_ID, reach=EVERYWHERE) == call()
    assert bench.spool.calls() == []


def test_an_end_that_nobody_saw_is_told_by_the_sound(bench: Bench) -> None:
    bench.captured(ended_at=None, call={"ended_at": None})
    manifest = bench.archiver.archive(RECORDING_ID)
    assert manifest is not None
    assert manifest.call.ended_at == manifest.capture.ended_at == START + timedelta(seconds=12)


def test_sound_that_is_shorter_than_its_time_is_said(bench: Bench) -> None:
    bench.track("callrec/r-1-external", 500, 4.0)
    bench.track("callrec/r-1-staff", 1000, 4.0)
    bench.spool.hand_over(captured_call())
    manifest = bench.archiver.archive(RECORDING_ID)
    assert manifest is not None
    stays, last = "is 6.0 s shorter than the time it ran: it stays on the PBX", manifest.call.notes[-1].text
    assert [note.text for note in manifest.call.notes[:-1]] == [
        f"track callrec/r-1-external {stays}",
        f"track callrec/r-1-staff {stays}",
    ]
    assert last == "the sound is 6.0 s shorter than the time it ran"


def test_nothing_is_deleted_that_was_not_fetched_to_its_last_sample(bench: Bench) -> None:
    """The header agrees with what came: above 4 GiB both may be wrong. The time it ran does not."""
    bench.track("callrec/r-1-external", 500, 6.0)
    bench.track("callrec/r-1-staff", 1000, 9.9)
    bench.spool.hand_over(captured_call())
    assert bench.archiver.archive(RECORDING_ID) is not None, "what is there is in the archive"
    assert bench.deleted == ["callrec/r-1-staff"] and (bench.pbx / "callrec/r-1-external").exists()
    assert bench.spool.quarantined() == [RECORDING_ID] and told_by(bench.archiver)


def test_a_track_that_the_pbx_broke_off_is_all_there_is(bench: Bench) -> None:
    """After a crash of the PBX its header was never finished: nothing more can be had."""
    begin = START + timedelta(seconds=2)
    for side in ("external", "staff"):
        path = bench.pbx / f"callrec/r-1-{side}"
        path.parent.mkdir(exist_ok=True, parents=True)
        write_wav(path, tone(500, 4.0), closed=False)
    bench.spool.hand_over(captured_call())
    manifest = bench.archiver.archive(RECORDING_ID)
    assert manifest is not None and manifest.capture.began_at == begin
    assert len(bench.deleted) == 2 and not bench.spool.quarantined()


def test_parts_stand_at_their_time(bench: Bench) -> None:
    """Two parts of 2 s, the second 5 s after the first: 7 s, with silence between them."""
    begin = START + timedelta(seconds=2)
    for number in (1, 2):
        bench.track(f"callrec/r-{number}-external", 500, 2.0)
        bench.track(f"callrec/r-{number}-staff", 1000, 2.0)
    later = begin + timedelta(seconds=5)
    segments = (
        segment(1),
        segment(
            2,
            external=Track("callrec/r-2-external", later, END),
            staff=Track("callrec/r-2-staff", later, END),
        ),
    )
    bench.spool.hand_over(captured_call(segments=segments, ended_at=later + timedelta(seconds=2)))
    manifest = bench.archiver.archive(RECORDING_ID)
    assert manifest is not None and manifest.audio.duration_s == 7.0
    assert [(each.segment, each.offset_s) for each in manifest.placements] == [(1, 0.0), (2, 5.0)]


@pytest.mark.parametrize("reason", SilenceReason)
def test_what_must_not_be_heard_is_silent_although_the_pbx_obeyed_late(
    bench: Bench, reason: SilenceReason
) -> None:
    """The tracks have sound throughout, as where the PBX took seconds for what it was told."""
    begin = START + timedelta(seconds=2)
    silence = Silence(begin + timedelta(seconds=3), begin + timedelta(seconds=6), reason)
    bench.captured(silences=(silence,))
    bench.archiver.archive(RECORDING_ID)
    sound, rate = soundfile.read(io.BytesIO(bench.store.objects[KEY]), dtype="int16")
    assert not sound[3 * rate - rate // 10 : 6 * rate].any()
    assert all(sound[second * rate + 1 : (second + 1) * rate].any() for second in (0, 1, 2, 6, 7, 8, 9))


@pytest.mark.parametrize(("ended_after_s", "heard_s"), [(4, 4.0), (10, 10.0), (-3600, 10.0)])
def test_what_the_pbx_wrote_after_callrec_ended_a_segment_is_not_in_it(
    bench: Bench, ended_after_s: int, heard_s: float
) -> None:
    """The hang-up of the snoops came late. Where a clock was set back meanwhile, nothing is cut."""
    begin = START + timedelta(seconds=2)
    ended = begin + timedelta(seconds=ended_after_s)
    sides = [Track(f"callrec/r-1-{side}", begin, ended) for side in ("external", "staff")]
    bench.captured(segments=(segment(external=sides[0], staff=sides[1]),))
    manifest = bench.archiver.archive(RECORDING_ID)
    assert manifest is not None and manifest.audio.duration_s == heard_s


@pytest.mark.parametrize("told_after_s", [-0.009, 0.003, 1.5])
def test_what_the_dialplan_recorded_is_whole_though_callrec_was_late(
    bench: Bench, told_after_s: float
) -> None:
    """callrec stood still: the end that it noted lies long before the next segment began, after 2 s."""
    begin = START + timedelta(seconds=2)
    told, later = begin + timedelta(seconds=told_after_s), begin + timedelta(seconds=2)
    bench.track("callrec/fallback-1-external", 500, 2.0)
    bench.track("callrec/fallback-1-staff", 1000, 2.0)
    for side in ("external", "staff"):
        bench.track(f"callrec/r-2-{side}", 700, 1.0)
    first = [Track(f"callrec/fallback-1-{side}", None, told) for side in ("external", "staff")]
    second = [Track(f"callrec/r-2-{side}", later, END) for side in ("external", "staff")]
    segments = (
        segment(1, external=first[0], staff=first[1]),
        segment(2, external=second[0], staff=second[1]),
    )
    gaps = (Gap(told, later + timedelta(milliseconds=20), "callrec took the recording over"),)
    bench.spool.hand_over(captured_call(segments=segments, gaps=gaps, ended_at=later + timedelta(seconds=1)))
    manifest = bench.archiver.archive(RECORDING_ID)
    assert manifest is not None and manifest.audio.duration_s == 3.0
    assert [(each.segment, each.duration_s) for each in manifest.placements] == [(1, 2.0), (2, 1.0)]
    assert manifest.capture.gaps == () and manifest.call.answered_at == begin


def test_a_segment_gives_way_to_the_next_however_slowly_it_ended(bench: Bench) -> None:
    """One of its tracks was broken before. The other one of 10 s ran on when the next had begun after 5 s."""
    begin = START + timedelta(seconds=2)
    later, broken = begin + timedelta(seconds=5), begin + timedelta(seconds=3)
    first = [Track("callrec/r-1-external", begin, broken, "disk"), Track("callrec/r-1-staff", begin, later)]
    second = [Track(f"callrec/s-1-{side}", later, later + timedelta(seconds=2)) for side in ("left", "right")]
    for track in second:
        bench.track(track.name, 500, 2.0)
    parts = (
        segment(1, external=first[0], staff=first[1]),
        segment(2, external=second[0], staff=second[1]),
    )
    bench.captured(segments=parts)
    manifest = bench.archiver.archive(RECORDING_ID)
    assert manifest is not None
    assert [(each.segment, each.offset_s) for each in manifest.placements] == [(1, 0.0), (2, 5.0)]


def test_it_stops_between_recordings(bench: Bench) -> None:
    bench.captured()
    bench.archiver.stop()
    bench.archiver.run()
    assert bench.spool.waiting() == [RECORDING_ID]


def test_a_manifest_that_an_older_callrec_left_in_the_spool_is_signed_when_it_is_archived(
    bench: Bench,
) -> None:
    """The custody log has it since after the first key was made: without a signature nobody would believe
    it."""
    bench.captured()
    bench.recordings.prepare(RECORDING_ID)
    file = bench.builder.manifest_file(RECORDING_ID)
    since = ("facilities", "rules", "announced", "clocks", "key_id", "signature")
    plain = {name: value for name, value in json.loads(file.read_bytes()).items() if name not in since}
    file.write_text(json.dumps({**plain, "schema": "callrec-manifest/2"}), "utf-8")
    found = bench.archiver.archive(RECORDING_ID)
    assert found is not None and found.is_signed and found.facilities == ("shiba",) and found.clocks
    assert found.created_at.isoformat() == plain["created_at"].replace("Z", "+00:00")
    (data,) = [data for key, data in bench.store.objects.items() if key.endswith(".manifest.json")]
    opened(data, PublicKeyRing({Sources.key.key_id: Sources.key.public_key}))
