"""Why a call has a recording or none: every reason, and what the reasons of a call come to."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from callrec.catalogue.absences import AbsenceScope, KnownCall
from callrec.catalogue.calls import AWAY, ArchivedRecording
from callrec.catalogue.custody import Entry
from callrec.evidence.absence import Finding, Known, Reason, Status, concerns, findings, fits, status
from callrec.model.calls import (
    Announcement,
    CallRecord,
    DecisionChange,
    FeatureCode,
    KeyPress,
    KeyResult,
    Outcome,
    Participant,
    remark,
)
from callrec.model.captures import Custody, KeptBecause, RetainedBecause
from callrec.model.rules import Direction, Mode
from callrec.numbers import Number, normalise, of_extension
from tests.unit.samples import CALL_ID, DECISION, END, RECORDING_ID, START, call

DAY = timedelta(days=1)
NUMBER = normalise("03-1234-5678")
SCOPE = AbsenceScope(START - DAY, START + DAY)
NOBODY: frozenset[str] = frozenset()


def kept(**changes: Any) -> ArchivedRecording:
    made = ArchivedRecording(
        id=RECORDING_ID,
        call_id=CALL_ID,
        started_at=START,
        duration_s=10.0,
        kept_because=KeptBecause.AUTOMATIC,
        incident=False,
        announced=True,
        state=Custody.ARCHIVED,
        hold=False,
        retain_until=END + 90 * DAY,
        sha256="",
        manifest_sha256="",
        size=1,
        key="recordings/a/r.flac",
        version="1",
        manifest_version="1",
        retained_because=RetainedBecause.RULE,
        destroyed_at=None,
    )
    return replace(made, **changes)


def entry(action: str, seq: int = 7) -> Entry:
    return Entry(seq, END + DAY, "callrec", RECORDING_ID, action, {"call": CALL_ID}, "", "")


def why(made: CallRecord, *recordings: ArchivedRecording, begun: bool = False, **more: Any) -> list[Finding]:
    known = KnownCall(made, None, recordings, frozenset({RECORDING_ID} if begun else ()))
    return findings(known, Known(**more))


def reasons(made: CallRecord, *recordings: ArchivedRecording, **more: Any) -> list[Reason]:
    return [each.reason for each in why(made, *recordings, **more)]


def by(mode: Mode, **changes: Any) -> CallRecord:
    """A call that was answered, and decided so."""
    return call(decision=replace(DECISION, mode=mode), **changes)


def press(key: FeatureCode, result: KeyResult) -> KeyPress:
    return KeyPress("p", key, result, "1.1", "2101", START + timedelta(seconds=5))


GONE = {"state": Custody.DESTROYED, "destroyed_at": END + 91 * DAY}


@pytest.mark.parametrize(
    ("made", "reason", "comes_to"),
    [
        (by(Mode.NEVER), Reason.NEVER, Status.ABSENT),
        (by(Mode.MANUAL), Reason.NO_KEY, Status.ABSENT),
        (by(Mode.STANDBY, discarded_at=END), Reason.DISCARDED, Status.ABSENT),
        (by(Mode.STANDBY), Reason.UNEXPLAINED, Status.UNCERTAIN),
        (by(Mode.AUTOMATIC), Reason.UNEXPLAINED, Status.UNCERTAIN),
        (by(Mode.AUTOMATIC, unannounced_at=START, discarded_at=END), Reason.UNANNOUNCED, Status.ABSENT),
        (
            by(Mode.AUTOMATIC, notes=(remark("the call was over before there was sound to record"),)),
            Reason.NO_SOUND,
            Status.ABSENT,
        ),
        (
            by(
                Mode.MANUAL,
                discarded_at=END,
                notes=(
                    remark(
                        "what the dialplan had recorded was destroyed: the rules did not want it recorded"
                    ),
                ),
            ),
            Reason.FALLBACK_DESTROYED,
            Status.ABSENT,
        ),
        (
            call(decision=replace(DECISION, rule=None, version=None, reason="no-rule")),
            Reason.NO_RULE,
            Status.ABSENT,
        ),
        (call(decision=None), Reason.UNEXPLAINED, Status.UNCERTAIN),
        (call(decision=None, answered_at=None, outcome=Outcome.BUSY), Reason.UNANSWERED, Status.ABSENT),
        (by(Mode.AUTOMATIC, ended_at=None, outcome=None), Reason.NOT_OVER, Status.UNCERTAIN),
    ],
)
def test_a_call_without_a_recording(made: CallRecord, reason: Reason, comes_to: Status) -> None:
    assert reasons(made) == [reason] and status(why(made)) is comes_to


def test_a_rule_that_decided_is_named() -> None:
    (never,) = why(by(Mode.NEVER))
    assert (never.rule, never.version, never.mode) == (1, 1, Mode.NEVER)
    (discarded,) = why(by(Mode.STANDBY, discarded_at=END))
    assert (discarded.at, discarded.rule) == (END, 1)


@pytest.mark.parametrize("result", [KeyResult.STARTED, KeyResult.KEPT, KeyResult.HELP_SENT])
def test_a_key_that_should_have_recorded_is_no_explanation(result: KeyResult) -> None:
    """By a manual rule: somebody pressed it, and there is no recording. Nothing is made up."""
    key = FeatureCode.HELP if result is KeyResult.HELP_SENT else FeatureCode.KEEP
    made = by(Mode.MANUAL, key_presses=(press(key, result),))
    assert reasons(made) == [Reason.UNEXPLAINED] and status(why(made)) is Status.UNCERTAIN


def test_a_refused_key_is_named_beside_the_rule() -> None:
    made = by(Mode.NEVER, key_presses=(press(FeatureCode.KEEP, KeyResult.REFUSED),))
    never, refused = why(made)
    assert (never.reason, refused.reason) == (Reason.NEVER, Reason.KEY_REFUSED)
    assert (refused.key, refused.at) == ("keep", START + timedelta(seconds=5))
    manual = by(Mode.MANUAL, key_presses=(press(FeatureCode.KEEP, KeyResult.REFUSED),))
    assert reasons(manual) == [Reason.NO_KEY, Reason.KEY_REFUSED]
    other = by(Mode.NEVER, key_presses=(press(FeatureCode.STOP, KeyResult.REFUSED),))
    assert reasons(other) == [Reason.NEVER], "nobody wanted it recorded"


def test_that_it_was_decided_anew_and_that_callrec_was_away_is_said() -> None:
    changes = (DecisionChange(END, ("2201",), replace(DECISION, mode=Mode.NEVER, rule=9, version=2)),)
    made = by(Mode.MANUAL, decision_changes=changes, notes=(remark(AWAY),))
    _, anew, away = why(made)
    assert (anew.reason, anew.rule, anew.version, anew.mode) == (Reason.DECIDED_ANEW, 9, 2, Mode.NEVER)
    assert away.reason is Reason.AWAY and status(why(made)) is Status.ABSENT


def test_what_is_there_is_never_called_absent() -> None:
    """Whatever else would explain that there is none."""
    never = by(Mode.NEVER, notes=(remark(AWAY),))
    for reason, found in (
        (Reason.KEPT, why(never, kept())),
        (Reason.WAITING, why(never, waiting={CALL_ID: RECORDING_ID})),
        (Reason.IN_BUCKET, why(never, unknown_objects={CALL_ID: "recordings/a/r.flac"})),
        (Reason.STILL_THERE, why(never, kept(**GONE), still_there=frozenset({RECORDING_ID}))),
        (Reason.DESTROYED, why(never, kept(**GONE), replace(kept(), id="other"))),
    ):
        assert found[0].reason is reason and status(found) is Status.EXISTS
    assert reasons(never, kept()) == [Reason.KEPT, Reason.AWAY]


def test_a_recording_that_is_kept_says_until_when() -> None:
    (found,) = why(by(Mode.AUTOMATIC), kept())
    assert (found.recording_id, found.until) == (RECORDING_ID, END + 90 * DAY)


@pytest.mark.parametrize("because", list(RetainedBecause))
def test_one_that_was_destroyed_says_by_what_and_where_that_is_written(because: RetainedBecause) -> None:
    gone = kept(**GONE, retained_because=because)
    entries = {RECORDING_ID: [entry("archived", 3), entry("destruction-begun", 8), entry("destroyed", 9)]}
    (found,) = why(by(Mode.AUTOMATIC), gone, entries=entries)
    assert (found.reason, found.at, found.until) == (Reason.DESTROYED, END + 91 * DAY, END + 90 * DAY)
    assert (found.rule, found.version, found.because, found.custody_row) == (1, 1, because.value, 9)
    assert status([found]) is Status.ABSENT
    (unwritten,) = why(by(Mode.AUTOMATIC), gone)
    assert unwritten.custody_row is None


def test_what_is_not_sure_is_said_so() -> None:
    automatic = by(Mode.AUTOMATIC)
    for found, reason in (
        (why(automatic, kept(), missing=frozenset({RECORDING_ID})), Reason.MISSING),
        (why(automatic, kept(), begun=True), Reason.BEING_DESTROYED),
        (why(automatic, kept(**GONE), unproved=frozenset({RECORDING_ID})), Reason.UNPROVED),
        (why(automatic, kept(), begun=True, missing=frozenset({RECORDING_ID})), Reason.BEING_DESTROYED),
        (why(by(Mode.STANDBY), discards=frozenset({CALL_ID})), Reason.DISCARD_WAITING),
    ):
        assert [each.reason for each in found] == [reason] and status(found) is Status.UNCERTAIN


def test_one_that_was_lost_names_the_row_of_the_log() -> None:
    (found,) = why(by(Mode.AUTOMATIC), lost={CALL_ID: entry("lost")})
    assert (found.reason, found.custody_row, found.at) == (Reason.LOST, 7, END + DAY)
    assert status([found]) is Status.ABSENT


def test_every_reason_is_tried_here() -> None:
    text = Path(__file__).read_text("utf-8")
    assert [each for each in Reason if f"Reason.{each.name}" not in text] == []


# --- which calls are meant


def test_a_number_is_looked_for_wherever_somebody_outside_took_part() -> None:
    scope = replace(SCOPE, number=NUMBER)
    other = Number("+81399999999")
    assert concerns(call(), scope) and concerns(call(), SCOPE)
    assert not concerns(call(number=other, participants=()), scope)
    joined = Participant("1.2", "+81312345678", None, START, END)
    assert concerns(call(number=other, participants=(joined,)), scope)
    staff = replace(joined, extension="2102")
    assert not concerns(call(number=other, participants=(staff,)), scope)
    assert concerns(call(number=other, dialled="0312345678", participants=()), scope)


def test_a_call_that_only_spool_or_bucket_has_is_found_by_the_same_words() -> None:
    assert fits(call(), SCOPE, NOBODY)
    assert not fits(call(), replace(SCOPE, begin=END + DAY / 2), NOBODY), "it was over"
    assert fits(call(), replace(SCOPE, begin=END), NOBODY), "it was still under way"
    assert not fits(call(), replace(SCOPE, end=START), NOBODY), "it had not begun"
    for extension, so in (("2101", True), ("2102", False)):
        assert fits(call(), replace(SCOPE, extension=extension), NOBODY) is so
    internal = call(direction=Direction.INTERNAL, number=of_extension("2102"), participants=())
    assert fits(internal, replace(SCOPE, extension="2102"), NOBODY)
    assert fits(call(), replace(SCOPE, facility="shiba"), NOBODY)
    assert not fits(call(), replace(SCOPE, facility="azabu"), NOBODY)
    assert fits(call(), replace(SCOPE, facility="azabu"), frozenset({"azabu"}))
    assert not fits(call(), replace(SCOPE, number=Number("+81399999999")), NOBODY)


def test_an_announcement_does_not_matter_here() -> None:
    played = Announcement("notice", "ja", "", "1.0", START, END, complete=True)
    assert reasons(by(Mode.NEVER, announcements=(played,))) == [Reason.NEVER]
