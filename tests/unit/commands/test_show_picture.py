"""callrec show --picture: the picture itself is looked at, its marks and its times."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import pytest
from matplotlib import image

from callrec import language
from callrec.catalogue import custody
from callrec.commands import show_picture
from callrec.commands.show_picture import COLOURS, LEFT, RIGHT, SIDES, WIDTH
from callrec.model.calls import Participant
from tests.unit.bench import Bench, BenchAfter
from tests.unit.evidence import packages
from tests.unit.evidence.packages import at
from tests.unit.program import Done
from tests.unit.samples import CALL_ID, RECORDING_ID

Office = Callable[..., Done]
SECONDS = 10.0
SVG = "{http://www.w3.org/2000/svg}"
WORDS = {
    "en": ("other party", "staff and", "in the recording", "time of day", "extension 2102 joins"),
    "ja": ("相手", "職員・", "録音内の位置", "時刻", "内線2102が通話に加わる"),
}


def transferred(bench: Bench) -> None:
    """The recording of an eventful call that was transferred at 7.5 s, from 2101 to 2102."""
    people = (
        Participant("1.0", "+81312345678", None, at(0)),
        Participant("1.1", "2101", "2101", at(0), at(7.5)),
        Participant("1.2", "2102", "2102", at(7.5)),
    )
    packages.archive(bench, call={**packages.eventful()["call"], "participants": people})


@pytest.fixture
def archived(archived_office: BenchAfter) -> Bench:
    return archived_office(transferred)


class Drawn:
    """An SVG as matplotlib writes it: what is marked has a name."""

    def __init__(self, path: Path) -> None:
        self._root = ElementTree.fromstring(path.read_text("utf-8"))  # noqa: S314 (our own file)
        self.texts = ["".join(each.itertext()) for each in self._root.iter(f"{SVG}text")]

    def spans(self, name: str) -> list[tuple[float, float]]:
        """From where to where on the time axis something reaches that is drawn under a name."""
        found = [each for each in self._root.iter(f"{SVG}g") if each.get("id") == name]
        return [self._span(each) for each in found]

    def _span(self, drawn: ElementTree.Element) -> tuple[float, float]:
        xs = [
            float(x)
            for path in drawn.iter(f"{SVG}path")
            for x in re.findall(r"[ML] ?(-?[\d.]+) ", path.get("d", ""))
        ]
        return min(xs), max(xs)


def _seconds(drawn: Drawn, name: str) -> list[tuple[float, float]]:
    """Where something is in both tracks, in seconds: the sound itself is drawn from 0 to its end."""
    ((zero, end),) = drawn.spans("external")
    scale = SECONDS / (end - zero)
    return [((first - zero) * scale, (last - zero) * scale) for first, last in drawn.spans(name)]


@pytest.mark.parametrize("spoken", WORDS)
def test_marks_stand_at_their_seconds(archived: Bench, office: Office, tmp_path: Path, spoken: str) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CALLREC_LANG", spoken)
        done = office("show", RECORDING_ID, "--picture", "p.svg")
    language.use()
    assert done.code == 0 and done.err == "" and "p.svg" in done.out
    drawn = Drawn(tmp_path / "p.svg")
    expected = [
        (0.5, 3.0),  # the announcement
        *[(4.0, 4.0), (5.0, 5.0)],  # keys
        (5.0, 6.5),  # the pause
        (6.5, 6.5),  # a key
        *[(7.5, 7.5), (7.5, 7.5)],  # the transfer
        (8.0, 8.6),  # the gap
    ]
    for number, span in enumerate(expected, 2):  # 1 is what was announced before
        assert _seconds(drawn, f"mark-{number}") == [pytest.approx(span, abs=0.02)] * 2, number
    assert _seconds(drawn, "mark-1") == []
    assert drawn.spans("staff") == drawn.spans("external")
    for words in (*WORDS[spoken], "0:02", "10:00:04", "2101", "2102", "+81312345678"):
        assert [each for each in drawn.texts if words in each], words


def _columns(path: Path, colour: str) -> set[int]:
    """In which columns of a picture there are pixels of a colour."""
    pixels = (image.imread(path)[:, :, :3] * 255).round()
    wanted = [int(colour[at : at + 2], 16) for at in (1, 3, 5)]
    return set((abs(pixels - wanted).max(axis=2) <= 2).any(axis=0).nonzero()[0].tolist())


def _column(path: Path, seconds: float) -> int:
    wide: int = image.imread(path).shape[1]
    return round(wide * (LEFT + seconds / SECONDS * (WIDTH - LEFT - RIGHT)) / WIDTH)


def test_pixels_are_those_of_the_sound_and_of_its_marks(
    archived: Bench, office: Office, tmp_path: Path
) -> None:
    assert office("show", CALL_ID, "--picture", "p.png", "--json").code == 0
    path = tmp_path / "p.png"
    keys, begin, end = _columns(path, COLOURS["key"]), _column(path, 0), _column(path, SECONDS)
    for second in (4.0, 5.0, 6.5):
        assert keys & {_column(path, second) + each for each in (-1, 0, 1)}, second
    assert not keys & set(range(_column(path, 2.0), _column(path, 3.7)))
    for colour in SIDES.values():
        drawn = _columns(path, colour)
        assert begin - 2 <= min(drawn) <= begin + 2 and end - 2 <= max(drawn) <= end + 2


def test_who_had_it_drawn_is_written_down(archived: Bench, office: Office) -> None:
    assert office("show", RECORDING_ID, "--picture", "p.svg").code == 0
    with archived.database.read() as connection:
        (entry,) = (each for each in custody.of(connection, RECORDING_ID) if each.action == "drawn")
    assert entry.details == {"role": "", "through": "direct", "request": ""}


@pytest.mark.parametrize(
    ("more", "code", "complaint"),
    [
        (("--picture", "p.gif"), 2, "p.gif is no name of a picture"),
        (("--picture", "no/folder/p.png"), 2, "no/folder/p.png cannot be written"),
        (("--request", "2026-0001"), 2, "--request is for --picture"),
    ],
)
def test_what_cannot_be_drawn_is_refused(
    archived: Bench, office: Office, more: tuple[str, ...], code: int, complaint: str
) -> None:
    done = office("show", RECORDING_ID, *more)
    assert done.code == code and done.complaint.startswith(f"callrec: {complaint}") and done.out == ""


def test_it_needs_the_request_that_the_sound_needs(
    archived: Bench, office: Office, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CALLREC_DESK__REQUESTS", "required")
    done = office("show", RECORDING_ID, "--picture", "p.png")
    assert done.code == 4 and not (tmp_path / "p.png").exists()
    assert office("show", RECORDING_ID).code == 0


def test_badges_keep_apart_as_far_as_there_is_room() -> None:
    assert show_picture._apart([1.0, 1.0, 9.9], 1.0, 10.0) == [1.0, 2.0, 9.5]
    crowd = show_picture._apart([5.0] * 100, 1.0, 10.0)
    assert crowd == sorted(crowd) and crowd[0] >= 0 and crowd[-1] <= 10.0
