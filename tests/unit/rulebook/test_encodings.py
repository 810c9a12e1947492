"""The encoding of a table: one for the whole of it, and no mojibake, whatever is read wrongly."""

from __future__ import annotations

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from callrec.errors import WrongUsage
from callrec.rulebook.encodings import decoded

OFFICE = (
    *(
        "窓口",
        "受付",
        "総務課",
        "戸籍係",
        "会議室",
        "保健所",
        "図書館",
        "税務課",
        "相談窓口",
        "高輪",
        "芝地区総合支所",
    ),
    *(
        "区長室",
        "みなとパーク芝浦",
        "子ども家庭支援センター",
        "コピー室",
        "防災",
        "夜間",
        "代表",
        "内線番号",
        "施設",
    ),
    *(
        "渡邉様",
        "髙橋",
        "山﨑",
        "濱田",
        "齋藤",
        "①番",
        "㈱港",
        "芝ﾋﾞﾙ",
        "～午後",
        "1階（北）",
        "A棟",
        "芝",
        "麻布",
        "赤坂",
    ),
)
FIRST_LEVEL = [bytes([row, cell]).decode("euc_jp") for row in range(0xB0, 0xCF) for cell in range(0xA1, 0xFF)]
KANA = [chr(code) for code in (*range(0x3041, 0x3094), *range(0x30A1, 0x30F7), 0x30FC)]
WORDS = st.one_of(
    st.sampled_from(OFFICE),
    st.text(st.sampled_from(FIRST_LEVEL), min_size=1, max_size=6),
    st.text(st.sampled_from(KANA), min_size=2, max_size=6),
)


def _is_cp932(data: bytes) -> bool:
    try:
        data.decode("cp932")
    except UnicodeDecodeError:
        return False
    return True


READABLE = [word for word in OFFICE if _is_cp932(word.encode())]
"""Words that are a text in CP932, too, when they are written in UTF-8."""


def table(words: list[str]) -> str:
    return "number,facility,name\r\n" + "".join(
        f"{2101 + n},shiba,{word}\r\n" for n, word in enumerate(words)
    )


TABLES = st.lists(WORDS, min_size=1, max_size=8).map(table)


@given(TABLES, st.sampled_from(["utf-8", "utf-8-sig", "cp932"]))
def test_what_an_office_writes_is_read(text: str, encoding: str) -> None:
    assert decoded(text.encode(encoding)) == text


@given(TABLES)
def test_euc_is_never_read_as_something_else(text: str) -> None:
    try:
        data = text.encode("euc_jp")
    except UnicodeEncodeError:
        assume(False)
    with pytest.raises(WrongUsage, match=r"save (it|the file|the whole file) as CSV UTF-8"):
        decoded(data)


@settings(max_examples=30)
@given(st.lists(st.sampled_from(READABLE), min_size=1, max_size=8).map(table))
def test_words_that_were_read_wrongly_before_are_never_taken(text: str) -> None:
    """UTF-8 that a program has read as another encoding, and saved so."""
    wrong = text.encode().decode("cp932")
    with pytest.raises(WrongUsage, match=r"line \d+ says .* before a program read it wrongly"):
        decoded(wrong.encode())
    with pytest.raises(WrongUsage):
        decoded(text.encode("utf-8").decode("latin-1").encode())


@given(st.lists(st.sampled_from(OFFICE), min_size=3, max_size=9), st.data())
def test_a_utf_8_table_with_a_bad_byte_is_refused_with_its_line(
    words: list[str], data: st.DataObject
) -> None:
    lines = table(words).encode().split(b"\r\n")
    number = data.draw(st.integers(1, len(words)))
    lines[number] = lines[number] + data.draw(st.sampled_from([b"\x8b", b"\xff", b"\xe7\xaa", b"\x80"]))
    with pytest.raises(WrongUsage, match=rf"in UTF-8, but not in line {number + 1}: save the whole file"):
        decoded(b"\r\n".join(lines))


@given(st.lists(st.sampled_from(OFFICE), min_size=2, max_size=9), st.data())
def test_a_table_in_two_encodings_is_refused_with_lines(words: list[str], data: st.DataObject) -> None:
    lines = table(words).split("\r\n")
    number = data.draw(st.integers(1, len(words)))
    encodings = ("cp932", "utf-8") if data.draw(st.booleans()) else ("utf-8", "cp932")
    mixed = [line.encode(encodings[place == number]) for place, line in enumerate(lines)]
    with pytest.raises(WrongUsage, match=r"(in|line) (line )?\d"):
        decoded(b"\r\n".join(mixed))


@pytest.mark.parametrize(
    "word",
    ["ｼﾊﾞ", "ｱｻﾞﾌﾞ", "ﾀﾅｶ", "ﾏﾄﾞｸﾞﾁ", "髙", "﨑", "①", "㈱", "芝", "車", "実質", "邊", "槇", "蜷川", "籠"],
)
def test_short_tables_in_cp932_are_read(word: str) -> None:
    assert decoded(table([word]).encode("cp932")) == table([word])


def test_many_half_width_names_are_read() -> None:
    text = table(["ﾀｶﾊｼ", "ｻｲﾄｳ", "ｽｽﾞｷ", "ﾔﾏﾀﾞ", "ﾜﾀﾅﾍﾞ", "ｼﾊﾞ"])
    assert decoded(text.encode("cp932")) == text


@pytest.mark.parametrize("word", ["ﾎｹﾝｼﾞｮ", "ﾌｼﾞｲ"])
def test_letters_of_several_alphabets_are_no_word_in_utf_8(word: str) -> None:
    with pytest.raises(WrongUsage, match=f"line 2 says .* in UTF-8, but {word} in Shift_JIS"):
        decoded(table([word]).encode("cp932"))


@pytest.mark.parametrize(
    "text", ["Café", "Müller", "Иванов", "김", "🙂", "葛󠄀城", "ｼﾇ", "№1", "〒105", "—", ""]
)
def test_whatever_is_in_utf_8_may_be_of_any_language(text: str) -> None:
    assert decoded(table([text]).encode()) == table([text])


@pytest.mark.parametrize(
    ("encoding", "name"),
    [("utf-16", "UTF-16"), ("utf-16-le", "UTF-16"), ("utf-16-be", "UTF-16"), ("iso2022_jp", "JIS")],
)
def test_other_forms_are_named(encoding: str, name: str) -> None:
    with pytest.raises(
        WrongUsage, match=rf"neither UTF-8 nor Shift_JIS \(CP932\), but .*{name}.*: save it as CSV"
    ):
        decoded(table(["窓口"]).encode(encoding))


@pytest.mark.parametrize("encoding", ["gbk", "euc_kr", "cp1251", "latin-1"])
def test_other_languages_are_not_taken_for_japanese(encoding: str) -> None:
    words = {"gbk": "会议室", "euc_kr": "접수처", "cp1251": "Петров", "latin-1": "Señor"}
    with pytest.raises(WrongUsage):
        decoded(table([words[encoding]]).encode(encoding))


def test_both_readings_are_shown() -> None:
    with pytest.raises(WrongUsage, match=r"line 2 says ｼﾇ in Shift_JIS .*, but 芝 in EUC-JP"):
        decoded(table(["芝"]).encode("euc_jp"))


@given(st.binary(max_size=60))
def test_any_bytes_are_a_text_or_told_of(data: bytes) -> None:
    try:
        assert isinstance(decoded(data), str)
    except WrongUsage as error:
        assert "\n" not in str(error)
