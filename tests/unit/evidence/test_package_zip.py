"""A zip that somebody sends may have been made to do harm: it is refused with a sentence, never unpacked."""

from __future__ import annotations

import io
import stat
import struct
import zipfile
from pathlib import Path

import pytest

from callrec.errors import CallrecError, EvidenceBroken, WrongUsage
from callrec.evidence.package_zip import encrypt, opened
from tests.unit.evidence.packages import NUMBER

PASSPHRASE = "ひらけごま opens"


def made(path: Path, *files: tuple[str, bytes], how: int = zipfile.ZIP_STORED) -> Path:
    """A zip with these files."""
    with zipfile.ZipFile(path, "w", how) as file:
        for name, data in files:
            file.writestr(name, data)
    return path


def read(path: Path, passphrase: str | None = None) -> dict[str, bytes]:
    with opened(path, passphrase) as files:
        return {name: b"".join(files.chunks(name)) for name in files.names()}


def test_a_package_is_read(package_zip: Path, package_files: dict[str, bytes]) -> None:
    assert read(package_zip) == package_files


@pytest.mark.parametrize(
    "name",
    ["../evil", "p/../../evil", "/etc/evil", "p\\evil", "C:/evil", "p//evil", "evil", "other/evil", "p/."],
)
def test_names_that_lead_elsewhere_are_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(EvidenceBroken, match="must not be in it"):
        read(made(tmp_path / "p.zip", ("p/package.json", b"{}"), (name, b"evil")))


def test_links_and_names_that_are_there_twice_are_refused(tmp_path: Path) -> None:
    link = zipfile.ZipInfo("p/link")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(tmp_path / "link.zip", "w") as file:
        file.writestr(link, b"/etc/passwd")
    with pytest.raises(EvidenceBroken, match="it is a link"):
        read(tmp_path / "link.zip")
    with pytest.warns(UserWarning, match="Duplicate"):
        twice = made(tmp_path / "twice.zip", ("p/a", b"1"), ("p/a", b"2"))
    with pytest.raises(EvidenceBroken, match="one name"):
        read(twice)


def test_a_zip_that_grows_beyond_measure_is_not_unpacked(tmp_path: Path) -> None:
    bomb = made(tmp_path / "bomb.zip", ("p/zeros", bytes(1 << 26)), how=zipfile.ZIP_DEFLATED)
    assert bomb.stat().st_size < 1 << 17
    with pytest.raises(EvidenceBroken, match="67108864 bytes"):
        read(bomb)


def test_a_zip_that_says_another_size_is_damaged(tmp_path: Path) -> None:
    """Its list promises less than is there: no more than was promised is read."""
    whole = made(tmp_path / "p.zip", ("p/a", b"a" * 100)).read_bytes()
    place = whole.index(b"PK\x01\x02") + 24
    lying = tmp_path / "lying.zip"
    lying.write_bytes(whole[:place] + struct.pack("<I", 10) + whole[place + 4 :])
    with pytest.raises(EvidenceBroken):
        read(lying)


def test_a_damaged_file_is_named_and_others_are_read(package_zip: Path, tmp_path: Path) -> None:
    data = package_zip.read_bytes()
    place = data.index(b"fLaC") + 5000
    path = tmp_path / "p.zip"
    path.write_bytes(data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :])
    with opened(path) as files:
        (sound,) = (name for name in files.names() if name.endswith(".flac"))
        with pytest.raises(EvidenceBroken, match="damaged"):
            b"".join(files.chunks(sound))
        assert b"".join(files.chunks("package.json"))


def test_it_may_have_been_packed_again_in_another_folder(tmp_path: Path) -> None:
    for folder in ("", "a/", "a/b/"):
        path = made(tmp_path / "p.zip", (f"{folder}keys/k.pem", b"1"), (f"{folder}package.json", b"2"))
        assert read(path) == {"keys/k.pem": b"1", "package.json": b"2"}
    assert read(made(tmp_path / "p.zip", ("a/b", b"1"))) == {"a/b": b"1"}, "its list is missing"


@pytest.mark.parametrize("data", [b"", b"PK", b"no zip", b"PK\x05\x06" + bytes(17), bytes(100)])
def test_what_is_no_zip_is_said_in_one_line(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "p.zip"
    path.write_bytes(data)
    with pytest.raises(EvidenceBroken, match=r"p\.zip is no zip file, or is damaged"):
        read(path)


def test_a_zip_cut_off_anywhere_is_said(package_zip: Path, tmp_path: Path) -> None:
    data, path = package_zip.read_bytes(), tmp_path / "p.zip"
    for length in range(0, len(data), len(data) // 40):
        path.write_bytes(data[:length])
        with pytest.raises(CallrecError):
            read(path)


def test_a_zip_with_any_byte_changed_raises_nothing_else(package_zip: Path, tmp_path: Path) -> None:
    data, path = package_zip.read_bytes(), tmp_path / "p.zip"
    begin = data.rindex(b"PK\x01\x02") - 1500
    for place in [*range(40), *range(begin, len(data), 7)]:
        path.write_bytes(data[:place] + bytes([data[place] ^ 0x55]) + data[place + 1 :])
        try:
            read(path)
        except CallrecError:
            continue


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(WrongUsage, match="cannot be read"):
        read(tmp_path / "none.zip")
    with pytest.raises(WrongUsage, match="cannot be read"):
        read(tmp_path)


def test_an_encrypted_package(package_zip: Path, package_files: dict[str, bytes], tmp_path: Path) -> None:
    path, name = tmp_path / "p.zip", f"callrec-{NUMBER}.zip"
    encrypt(package_zip, path, name, PASSPHRASE)
    data = path.read_bytes()
    assert b"fLaC" not in data and b"manifest" not in data, "not even names can be read"
    assert read(path, PASSPHRASE) == package_files
    with pytest.raises(WrongUsage, match="give --passphrase-file"):
        read(path)
    with pytest.raises(WrongUsage, match="another passphrase"):
        read(path, "another passphrase")
    for place in (len(data) // 2, len(data) // 3):
        path.write_bytes(data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :])
        with pytest.raises(CallrecError):
            read(path, PASSPHRASE)


def test_an_encrypted_zip_of_something_else(tmp_path: Path) -> None:
    (tmp_path / "text").write_bytes(b"no zip")
    encrypt(tmp_path / "text", tmp_path / "p.zip", "inner.zip", PASSPHRASE)
    with pytest.raises(EvidenceBroken):
        read(tmp_path / "p.zip", PASSPHRASE)


def test_the_zip_can_be_unpacked_by_a_common_tool(package_zip: Path) -> None:
    with zipfile.ZipFile(io.BytesIO(package_zip.read_bytes())) as found:
        assert found.testzip() is None
        assert {each.partition("/")[0] for each in found.namelist()} == {f"callrec-{NUMBER}"}
