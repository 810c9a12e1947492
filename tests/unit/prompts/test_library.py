"""A library of announcements: each is there with its words and all its sounds, or not at all."""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
import stat
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import soundfile

from callrec.app import App
from callrec.errors import CheckFailed, NotFound, WrongConfiguration, WrongUsage
from callrec.model.calls import Announcement
from callrec.model.prompts import PlayableSound
from callrec.prompts import library as library_module
from callrec.prompts.library import Library
from callrec.resources import shipped

NOTICE = "この通話は、品質向上のため録音させていただく場合がございます。"
WORDS = {"name": "my-notice", "language": "ja", "text": NOTICE}
FIRST, SECOND = (PlayableSound({8000: b"8" + each, 16000: b"16" + each}, 1.0) for each in (b"a", b"b"))


def _library(tmp_path: Path) -> Library:
    return Library(tmp_path / "prompts")


def _copy(tmp_path: Path) -> Library:
    """The shipped library, to be changed."""
    return Library(shutil.copytree(shipped("prompts"), tmp_path / "prompts"))


def _files(library: Library) -> set[str]:
    found = (path for path in library.directory.rglob("*") if path.is_file())
    return {str(path.relative_to(library.directory)) for path in found}


def test_the_shipped_announcements_are_whole() -> None:
    library = Library(shipped("prompts"))
    assert library.get("notice", "ja").text == NOTICE
    assert {prompt.language for prompt in library.all()} == {"ja", "en"}
    for prompt in library.all():
        library.check(prompt)
        for rate in (8000, 16000):
            info = soundfile.info(library.file(prompt, rate))
            assert (info.samplerate, info.channels, info.subtype) == (rate, 1, "PCM_16")
            assert info.duration == pytest.approx(prompt.seconds, abs=0.01)
    assert library.get("notice", "ja").licence == "CC BY 3.0" and "Mei" in library.get("notice", "ja").voice


def test_what_is_added_is_there_with_its_words(tmp_path: Path) -> None:
    library = _library(tmp_path)
    added = library.add(FIRST, **WORDS)
    assert library.get("my-notice", "ja") == added
    assert added.text_sha256 == hashlib.sha256(NOTICE.encode()).hexdigest()
    library.check(added)
    assert [library.file(added, rate).read_bytes() for rate in (8000, 16000)] == list(FIRST.files.values())
    assert f"{library.sound(added)}.wav16" in library.pbx_files()


@pytest.mark.parametrize("words", [{"name": "../x"}, {"language": "japanese"}, {"text": "  "}])
def test_words_that_make_no_sense_are_refused(tmp_path: Path, words: dict[str, str]) -> None:
    with pytest.raises(WrongUsage):
        _library(tmp_path).add(FIRST, **{**WORDS, **words})


@pytest.mark.parametrize("field", ["text", "voice", "licence"])
def test_words_of_another_encoding_change_nothing(tmp_path: Path, field: str) -> None:
    library = _library(tmp_path)
    library.add(FIRST, **WORDS)
    before = _files(library)
    typed = "録音".encode("cp932").decode("utf-8", "surrogateescape")
    with pytest.raises(WrongUsage, match="UTF-8"):
        library.add(SECOND, **{**WORDS, field: typed})
    assert _files(library) == before and library.get("my-notice", "ja").text == NOTICE


def test_the_pbx_can_read_what_is_added_whatever_the_umask(tmp_path: Path) -> None:
    library, before = _library(tmp_path), os.umask(0o077)
    try:
        added = library.add(FIRST, **WORDS)
    finally:
        os.umask(before)
    modes = {path: stat.S_IMODE(path.stat().st_mode) for path in library.directory.rglob("*")}
    assert {modes[library.file(added, rate)] for rate in (8000, 16000)} == {0o644}
    assert modes[library.directory / "ja"] == 0o755
    assert modes[library.directory / "prompts.toml"] == 0o644, "another user may run callrec serve"


class Killed(BaseException):
    """The process is gone: nothing that it would do afterwards is done."""


STEPS = ("open", "mkdir", "chmod", "fchmod", "fsync", "replace", "rename", "link", "unlink", "rmdir")
NEED_SPACE = {"open", "mkdir", "fsync", "replace", "rename", "link"}


def _stop(monkeypatch: pytest.MonkeyPatch, at: int, how: str) -> Callable[[], bool]:
    """Stops this process at a step of its work with files; returns how to ask whether it got so far."""
    count = 0

    def stopping(name: str, real: Callable[..., Any]) -> Callable[..., Any]:
        def step(*args: Any, **options: Any) -> Any:
            nonlocal count
            count += 1
            if how == "killed" and count >= at:
                raise Killed
            if how == "full" and count >= at and name in NEED_SPACE:
                raise OSError(errno.ENOSPC, "No space left on device")
            if how == "refused" and count == at:
                raise OSError(errno.EACCES, "Permission denied")
            return real(*args, **options)

        return step

    for name in STEPS:
        monkeypatch.setattr(os, name, stopping(name, getattr(os, name)))
    return lambda: count >= at


@pytest.mark.parametrize("how", ["killed", "full", "refused"])
@pytest.mark.parametrize("language", ["ja", "en"], ids=["replaced", "new"])
def test_wherever_it_stops_the_old_or_the_new_is_there(tmp_path: Path, how: str, language: str) -> None:
    first = _library(tmp_path)
    old, before = first.add(FIRST, **WORDS), _files(first)
    folders = {path.name for path in first.directory.iterdir()}
    for at in range(1, 100):
        library = Library(shutil.copytree(first.directory, tmp_path / str(at)))
        with pytest.MonkeyPatch.context() as patch:
            reached = _stop(patch, at, how)
            try:
                library.add(SECOND, **{**WORDS, "language": language, "text": "別の文言"})
            except (WrongUsage, Killed) as error:
                assert not isinstance(error, WrongUsage) or "cannot be put into" in str(error)
        if not reached():
            break
        again = Library(library.directory)
        for prompt in again.all():
            again.check(prompt)
        now = next((each for each in again.all() if each.language == language), old)
        assert now == old or now.text == "別の文言"
        if how != "killed" and now == old:
            assert _files(library) == before
            assert {path.name for path in library.directory.iterdir()} == folders
        if how != "killed":
            continue
        again.add(FIRST, **{**WORDS, "name": "other"})
        named = {
            f"{each.language}/{each.stem}.{ending}" for each in again.all() for ending in ("wav", "wav16")
        }
        kept = before if now != old and language == "ja" else set()
        assert _files(again) == named | kept | {"prompts.toml"}, "nothing is left behind"
    assert at > 10


def test_what_is_replaced_stays_for_a_week(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Calls under way hear it, and the PBX's copy of the rules still names it."""
    library = _copy(tmp_path)
    shipped_one = library.get("notice", "ja")
    library.add(FIRST, name="notice", language="ja", text="別の文言")
    library.check(shipped_one)
    assert library.played(library.sound(shipped_one)) == shipped_one
    library.add(SECOND, name="notice", language="ja", text=NOTICE)
    library.check(shipped_one)
    monkeypatch.setattr(library_module, "KEPT", timedelta(0))
    library.add(FIRST, name="notice", language="ja", text="また別の文言")
    assert library.played(library.sound(shipped_one)) is None
    assert not library.file(shipped_one, 8000).exists() and not library.file(shipped_one, 16000).exists()
    assert len(list((library.directory / "ja").glob("notice*"))) == 4, "this one, and the one before"


def test_what_people_put_into_the_folder_stays(tmp_path: Path) -> None:
    library = _copy(tmp_path)
    for name in ("ja/music.wav", "ja/README", "notes.txt"):
        (library.directory / name).write_text("x")
    library.add(FIRST, **WORDS)
    assert {"ja/music.wav", "ja/README", "notes.txt"} <= _files(library)


def test_a_voice_can_be_corrected_and_a_version_come_back(tmp_path: Path) -> None:
    library = _library(tmp_path)
    first = library.add(FIRST, **WORDS)
    assert library.add(FIRST, **WORDS, voice="花子").file == first.file
    library.add(SECOND, **WORDS)
    assert library.add(FIRST, **WORDS).file == first.file
    for prompt in library.all():
        library.check(prompt)


def test_what_a_call_of_then_has_heard_is_still_known(app: App) -> None:
    """The words of an announcement are evidence: those of its successor were never said in that call."""
    old, at = app.library.get("notice", "ja"), datetime.now(UTC)
    sound = app.library.sound(old)
    new = app.library.add(FIRST, name="notice", language="ja", text="別の文言")
    assert app.prompt_of(sound) == old and app.prompt_of(app.library.sound(new)) == new
    heard = Announcement("notice", "ja", old.text_sha256, "in-call", at, at, complete=True)
    assert app.prompt_file(heard) == app.library.file(old, 8000)
    with pytest.raises(NotFound, match="other words"):
        app.library.spoken("notice", "ja", old.text_sha256, datetime.now(UTC))


def test_comments_and_other_announcements_stay_as_they_are(tmp_path: Path) -> None:
    library = _copy(tmp_path)
    index = library.directory / "prompts.toml"
    index.write_text(
        f"# ours\n{index.read_text()}\n[rare]\nen.text = 'Rare'\nen.seconds = 1\nen.sha256 = {{}}\n"
    )
    before = library.all()
    library.add(FIRST, **WORDS)
    assert [each for each in library.all() if each.name != "my-notice"] == before
    assert index.read_text().startswith("# ours\n")
    added = library.add(FIRST, name="rare", language="ja", text="稀")
    assert library.get("rare", "ja") == added and library.get("rare", "en").text == "Rare"


def test_a_changed_file_is_noticed(tmp_path: Path) -> None:
    library = _library(tmp_path)
    added = library.add(FIRST, **WORDS)
    library.file(added, 8000).write_bytes(b"other")
    with pytest.raises(CheckFailed, match="was changed"):
        library.check(added)
    library.file(added, 8000).unlink()
    with pytest.raises(CheckFailed, match="is missing"):
        library.check(added)


def test_the_pbx_may_see_the_library_elsewhere() -> None:
    library = Library(shipped("prompts"), "/var/lib/asterisk/sounds/callrec")
    prompt, sound = library.get("notice", "ja"), "/var/lib/asterisk/sounds/callrec/ja/notice"
    assert library.sound(prompt) == sound and library.played(sound) == prompt
    assert library.played("/elsewhere/ja/notice") is None


def test_many_questions_are_answered_from_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The copy of the rules for the PBX asks three times for each extension."""
    library = _copy(tmp_path)
    known = library.get("notice", "ja")

    def read_again(self: Library) -> str:
        raise AssertionError("the index was read again, though nobody changed it")

    monkeypatch.setattr(Library, "_text", read_again)
    assert all(library.get("notice", "ja") is known for _ in range(1500))


def test_a_changed_index_is_read_again(tmp_path: Path) -> None:
    library, other = _copy(tmp_path), Library(tmp_path / "prompts")
    assert library.get("notice", "ja").text == NOTICE
    added = other.add(FIRST, **WORDS)
    assert library.get("my-notice", "ja") == added
    index = tmp_path / "prompts/prompts.toml"
    before = index.stat()
    index.write_text(index.read_text().replace("録音", "記録"))
    os.utime(index, ns=(before.st_atime_ns, before.st_mtime_ns + 1))
    assert library.get("notice", "ja").text == NOTICE.replace("録音", "記録")
    index.unlink()
    assert library.all() == []


def test_a_bom_of_an_editor_does_no_harm(tmp_path: Path) -> None:
    library = _copy(tmp_path)
    index = library.directory / "prompts.toml"
    index.write_text(index.read_text("utf-8"), "utf-8-sig")
    assert library.get("notice", "ja").text == NOTICE
    library.add(FIRST, **WORDS)
    assert library.get("notice", "ja").text == NOTICE


ENTRY = b"[notice.ja]\ntext = 'x'\nseconds = 1\nsha256 = {}\n"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (b"not toml", "line 1 is not TOML: write name = value"),
        (b"\xff", "it is not UTF-8"),
        (b"notice = 1", "notice: a table belongs there"),
        (b"[notice.ja]\ntext = 'x'", "notice.ja.seconds: it is missing"),
        (b"['../notice'.ja]\ntext = 'x'\nseconds = 1\nsha256 = {}", "it does not fit ^"),
        (b"[notice.ja]\ntext = 'x'\nseconds = 1\nsha256 = { a = 'b' }", "write a whole number"),
        (ENTRY + b"file = '../../etc/x'", "notice.ja.file: it does not fit ^"),
        (ENTRY + b"file = 'notice\\n'", "notice.ja.file: it does not fit ^"),
        (ENTRY.replace(b"1", b"nan"), "notice.ja.seconds: write a number"),
        (ENTRY.replace(b"1", b"-1"), "notice.ja.seconds: write 0.0 or more"),
        (ENTRY.replace(b"1", b"1" * 5000), "line 3 is not TOML: a number has too many digits"),
        (ENTRY + b"[[notice.ja.earlier]]\ntext = 'x'", "notice.ja.earlier.0"),
        (b"x = " + b"[" * 5000, "nested too deep"),
    ],
)
def test_a_damaged_index_is_one_clear_error_and_stays_as_it_is(
    tmp_path: Path, text: bytes, problem: str
) -> None:
    library = _copy(tmp_path)
    index = tmp_path / "prompts/prompts.toml"
    index.write_bytes(text)
    files = set(library.directory.rglob("*"))
    with pytest.raises(WrongConfiguration) as caught:
        library.get("notice", "ja")
    told = caught.value.shown()
    assert problem in told and str(index) in told and "restore it from a copy" in told and "\n" not in told
    with pytest.raises(WrongConfiguration):
        library.add(FIRST, **WORDS)
    assert index.read_bytes() == text and set(library.directory.rglob("*")) == files


def test_an_index_that_cannot_be_written_into_is_one_clear_error(tmp_path: Path) -> None:
    library = _copy(tmp_path)
    index = tmp_path / "prompts/prompts.toml"
    index.write_text("notice = {ja = {text = 'x', seconds = 1, sha256 = {}}}\n")
    added = library.add(FIRST, name="notice", language="en", text="X")
    assert library.get("notice", "en") == added and library.get("notice", "ja").text == "x"
    (tmp_path / "a-file").touch()
    for place in (tmp_path / "a-file", tmp_path / "a-file/prompts"):
        with pytest.raises(WrongUsage, match="cannot be put into"):
            Library(place).add(FIRST, **WORDS)


def test_several_who_add_at_once_overwrite_nobody(tmp_path: Path) -> None:
    names = [f"notice-{each}" for each in range(6)]

    def add(name: str) -> None:
        _library(tmp_path).add(FIRST, **{**WORDS, "name": name})

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(add, names))
    library = _library(tmp_path)
    assert [prompt.name for prompt in library.all()] == names
    for prompt in library.all():
        library.check(prompt)


def test_a_rate_that_was_never_made_is_missing(tmp_path: Path) -> None:
    library = _copy(tmp_path)
    index = tmp_path / "prompts/prompts.toml"
    lines = [line for line in index.read_text().splitlines() if not line.startswith("16000")]
    index.write_text("\n".join(lines))
    library.file(library.get("notice", "ja"), 16000).unlink()
    with pytest.raises(CheckFailed, match=r"wav16 is missing"):
        library.check(library.get("notice", "ja"))
