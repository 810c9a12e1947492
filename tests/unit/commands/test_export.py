"""Recordings are exported under a request, and a package is verified wherever it is."""

from __future__ import annotations

import hashlib
import io
import json
import stat
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from callrec import account, settings_file
from callrec.app import App
from callrec.catalogue import custody, tables
from callrec.catalogue.custody import Entry
from callrec.desk.operations import export as operations
from callrec.model.access import Role
from tests.unit.bench import Bench, BenchAfter, Sources
from tests.unit.desk.server_thread import ThroughDesk, serving
from tests.unit.evidence import packages
from tests.unit.kept_recording import approved_request
from tests.unit.program import Done
from tests.unit.samples import END, RECORDING_ID

Office = Callable[..., Done]
PASSPHRASE = "tune Sesame 開け"


@pytest.fixture
def office(
    run: Office,
    bench_after: BenchAfter,
    tmp_path: Path,
    empty_office: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Office:
    """The program on the bench's database, store and key; there is a recording in it, and a request."""
    bench = bench_after(packages.archive)
    text = (empty_office / "callrec.toml").read_text("utf-8").replace(str(empty_office), str(tmp_path))
    (tmp_path / "callrec.toml").write_text(text.replace("/c.db", "/catalogue.db"), "utf-8")
    packages.keys_of_bench(tmp_path / "bench-keys")
    monkeypatch.setenv("CALLREC_EVIDENCE__KEYS", str(tmp_path / "bench-keys"))
    monkeypatch.setattr(App, "store", bench.store)
    monkeypatch.setattr(account, "acting", lambda: "sato")
    return run


@pytest.fixture
def number(office: Office, monkeypatch: pytest.MonkeyPatch) -> str:
    """A request that lists the recording and is approved."""
    return approved_request(office, monkeypatch, RECORDING_ID)


def entries(bench: Bench, action: str) -> list[Entry]:
    with bench.database.read() as connection:
        return [each for each in custody.of(connection, RECORDING_ID) if each.action == action]


def test_without_an_approved_request_nothing_is_given(office: Office, bench: Bench, tmp_path: Path) -> None:
    opened = office("request", "open", "--kind", "police", "--for", "三田警察署", "--quiet").out.strip()
    said = [
        office("export", "--request", each, RECORDING_ID, "-o", "p.zip") for each in ("2026-0099", opened)
    ]
    office("request", "add", opened, RECORDING_ID)
    said += [office("export", "--request", opened, "-o", "p.zip")]
    assert [each.code for each in said] == [4, 4, 4] and not (tmp_path / "p.zip").exists()
    assert [each.details["command"] for each in entries(bench, "refused")] == ["export"] * 3
    assert not entries(bench, "exported")
    assert office("export", "-o", "p.zip").code == 2, "there is none without a request"


def test_all_that_a_request_lists_is_given_and_written_down(
    office: Office, bench: Bench, tmp_path: Path, number: str
) -> None:
    assert office("export", "--request", number, "-o", "p.zip").code == 0
    path = tmp_path / "p.zip"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    files = packages.contents(path)
    (entry,) = entries(bench, "exported")
    assert entry.details["package"] == hashlib.sha256(path.read_bytes()).hexdigest()
    sound = hashlib.sha256(files[f"recordings/{RECORDING_ID}.flac"]).hexdigest()
    assert (entry.details["format"], entry.details["sha256"]) == ("flac", sound)
    assert (entry.details["request"], entry.who) == (number, "sato")
    assert office("request", "hand-over", number, "--to", "刑事課", "--medium", "DVD-R").code == 0
    (copy,) = json.loads(office("request", "show", number, "--json").out)["copies"]
    assert [each["sha256"] for each in copy["files"]] == [sound]
    report = json.loads(office("custody", RECORDING_ID, "--json").out)
    assert "exported" in {each["action"] for each in report}


def test_a_file_that_is_there_stays(office: Office, bench: Bench, tmp_path: Path, number: str) -> None:
    (tmp_path / "p.zip").write_text("mine")
    done = office("export", "--request", number, "-o", "p.zip")
    assert done.code == 4 and (tmp_path / "p.zip").read_text() == "mine"
    assert not entries(bench, "exported"), "it is refused before anything is made"
    assert office("export", "--request", number, "-o", "p.tar").code == 2
    assert office("export", "--request", number, "-o", "nowhere/p.zip").code == 1


def test_a_recording_that_does_not_verify_is_not_exported(
    office: Office, bench: Bench, tmp_path: Path, number: str
) -> None:
    (key,) = (each for each in bench.store.versions if each.endswith(".flac"))
    bench.store.versions[key] = [bench.store.versions[key][0][:-1] + b"\0"]
    done = office("export", "--request", number, "-o", "p.zip")
    assert done.code == 5 and not (tmp_path / "p.zip").exists() and not entries(bench, "exported")


def test_a_clip_and_wav(office: Office, bench: Bench, tmp_path: Path, number: str) -> None:
    done = office("export", "--request", number, "-o", "p.zip", "--format", "wav", "--clip", "0:02..0:05")
    assert done.code == 0 and f"recordings/{RECORDING_ID}-2s-5s.wav" in packages.contents(tmp_path / "p.zip")
    (entry,) = entries(bench, "exported")
    assert (entry.details["clip"], entry.details["format"]) == ("-2s-5s", "wav")
    assert office("export", "--request", number, "-o", "q.zip", "--clip", "1:00..2:00").code == 2
    assert office("export", "--request", number, "-o", "q.zip", "--format", "mp3").code == 2


def test_verify_needs_nothing_but_the_file(
    office: Office, tmp_path: Path, number: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert office("export", "--request", number, "-o", "p.zip").code == 0
    (tmp_path / "callrec.toml").unlink()
    (tmp_path / "key.pem").write_bytes(Sources.key.public_pem())
    monkeypatch.delenv("CALLREC_EVIDENCE__KEYS")
    done = office("verify", "p.zip")
    assert done.code == 0 and Sources.key.key_id in done.err and "compare it" in done.err
    done = office("verify", "p.zip", "--key", "key.pem")
    assert done.code == 0 and "compare it" not in done.err
    rows = json.loads(office("verify", "p.zip", "--json").out)
    assert {tuple(row) for row in rows} == {("id", "ok", "problems", "checked")}
    assert len(rows) == len(packages.contents(tmp_path / "p.zip")) and all(row["ok"] for row in rows)
    assert office("verify", "p.zip", "--key", "none.pem").code == 2
    assert office("verify", "p.zip", "--key", "p.zip").code == 5
    assert office("verify", "p.zip", "q.zip").code == office("verify", "p.zip", "--all").code == 2
    assert office("verify", RECORDING_ID, "--key", "key.pem").code == 2
    assert office("verify", "none.zip").code == 2


def test_verify_names_what_was_changed(office: Office, tmp_path: Path, number: str) -> None:
    assert office("export", "--request", number, "-o", "p.zip").code == 0
    files = packages.contents(tmp_path / "p.zip")
    name = f"recordings/{RECORDING_ID}.flac"
    packages.write(tmp_path / "q.zip", {**files, name: files[name] + b"x", "added.txt": b""})
    done = office("verify", "q.zip")
    assert done.code == 5 and "2 of 13 files" in done.err
    assert [line.split()[0] for line in done.out.splitlines()] == [name, "added.txt"]
    (tmp_path / "broken.zip").write_bytes(b"PK no zip")
    done = office("verify", "broken.zip")
    assert done.code == 5 and done.complaint.endswith("is no zip file, or is damaged")


def test_a_passphrase_is_in_no_argument_and_nowhere_else(
    office: Office, bench: Bench, tmp_path: Path, number: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = tmp_path / "secret"
    secret.write_text(PASSPHRASE + "\n", "utf-8")
    exporting = ("export", "--request", number, "-o", "p.zip", "--passphrase-file", "secret")
    secret.chmod(0o644)
    done = office(*exporting)
    assert done.code == 4 and "chmod 600" in done.complaint and not (tmp_path / "p.zip").exists()
    secret.chmod(0o600)
    asked: list[object] = []
    monkeypatch.setattr(operations, "check_shown", asked.append)
    assert office(*exporting).code == 0
    assert asked == [number], "what the desk is asked"
    assert office("verify", "p.zip").code == 2
    assert office("verify", "p.zip", "--passphrase-file", "secret").code == 0
    (tmp_path / "other").write_text("another one\n")
    (tmp_path / "other").chmod(0o600)
    wrong = office("verify", "p.zip", "--passphrase-file", "other")
    assert wrong.code == 2 and "another passphrase" in wrong.complaint
    assert "Sesame" not in json.dumps([each.details for each in entries(bench, "exported")])
    (tmp_path / "short").write_text("short")
    (tmp_path / "short").chmod(0o600)
    assert office("export", "--request", number, "-o", "q.zip", "--passphrase-file", "short").code == 2


def test_a_passphrase_from_standard_input(
    office: Office, tmp_path: Path, number: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{PASSPHRASE}\nanother line\n"))
    assert office("export", "--request", number, "-o", "p.zip", "--passphrase-file", "-").code == 0
    assert packages.decrypted(tmp_path / "p.zip", PASSPHRASE)
    done = office("export", "--request", number, "-o", "q.zip", "--passphrase-file", "none")
    assert done.code == 2 and not (tmp_path / "q.zip").exists()


def test_what_was_destroyed_meanwhile_is_left_out_and_said(
    office: Office, bench: Bench, tmp_path: Path, number: str
) -> None:
    other = bench.captured_too()
    assert bench.archiver.archive(other)
    assert office("request", "add", number, other).code == 0
    with bench.database.begin() as connection:
        gone = {"state": "destroyed", "destroyed_at": END}
        row = tables.recordings.c.id == RECORDING_ID
        connection.execute(tables.recordings.update().where(row).values(**gone))
    done = office("export", "--request", number, "-o", "p.zip")
    assert done.code == 0 and RECORDING_ID in done.err
    files = packages.contents(tmp_path / "p.zip")
    document = json.loads(files["package.json"])
    assert [each["id"] for each in document["recordings"]] == [other]
    assert document["left_out"] == [RECORDING_ID] and RECORDING_ID in files["summary.html"].decode()
    assert office("verify", "p.zip").code == 0
    assert office("export", "--request", number, RECORDING_ID, "-o", "q.zip").code == 1


def test_what_is_in_custody_is_the_zip_inside_an_encrypted_one(
    office: Office, bench: Bench, tmp_path: Path, number: str
) -> None:
    (tmp_path / "secret").write_text(PASSPHRASE, "utf-8")
    (tmp_path / "secret").chmod(0o600)
    done = office("export", "--request", number, "-o", "p.zip", "--passphrase-file", "secret")
    assert done.code == 0
    inner = packages.decrypted(tmp_path / "p.zip", PASSPHRASE)
    (entry,) = entries(bench, "exported")
    assert hashlib.sha256(inner).hexdigest() == entry.details["package"]


def test_who_asks_the_desk_gets_it_with_the_role_of_a_handler(
    office: Office, bench: Bench, tmp_path: Path, number: str
) -> None:
    app = App(settings_file.load(str(tmp_path / "callrec.toml")))
    with closing(app), serving(app, tmp_path / "desk.sock") as socket:
        asked = ThroughDesk(app, socket, office)
        exporting = ("export", "--request", number, "-o")
        asked.grant(Role.AUDITOR)
        assert asked(*exporting, "a.zip").code == 4
        asked.grant(Role.HANDLER, facilities=["azabu"])
        assert asked(*exporting, "b.zip").code == 1, "the recording is of another facility: out of sight"
        assert asked(*exporting, "b.zip", RECORDING_ID).code == 1
        asked.grant(Role.HANDLER, facilities=["shiba"])
        done = asked(*exporting, "c.zip")
        assert done.code == 0, done.err
    assert {path.name for path in tmp_path.glob("*.zip")} == {"c.zip"}
    assert office("verify", "c.zip").code == 0
    (entry,) = entries(bench, "exported")
    assert (entry.details["through"], entry.details["role"]) == ("desk", "handler")
