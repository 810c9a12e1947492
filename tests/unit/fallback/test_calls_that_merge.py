"""A call of the dialplan's that has become part of another one is told by its own line of the journal."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from callrec.fallback import journal
from callrec.fallback.adoption import Adoption
from callrec.model.calls import CallRecord
from callrec.pbx.events import RawKeyPress
from callrec.spool.directory import Spool
from tests.scenarios.replay import office
from tests.unit.fallback.samples import AUTOMATIC, ENDED, FILES, LINE, SECOND_OF_SOUND, Storage
from tests.unit.samples import only_call

MERGED = LINE.replace("|demo-1.0|", "|demo-1.0&demo-0.5|")
"""The call 1.0, which became part of the older call 0.5."""


def test_it_is_the_call_it_began_as() -> None:
    assert MERGED != LINE
    assert journal.parse("demo-1.0", MERGED).linkedids == ("demo-1.0", "demo-0.5")
    assert journal.parse("demo-1.0", LINE).linkedids == ("demo-1.0",)


def test_its_row_does_not_depend_on_the_other_calls(tmp_path: Path) -> None:
    """callrec has recorded the other one, and tells of that itself."""
    asked: list[CallRecord] = []
    rules = office(("manual", "everywhere", None, None))
    adoption = Adoption(
        Storage({}), Spool(tmp_path), lambda: rules, lambda at: rules, "demo", lambda sound: None
    )

    def taken_up(call: CallRecord) -> bool:
        asked.append(call)
        return call.linkedid == "demo-0.5"

    adoption._taken_up = taken_up
    value = MERGED.replace("|automatic|", "|manual|").replace("|callrec/fallback-demo-1.0|", "||")
    assert adoption.adopt("demo-1.0", value, ENDED + timedelta(hours=1))
    assert [each.linkedid for each in asked] == ["demo-1.0"]
    assert only_call(Spool(tmp_path)).linkedid == "demo-1.0"


def test_keys_of_before_and_after_are_its_own(tmp_path: Path) -> None:
    rules = office(AUTOMATIC)
    storage = Storage(dict.fromkeys(FILES, SECOND_OF_SOUND))
    adoption = Adoption(storage, Spool(tmp_path), lambda: rules, lambda at: rules, "demo", lambda sound: None)
    at = ENDED - timedelta(seconds=2)
    noted = [
        RawKeyPress(f"p{linkedid}", "keep", f"demo-{linkedid}", "PJSIP/2101-00000002", at)
        for linkedid in ("1.0", "0.5", "0.7")
    ]
    assert adoption.adopt("demo-1.0", MERGED, ENDED + timedelta(minutes=1), noted)
    (id_,) = Spool(tmp_path).waiting()
    assert {each.id for each in Spool(tmp_path).captured_call(id_).call.key_presses} == {"p1.0", "p0.5"}
