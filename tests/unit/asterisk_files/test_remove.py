"""Removal: every line of an installation goes, and nothing else."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from callrec.asterisk_files.writing import KEPT
from tests.unit.asterisk_files.etc import NAMES, etc_of, files, install, remove, run_pbx

LINES = (
    b"[general]", b"[globals]", b"[applicationmap]", b"[callrec-mine]", b"enabled = yes", b"a=b ; c", b"",
    b"; added by callrec", b";-- block", b"--;", b";-- one --;",
    b"#include x.conf", b"#include missing/*.conf",
    b"exten => s,1,NoOp()", b"\xff\xfe latin", b"\x85 \x0b\x0c", "港区\u2028".encode(), b"[x](+)", b" ",
)  # fmt: skip
TEXTS = st.lists(
    st.tuples(st.sampled_from(LINES), st.sampled_from([b"\n", b"\r\n", b"\n\n"])), max_size=6
).flatmap(lambda lines: st.sampled_from([b"".join(a + b for a, b in lines), b"\n".join(a for a, _ in lines)]))


def _kept(there: dict[str, bytes]) -> dict[str, bytes]:
    return {name: text for name, text in there.items() if KEPT not in name}


@settings(max_examples=60, deadline=None)
@given(
    st.dictionaries(
        st.sampled_from([name for name in NAMES if name != "modules.conf"]), TEXTS, min_size=1, max_size=3
    ),
    TEXTS,
)
def test_after_it_each_file_is_what_it_was(texts: dict[str, bytes], modules: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        etc = etc_of(Path(folder))
        (etc / "x.conf").write_bytes(b"[general]\n")
        for name, text in {**texts, "modules.conf": modules}.items():
            (etc / name).write_bytes(text)
        before = files(etc)
        done = run_pbx("install", etc, "--yes")
        if done.code:
            assert "ends within a comment" in done.err and files(etc) == before
            return
        after = files(etc)
        assert "nothing had to be changed" in install(etc) and files(etc) == after
        remove(etc)
        assert _kept(files(etc)) == before


def test_what_others_have_changed_since_stays(tmp_path: Path) -> None:
    etc = etc_of(tmp_path, extensions="[mine]\nexten => 1,1,Answer()")
    install(etc)
    features, dialplan = etc / "features.conf", etc / "extensions.conf"
    features.write_text(features.read_text() + "theirs => *7,self,Hangup\n")
    dialplan.write_text("; first\n" + dialplan.read_text() + "[more]\n")
    (etc / "callrec/notes.txt").write_text("mine")
    told = remove(etc)
    assert features.read_text() == "[applicationmap]\ntheirs => *7,self,Hangup\n", "in a section of ours"
    assert dialplan.read_text() == "; first\n[mine]\nexten => 1,1,Answer()\n[more]\n"
    assert "callrec/notes.txt stays" in told and (etc / "callrec/notes.txt").read_text() == "mine"


def test_lines_that_somebody_moved_are_found(tmp_path: Path) -> None:
    etc = etc_of(
        tmp_path,
        http="[general]\n#include callrec/http.conf\r\n"
        "; added by callrec; its own file explains what and why\nenabled = yes\n",
    )
    install(etc)
    remove(etc)
    assert (etc / "http.conf").read_text() == "[general]\nenabled = yes\n"


@pytest.mark.parametrize("theirs", ["", "[more]\nexten => 1,1,Answer()\n"])
def test_an_installation_after_the_line_alone_was_taken_out(tmp_path: Path, theirs: str) -> None:
    etc = etc_of(tmp_path, extensions="[mine]\n")
    install(etc)
    dialplan = etc / "extensions.conf"
    dialplan.write_text(dialplan.read_text().replace('#include "callrec/extensions.conf"\n', theirs))
    install(etc)
    remove(etc)
    assert dialplan.read_text() == "[mine]\n" + theirs


def test_lines_of_an_older_installation_go(tmp_path: Path) -> None:
    """It did not say whether the line above had an end."""
    block = "\n; added by callrec; its own file explains what and why\n[applicationmap]\n"
    etc = etc_of(tmp_path, features=f'[general]\n{block}#include "callrec/features.conf"\n')
    install(etc)
    remove(etc)
    assert (etc / "features.conf").read_text() == "[general]\n"


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("extensions.conf", "[in]\nexten => s,1,Gosub(callrec-gate,s,1(inbound,2101,))\n"),
        ("more.conf", "[in]\n;--\n\n--;\n same => n,GosubIf(x?callrec-staff,s,1)\n"),
        ("extensions.conf", "[in]\nexten => 7000,1,ConfBridge(x,,,callrec_menu)\n"),
        ("extensions.ael", "context in { s => { Gosub(callrec-gate,s,1(inbound,2101,)); } }\n"),
        ("extensions.lua", 'app.gosub("callrec-gate,s,1(inbound,2101,)")\n'),
    ],
)
def test_lines_that_call_the_gate_are_told_and_left_behind_only_by_force(
    tmp_path: Path, name: str, text: str
) -> None:
    etc = etc_of(tmp_path, **({} if name == "extensions.conf" else {"extensions": "#include more.conf\n"}))
    (etc / name).write_text(text)
    install(etc)
    before = files(etc)
    done = run_pbx("remove", etc, "--yes")
    number = next(number for number, line in enumerate(text.split("\n"), 1) if "callrec" in line)
    first, last = done.err.strip().splitlines()
    assert done.code == 4 and first.startswith(f"{etc / name}:{number}: ")
    assert "1 lines of the dialplan call what would be removed" in last and files(etc) == before
    remove(etc, "--force")
    assert (etc / name).read_bytes() == text.encode()


@pytest.mark.parametrize(
    "text",
    [
        "[in]\n; Gosub(callrec-gate,s,1)\n",
        "[in]\n;--\nGosub(callrec-gate,s,1)\n--;\n",
        '[in]\nexten => s,1,NoOp(${DYNAMIC_FEATURES} =~ "callrec-keep")\n',
    ],
)
def test_what_calls_nothing_hinders_nobody(tmp_path: Path, text: str) -> None:
    etc = etc_of(tmp_path, extensions=text)
    install(etc)
    remove(etc)
    assert (etc / "extensions.conf").read_text() == text


def test_where_nothing_is_nothing_is_done(tmp_path: Path) -> None:
    etc = etc_of(tmp_path)
    before = files(etc)
    assert "there is nothing of callrec in" in remove(etc) and files(etc) == before


def test_it_says_what_remains(tmp_path: Path) -> None:
    etc = etc_of(tmp_path)
    install(etc)
    told = remove(etc)
    assert 'asterisk -rx "database deltree callrec-rule"' in told and 'asterisk -rx "dialplan reload"' in told
    assert sorted(each.name for each in etc.iterdir()) == sorted(
        [*(f"{name}{KEPT}" for name in NAMES), f"modules.conf{KEPT}1", "modules.conf"]
    )


def test_nobody_answers(tmp_path: Path) -> None:
    etc = etc_of(tmp_path)
    install(etc)
    before = files(etc)
    done = run_pbx("remove", etc)
    assert done.code == 2 and "give --yes; nothing was changed" in done.complaint and files(etc) == before
    assert '-#include "callrec/modules.conf"' in done.out
