"""What really happened: who heard whom, from when to when, and what went into each track."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field

Lines = frozenset[str]


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of sound: whose voices are in it, and who was connected with the captured line then."""

    begin: float
    end: float
    voices: Lines
    group: Lines


@dataclass(slots=True)
class Tape:
    """One track on the PBX: what went into it, from when it began."""

    name: str
    line: str
    side: str
    began: float
    bridged: bool = False
    """Whether it runs only while the line is connected: then it is as long as that was."""
    spans: list[Span] = field(default_factory=list)
    muted: bool = False
    ended: float | None = None
    _hears: tuple[float, Lines, Lines, bool] | None = None

    def hear(self, now: float, voices: Lines, group: Lines, *, quiet: bool = False) -> None:
        """Takes in what goes into the track from now on; `quiet`: silence, where it is muted and runs."""
        if self._hears and self._hears[1:] == (voices, group, quiet):
            return
        self._close(now)
        self._hears = (now, voices, group, quiet)

    def end(self, now: float, lost_s: float = 0.0) -> None:
        """Ends the track; `lost_s` at its end were never written (a crash)."""
        self._close(now)
        self._hears = None
        self.ended = max(self.began, now - lost_s)
        self.spans = [clipped for each in self.spans if (clipped := clip(each, self.began, self.ended))]

    def placed(self) -> Iterator[tuple[float, Span]]:
        """Yields its sound, and at which second of the file each stretch of it begins."""
        written = 0.0
        for span in self.spans:
            if span.voices:
                yield written if self.bridged else span.begin - self.began, span
            written += span.end - span.begin

    @property
    def length(self) -> float:
        """Its length in seconds, once it has ended."""
        if self.bridged:
            return sum(each.end - each.begin for each in self.spans)
        return (self.ended or self.began) - self.began

    def _close(self, now: float) -> None:
        if self._hears:
            begin, voices, group, quiet = self._hears
            if (voices or (quiet and self.bridged)) and now > begin:
                self.spans.append(Span(begin, now, voices, group))


@dataclass(frozen=True, slots=True)
class Talk:
    """Lines that heard one another, from when to when, and nobody else."""

    group: Lines
    begin: float
    end: float


class Witness:
    """Notes every conversation there was."""

    def __init__(self) -> None:
        self.talks: list[Talk] = []
        self._since: dict[Lines, float] = {}

    def see(self, now: float, groups: Iterable[Lines]) -> None:
        """Takes in who talks with whom now."""
        there = {group for group in groups if len(group) > 1}
        for group in [each for each in self._since if each not in there]:
            begin = self._since.pop(group)
            if now > begin:
                self.talks.append(Talk(group, begin, now))
        for group in there:
            self._since.setdefault(group, now)


def clip(span: Span, begin: float, end: float) -> Span | None:
    """Returns the part of a span that lies between two moments; None: nothing does."""
    first, last = max(span.begin, begin), min(span.end, end)
    return Span(first, last, span.voices, span.group) if last > first else None


def without(span: tuple[float, float], holes: Collection[tuple[float, float]]) -> list[tuple[float, float]]:
    """Returns what is left of a span when the holes are taken out."""
    left = [span]
    for begin, end in holes:
        left = [
            part
            for first, last in left
            for part in ((first, min(last, begin)), (max(first, end), last))
            if part[1] > part[0]
        ]
    return left
