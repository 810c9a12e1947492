"""A package that was changed in any way does not verify, and what was changed is named."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from callrec.errors import EvidenceBroken
from callrec.evidence import package
from callrec.evidence.keys import SigningKey
from callrec.evidence.package_check import BelievedKeys, PackageCheck, keys_of
from callrec.signing import signed
from tests.unit.bench import Sources
from tests.unit.evidence.packages import Folder
from tests.unit.samples import RECORDING_ID

ID = RECORDING_ID
OTHER = SigningKey(Ed25519PrivateKey.from_private_bytes(b"other" + b"." * 27))
Files = dict[str, bytes]


def wrong(files: Files, keys: BelievedKeys | None = None) -> dict[str, str]:
    """What is wrong with a package: by the name of the file."""
    found = PackageCheck(Folder(files), keys).results()
    return {each.name: "; ".join(map(str, each.problems)) for each in found if not each.ok}


def resigned(files: Files, change: Callable[[dict[str, Any]], None], key: SigningKey = Sources.key) -> Files:
    """A package whose list was made anew by somebody with a key."""
    document = json.loads(files["package.json"])
    document["files"] = [
        {"name": name, "size": len(data), "sha256": hashlib.sha256(data).hexdigest()}
        for name, data in files.items()
        if name not in ("package.json", "SHA256SUMS")
    ]
    change(document)
    data = signed(document, key)
    sums = package.sums([package.PackedFile(**each) for each in document["files"]], data)
    return {**files, "package.json": data, "SHA256SUMS": sums}


def nothing(_: dict[str, Any]) -> None:
    """Leaves the list as it is."""


def test_a_whole_one_is_right(package_files: Files) -> None:
    check = PackageCheck(Folder(package_files))
    found = {each.name: each for each in check.results()}
    assert all(each.ok for each in found.values()) and set(found) == set(package_files)
    assert check.signer == Sources.key.key_id
    assert found[f"recordings/{ID}.flac"].checked == ["list", "sound"]
    assert found[f"recordings/{ID}.manifest.json"].checked == ["list", "signature"]
    assert found[f"paths/{ID}.json"].checked == ["list", "path"]
    assert wrong(package_files, keys_of([Sources.key.public_pem()])) == {}


@settings(max_examples=150, deadline=None)
@given(file=st.integers(0, 1 << 16), place=st.integers(0, 1 << 30), change=st.integers(1, 255))
def test_any_changed_byte_of_any_file_is_found(
    package_files: Files, file: int, place: int, change: int
) -> None:
    name = sorted(package_files)[file % len(package_files)]
    changed = bytearray(package_files[name])
    changed[place % len(changed)] ^= change
    assert name in wrong({**package_files, name: bytes(changed)})


def test_what_is_missing_is_named(package_files: Files) -> None:
    for name in package_files:
        left = {key: data for key, data in package_files.items() if key != name}
        assert wrong(left)[name if not name.startswith("keys/") else "package.json"]


def test_what_was_added_is_named(package_files: Files) -> None:
    found = wrong({**package_files, "recordings/other.flac": b"", "recordings": b""})
    assert set(found) == {"recordings/other.flac", "recordings"} and "added" in found["recordings"]


def test_another_key_is_not_believed(package_files: Files) -> None:
    """Somebody makes the whole package anew, with a key of their own in it."""
    forged = {**package_files, f"keys/{OTHER.key_id}.pem": OTHER.public_pem()}
    forged = resigned(forged, nothing, OTHER)
    assert wrong(forged) == {}, "without a key to compare with, it is whole"
    found = wrong(forged, keys_of([Sources.key.public_pem()]))
    assert found.keys() == {"package.json"} and OTHER.key_id in found["package.json"]


def test_a_list_signed_by_nobody_is_not_believed(package_files: Files) -> None:
    document = json.loads(package_files["package.json"])
    for change in ({"for_whom": "somebody else"}, {"signature": ""}, {"key_id": "0" * 16}):
        data = json.dumps({**document, **change}, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        assert wrong({**package_files, "package.json": data.encode()}).keys() == {"package.json"}
    for bad in (b"", b"[]", b"\xff", b'{"a":1}', b"[" * 100_000):
        assert wrong({**package_files, "package.json": bad}).keys() == {"package.json"}


MANIFEST, SOUND, PATH = f"recordings/{ID}.manifest.json", f"recordings/{ID}.flac", f"paths/{ID}.json"


def other_sound(files: Files) -> Files:
    return {**files, SOUND: files[SOUND] + b"\0"}


def other_manifest(files: Files) -> Files:
    document = json.loads(files[MANIFEST])
    return {**files, MANIFEST: signed({**document, "facility_name": "another"}, Sources.key)}


def strange_manifest(files: Files) -> Files:
    return {**files, MANIFEST: signed(json.loads(files[MANIFEST]), OTHER)}


def unsigned_manifest(files: Files) -> Files:
    document = json.loads(files[MANIFEST])
    document.pop("signature")
    return {**files, MANIFEST: json.dumps(document).encode()}


def another_anchor(files: Files) -> Files:
    (name,) = (each for each in files if each.startswith("anchors/"))
    return {**files, name: signed({**json.loads(files[name]), "merkle_root": "0" * 64}, Sources.key)}


def another_place(files: Files) -> Files:
    return {**files, PATH: files[PATH].replace(b'"steps":[]', b'"steps":[["left","' + b"0" * 64 + b'"]]')}


def another_row(files: Files) -> Files:
    name = f"custody/{ID}.txt"
    return {**files, name: files[name].replace(b"callrec", b"nobody", 1)}


def another_stamp(files: Files) -> Files:
    (name,) = (each for each in files if each.startswith("anchors/"))
    return {**files, name.replace(".json", ".tsr"): b"no time-stamp"}


def renamed_key(files: Files) -> Files:
    return {**files, f"keys/{'0' * 16}.pem": OTHER.public_pem()}


@pytest.mark.parametrize(
    ("change", "names"),
    [
        (other_sound, {SOUND}),
        (other_manifest, {PATH}),
        (strange_manifest, {MANIFEST, PATH}),
        (unsigned_manifest, {MANIFEST, PATH}),
        (another_anchor, {PATH}),
        (another_place, {PATH}),
        (another_row, {f"custody/{ID}.txt"}),
        (renamed_key, {f"keys/{'0' * 16}.pem"}),
    ],
)
def test_who_has_the_key_and_changes_one_thing_contradicts_the_rest(
    package_files: Files, change: Callable[[Files], Files], names: set[str]
) -> None:
    """The list is right and signed: what a file says is compared with what the others say."""
    assert wrong(resigned(change(package_files), nothing)).keys() == names


def test_a_stamp_of_something_else_is_named(package_files: Files) -> None:
    (name,) = wrong(resigned(another_stamp(package_files), nothing))
    assert name.endswith(".tsr")


def test_a_recording_without_its_proofs_is_noticed(package_files: Files) -> None:
    left = {name: data for name, data in package_files.items() if name not in (PATH, MANIFEST)}
    assert {PATH, MANIFEST} <= wrong(resigned(left, nothing)).keys()


def test_no_key_is_no_key(tmp_path: Path) -> None:
    for data in (b"", b"-----BEGIN PUBLIC KEY-----", Sources.key.pem()):
        with pytest.raises(EvidenceBroken):
            keys_of([data])
