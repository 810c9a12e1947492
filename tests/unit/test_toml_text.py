"""TOML as people save it: what Windows writes is read, and what cannot be read is named by its line."""

from __future__ import annotations

from pathlib import Path

import pytest

from callrec import toml_text
from callrec.errors import WrongUsage
from callrec.language import use


@pytest.mark.parametrize(
    ("text", "line", "problem"),
    [
        ("a = 'x\nb = 'y'", 1, "a text is not closed"),
        ('[pbx]\r\nname = "x\r\n', 2, "a text is not closed"),
        ("x = '''abc", 1, "a text is not closed"),
        ("a = 1\n[b]\nc = 1\nc = 2\n[d]\n", 4, "a name is there twice"),
        ("[a]\n\n[a]", 3, "a name is there twice"),
        ("x = {a = 1, a = 2}", 1, "a name is there twice"),
        ("\na = 港", 2, "what stands there is no value"),
        ("a = 1\nb = [1, 2", 2, "a list or a table is not closed"),
        ('a = "C:\\Users\\x"', 1, "write \\ as \\\\"),
        ('a = "\x00"', 1, "there is a sign that no text has"),
        ("\n\na = " + "1" * 5000, 3, "a number has too many digits"),
        ("\na = 0x" + "f" * 5000, 2, "a number has too many digits"),
        ("a = 1\n[b]\nc = [1, 1" + "0" * 200 + "]", 3, "a number has too many digits"),
        ("\n" + "a." * 5000 + "a = 1", 2, "it is nested too deep"),
        ("\na = " + "[" * 100_000, 2, "it is nested too deep"),
        ("\na = " + "{a=" * 100_000, 2, "it is nested too deep"),
        ("a = 1\nhost 127.0.0.1", 2, "write name = value"),
    ],
)
def test_what_is_no_toml_is_named_by_its_line(
    monkeypatch: pytest.MonkeyPatch, text: str, line: int, problem: str
) -> None:
    with pytest.raises(WrongUsage) as caught:
        toml_text.parse(text, Path("callrec.toml"))
    assert str(caught.value).startswith(f"callrec.toml, line {line} is not TOML: {problem}")
    monkeypatch.setenv("LANGUAGE", "")  # to be put back
    use("ja")
    assert caught.value.shown().startswith(f"callrec.toml の {line} 行目は TOML として読めません。")


def test_a_byte_order_mark_is_no_part_of_the_text(tmp_path: Path) -> None:
    (tmp_path / "x.toml").write_bytes(b"\xef\xbb\xbfa = 1\r\n")
    assert toml_text.read(tmp_path / "x.toml") == {"a": 1}


@pytest.mark.parametrize(
    ("data", "place"),
    [
        ("a = 1".encode("utf-16"), "x.toml is not UTF-8"),
        ("a = 1\nb = '港'".encode("cp932"), "x.toml, line 2 is not UTF-8"),
    ],
)
def test_other_encodings_are_refused(data: bytes, place: str) -> None:
    with pytest.raises(WrongUsage, match=place):
        toml_text.decoded(data, Path("x.toml"))


def test_where_a_key_stands() -> None:
    text = "\n".join(
        ["top.one = 1", "[a]", "b = '''", "c = 1", "'''", "c = 2", '[ "d" . e ]', "f = 1", "[[g]]", "h = 1"]
    )
    lines = toml_text.lines_of(text)
    found = {
        keys: toml_text.line_of(lines, keys)
        for keys in [("top", "one"), ("a",), ("a", "c"), ("a", "z"), ("d", "e", "f"), ("g", "h"), ("z",)]
    }
    assert list(found.values()) == [1, 2, 6, 2, 8, 10, None]
