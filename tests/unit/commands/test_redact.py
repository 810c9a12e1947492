"""callrec redact, and its file fetched: what is told of spans that cannot be, and what is written down."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import soundfile

from callrec import account
from callrec.app import App
from callrec.catalogue import custody, tables
from callrec.catalogue.calls import ArchivedRecording
from callrec.evidence.redaction import PlacedRedaction
from callrec.evidence.redactions import Redactions
from callrec.lifecycle.protection import Protection
from tests.unit.bench import Bench, believe
from tests.unit.program import Done
from tests.unit.samples import RECORDING_ID, captured_call

Office = Callable[..., Done]
SPANS = '[[span]]\nfrom = "0:00"\nto = "0:01"\ntrack = "staff"\nwith = "tone"\n'
REDACT = ("redact", RECORDING_ID, "--spans", "spans.toml", "--ground", "個人情報保護法第78条第1項第2号")


@pytest.fixture
def office(
    run: Office, bench: Bench, tmp_path: Path, empty_office: Path, monkeypatch: pytest.MonkeyPatch
) -> Office:
    """The program on the bench's database, spool and store, in which there is a recording of two seconds."""
    text = (empty_office / "callrec.toml").read_text("utf-8").replace(str(empty_office), str(tmp_path))
    text = text.replace("/c.db", "/catalogue.db")
    (tmp_path / "callrec.toml").write_text(text, "utf-8")
    monkeypatch.setenv("CALLREC_ARCHIVE__OBJECT_LOCK", "off")
    shutil.copytree(empty_office / "evidence", tmp_path / "evidence")
    believe(tmp_path / "evidence")
    monkeypatch.setattr(App, "store", bench.store)
    monkeypatch.setattr(account, "acting", lambda: "sato")
    bench.track("callrec/r-1-external", 500, 2.0)
    bench.track("callrec/r-1-staff", 1000, 2.0)
    bench.spool.hand_over(captured_call())
    assert bench.archiver.archive(RECORDING_ID)
    (tmp_path / "spans.toml").write_text(SPANS, "utf-8")
    return run


def test_a_redaction_is_made_shown_and_fetched(office: Office, bench: Bench, tmp_path: Path) -> None:
    done = office(*REDACT)
    assert done.code == 0 and done.out.startswith(
        f"redaction 1 of recording {RECORDING_ID}: recordings/shiba/"
    )
    assert office(*REDACT).out.startswith("redaction 2")
    shown = office("show", RECORDING_ID).out
    assert "redaction: 1  " in shown and "個人情報保護法第78条第1項第2号" in shown
    first, second = json.loads(office("show", RECORDING_ID, "--json").out)["redactions"]
    assert (first["number"], second["number"], first["who"]) == (1, 2, "sato")
    assert office("fetch", RECORDING_ID, "--redaction", "1", "-o", "out").code == 0
    path = tmp_path / "out" / f"{RECORDING_ID}.redacted-1.flac"
    assert hashlib.sha256(path.read_bytes()).hexdigest() == first["sha256"]
    manifest = json.loads((tmp_path / "out" / f"{RECORDING_ID}.redacted-1.manifest.json").read_bytes())
    assert (manifest["number"], manifest["audio"]["sha256"]) == (1, first["sha256"])
    assert (
        office("fetch", RECORDING_ID, "--redaction", "1", "--format", "wav", "--clip", "0:00..0:01").code == 0
    )
    assert soundfile.info(tmp_path / f"{RECORDING_ID}.redacted-1-0s-1s.wav").duration == 1.0
    assert not (tmp_path / f"{RECORDING_ID}.flac").exists(), "the recording itself was not given"
    with bench.database.read() as connection:
        told = [(each.action, each.details.get("redaction")) for each in custody.of(connection, RECORDING_ID)]
    assert told[-4:] == [("redacted", None), ("redacted", None), ("fetched", "1"), ("fetched", "1")]
    missing = office("fetch", RECORDING_ID, "--redaction", "3", "-o", "out3")
    assert missing.code == 1 and "has no redaction 3" in missing.complaint
    assert not list((tmp_path / "out3").glob("*"))


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("[[span]", 1),
        ("", 1),
        (SPANS + '[[span]]\nfrom = "0:01"\nto = "0:09"\n[[span]]\nfrom = "0:01"\nto = "0:01"\n', 3),
        (SPANS + '[[span]]\nfrom = "0:00.5"\nto = "0:02"\n', 2),
    ],
)
def test_spans_that_cannot_be_are_told_in_a_line_each_and_nothing_is_made(
    office: Office, bench: Bench, tmp_path: Path, text: str, lines: int
) -> None:
    before = set(bench.store.versions)
    (tmp_path / "spans.toml").write_text(text, "utf-8")
    done = office(*REDACT)
    assert done.code == 2 and len(done.err.strip().splitlines()) == lines, done.err
    assert set(bench.store.versions) == before and "redacted" not in office("show", RECORDING_ID).out


def test_what_else_is_refused(office: Office, bench: Bench, tmp_path: Path) -> None:
    for arguments, code, said in (
        ((*REDACT[:3], "none.toml", *REDACT[4:]), 1, "none.toml cannot be read"),
        ((*REDACT[:-1], " "), 2, "--ground is empty"),
        ((*REDACT, "--request", "2026-0009"), 1, "there is no request 2026-0009"),
    ):
        done = office(*arguments)
        assert (done.code, said in done.complaint) == (code, True), done.err
    number = office("request", "open", "--kind", "disclosure", "--for", "本人", "--quiet").out.strip()
    refused = office(*REDACT, "--request", number)
    assert refused.code == 4 and "does not list recording" in refused.complaint
    office("request", "add", number, RECORDING_ID)
    assert office(*REDACT, "--request", number).code == 0
    with bench.database.read() as connection:
        newest = custody.of(connection, RECORDING_ID)[-1]
    assert (newest.action, newest.details["request"]) == ("redacted", number)


def test_a_recording_that_does_not_verify_is_not_redacted(office: Office, bench: Bench) -> None:
    (key,) = [each for each in bench.store.versions if each.endswith(".flac")]
    (data,) = bench.store.versions[key]
    bench.store.versions[key] = [data[:-9] + b"forged..."]
    done = office(*REDACT)
    assert done.code == 5 and not [each for each in bench.store.versions if ".redacted/" in each]


def test_a_redaction_that_was_changed_is_not_given(office: Office, bench: Bench, tmp_path: Path) -> None:
    assert office(*REDACT).code == 0
    (key,) = [each for each in bench.store.versions if each.endswith("redacted/1.flac")]
    (data,) = bench.store.versions[key]
    bench.store.versions[key] = [data[:-9] + b"forged..."]
    done = office("fetch", RECORDING_ID, "--redaction", "1", "-o", "out")
    assert done.code == 5 and not list((tmp_path / "out").iterdir())


def test_what_is_held_while_it_is_redacted_is_held_with_its_redaction(
    office: Office, bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever held it did not see the redaction in the bucket, and whoever made that not the hold."""
    protected, make = list[tuple[bool, list[str]]](), Redactions.make

    def held_meanwhile(*args: Any) -> PlacedRedaction:
        made = make(*args)
        with bench.database.begin() as connection:
            connection.execute(tables.recordings.update().values(hold=True))
        return made

    def protect(_: Protection, row: ArchivedRecording, now: datetime) -> None:
        protected.append((row.hold, [key for key in bench.store.objects if ".redacted/" in key]))

    monkeypatch.setattr(Redactions, "make", held_meanwhile)
    monkeypatch.setattr(Protection, "protect", protect)
    assert office(*REDACT).code == 0
    ((hold, there),) = protected
    assert hold and len(there) == 2


def test_what_is_destroyed_while_it_is_redacted_is_said_to_be(
    office: Office, bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    make = Redactions.make

    def destroyed_meanwhile(*args: Any) -> PlacedRedaction:
        made = make(*args)
        with bench.database.begin() as connection:
            connection.execute(tables.recordings.update().values(state="destroyed"))
        return made

    monkeypatch.setattr(Redactions, "make", destroyed_meanwhile)
    done = office(*REDACT)
    assert done.code == 1 and "was destroyed meanwhile" in done.err
