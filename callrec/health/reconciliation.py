"""Compares what should be with what is, and resolves the differences; what cannot be resolved is a problem.

Each comparison looks twice: what is on its way from one place to the next is a difference at one look only.
`differences` says what is one, `recorded_look` and `filed_look` ask the parts, `detail_records` the PBX's own
records.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from callrec.backoff import Backoff
from callrec.controller.controller import Controller
from callrec.errors import CallrecError, Sentence
from callrec.health.differences import Difference, Kind, Remedy, confirmed
from callrec.problems import Problems
from callrec.worker import Worker

log = structlog.get_logger()

SETTLE_SECONDS = 3.0
"""From a look to the one that confirms it."""
EVERY = timedelta(minutes=5)
EVERY_DAY = timedelta(days=1)
AGAIN = Backoff(15.0, EVERY.total_seconds())
"""How long after a look that failed the next one comes, in seconds: a part that was away may be back."""
DAILY_AGAIN_SECONDS = 3600.0
"""The same for the look at all days, which costs much."""
WATCH_SECONDS = 1.0
"""How often it is looked whether the link to the PBX was made anew."""
NAMED = 3
"""How many are named in a problem."""
TOLD = {
    Kind.UNCLEAR: "the PBX has sound of which nothing says whether it is to be kept: {names}: hear it there, "
    "and see callrec reconcile",
    Kind.NO_OBJECT: "recordings are catalogued and not in the bucket: {names}: see callrec verify, and ask "
    "whoever runs the S3 server",
    Kind.NO_RECORDING: "calls were answered and should have been recorded, and nothing of them can be "
    "played: {names}: see callrec show, and write down what you find by callrec note",
    Kind.NO_CALL: "the PBX's own records have calls that callrec does not know: {names}: does their way "
    "through the dialplan pass by callrec?",
}
"""What a person is told of what cannot be resolved."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two looks at some parts, and what is done about a difference. `still` returns what is so yet of what a
    look at more days has left, as far as this one does not look there. What they raise is a CallrecError
    where a part does not answer, and an OSError where a disk does not."""

    name: str
    look: Callable[[], list[Difference]]
    resolve: Callable[[Difference], None]
    still: Callable[[list[Difference]], list[Difference]] = lambda left: []


@dataclass(frozen=True, slots=True)
class Comparisons:
    """What is compared, made by callrec.app. `recorded` is told whether the PBX is to be asked for all of its
    stored recordings, `filed` how many days are looked at; `records` is None where the PBX has none."""

    recorded: Callable[[bool], Comparison]
    filed: Callable[[bool], Comparison]
    records: Comparison | None


@dataclass(frozen=True, slots=True)
class Resolved:
    """A difference and what became of it; `problem` is why it could not be resolved."""

    difference: Difference
    done: bool = False
    problem: CallrecError | OSError | None = None


def reconcile(
    comparison: Comparison, settle: Callable[[], object], *, dry_run: bool = False
) -> Iterator[Resolved]:
    """Yields what both looks of a comparison find, each resolved where that can be, unless `dry_run`.

    `settle` waits between the looks, and returns False where there is no time for a second one: then nothing
    is. Raises what the comparison does when a part does not answer.
    """
    first = comparison.look()
    if not first or settle() is False:
        return
    for each in confirmed(first, comparison.look()):
        if dry_run or each.remedy is Remedy.LOOK:
            yield Resolved(each)
            continue
        try:
            comparison.resolve(each)
        except (CallrecError, OSError) as error:
            yield Resolved(each, problem=error)
        else:
            log.warning("reconciled", kind=each.kind, about=each.about, remedy=each.remedy)
            yield Resolved(each, done=True)


class Reconciler(Worker):
    """Reconciles at every new link with the PBX and every five minutes, and looks at more once a day."""

    def __init__(
        self,
        comparisons: Comparisons,
        controller: Controller,
        problems: Problems,
        clock: Callable[[], float],
        resolved: Callable[[], None],
    ) -> None:
        """`clock` counts seconds; `resolved` is called when something was put into the spool, to wake
        others."""
        super().__init__(self._look, lambda: WATCH_SECONDS)
        self._comparisons, self._controller = comparisons, controller
        self._problems, self._clock, self._resolved = problems, clock, resolved
        self._link: datetime | None = None
        self._left_daily: dict[str, list[Resolved]] = {}
        """What the latest look at more days has left, by comparison."""
        self._due = self._daily_due = clock()
        self._failures = 0

    def _look(self) -> None:
        new_link = self._controller.link_up and self._controller.link_changed_at != self._link
        if not new_link and self._clock() < self._due:
            return
        self._due = self._clock() + EVERY.total_seconds()
        daily = self._clock() >= self._daily_due
        if daily:
            self._daily_due = self._clock() + EVERY_DAY.total_seconds()
        went = [self._one(each, daily=daily) for each in self._compared(new_link=new_link, daily=daily)]
        if all(went):
            self._failures = 0
            return
        self._due = self._clock() + AGAIN.after(self._failures)
        self._failures += 1
        if daily:
            self._daily_due = self._clock() + DAILY_AGAIN_SECONDS

    def _compared(self, *, new_link: bool, daily: bool) -> Iterator[Comparison]:
        if self._controller.link_up:
            self._link = self._controller.link_changed_at
            yield self._comparisons.recorded(new_link or daily)
        yield self._comparisons.filed(daily)
        if daily and self._comparisons.records:
            yield self._comparisons.records

    def _one(self, comparison: Comparison, *, daily: bool) -> bool:
        self.pulse.beat()
        name = f"reconcile {comparison.name}"
        return self._problems.attempt(name, lambda: self._reconciled(comparison, daily=daily))

    def _reconciled(self, comparison: Comparison, *, daily: bool) -> None:
        found = list(reconcile(comparison, self._settle))
        if self.is_stopping:
            return
        if any(each.done for each in found):
            self._resolved()
        left = [each for each in found if not each.done]
        if daily:
            self._left_daily[comparison.name] = left
        else:
            left += self._older(comparison)
        self._tell(comparison.name, [each.difference for each in left])
        for each in left:  # last: one that cannot be resolved hides no other
            if each.problem:
                raise each.problem

    def _older(self, comparison: Comparison) -> list[Resolved]:
        """Returns what was left of days that are not looked at each time, and is so yet."""
        left = self._left_daily.get(comparison.name, [])
        still = comparison.still([each.difference for each in left])
        return [each for each in left if each.difference in still]

    def _settle(self) -> bool:
        return not self._stopping.wait(SETTLE_SECONDS)

    def _tell(self, name: str, left: list[Difference]) -> None:
        """Makes one problem of each kind that a person has to see to, and ends those that are over."""
        kinds = {kind for kind in TOLD if comparison_of(kind) == name}
        for kind in sorted(kinds):
            names = list(dict.fromkeys(each.about for each in left if each.kind is kind))
            if not names:
                self._problems.clear(f"reconcile {kind}")
                continue
            shown = [*names[:NAMED], *(["…"] if len(names) > NAMED else [])]
            self._problems.add(f"reconcile {kind}", Sentence(TOLD[kind], names=", ".join(shown)))


RECORDED, FILED, RECORDS = "recorded", "filed", "records"
"""The names of the comparisons."""


def comparison_of(kind: Kind) -> str:
    """Returns the name of the comparison that finds differences of a kind."""
    match kind:
        case Kind.NO_OBJECT | Kind.NO_ROW | Kind.NO_RECORDING:
            return FILED
        case Kind.NO_CALL:
            return RECORDS
        case _:
            return RECORDED
