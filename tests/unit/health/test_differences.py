"""What the parts do not have alike, and whose a track without a draft is."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from callrec.health import differences
from callrec.health.differences import (
    Archived,
    Calls,
    DetailRecord,
    Difference,
    Filed,
    Kept,
    Kind,
    Recorded,
    Tracks,
    confirmed,
    made_at,
)
from callrec.model.calls import DecisionChange, FeatureCode, KeyPress, KeyResult, Note
from callrec.model.captures import Custody
from callrec.model.rules import Mode
from callrec.pbx.events import RawKeyPress
from tests.unit.samples import CALL_ID, DECISION, RECORDING_ID, START, call

AT = made_at(RECORDING_ID)
WANTED = (f"callrec/{RECORDING_ID}-1-external", f"callrec/{RECORDING_ID}-1-staff")
STANDBY = (f"callrec/{RECORDING_ID}-1s-external", f"callrec/{RECORDING_ID}-1s-staff")
FALLBACK = ("callrec/fallback-demo-1764427903.12-external", "callrec/fallback-demo-1764427903.12-staff")
NEVER = replace(DECISION, mode=Mode.NEVER)


def _said(names: tuple[str, ...] = WANTED, **others: Any) -> Recorded:
    return Recorded(stored=frozenset(names), **others)


def _kinds(said: Recorded) -> list[Kind]:
    return [each.kind for each in differences.of_recorded(said)]


def _at_that_time(**changes: Any) -> dict[str, Any]:
    """A call of the catalogue that was under way when the recording was begun."""
    return {"calls": {AT: Calls((call(**changes),))}}


def _press(result: KeyResult) -> KeyPress:
    return KeyPress("1", FeatureCode.KEEP, result, "1.1", "2101", AT)


@pytest.mark.parametrize(
    "known",
    [
        {"drafts": frozenset(WANTED)},
        {"followed": frozenset({RECORDING_ID})},
        {"followed": frozenset({RECORDING_ID}), "channels": frozenset({f"callrec.{RECORDING_ID}-1-staff"})},
    ],
)
def test_what_somebody_follows_is_no_difference(known: dict[str, Any]) -> None:
    assert _kinds(_said(**known)) == []


def test_a_channel_that_nobody_follows_is_hung_up_and_its_tracks_wait_for_that() -> None:
    snoops = frozenset({f"callrec.{RECORDING_ID}-1-staff", f"callrec.{RECORDING_ID}-1-external", "1.0"})
    assert _kinds(_said(channels=snoops)) == [Kind.SNOOP, Kind.SNOOP]


@pytest.mark.parametrize("names", [FALLBACK])
@pytest.mark.parametrize(
    "known", [{"told": frozenset({FALLBACK[0][:-9]})}, {"channels": frozenset({"demo-1764427903.12"})}]
)
def test_what_the_journal_tells_of_or_still_runs_is_left_to_it(
    names: tuple[str, ...], known: dict[str, Any]
) -> None:
    assert _kinds(_said(names, **known)) == []


def test_the_name_alone_tells_what_was_wanted() -> None:
    assert _kinds(_said()) == [Kind.WANTED]
    assert _kinds(_said(STANDBY)) == [Kind.UNWANTED]
    assert _kinds(_said(FALLBACK)) == [Kind.WANTED]
    assert _kinds(_said(("callrec/notes",))) == [Kind.UNCLEAR]


@pytest.mark.parametrize(
    "known",
    [
        {"spool_since": AT + timedelta(seconds=1)},
        {"spool_since": made_at("0" * 12)},
        {"keys": (RawKeyPress("1", "keep", "1.0", "PJSIP/2101-1", AT + timedelta(seconds=9), ""),)},
    ],
)
def test_standby_is_not_destroyed_where_a_key_may_have_saved_it(known: dict[str, Any]) -> None:
    assert _kinds(_said(STANDBY, **known)) == [Kind.UNCLEAR]


def test_of_several_calls_one_that_a_key_has_kept_may_be_theirs() -> None:
    """In an office there is seldom one call at a time."""
    standby = call(decision=replace(DECISION, mode=Mode.STANDBY))
    other = replace(standby, id=CALL_ID.replace("a", "b"))
    kept = replace(other, key_presses=(_press(KeyResult.KEPT),))
    assert _kinds(_said(STANDBY, calls={AT: Calls((standby, other))})) == [Kind.UNWANTED]
    assert _kinds(_said(STANDBY, calls={AT: Calls((standby, kept))})) == [Kind.UNCLEAR]
    unannounced = replace(kept, unannounced_at=START)
    assert _kinds(_said(STANDBY, calls={AT: Calls((standby, unannounced))})) == [Kind.UNWANTED]


@pytest.mark.parametrize(
    ("changes", "begun", "kinds"),
    [
        ({}, None, []),
        ({}, AT + timedelta(seconds=9), []),
        ({}, AT - timedelta(seconds=9), [Kind.UNWANTED]),
        ({"started_at": AT + timedelta(seconds=9)}, None, [Kind.UNWANTED]),
        ({"decision": NEVER}, None, [Kind.UNWANTED]),
    ],
)
def test_standby_of_a_call_that_goes_on_waits_for_its_keys(
    changes: dict[str, Any], begun: datetime | None, kinds: list[Kind]
) -> None:
    """Its draft was lost, and it is captured anew, or not yet: staff may still want all of it."""
    told = {"started_at": AT, "ended_at": None, "decision": replace(DECISION, mode=Mode.STANDBY)}
    under_way = ((call(**{**told, **changes}), begun),)
    assert _kinds(_said(STANDBY, under_way=under_way)) == kinds
    assert _kinds(_said(WANTED, under_way=under_way)) == [Kind.WANTED]
    again = {RECORDING_ID: Archived(Custody.DESTROYED)}
    assert _kinds(_said(STANDBY, under_way=under_way, archived=again)) == [Kind.CAME_BACK]


@pytest.mark.parametrize(
    ("names", "changes", "kind"),
    [
        (WANTED, {}, Kind.WANTED),
        (WANTED, {"unannounced_at": START}, Kind.UNCLEAR),
        (WANTED, {"discarded_at": START}, Kind.UNCLEAR),
        (STANDBY, {"decision": replace(DECISION, mode=Mode.STANDBY)}, Kind.UNWANTED),
        (
            STANDBY,
            {
                "decision": replace(DECISION, mode=Mode.STANDBY),
                "key_presses": (_press(KeyResult.KEPT),),
            },
            Kind.WANTED,
        ),
        (
            STANDBY,
            {"decision": replace(DECISION, mode=Mode.STANDBY), "discarded_at": START},
            Kind.CAME_BACK,
        ),
    ],
)
def test_the_call_of_that_moment_tells_what_was_wanted(
    names: tuple[str, ...], changes: dict[str, Any], kind: Kind
) -> None:
    (found,) = differences.of_recorded(_said(names, **_at_that_time(**changes)))
    assert found.kind is kind and found.call and found.call.id == CALL_ID


@pytest.mark.parametrize(
    ("names", "changes", "kind"),
    [
        (WANTED, {"decision": NEVER}, Kind.WANTED),
        (WANTED, {"decision": NEVER, "key_presses": (_press(KeyResult.HELP_SENT),)}, Kind.WANTED),
        (WANTED, {"decision": replace(DECISION, mode=Mode.MANUAL)}, Kind.WANTED),
        (
            WANTED,
            {"decision": replace(DECISION, mode=Mode.STANDBY), "discarded_at": START},
            Kind.WANTED,
        ),
        (STANDBY, {}, Kind.UNWANTED),
    ],
)
def test_a_call_that_was_recorded_otherwise_is_not_theirs(
    names: tuple[str, ...], changes: dict[str, Any], kind: Kind
) -> None:
    """The catalogue has lost the call whose they are, and has another one of that moment."""
    (found,) = differences.of_recorded(_said(names, **_at_that_time(**changes)))
    assert (found.kind, found.call) == (kind, None)


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        ({}, Kind.WANTED),
        ({"decision": NEVER}, Kind.UNWANTED),
        ({"unannounced_at": START}, Kind.UNWANTED),
        ({"discarded_at": START}, Kind.CAME_BACK),
    ],
)
def test_the_call_that_is_known_for_certain_tells_what_was_wanted(
    changes: dict[str, Any], kind: Kind
) -> None:
    named = {AT: Calls((call(**changes),), named=True)}
    assert _kinds(_said(calls=named)) == [kind]


@pytest.mark.parametrize("named", [True, False])
def test_what_was_on_standby_before_somebody_joined_stays_so(named: bool) -> None:
    changed = (DecisionChange(START, ("2102",), DECISION),)
    found = call(decision=replace(DECISION, mode=Mode.STANDBY), decision_changes=changed)
    kept = replace(found, key_presses=(_press(KeyResult.KEPT),))
    assert _kinds(_said(STANDBY, calls={AT: Calls((found,), named=named)})) == [Kind.UNWANTED]
    assert _kinds(_said(STANDBY, calls={AT: Calls((kept,), named=named)})) == [Kind.WANTED]


@pytest.mark.parametrize("changes", [{}, {"discarded_at": START}])
@pytest.mark.parametrize(
    "known",
    [{"spool_since": AT + timedelta(seconds=1)}, {"unread": frozenset({RECORDING_ID})}],
)
def test_a_call_of_that_moment_destroys_nothing_whose_draft_is_elsewhere(
    known: dict[str, Any], changes: dict[str, Any]
) -> None:
    standby = _at_that_time(decision=replace(DECISION, mode=Mode.STANDBY), **changes)
    assert _kinds(_said(STANDBY, **standby, **known)) == [Kind.UNCLEAR]
    assert _kinds(_said(STANDBY, **known)) == [Kind.UNCLEAR]


def test_of_two_calls_none_is_taken_and_none_that_has_its_recording() -> None:
    other = call(id=CALL_ID.replace("a", "b"))
    for calls in (Calls((call(), other)), Calls((call(),), frozenset({CALL_ID}))):
        (found,) = differences.of_recorded(_said(calls={AT: calls}))
        assert found.call is None
    (found,) = differences.of_recorded(_said(calls={AT: Calls((call(), other), frozenset({CALL_ID}))}))
    assert found.call is other


def test_what_the_archive_has_is_destroyed_and_what_it_lacks_is_not() -> None:
    whole = Archived(Custody.ARCHIVED, frozenset(WANTED))
    assert _kinds(_said(archived={RECORDING_ID: whole})) == [Kind.LEFT_BEHIND]
    lacking = replace(whole, lacking=frozenset(WANTED[:1]))
    assert _kinds(_said(archived={RECORDING_ID: lacking})) == [Kind.UNCLEAR]
    others = Archived(Custody.ARCHIVED, frozenset({"callrec/other"}))
    assert _kinds(_said(archived={RECORDING_ID: others})) == [Kind.WANTED]
    destroyed = Archived(Custody.DESTROYED)
    assert _kinds(_said(archived={RECORDING_ID: destroyed})) == [Kind.CAME_BACK]


def test_what_was_declared_lost_turns_up_once() -> None:
    assert _kinds(_said(lost=dict.fromkeys(WANTED, RECORDING_ID))) == [Kind.TURNED_UP]


def _kept(**changes: Any) -> Kept:
    made = Kept(RECORDING_ID, f"r/{RECORDING_ID}.flac", "m", "v", "w", Custody.ARCHIVED)
    return replace(made, **changes)


def test_the_very_versions_must_be_in_the_bucket() -> None:
    there = {f"r/{RECORDING_ID}.flac": frozenset({"v"}), "m": frozenset({"w"})}
    assert differences.of_filed(Filed(there, (_kept(),))) == []
    for key in there:
        for gone in ({**there, key: frozenset({"other"})}, {k: v for k, v in there.items() if k != key}):
            (found,) = differences.of_filed(Filed(gone, (_kept(),)))
            assert (found.kind, found.about, found.key) == (Kind.NO_OBJECT, RECORDING_ID, key)
            assert differences.of_filed(Filed(gone, (_kept(state=Custody.DESTROYED),))) == []


def test_an_object_without_a_row_is_found_unless_it_is_on_its_way() -> None:
    there = {f"r/{RECORDING_ID}.flac": frozenset({"v"}), "r/anchors.json": frozenset({"v"})}
    assert [each.kind for each in differences.of_filed(Filed(there))] == [Kind.NO_ROW]
    assert differences.of_filed(Filed(there, known=frozenset({RECORDING_ID}))) == []


@pytest.mark.parametrize(
    ("changes", "count"),
    [
        ({}, 1),
        ({"decision": NEVER}, 0),
        ({"decision": replace(DECISION, mode=Mode.MANUAL)}, 0),
        ({"unannounced_at": START}, 0),
        ({"notes": (Note("", differences.OVER_AT_ONCE, {}),)}, 0),
        ({"notes": (Note("", "recording {id} is lost: {problem}", {}),)}, 1),
    ],
)
def test_an_answered_call_without_its_recording_is_found(changes: dict[str, Any], count: int) -> None:
    found = differences.of_filed(Filed(answered=(call(**changes),)))
    assert [each.kind for each in found] == [Kind.NO_RECORDING] * count


def test_the_notes_that_excuse_a_call_are_those_that_are_written() -> None:
    written = "".join(
        path.read_text("utf-8") for path in Path("callrec").glob("*/*.py") if "health" not in path.parts
    )
    assert f'"{differences.OVER_AT_ONCE}"' in written and f'"{differences.WENT_ON}"' in written


def test_a_record_of_the_pbx_is_known_by_its_channel_or_its_moment() -> None:
    record = DetailRecord("1.0", START, "0312345678", "2101", 10)
    assert differences.of_records([record], frozenset({"1.0"}), ()) == []
    assert [each.about for each in differences.of_records([record], frozenset(), (START,))] == ["1.0"]
    nameless = replace(record, channel="")
    assert differences.of_records([nameless], frozenset(), (START + timedelta(seconds=1),)) == []
    (found,) = differences.of_records([nameless], frozenset(), (START + timedelta(seconds=9),))
    assert "0312345678" not in found.about, "it is told to people who may not know who called"


def test_a_name_beyond_the_calendar_stops_nothing() -> None:
    odd = f"callrec/ffffffff-ffff{RECORDING_ID[13:]}-1-staff"
    found = differences.of_recorded(_said((odd, *WANTED)))
    assert {each.tracks.at for each in found if each.tracks} == {AT, made_at("0" * 12)}


def test_only_what_both_looks_have_is_confirmed() -> None:
    a, b, c = (Difference(Kind.SNOOP, name) for name in "abc")
    assert confirmed([a, b], [b, c]) == [b]
    one, other = (Difference(Kind.UNWANTED, "a", Tracks("a", number, ("n",), AT)) for number in (1, 2))
    assert confirmed([one], [one, other]) == [one]
