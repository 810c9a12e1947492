"""callrec show: what happened during a call, in both languages and as JSON."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from callrec import language
from callrec.catalogue import calls, finding
from callrec.catalogue.database import Database
from callrec.commands.show_course import silences
from callrec.model.access import EVERYWHERE
from callrec.model.calls import CallRecord, DecisionChange, FeatureCode, KeyPress, KeyResult
from callrec.model.captures import KeptBecause, Silence, SilenceReason
from callrec.model.rules import Mode
from tests.unit.bench import Bench
from tests.unit.program import Done
from tests.unit.samples import CALL_ID, DECISION, RECORDING_ID, START, call

Office = Callable[..., Done]


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


KEYS = (
    KeyPress("a", FeatureCode.KEEP, KeyResult.MARKED, "1.1", "2101", at(3)),
    KeyPress("b", FeatureCode.STOP, KeyResult.REFUSED, "1.1", "2101", at(4)),
    KeyPress("c", FeatureCode.HELP, KeyResult.HELP_SENT, "1.1", "2102", at(5)),
)
TURNS = (
    DecisionChange(at(6), ("2102", "2201"), replace(DECISION, mode=Mode.MANUAL, rule=7, reason="extension")),
)
SILENCES = (Silence(at(4), at(6.5), SilenceReason.PRIVACY), Silence(at(9), None, SilenceReason.NEVER))


@pytest.fixture
def shown(office: Office, tmp_path: Path) -> Callable[[CallRecord], tuple[str, str]]:
    """What is told of a call that was not recorded, in English and in Japanese."""

    def show(made: CallRecord) -> tuple[str, str]:
        database = Database(f"sqlite:///{tmp_path}/c.db")
        with database.begin() as connection:
            calls.save_call(connection, made)
        database.close()
        return in_both(office)

    return show


def in_both(office: Office) -> tuple[str, str]:
    with pytest.MonkeyPatch.context() as patch:
        english = office("show", CALL_ID).out
        patch.setenv("CALLREC_LANG", "ja")
        japanese = office("show", CALL_ID).out
    language.use()
    return english, japanese


def test_keys_and_decisions_made_anew_are_told(
    shown: Callable[[CallRecord], tuple[str, str]], office: Office
) -> None:
    english, japanese = shown(call(key_presses=KEYS, decision_changes=TURNS, incident=True))
    assert [line for line in english.splitlines() if line.startswith(("key", "decided", "incident"))] == [
        "incident: yes",
        "decided anew: 2026-11-22 10:00:06  2102, 2201  recorded when staff press the key: "
        "rule 7@1 for the extension applies",
        "key pressed: 2026-11-22 10:00:03  2101  record or keep: the call was marked",
        "key pressed: 2026-11-22 10:00:04  2101  stop: refused",
        "key pressed: 2026-11-22 10:00:05  2102  help: help was called",
    ]
    for words in ("事案: はい", "再判定: 2026-11-22 10:00:06  2102, 2201  職員がキーを押すと録音"):
        assert words in japanese
    assert "キー操作: 2026-11-22 10:00:05  2102  応援要請: 応援を要請しました" in japanese
    whole = json.loads(office("show", CALL_ID, "--json").out)
    assert whole["incident"] is True and whole["silences"] == []
    assert [(each["key"], each["result"]) for each in whole["call"]["key_presses"]][1] == ("stop", "refused")
    assert whole["call"]["decision_changes"][0]["extensions"] == ["2102", "2201"]


def test_nothing_is_said_of_what_did_not_happen(shown: Callable[[CallRecord], tuple[str, str]]) -> None:
    english, _ = shown(call())
    assert "recording: none" in english
    assert not [
        line for line in english.splitlines() if line.startswith(("key", "decided", "incident", "silence"))
    ]


def test_a_capture_that_nobody_wanted_kept_says_when_it_was_discarded(
    shown: Callable[[CallRecord], tuple[str, str]], office: Office
) -> None:
    english, japanese = shown(call(discarded_at=at(13)))
    assert "recording: standby, discarded at 2026-11-22 10:00:13" in english
    assert "録音: 仮録音（2026-11-22 10:00:13 に消去）" in japanese
    for command in (("show", CALL_ID, "--json"), ("search", "--all-calls", "--json")):
        found = json.loads(office(*command).out)
        row = found if isinstance(found, dict) else found[0]
        assert row["discarded_at"] == "2026-11-22T01:00:13+00:00"


def test_a_call_that_could_not_be_announced_says_so(
    shown: Callable[[CallRecord], tuple[str, str]], office: Office
) -> None:
    english, japanese = shown(call(unannounced_at=at(2), discarded_at=at(13)))
    why = "recording: none: the announcement could not be played, and the rule wants nothing recorded then"
    assert f"{why}, discarded at 2026-11-22 10:00:13\n" in english
    assert "録音: なし（録音のお知らせを再生できず、その場合は録音しない録音ルールのため）" in japanese
    english, _ = shown(call(unannounced_at=at(2)))
    assert f"{why}\n" in english
    (row,) = json.loads(office("search", "--all-calls", "--json").out)
    assert row["unannounced_at"] == "2026-11-22T01:00:02+00:00"


def test_silences_are_told_on_the_clock_and_in_the_recording(
    bench: Bench, office: Office, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.captured(silences=SILENCES, kept_because=KeptBecause.KEY)
    assert bench.archiver.archive(RECORDING_ID)
    monkeypatch.setenv("CALLREC_CATALOGUE__URL", f"sqlite:///{tmp_path}/catalogue.db")
    english, japanese = in_both(office)
    assert [line for line in english.splitlines() if line.startswith(("silence", "kept because"))] == [
        "silence: 0:02 – 0:04  (2026-11-22 10:00:04 – 10:00:06): staff pressed the pause key",
        "silence: 0:07 – 0:10  (2026-11-22 10:00:09 – …): a rule says never for those who talked then",
        "kept because: staff pressed the key",
    ]
    assert "無音: 0:02 – 0:04  (2026-11-22 10:00:04 – 10:00:06): 職員が一時停止キーを押したため" in japanese
    told = json.loads(office("show", CALL_ID, "--json").out)["silences"]
    assert [(each["begin_s"], each["end_s"], each["reason"]) for each in told] == [
        (2.0, 4.5, "key"),
        (7.0, 10.0, "never"),
    ]
    assert told[0]["started_at"] == "2026-11-22T01:00:04+00:00" and told[1]["finished_at"] is None


def test_a_silence_is_never_outside_of_the_recording(bench: Bench) -> None:
    bench.captured(
        silences=(Silence(START, at(3), SilenceReason.NEVER), Silence(at(11), at(60), SilenceReason.PRIVACY))
    )
    assert bench.archiver.archive(RECORDING_ID)
    with bench.database.read() as connection:
        kept = finding.recording(connection, RECORDING_ID, reach=EVERYWHERE)
    assert [(each.begin_s, each.end_s) for each in silences(kept)] == [(0.0, 1.0), (9.0, 10.0)]
    assert silences(None) == ()


def test_a_talk_over_which_the_clock_was_set_back_has_no_length(
    shown: Callable[[CallRecord], tuple[str, str]],
) -> None:
    english, japanese = shown(call(answered_at=at(60), ended_at=at(-3600)))
    assert "length of the talk: —\n" in english and "通話時間: —\n" in japanese
