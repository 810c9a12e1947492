"""Verifies the custody log as a whole: its chain, the anchors in the bucket, and both against each other.

What somebody has said by a note to be known (`callrec custody anchor --note`) is told as well, and as that.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from zoneinfo import ZoneInfo

from callrec.catalogue import calls, custody
from callrec.catalogue.database import Database
from callrec.dates import spoken
from callrec.errors import EvidenceBroken, NotFound, Sentence
from callrec.evidence.anchor import Leaf
from callrec.evidence.anchors import AnchorLog, FoundAnchor
from callrec.evidence.chain import Break, Comparison, Kind, Notes, Standing, compare, kind_of
from callrec.evidence.stamping import StampLog
from callrec.evidence.traces import Trace, Traces
from callrec.sentence_field import SentenceField

CLOCKS_APART = timedelta(hours=1)
"""By how much a clock may be ahead."""
AT_ONCE = 500
"""Recordings that are looked up in the catalogue at a time."""


@dataclass(frozen=True, slots=True)
class Known:
    """Somebody said by a note that something is known: the anchor that has the note."""

    anchor: str
    at: datetime
    who: str
    note: str


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is wrong. `anchors` are the keys of the anchors it was found by; none of what the log
    itself tells. `subjects` are what an anchor says to make it known: see Anchor.known_breaks."""

    anchors: list[str]
    problem: SentenceField
    subjects: list[str]
    known: Known | None = None


@dataclass(frozen=True, slots=True)
class CustodyVerdict:
    """What came of verifying the log: what there is, and what is wrong."""

    rows: int
    anchors: int
    newest: str
    """The key of the newest anchor; empty where there is none."""
    newest_at: datetime | None
    newest_rows: int
    """The row at which it stands: what came after is under no anchor yet."""
    stamped: int
    """How many anchors have a time-stamp; `stamps_verified`: somebody could tell whether these are right."""
    stamps_verified: bool
    findings: list[Finding]

    @property
    def unknown(self) -> list[Finding]:
        return [each for each in self.findings if each.known is None]


Problem = tuple[list[str], Sentence]
"""What is wrong, and what an anchor says to make that known."""


class CustodyCheck:
    """Verifies one custody log. Raises CatalogueUnreachable or StoreUnreachable."""

    def __init__(
        self,
        database: Database,
        log: AnchorLog,
        traces: Traces,
        stamps: StampLog,
        clock: Callable[[], datetime],
        zone: ZoneInfo,
    ) -> None:
        self._database, self._log, self._traces, self._stamps = database, log, traces, stamps
        self._clock, self._zone = clock, zone

    def verify(self) -> CustodyVerdict:
        """Verifies the log, all anchors, and the manifests under them."""
        found = list(self._log.all())
        anchors = [Standing(each.key, each.anchor) for each in found if each.anchor]
        with self._database.read() as connection:
            compared = compare(custody.chain(connection), anchors)
        newest, notes = anchors[-1] if anchors else None, Notes(anchors)
        return CustodyVerdict(
            compared.rows,
            len(anchors),
            newest.key if newest else "",
            newest.anchor.made_at if newest else None,
            newest.rows if newest else 0,
            len(self._log.stamps()),
            self._stamps.can_verify,
            [_finding(subjects, said, notes) for subjects, said in self._problems(found, compared)],
        )

    def problems(self) -> list[Sentence]:
        """Returns what is wrong and not known."""
        return [each.problem for each in self.verify().unknown]

    def _problems(self, found: Sequence[FoundAnchor], compared: Comparison) -> Iterator[Problem]:
        for row in compared.altered:
            yield [], Sentence(_ALTERED.template, row=row)
        yield from self._ahead()
        for each in found:
            kind = "anchor" if each.anchor else "anchor#lost"
            yield from (([f"{each.key}#{kind}"], _of(each.key, problem)) for problem in each.problems)
        by_key = {each.key: each for each in found}
        for broken in compared.breaks:
            under = [leaf for each in broken.anchors for leaf in self._leaves(by_key[each.key])]
            yield [each.key for each in broken.anchors], self._of_break(broken, under, compared.rows)
        for each in found:
            yield from self._of_manifests(each)
        yield from self._stamps.problems(found, self._clock(), self._zone)

    def _ahead(self) -> Iterator[Problem]:
        """Yields the rows that nobody can have written yet: by a clock that was wrong, or by hand."""
        with self._database.read() as connection:
            rows = custody.ahead(connection, self._clock() + CLOCKS_APART)
        for row, at in rows:
            yield [f"#{row}"], Sentence(_AHEAD.template, row=row, time=spoken(at, self._zone))

    # --- what was done to the log

    def _of_break(self, found: Break, under: Sequence[Leaf], rows: int) -> Sentence:
        """Returns what was done to the log, as far as rows and catalogue can tell. `under` are the manifests
        under the anchors that it does not fit."""
        with self._database.read() as connection:
            kind, since = kind_of(found, custody.times(connection, found.first - 1, found.last))
            there = {Leaf(*each) for each in custody.archived(connection, found.first - 1, rows)}
        gone = [each for each in under if each not in there]
        had = sum(len(known) for known in self._catalogue(gone))
        return Sentence(
            _of_kind(kind, len(gone), had).template,
            anchor=found.anchors[-1].key,
            first=rows + 1 if kind is Kind.SHORT else found.first,
            last=found.last,
            span=self._span(found),
            count=len(gone),
            had=had,
            since=spoken(since, self._zone) if since else "",
        )

    def _span(self, found: Break) -> Sentence:
        begin = spoken(found.was_whole_at, self._zone)
        if found.after is None:
            return Sentence("after {begin}", begin=begin)
        end = spoken(found.after.anchor.made_at, self._zone)
        return Sentence("between {begin} and {end}", begin=begin, end=end)

    # --- the manifests under anchors

    def _of_manifests(self, found: FoundAnchor) -> Iterator[Problem]:
        if found.anchor is None:
            return
        try:
            leaves = self._log.leaves(found)
        except NotFound:
            said = Sentence("the list of manifests under {anchor} is missing", anchor=found.key)
            yield [f"{found.key}#leaves"], said
        except EvidenceBroken as error:
            yield [f"{found.key}#leaves#other"], _of(found.key, Sentence(error.template, **error.values))
        else:
            for leaf in self._unlike(leaves):
                if wrong := self._of_leaf(leaf, found.key):
                    kind, problem = wrong
                    yield [f"{found.key}#{leaf.recording_id}{kind}"], problem

    def _unlike(self, leaves: Sequence[Leaf]) -> Iterator[Leaf]:
        """Yields the manifests that the catalogue does not have as they were anchored."""
        some = iter(leaves)
        while batch := list(islice(some, AT_ONCE)):
            with self._database.read() as connection:
                known = calls.manifest_hashes(connection, [each.recording_id for each in batch])
            yield from (each for each in batch if known.get(each.recording_id) != each.manifest_sha256)

    def _of_leaf(self, leaf: Leaf, key: str) -> tuple[str, Sentence] | None:
        """Returns what is wrong with a manifest that the catalogue does not have, or has as another one, and
        before it what kind of thing that is: one that is known makes no other known."""
        for known in self._catalogue([leaf]):
            if has := known.get(leaf.recording_id):
                return f"#{has}", Sentence(
                    "the catalogue has another manifest of recording {id} ({has}) than {anchor} ({anchored})",
                    id=leaf.recording_id,
                    has=has,
                    anchor=key,
                    anchored=leaf.manifest_sha256,
                )
        trace = self._traces.of(leaf.recording_id)
        if (said := _TRACES[trace]) is None:
            return None
        kind = "" if trace is Trace.NONE else f"#{trace}"
        return kind, Sentence(said.template, id=leaf.recording_id, anchor=key)

    def _catalogue(self, leaves: Sequence[Leaf]) -> Iterator[dict[str, str]]:
        """Yields what the catalogue has of the recordings of some manifests."""
        some = iter(leaves)
        while batch := list(islice(some, AT_ONCE)):
            with self._database.read() as connection:
                yield calls.manifest_hashes(connection, [each.recording_id for each in batch])

    def _leaves(self, found: FoundAnchor) -> list[Leaf]:
        try:
            return self._log.leaves(found)
        except (NotFound, EvidenceBroken):  # told elsewhere
            return []


_ALTERED = Sentence("the custody log was altered at row {row}: keep the database as it is")
_AHEAD = Sentence("row {row} of the custody log says that it was written at {time}: that lies ahead")
_TRACES = {
    Trace.DESTROYED: None,
    Trace.THERE: Sentence(
        "recording {id}, which is under {anchor}, is in the bucket, but not in the catalogue: make that "
        "again with callrec catalogue rebuild"
    ),
    Trace.NONE: Sentence(
        "recording {id}, which is under {anchor}, is neither in the catalogue nor in the bucket, and nothing "
        "says that it was destroyed"
    ),
}


def _of_kind(kind: Kind, gone: int, had: int) -> Sentence:
    """Returns what to say of a break, with places for its values: so many recordings of which the log told
    are `gone` from it, of which the catalogue still `had` so many."""
    match kind:
        case Kind.REWRITTEN if gone:
            return Sentence(
                "the custody log was rewritten {span}: of rows {first} to {last}, not all are those that "
                "{anchor} has, and {count} recordings are not in the log any more ({had} of them in the "
                "catalogue)"
            )
        case Kind.REWRITTEN:
            return Sentence(
                "the custody log was rewritten {span}: of rows {first} to {last}, not all are those that "
                "{anchor} has"
            )
        case Kind.WENT_ON:
            return Sentence(
                "the database was taken back to an older copy {span}, and went on at {since}: of rows "
                "{first} to {last}, not all are those that {anchor} has, and {count} recordings are not in "
                "the log any more ({had} of them in the catalogue)"
            )
    if had:
        return Sentence(
            "the custody log was cut off at its end {span}: rows {first} to {last}, which {anchor} has, are "
            "gone; the catalogue still has {had} recordings of which they told"
        )
    if gone:
        return Sentence(
            "the database is an older copy, taken back {span}: rows {first} to {last} of the custody log, "
            "which {anchor} has, are not in it, nor {count} recordings of which they told"
        )
    return Sentence(
        "rows {first} to {last} are gone from the end of the custody log, {span}: {anchor} has them. They "
        "were cut off, or the database is an older copy: they told of no recording by which to know"
    )


def _of(key: str, problem: Sentence) -> Sentence:
    return Sentence("{what}: {problem}", what=key, problem=problem)


def _finding(subjects: list[str], problem: Sentence, notes: Notes) -> Finding:
    keys = [key for each in subjects if (key := each.partition("#")[0])]
    known = {notes.known_by(each) for each in subjects}
    if len(known) != 1 or (said := known.pop()) is None:
        return Finding(keys, problem, subjects)
    of = said.anchor
    return Finding(keys, problem, subjects, Known(said.key, of.made_at, of.made_by, of.note))
