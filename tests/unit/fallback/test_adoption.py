"""What of the fallback's calls is kept, what is destroyed, and what has to wait."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from callrec.fallback import journal, journal_calls
from callrec.fallback.adoption import Adoption
from callrec.model.alerts import Alert
from callrec.model.calls import CallRecord, Outcome
from callrec.model.rules import Mode
from callrec.pbx.events import FallbackCall, RawKeyPress, epoch
from callrec.pbx.transport import AriRefused
from callrec.policy.office import Office
from callrec.spool.directory import Spool
from tests.scenarios.replay import PROMPT, office
from tests.unit.channels import BRIDGE, OUTSIDE, PHONE, quiet_tracker
from tests.unit.fallback.samples import (
    ANNOUNCED,
    AUTOMATIC,
    ENDED,
    FILES,
    LINE,
    OPEN,
    SECOND_OF_SOUND,
    Storage,
    call_of,
    strict,
)
from tests.unit.samples import only_call


def test_what_the_dialplan_did_not_record_unannounced_has_a_row_that_says_so(tmp_path: Path) -> None:
    value = LINE.replace("|automatic|callrec/fallback-demo-1.0|", "|automatic||")
    rules = strict()
    assert _adoption(Storage(), tmp_path, rules, rules).adopt("demo-1.0", value, ENDED + timedelta(minutes=1))
    call = only_call(Spool(tmp_path))
    assert call.unannounced_at == epoch("1795361040.0") and not Spool(tmp_path).waiting()


@pytest.mark.parametrize(("seconds", "kept"), [("1795361039.03", False), ("1795361040.0", True)])
def test_what_the_dialplan_recorded_unannounced_is_destroyed(
    tmp_path: Path, seconds: str, kept: bool
) -> None:
    """Its copy of the rules was of before. What broke off after a while was a hang-up."""
    value = LINE.replace(ANNOUNCED, f"/p/ja/notice>1795361039.025>{seconds}>FAILED&")
    storage, rules = Storage(dict.fromkeys(FILES, SECOND_OF_SOUND)), strict()
    adoption = Adoption(storage, Spool(tmp_path), lambda: rules, lambda at: rules, "demo", lambda _: PROMPT)
    assert adoption.adopt("demo-1.0", value, ENDED + timedelta(minutes=1))
    assert bool(storage.sizes) is bool(Spool(tmp_path).waiting()) is kept
    if not kept:
        call = only_call(Spool(tmp_path))
        assert call.unannounced_at and "was destroyed" in call.notes[-1].text


def test_what_callrec_took_over_and_destroyed_is_not_adopted(tmp_path: Path) -> None:
    storage, rules, asked = Storage(), office(AUTOMATIC), list[str]()
    adoption = _adoption(storage, tmp_path, rules, rules)
    adoption._was_discarded = lambda call: not asked.append(call)  # type: ignore[func-returns-value]
    assert adoption.adopt("demo-1.0", LINE, ENDED + timedelta(minutes=1))
    assert not Spool(tmp_path).waiting() and not Spool(tmp_path).calls()
    assert asked == [call_of(LINE)[1].id]


def _adopt(
    spool: Path,
    value: str,
    *rules: tuple[str, str, str | None, str | None],
    bytes_each: int = SECOND_OF_SOUND,
    after_s: float = 60.0,
) -> tuple[Storage, bool]:
    storage = Storage(dict.fromkeys(FILES, bytes_each))
    adoption = _adoption(storage, spool, office(*rules), office(*rules))
    return storage, adoption.adopt("demo-1.0", value, ENDED + timedelta(seconds=after_s))


def _adoption(storage: Storage, spool: Path, then: Office, now: Office) -> Adoption:
    """With the rules as they were when the call began, and as they are now."""
    return Adoption(storage, Spool(spool), lambda: now, lambda at: then, "demo", lambda sound: None)


@pytest.mark.parametrize("taken_up", [False, True])
def test_a_call_that_was_recorded_from_here_after_all_has_its_row_already(
    tmp_path: Path, taken_up: bool
) -> None:
    storage = Storage(dict.fromkeys(FILES, SECOND_OF_SOUND))
    rules = office(("manual", "everywhere", None, None))
    adoption = _adoption(storage, tmp_path, rules, rules)
    adoption._taken_up = lambda call: taken_up
    assert adoption.adopt("demo-1.0", LINE, ENDED + timedelta(minutes=1)) and not storage.sizes
    assert len(Spool(tmp_path).calls()) == (0 if taken_up else 1)


def _kept(spool: Path) -> CallRecord:
    (id_,) = Spool(spool).waiting()
    return Spool(spool).captured_call(id_).call


def test_an_unanswered_call_leaves_its_row_only(tmp_path: Path) -> None:
    storage, adopted = _adopt(tmp_path, LINE.replace("|ANSWER|3001|", "|CANCEL||"), AUTOMATIC, bytes_each=44)
    assert adopted and not storage.sizes
    call = only_call(Spool(tmp_path))
    assert call.outcome is Outcome.UNANSWERED and not Spool(tmp_path).waiting()


@pytest.mark.parametrize("ending", ["|NOANSWER||", "|NOANSWER|3001|", "|||", "|ANSWER||"])
def test_sound_is_kept_whatever_dial_says(tmp_path: Path, ending: str) -> None:
    """A queue connects without Dial(), and a failed transfer overwrites what Dial() had said."""
    storage, adopted = _adopt(tmp_path, LINE.replace("|ANSWER|3001|", ending), AUTOMATIC)
    assert adopted and storage.sizes, "the archive deletes them, when it has them"
    call = _kept(tmp_path)
    assert call.outcome is Outcome.ANSWERED and call.answered_at and call.ended_at
    assert (call.ended_at - call.answered_at).total_seconds() in (1.0, 3.001)


def test_a_file_that_may_not_be_flushed_yet_is_looked_at_later(tmp_path: Path) -> None:
    value = LINE.replace("|ANSWER|3001|", "|CANCEL||")
    storage, adopted = _adopt(tmp_path, value, AUTOMATIC, bytes_each=44, after_s=1)
    assert not adopted and storage.sizes and not Spool(tmp_path).calls()


def test_what_never_forbids_is_destroyed_and_that_is_noted(tmp_path: Path) -> None:
    """The dialplan could not know: the rule is about the other extension of an internal call."""
    value = LINE.replace("inbound|2101|0312345678|", "internal|2101|2201|")
    storage, adopted = _adopt(tmp_path, value, AUTOMATIC, ("never", "extension", "2201", None))
    assert adopted and not storage.sizes and not Spool(tmp_path).waiting()
    call = only_call(Spool(tmp_path))
    assert call.decision is not None and call.decision.mode is Mode.NEVER
    assert "what the dialplan had recorded was destroyed: the rules did not want it recorded" in [
        n.text for n in call.notes
    ]


@pytest.mark.parametrize(
    ("then", "now", "kept"),
    [
        ([AUTOMATIC], [("never", "everywhere", None, None)], True),  # made after the call
        ([AUTOMATIC], [], True),  # removed after the call
        ([], [AUTOMATIC], True),  # made just before: clocks differ
        ([("never", "everywhere", None, None)], [AUTOMATIC], False),  # lifted after the call
        ([], [], False),  # not at that hour
        ([("standby", "everywhere", None, None)], [("standby", "everywhere", None, None)], False),
        ([("never", "extension", "2102", None), AUTOMATIC], [AUTOMATIC], False),  # who answered
    ],
)
def test_the_rules_at_the_beginning_of_the_call_decide(
    tmp_path: Path, then: list[Any], now: list[Any], kept: bool
) -> None:
    storage = Storage(dict.fromkeys(FILES, SECOND_OF_SOUND))
    adoption = _adoption(storage, tmp_path, office(*then), office(*now))
    value = LINE.replace("inbound|2101|", "inbound|6100|").replace("|2101|1795", "|2102|1795")
    assert adoption.adopt("demo-1.0", value, ENDED + timedelta(hours=1))
    assert bool(Spool(tmp_path).waiting()) is kept and bool(storage.sizes) is kept
    if not kept:
        notes = [note.text for note in only_call(Spool(tmp_path)).notes]
        assert "what the dialplan had recorded was destroyed: the rules did not want it recorded" in notes


def test_a_rule_that_came_later_explains_no_call_that_was_not_recorded(tmp_path: Path) -> None:
    """Or the row would say that it should have been, and somebody would be sent to look for its sound."""
    value = LINE.replace("|automatic|", "|never|").replace("|callrec/fallback-demo-1.0|", "||")
    assert value.count("|") == LINE.count("|") and value != LINE
    adoption = _adoption(Storage({}), tmp_path, office(), office(AUTOMATIC))
    assert adoption.adopt("demo-1.0", value, ENDED + timedelta(hours=1))
    call = only_call(Spool(tmp_path))
    assert call.outcome is Outcome.ANSWERED and call.decision and call.decision.rule is None


def test_a_call_that_was_not_to_be_recorded(tmp_path: Path) -> None:
    value = "inbound|2101|110|demo-1.0||1795361032.5|1795361046.3|BUSY|||" + "|"
    assert _adopt(tmp_path, value, AUTOMATIC)[1]
    call = only_call(Spool(tmp_path))
    assert call.outcome is Outcome.BUSY
    assert "the dialplan went by mode never" in [note.text for note in call.notes]


PRESSED = ENDED - timedelta(seconds=2)


def _noted(key: str, number: int, by: str = "PJSIP/2101-00000002", linkedid: str = "demo-1.0") -> RawKeyPress:
    return RawKeyPress(f"p{number}", key, linkedid, by, PRESSED + timedelta(milliseconds=number))


@pytest.mark.parametrize(
    ("mode", "effects", "incident"),
    [
        ("automatic", ["marked", "unchanged", "refused", "refused"], True),
        ("manual", ["refused", "refused", "refused", "refused"], False),
        ("never", ["refused", "refused", "refused", "refused"], False),
    ],
)
def test_keys_of_staff_count_in_what_the_dialplan_recorded(
    tmp_path: Path, mode: str, effects: list[str], incident: bool
) -> None:
    """Those of others, and of other calls, do not. What the dialplan records nothing can stop or pause."""
    storage, rules = Storage(dict.fromkeys(FILES, SECOND_OF_SOUND)), office((mode, "everywhere", None, None))
    noted = [_noted(key, number) for number, key in enumerate(("keep", "keep", "stop", "pause"))]
    others = [_noted("help", 7, "PJSIP/outside-00000001"), _noted("help", 8, linkedid="2.0")]
    adoption = _adoption(storage, tmp_path, rules, rules)
    assert adoption.adopt("demo-1.0", LINE, ENDED + timedelta(minutes=1), [*noted, *others])
    call = _kept(tmp_path) if mode == "automatic" else only_call(Spool(tmp_path))
    assert [each.result for each in call.key_presses] == effects
    assert {each.extension for each in call.key_presses} == {"2101"} and call.incident is incident
    assert not Spool(tmp_path).alerts()


@pytest.mark.parametrize("mode", ["automatic", "never"])
@pytest.mark.parametrize("known", [True, False])
def test_a_call_for_help_that_nobody_heard_of_goes_out_late(tmp_path: Path, mode: str, known: bool) -> None:
    """One alert for presses that follow one another; none where it went out while the call lasted."""
    storage, rules = Storage(dict.fromkeys(FILES, SECOND_OF_SOUND)), office((mode, "everywhere", None, None))
    adoption = _adoption(storage, tmp_path, rules, rules)
    adoption._help_known = lambda press, alert: known
    noted = [_noted("help", number) for number in range(2)]
    assert adoption.adopt("demo-1.0", LINE, ENDED + timedelta(minutes=1), noted)
    call = _kept(tmp_path) if mode == "automatic" else only_call(Spool(tmp_path))
    assert call.incident
    alerts = [Spool(tmp_path).alert_of(id_) for id_ in Spool(tmp_path).alerts()]
    told = [(each.call_id, each.at, each.recorded, each.support_phone) for each in alerts]
    assert told == ([] if known else [(call.id, PRESSED, mode == "automatic", None)])


def test_a_call_for_help_goes_out_late_also_where_the_disk_is_full(tmp_path: Path) -> None:
    """The line stays: what it tells is not on disk."""
    storage, rules, taken = Storage(dict.fromkeys(FILES, SECOND_OF_SOUND)), office(AUTOMATIC), list[Alert]()

    def take(alert: Alert) -> None:
        taken.append(alert)
        raise OSError(28, "No space left on device")

    adoption = _adoption(storage, tmp_path, rules, rules)
    adoption._take_alert = take
    with pytest.raises(OSError, match="No space"):
        adoption.adopt("demo-1.0", LINE, ENDED + timedelta(minutes=1), [_noted("help", 1)])
    assert len(taken) == 1 and storage.sizes and not Spool(tmp_path).waiting()


def test_controller_and_journal_know_a_call_by_the_same_id() -> None:
    """The alert of a call that the fallback handled names its row."""
    played, rules = quiet_tracker(), office(AUTOMATIC)
    line = journal.parse("1.0", LINE.replace("demo-1.0", "1.0"))
    since = epoch(LINE.split("|")[5])
    assert since is not None
    played.compare([OUTSIDE, PHONE], BRIDGE, {"1.0": FallbackCall(since)}, [], ENDED)
    call = journal_calls.call_of(line, rules, "demo", lambda sound: None, journal_calls.decide(line, rules))
    assert played.calls["1.0"].record.id == call.id


QUEUE = LINE.replace("|ANSWER|3001|", "|||")


def test_files_that_are_absent_are_asked_for_again(tmp_path: Path) -> None:
    """Of a queue only they tell whether somebody answered; their disk may be away."""
    storage, rules = Storage(), office(AUTOMATIC)
    adoption = _adoption(storage, tmp_path, rules, rules)
    for seconds in (60, 62, 64, 66):
        assert not adoption.adopt("demo-1.0", QUEUE, ENDED + timedelta(seconds=seconds))
    storage.sizes = dict.fromkeys(FILES, SECOND_OF_SOUND)
    assert adoption.adopt("demo-1.0", QUEUE, ENDED + timedelta(seconds=68)) and storage.sizes
    assert _kept(tmp_path).outcome is Outcome.ANSWERED


def test_files_that_stay_absent_are_believed_to_be(tmp_path: Path) -> None:
    rules = office(AUTOMATIC)
    adoption = _adoption(Storage(), tmp_path, rules, rules)
    looks = [adoption.adopt("demo-1.0", QUEUE, ENDED + timedelta(seconds=60 * each)) for each in range(1, 5)]
    assert looks == [False, False, False, True]
    assert only_call(Spool(tmp_path)).outcome is Outcome.UNANSWERED


def test_answered_without_files_it_may_be_archived_and_gone_from_the_pbx(tmp_path: Path) -> None:
    """Nobody knows that while the catalogue is away; a moment after a failover it does not know it yet."""
    rules, answers = office(AUTOMATIC), [False]
    adoption = _adoption(Storage(), tmp_path, rules, rules)
    adoption._catalogue_answers = lambda: answers[0]
    for minutes in range(1, 9):
        assert not adoption.adopt("demo-1.0", LINE, ENDED + timedelta(minutes=minutes))
    answers[0] = True
    assert not adoption.adopt("demo-1.0", LINE, ENDED + timedelta(minutes=9))
    adoption._has_capture = lambda recording: True
    assert adoption.adopt("demo-1.0", LINE, ENDED + timedelta(minutes=10))
    assert not Spool(tmp_path).waiting() and not Spool(tmp_path).calls()


def test_a_channel_that_took_anothers_place_tells_of_its_recording(tmp_path: Path) -> None:
    """By an attended transfer into an application it gets the variables of that one, and keeps its own id."""
    rules, storage = office(AUTOMATIC), Storage(dict.fromkeys(FILES, SECOND_OF_SOUND))
    adoption = _adoption(storage, tmp_path, rules, rules)
    assert adoption.adopt("demo-1.0", LINE, ENDED + timedelta(minutes=1))
    adoption._has_capture = lambda recording: recording in Spool(tmp_path).waiting()
    assert adoption.adopt("demo-9.0", LINE, ENDED + timedelta(minutes=1))
    assert len(Spool(tmp_path).waiting()) == 1 and not Spool(tmp_path).calls()


@pytest.mark.parametrize("ending", ["|CANCEL||", "|||"])
def test_a_pbx_without_its_folder_is_not_believed(tmp_path: Path, ending: str) -> None:
    class Away(Storage):
        def stored(self) -> list[str]:
            raise AriRefused(500, "GET recordings/stored", "no folder")

    rules = office(AUTOMATIC)
    adoption = _adoption(Away(), tmp_path, rules, rules)
    for minutes in range(1, 9):
        with pytest.raises(AriRefused):
            value = LINE.replace("|ANSWER|3001|", ending)
            adoption.adopt("demo-1.0", value, ENDED + timedelta(minutes=minutes))
    assert not Spool(tmp_path).calls()


def test_what_was_not_there_is_not_deleted(tmp_path: Path) -> None:
    """It may only have been away."""
    deleted: list[str] = []
    storage, rules = Storage({FILES[0]: 44}), office(AUTOMATIC)
    storage.delete_stored = deleted.append  # type: ignore[assignment,method-assign]
    value = LINE.replace("|ANSWER|3001|", "|CANCEL||")
    assert _adoption(storage, tmp_path, rules, rules).adopt("demo-1.0", value, ENDED + timedelta(minutes=1))
    assert deleted == [FILES[0]]


def test_what_callrec_took_over_is_left_to_it(tmp_path: Path) -> None:
    storage, rules = Storage(dict.fromkeys(FILES, SECOND_OF_SOUND)), office(AUTOMATIC)
    adoption = _adoption(storage, tmp_path, rules, rules)
    asked: list[str] = []
    adoption._has_capture = lambda recording: not asked.append(recording)  # type: ignore[func-returns-value]
    assert adoption.adopt("demo-1.0", LINE, ENDED + timedelta(minutes=1)) and storage.sizes
    assert not Spool(tmp_path).waiting() and not Spool(tmp_path).calls()
    entry = journal.parse("demo-1.0", LINE)
    call = journal_calls.call_of(entry, rules, "demo", lambda sound: None, journal_calls.decide(entry, rules))
    assert asked == [journal_calls.captured_call(entry, call).capture.recording_id]


def test_a_call_whose_end_nobody_wrote_down_ends_with_its_sound(tmp_path: Path) -> None:
    storage, adopted = _adopt(tmp_path, OPEN, AUTOMATIC)
    assert adopted and storage.sizes
    (id_,) = Spool(tmp_path).waiting()
    captured = Spool(tmp_path).captured_call(id_)
    assert captured.capture.ended_at is None and captured.call.ended_at is None
    assert captured.call.answered_at == epoch("1795361040.0"), "from the end of the announcement on"


def test_a_call_whose_end_nobody_wrote_down_and_that_has_no_sound_has_its_row(tmp_path: Path) -> None:
    _, adopted = _adopt(tmp_path, OPEN, AUTOMATIC, bytes_each=0)
    call = only_call(Spool(tmp_path))
    assert adopted and call.ended_at == ENDED + timedelta(seconds=60)
    assert "the end of the call was not seen" in [note.text for note in call.notes]


@pytest.mark.parametrize("peers", ["2102&2101", "2101&2102", "PJSIP/2102-00000002&PJSIP/2101-00000003"])
def test_who_is_never_recorded_is_not_in_a_call_that_was_transferred(tmp_path: Path, peers: str) -> None:
    """callrec saw neither; the file is one."""
    value = LINE.replace("|2101|1795", f"|{peers}|1795").replace("inbound|2101|", "inbound|6000|")
    storage, adopted = _adopt(tmp_path, value, AUTOMATIC, ("never", "extension", "2102", None))
    assert adopted and not storage.sizes and not Spool(tmp_path).waiting()


def _stamped(ahead: timedelta) -> str:
    """The line as a PBX writes it whose clock is ahead."""
    return re.sub(r"17953610\d\d\.\d+", lambda found: f"{float(found[0]) + ahead.total_seconds():.6f}", LINE)


BOOTED_IN_1970 = datetime(1970, 1, 1, 0, 30, tzinfo=UTC) - ENDED
IN_2106 = datetime(2106, 2, 7, tzinfo=UTC) - ENDED


@pytest.mark.parametrize("ahead", [timedelta(hours=1), -timedelta(days=1), BOOTED_IN_1970, IN_2106])
def test_a_call_by_a_wrong_clock_was_when_it_was(tmp_path: Path, ahead: timedelta) -> None:
    """What is kept of it for its days is kept from then on."""
    rules = office(AUTOMATIC)
    adoption = _adoption(Storage(dict.fromkeys(FILES, SECOND_OF_SOUND)), tmp_path, rules, rules)
    assert adoption.adopt("demo-1.0", _stamped(ahead), ENDED + timedelta(minutes=1), (), ahead)
    (id_,) = Spool(tmp_path).waiting()
    captured = Spool(tmp_path).captured_call(id_)
    assert captured.call.ended_at and abs(captured.call.ended_at - ENDED) < timedelta(seconds=1)
    assert captured.capture.ended_at == captured.call.ended_at
    said = captured.call.announcements[0]
    assert said.finished_at and (said.finished_at - said.started_at).total_seconds() == pytest.approx(6.468)
    assert captured.call.started_at < said.started_at < captured.call.ended_at


@pytest.mark.parametrize("ahead", [BOOTED_IN_1970, IN_2106])
def test_a_call_of_no_possible_time_ended_a_minute_ago(tmp_path: Path, ahead: timedelta) -> None:
    """The PBX's clock was set right since."""
    now, rules = ENDED + timedelta(days=3), office(AUTOMATIC)
    for _ in range(2):  # read twice it is the same
        adoption = _adoption(Storage(dict.fromkeys(FILES, SECOND_OF_SOUND)), tmp_path, rules, rules)
        assert adoption.adopt("demo-1.0", _stamped(ahead), now)
    call = _kept(tmp_path)
    assert call.ended_at and abs(now - timedelta(minutes=1) - call.ended_at) < timedelta(seconds=1)
    assert call.answered_at and call.ended_at - call.answered_at == timedelta(milliseconds=3001)


def test_an_end_that_is_to_come_is_not_waited_for(tmp_path: Path) -> None:
    """The PBX's clock is an hour ahead, which nobody has found yet."""
    storage, adopted = _adopt(tmp_path, LINE.replace("|ANSWER|3001|", "|CANCEL||"), AUTOMATIC, bytes_each=44)
    later, again = _adopt(
        tmp_path / "b", LINE.replace("|ANSWER|3001|", "|CANCEL||"), AUTOMATIC, bytes_each=44, after_s=-3600
    )
    assert adopted and again and not later.sizes and not storage.sizes
