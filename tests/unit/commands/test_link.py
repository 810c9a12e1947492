"""callrec link: what it is given for, for how long, and what is written down of it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from callrec import account
from callrec.app import App
from callrec.archive.s3 import S3Store
from callrec.catalogue import custody
from callrec.settings import ArchiveSettings
from tests.unit.bench import Bench, BenchAfter, archive_one, believe
from tests.unit.fakes import MemoryStore
from tests.unit.kept_recording import approved_request
from tests.unit.program import Done
from tests.unit.samples import RECORDING_ID

Office = Callable[..., Done]


class Linking(MemoryStore):
    """A bucket that gives links, in whose words is what they are to."""

    def presigned(self, key: str, version: str | None, seconds: int) -> str:
        return f"https://s3.example/{key}?version={version}&for={seconds}"


@pytest.fixture
def office(
    run: Office,
    bench_after: BenchAfter,
    tmp_path: Path,
    empty_office: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Office:
    bench = bench_after(archive_one)
    text = (empty_office / "callrec.toml").read_text("utf-8").replace(str(empty_office), str(tmp_path))
    (tmp_path / "callrec.toml").write_text(text.replace("/c.db", "/catalogue.db"), "utf-8")
    shutil.copytree(empty_office / "evidence", tmp_path / "evidence")
    believe(tmp_path / "evidence")
    monkeypatch.setattr(App, "store", Linking(bench.store.versions))
    monkeypatch.setattr(account, "acting", lambda: "sato")
    return run


@pytest.fixture
def number(office: Office, monkeypatch: pytest.MonkeyPatch) -> str:
    """An approved request that lists the recording."""
    return approved_request(office, monkeypatch, RECORDING_ID)


def test_a_link_is_printed_alone_and_written_down(office: Office, bench: Bench, number: str) -> None:
    before = datetime.now(UTC)
    done = office("link", RECORDING_ID, "--expires", "2h", "--request", number)
    (url,) = done.out.splitlines()
    assert done.code == 0 and url.endswith(f"{RECORDING_ID}.flac?version=0&for=7200") and not done.err
    with bench.database.read() as connection:
        said = custody.of(connection, RECORDING_ID)[-1]
    assert (said.action, said.who, said.details["request"]) == ("linked", "sato", number)
    late = datetime.fromisoformat(said.details["expires_at"]) - before - timedelta(hours=2)
    assert abs(late.total_seconds()) < 60 and url not in json.dumps(said.details)


def test_a_link_counts_as_given_out(office: Office, number: str) -> None:
    assert office("link", RECORDING_ID, "--request", number).code == 0
    assert office("request", "hand-over", number, "--to", "刑事課", "--medium", "リンク").code == 0
    (copy,) = json.loads(office("request", "show", number, "--json").out)["copies"]
    assert [each["format"] for each in copy["files"]] == ["flac"]
    today = datetime.now(ZoneInfo("Asia/Tokyo")).date()
    report = json.loads(office("custody", "report", f"{today - timedelta(days=1)}..{today}", "--json").out)
    assert [each["action"] for each in report] == ["linked", "handed-over"]


def test_none_without_an_approved_request_that_lists_it(office: Office, bench: Bench) -> None:
    assert office("link", RECORDING_ID).code == 2
    assert office("link", RECORDING_ID, "--request", "").code == 4
    missing = office("link", RECORDING_ID, "--request", "2026-0001")
    assert missing.code == 4 and "there is no request" in missing.complaint
    number = office("request", "open", "--kind", "police", "--for", "三田警察署", "--quiet").out.strip()
    office("request", "add", number, RECORDING_ID)
    assert office("link", RECORDING_ID, "--request", number).code == 4, "nobody has approved it"
    with bench.database.read() as connection:
        assert "linked" not in [each.action for each in custody.of(connection, RECORDING_ID)]


@pytest.mark.parametrize("expires", ["8d", "604801s", "0s", "0.5s", "soon", ""])
def test_a_time_that_no_link_can_last(office: Office, number: str, expires: str) -> None:
    done = office("link", RECORDING_ID, "--expires", expires, "--request", number)
    assert done.code == 2 and not done.out


def test_none_to_what_does_not_verify(office: Office, bench: Bench, number: str) -> None:
    (key,) = [each for each in bench.store.versions if each.endswith(".flac")]
    bench.store.versions[key] = [b"forged"]
    done = office("link", RECORDING_ID, "--request", number)
    assert done.code == 5 and not done.out


def test_a_real_link_is_to_one_version_by_signature_version_4() -> None:
    """What S3 makes of it, the integration tests see."""
    settings = ArchiveSettings(endpoint_url="http://127.0.0.1:1", access_key="a", secret_key="b")
    url = S3Store(settings).presigned("recordings/a.flac", "v7", 3600)
    assert url.startswith("http://127.0.0.1:1/callrec/recordings/a.flac?")
    for part in ("versionId=v7", "X-Amz-Expires=3600", "X-Amz-Algorithm=AWS4-HMAC-SHA256"):
        assert part in url
