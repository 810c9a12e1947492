"""A package has what proves its recordings, in files that common tools understand."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import zipfile
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from callrec.archive.given import Clip
from callrec.errors import EvidenceBroken, Unreachable, WrongUsage
from callrec.evidence import package
from callrec.evidence.anchorer import Anchorer
from callrec.evidence.package import Proof, read_proof, write_proof, wrong_rows
from callrec.evidence.package_check import PackageCheck
from callrec.evidence.placing import Placer
from callrec.evidence.stamping import Stamper, StampLog
from callrec.evidence.timestamps import Roots, TimeStampAuthority
from callrec.language import translated
from callrec.settings import EvidenceSettings
from tests.authority import answering, authority
from tests.unit.bench import TOKYO, Bench, Sources
from tests.unit.evidence import packages
from tests.unit.samples import RECORDING_ID

ID = RECORDING_ID
KEY = Sources.key.key_id


def unpacked(path: Path, target: Path) -> Path:
    """The folder of a package."""
    with zipfile.ZipFile(path) as found:
        found.extractall(target)
    return target / f"callrec-{packages.NUMBER}"


def bash(folder: Path, name: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Runs the commands of a package, and sees that they leave nothing of it elsewhere."""
    with TemporaryDirectory() as elsewhere:
        done = subprocess.run(
            ["bash", name],
            cwd=folder,
            check=False,
            capture_output=True,
            text=True,
            env={**os.environ, "TMPDIR": elsewhere, **variables},
        )
        assert not list(Path(elsewhere).iterdir())
    return done


def test_what_is_in_it(package_files: dict[str, bytes]) -> None:
    anchors = [name for name in package_files if name.startswith("anchors/")]
    assert len(anchors) == 1 and anchors[0].endswith(".json")
    assert set(package_files) - set(anchors) == {
        "package.json", "SHA256SUMS", "summary.html", "要約.html", "VERIFY.txt", "検証方法.txt",
        f"recordings/{ID}.flac", f"recordings/{ID}.manifest.json", f"custody/{ID}.txt", f"paths/{ID}.json",
        f"keys/{KEY}.pem",
    }  # fmt: skip
    document = json.loads(package_files["package.json"])
    assert (document["schema"], document["request"], document["kind"]) == (
        "callrec-package/1", packages.NUMBER, "police",
    )  # fmt: skip
    assert (document["for_whom"], document["made_by"], document["approved_by"]) == (
        "三田警察署", "sato", "tanaka",
    )  # fmt: skip
    assert {each["name"]: each["sha256"] for each in document["files"]} == {
        name: hashlib.sha256(data).hexdigest()
        for name, data in package_files.items()
        if name not in ("package.json", "SHA256SUMS")
    }


def test_sha256sum_and_the_commands_accept_it(package_zip: Path, tmp_path: Path) -> None:
    folder = unpacked(package_zip, tmp_path)
    run = ["sha256sum", "--check", "--strict", "SHA256SUMS"]
    assert subprocess.run(run, cwd=folder, check=False, capture_output=True).returncode == 0
    for name in ("VERIFY.txt", "検証方法.txt"):
        done = bash(folder, name)
        assert done.returncode == 0 and done.stdout.endswith("ALL IS RIGHT\n"), done.stderr
        assert f"signed by {KEY}: recordings/{ID}.manifest.json" in done.stdout


@pytest.mark.parametrize("name", ["recordings", "custody", "paths", "anchors", "keys", "package.json"])
def test_the_commands_notice_what_was_changed(package_zip: Path, tmp_path: Path, name: str) -> None:
    """Also where SHA256SUMS was written anew: by signature, path and hashes of rows."""
    folder = unpacked(package_zip, tmp_path)
    found = [each for each in [folder / name, *(folder / name).glob("*")] if each.is_file()]
    for path in found:
        right = path.read_bytes()
        path.write_bytes(_changed(right))
        sums = [f"{_sha256(each)}  {each.relative_to(folder)}\n" for each in files_of(folder)]
        (folder / "SHA256SUMS").write_text("".join(sums), "utf-8")
        done = bash(folder, "VERIFY.txt")
        assert done.returncode == 1 and done.stdout.endswith("SOMETHING IS WRONG\n"), path
        path.write_bytes(right)


def files_of(folder: Path) -> list[Path]:
    """All files of a package but its sums."""
    return [each for each in sorted(folder.rglob("*")) if each.is_file() and each.name != "SHA256SUMS"]


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _changed(data: bytes) -> bytes:
    """The same, with one digit or byte of what counts changed."""
    if data.startswith(b"-----BEGIN"):
        return data.replace(b"MCowBQYDK2VwAyEA", b"MCowBQYDK2VwAyEB")
    middle = len(data) // 2
    while not (chr(data[middle]).isdigit() or data.startswith(b"fLaC")):
        middle += 1
    other = b"1" if data[middle : middle + 1] == b"0" else b"0"
    return data[:middle] + other + data[middle + 1 :]


def test_the_commands_notice_what_was_added(package_zip: Path, tmp_path: Path) -> None:
    folder = unpacked(package_zip, tmp_path)
    (folder / "recordings" / "other.flac").write_bytes(b"fLaC")
    done = bash(folder, "VERIFY.txt")
    assert done.returncode == 1 and "other.flac" in done.stdout


def test_a_clip_lies_beside_the_manifest_of_the_whole(bench: Bench, tmp_path: Path) -> None:
    packages.archive(bench)
    files = packages.contents(packages.package(bench, tmp_path, "wav", Clip(2.0, 7.5)))
    name = f"recordings/{ID}-2s-7.5s.wav"
    assert name in files and f"recordings/{ID}.manifest.json" in files and f"recordings/{ID}.wav" not in files
    (recording,) = json.loads(files["package.json"])["recordings"]
    assert (recording["sound"], recording["format"], recording["clip"]) == (name, "wav", [2.0, 7.5])
    assert all(each.ok for each in PackageCheck(packages.Folder(files)).results())
    page = files["summary.html"].decode()
    assert "0:02.0 – 0:07.5 of 0:10" in page and "outside this part" in page
    folder = unpacked(tmp_path / "package.zip", tmp_path)
    assert bash(folder, "VERIFY.txt").returncode == 0


def test_wav_is_known_by_its_samples(bench: Bench, tmp_path: Path) -> None:
    packages.archive(bench)
    path = packages.package(bench, tmp_path, "wav")
    files = packages.contents(path)
    audio = json.loads(files[f"recordings/{ID}.manifest.json"])["audio"]
    assert hashlib.sha256(files[f"recordings/{ID}.wav"][44:]).hexdigest() == audio["pcm_sha256"]
    assert all(each.ok for each in PackageCheck(packages.Folder(files)).results())
    folder = unpacked(path, tmp_path)
    assert bash(folder, "VERIFY.txt").returncode == 0


def test_a_clip_that_is_not_in_it_is_refused(bench: Bench, tmp_path: Path) -> None:
    packages.archive(bench)
    with pytest.raises(WrongUsage):
        packages.package(bench, tmp_path, "flac", Clip(60.0, 70.0))


def test_several_recordings(bench: Bench, tmp_path: Path) -> None:
    packages.archive(bench)
    other = bench.captured_too()
    assert bench.archiver.archive(other)
    files = packages.contents(packages.package(bench, tmp_path))
    assert [each.ok for each in PackageCheck(packages.Folder(files)).results()] == [True] * len(files)
    assert read_proof(files[f"paths/{ID}.json"]).steps and files["summary.html"].count(b"<article") == 2


def test_a_path_is_read_as_it_was_written() -> None:
    proof = Proof(ID, "0" * 64, "anchors/2026-11-29.json", 3, (("left", "1" * 64), ("right", "2" * 64)))
    data = write_proof(proof)
    assert read_proof(data) == proof
    for wrong in (b"", b"[]", b"{}", data[:-1], data + b" ", data.replace(b'"index":3', b'"index":"3"')):
        with pytest.raises(EvidenceBroken):
            read_proof(wrong)


def test_rows_of_the_custody_log() -> None:
    rows = b"".join(
        hashlib.sha256(each).hexdigest().encode() + b" " + each + b"\n" for each in (b"[1]", b"[2]")
    )
    assert wrong_rows(rows) == [] == wrong_rows(b"")
    assert wrong_rows(rows.replace(b"[2]", b"[3]")) == [2]
    assert wrong_rows(b"\n") == [1] and wrong_rows(rows + b"x\n") == [3]


def test_both_languages_are_made_whatever_the_process_speaks(
    package_files: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LANGUAGE", "ja")
    assert translated("extension") == "内線"
    english, japanese = (package_files[name].decode() for name in package.PAGES.values())
    assert '<html lang="en">' in english and "2026-11-22 (Sun) 10:00:02" in english
    assert '<html lang="ja">' in japanese and "令和8年11月22日（日）10時00分02秒" in japanese
    assert "内線" in japanese and "内線" not in english


def test_time_stamps_and_their_renewals(bench: Bench, tmp_path: Path) -> None:
    packages.archive(bench)
    tsa = authority(tmp_path / "tsa")
    roots = Roots(tsa.root)
    with answering(tsa) as url:
        settings = EvidenceSettings(tsa_url=url, tsa_ca_file=tsa.root)
        asking = TimeStampAuthority(settings, roots, lambda: datetime.now(UTC), TOKYO)

        def stamp(anchorer: Anchorer, placer: Placer) -> None:
            stamps = StampLog(anchorer.log, roots)
            Stamper(anchorer.log, stamps, placer, asking, lambda: datetime.now(UTC)).stamp()

        def renewed(anchorer: Anchorer, placer: Placer) -> None:
            stamp(anchorer, placer)
            first = next(anchorer.log.all())
            data = first.data + anchorer.log.content(first.name.stamp_key())
            placer.place(first.name.stamp_key(2), asking.stamp(data))

        before = packages.contents(packages.package(bench, tmp_path, stamp=stamp))
        path = packages.package(bench, tmp_path, stamp=renewed)
    files = packages.contents(path)
    stamps = sorted(name for name in files if name.endswith(".tsr"))
    assert len(stamps) == 3 and len([name for name in before if name.endswith(".tsr")]) == 1
    assert all(each.ok for each in PackageCheck(packages.Folder(files)).results())
    folder = unpacked(path, tmp_path)
    done = bash(folder, "VERIFY.txt", TSA=str(tsa.root))
    assert done.returncode == 0 and done.stderr.count("Verification: OK") + done.stdout.count("OK") >= 3
    other = authority(tmp_path / "other")
    assert bash(folder, "VERIFY.txt", TSA=str(other.root)).returncode == 1
    for name in stamps:
        swapped = {**files, name: files[stamps[stamps.index(name) - 1]]}
        assert name in {each.name for each in PackageCheck(packages.Folder(swapped)).results() if not each.ok}


def test_without_an_authority_that_answers_there_is_no_stamp(bench: Bench, tmp_path: Path) -> None:
    def away(*_: object) -> None:
        raise Unreachable("the authority is away")

    packages.archive(bench)
    files = packages.contents(packages.package(bench, tmp_path, stamp=away))
    assert not [name for name in files if name.endswith(".tsr")]
