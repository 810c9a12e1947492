"""Draws a recording: both sides over the seconds of the sound and the time of day, and numbered marks for
what happened, which are told below. For `callrec show --picture`."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from callrec.commands.picture import JAPANESE_FONTS, japanese_font, write, written_in
from callrec.commands.show_marks import Mark, marks
from callrec.commands.wrapping import wrapped
from callrec.desk.operations.drawing import RecordingShape
from callrec.durations import clock
from callrec.evidence.page.moments import day_and_time, offset, time_only
from callrec.evidence.page.summary import STEPS_S, TICKS
from callrec.evidence.page.words import WORDS
from callrec.language import choose, speaking
from callrec.language import translated as _
from callrec.manifest import Manifest, read
from callrec.visible import visible

WIDTH, LEFT, RIGHT, TOP, TRACK, BADGES, AXIS, ROW = 12.0, 1.9, 0.3, 0.55, 1.3, 0.75, 0.7, 0.21
"""The measures of the picture, in inches: BADGES is the strip above the tracks, AXIS that below them."""
ROW_CELLS = 150
"""How wide a row of the text below may be, in columns of a terminal."""
SIDES = {"external": "#1f6f8b", "staff": "#c8642c"}
COLOURS = {
    "announcement": "#3a8f4d",
    "key": "#b3261e",
    "silence": "#767b82",
    "gap": "#111111",
    "change": "#6a4fa3",
    "party": "#6a4fa3",
}
BADGE = 0.3
"""The least distance of two badges, in inches."""


def draw(path: Path, found: RecordingShape, zone: ZoneInfo) -> None:
    """Draws a recording into a file, PNG or SVG by its name. In Japanese, where that is spoken, as far as
    this machine has a font for it: an SVG names fonts, and leaves them to who looks at it."""
    font, is_svg = japanese_font(), path.suffix.lower() == ".svg"
    with (
        speaking(choose() if font or is_svg else "en"),
        written_in([font] if font else JAPANESE_FONTS if is_svg else []),
    ):
        write(path, _figure(found, zone))


def _figure(found: RecordingShape, zone: ZoneInfo) -> Figure:
    manifest, seconds = read(found.manifest), found.seconds or 1.0
    happened = marks(manifest, seconds)
    rows = [row for each in happened for row in _told(each, zone)]
    height = TOP + BADGES + 2 * TRACK + AXIS + ROW * (len(rows) + 1)
    figure = Figure(figsize=(WIDTH, height))
    FigureCanvasAgg(figure)
    figure.text(LEFT / WIDTH, 1 - 0.3 / height, _heading(manifest, zone), fontsize=12, parse_math=False)
    tracks = [_track(figure, height, number, seconds) for number in (0, 1)]
    _shapes(tracks, found, _names(manifest))
    _mark_all(tracks, happened, seconds)
    _axes_of_time(tracks, manifest, seconds, zone)
    _tell(figure, height, rows)
    return figure


def _heading(manifest: Manifest, zone: ZoneInfo) -> str:
    call = manifest.call
    began = day_and_time(manifest.capture.began_at, zone)
    parties = " – ".join((call.number or "—", call.extension or "—"))
    return visible(f"{began}   {parties}   {call.facility or ''}   {manifest.recording_id}")


def _names(manifest: Manifest) -> tuple[str, str]:
    """Returns what stands beside the tracks: the sides, and who was on them."""
    people = manifest.call.participants
    outside = [each.number or "—" for each in people if not each.extension]
    staff = [each.extension for each in people if each.extension]
    if not outside:  # an internal call: whoever placed it is on the left track
        outside, staff = staff[:1], staff[1:]
    return _side(_(WORDS["external"]), outside), _side(_(WORDS["staff"]), staff)


def _side(name: str, people: Sequence[str]) -> str:
    known = list(dict.fromkeys(people))
    return "\n".join([*wrapped(name, 24), *map(visible, known[:3]), *(["…"] if known[3:] else [])])


def _track(figure: Figure, height: float, number: int, seconds: float) -> Axes:
    """Returns the place of a track, the first above."""
    bottom = height - TOP - BADGES - (number + 1) * TRACK
    axes = figure.add_axes(
        (LEFT / WIDTH, bottom / height, (WIDTH - LEFT - RIGHT) / WIDTH, TRACK / height),
        xlim=(0, seconds),
        ylim=(-1.05, 1.05),
    )
    axes.set_yticks([])
    axes.set_xticks([])
    return axes


def _shapes(tracks: Sequence[Axes], found: RecordingShape, names: Sequence[str]) -> None:
    for axes, name, (side, colour) in zip(tracks, names, SIDES.items(), strict=True):
        peaks = np.array(getattr(found, side))
        places = np.linspace(0, found.seconds, len(peaks))
        shape = axes.fill_between(places, -peaks, peaks, color=colour, linewidth=0.4)
        shape.set_gid(side)
        axes.text(
            -0.01, 0.5, name, transform=axes.transAxes, ha="right", va="center", fontsize=9, parse_math=False
        )


def _mark_all(tracks: Sequence[Axes], happened: Sequence[Mark], seconds: float) -> None:
    placed = [(each, each.place) for each in happened if each.place]
    centres = [(begin + end) / 2 for _each, (begin, end) in placed]
    gap = BADGE / (WIDTH - LEFT - RIGHT) * seconds
    for (each, place), centre, x in zip(placed, centres, _apart(centres, gap, seconds), strict=True):
        for axes in tracks:
            _mark(axes, each, place)
        _badge(tracks[0], each, centre, x)


def _apart(centres: Sequence[float], gap: float, end: float) -> list[float]:
    """Returns places near these, in order, none nearer to the next than `gap`, as far as there is room."""
    gap = min(gap, end / max(len(centres), 1))
    found: list[float] = []
    for centre in centres:
        found.append(max(centre, gap / 2, found[-1] + gap if found else 0.0))
    latest = end - gap / 2
    for place in reversed(range(len(found))):
        found[place] = min(found[place], latest)
        latest = found[place] - gap
    return found


def _mark(axes: Axes, mark: Mark, place: tuple[float, float]) -> None:
    """Marks a stretch of the sound, or a moment."""
    colour, (begin, end) = COLOURS[mark.kind], place
    if end > begin:
        hatch = {"silence": "///", "gap": "xxx"}.get(mark.kind)
        made: Any = axes.axvspan(begin, end, facecolor=colour, alpha=0.25, hatch=hatch, edgecolor=colour)
    else:
        made = axes.axvline(
            begin, color=colour, linewidth=1.2, linestyle="--" if mark.kind == "party" else "-"
        )
    made.set_gid(f"mark-{mark.number}")


def _badge(axes: Axes, mark: Mark, at: float, x: float) -> None:
    """Puts the number of a mark above the tracks, with a line to its place."""
    axes.annotate(
        str(mark.number),
        xy=(at, 1.0),
        xytext=(x, 1 + 0.5 * BADGES / TRACK),
        xycoords=("data", "axes fraction"),
        ha="center",
        va="center",
        fontsize=8,
        color="white",
        bbox={"boxstyle": "circle,pad=0.25", "facecolor": COLOURS[mark.kind], "edgecolor": "none"},
        arrowprops={"arrowstyle": "-", "color": COLOURS[mark.kind], "linewidth": 0.8},
        annotation_clip=False,
    )


def _axes_of_time(tracks: Sequence[Axes], manifest: Manifest, seconds: float, zone: ZoneInfo) -> None:
    """Writes the seconds of the sound below the tracks, and under them the time of day."""
    step = next((each for each in STEPS_S if seconds / each <= TICKS), STEPS_S[-1])
    below, began = tracks[1], manifest.capture.began_at.astimezone(zone)
    places = np.arange(0, seconds + 1e-9, step)
    below.set_xticks(places, [clock(each) for each in places], fontsize=8)
    midnight = began.replace(hour=0, minute=0, second=0, microsecond=0)
    since = (began - midnight).total_seconds()
    of_day = np.arange(np.ceil(since / step) * step, since + seconds + 1e-9, step) - since
    other = below.secondary_xaxis(-0.24)
    other.set_xticks(of_day, [_time_of_day(manifest, each, zone) for each in of_day], fontsize=8)
    other.spines["bottom"].set_visible(False)
    for place, name in ((-0.14, _("in the recording")), (-0.38, _("time of day"))):
        below.text(-0.035, place, name, transform=below.transAxes, ha="right", va="center", fontsize=8)
    for axes in tracks:
        axes.vlines(places, -1.05, 1.05, color="#000000", alpha=0.08, linewidth=0.6)


def _time_of_day(manifest: Manifest, place: float, zone: ZoneInfo) -> str:
    at = manifest.capture.began_at + timedelta(seconds=float(place), milliseconds=1)  # it is a whole second
    return f"{at.astimezone(zone):%H:%M:%S}"


def _told(mark: Mark, zone: ZoneInfo) -> list[tuple[Mark | None, str, str]]:
    """Returns the rows that tell of a mark: the mark in the first, where and when it was, what it was."""
    begin, end = mark.place or (0.0, 0.0)
    until = f" – {offset(end)}" if end - begin >= 0.1 else ""
    where = f"{offset(begin)}{until}" if mark.place else "—"
    first, *more = wrapped(visible(mark.text), ROW_CELLS - 45)
    rest: list[tuple[Mark | None, str, str]] = [(None, "", each) for each in more]
    return [(mark, f"{where}   {time_only(mark.at, zone)}", first), *rest]


def _tell(figure: Figure, height: float, rows: Sequence[tuple[Mark | None, str, str]]) -> None:
    for number, (mark, when, text) in enumerate(rows):
        y = (ROW * (len(rows) - number)) / height
        if mark:
            figure.text(
                0.4 / WIDTH,
                y,
                str(mark.number),
                color="white",
                fontsize=7,
                ha="center",
                va="center",
                bbox={"boxstyle": "circle,pad=0.2", "facecolor": COLOURS[mark.kind], "edgecolor": "none"},
            )
        for x, written in ((0.65, when), (2.9, text)):
            figure.text(x / WIDTH, y, written, fontsize=8.5, va="center", parse_math=False)
