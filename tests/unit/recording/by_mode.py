"""Calls on the model of the PBX: by rules of each mode, with keys and transfers."""

from __future__ import annotations

from callrec.model.calls import KeyResult
from callrec.pbx import events as ev
from tests.scenarios.replay import office
from tests.unit.channels import OUTSIDE, PHONE, channel
from tests.unit.pbx_model import ModelPbx

COLLEAGUE = channel("1.2", "PJSIP/2102-00000003", "2102")


OTHER_OFFICE = channel("1.3", "PJSIP/2201-00000004", "2201")


RuleOf = tuple[str, str, str | None, str | None]
"""A rule: mode, scope, target, and when it is announced."""
NARROW = ("ulaw",)
"""The codecs of a line whose calls the dialplan can record."""
AUTOMATIC = ("automatic", "everywhere", None, "none")
MODES = ("never", "manual", "standby", "automatic")


def talking(*rules: RuleOf, codecs: tuple[str, ...] = ()) -> ModelPbx:
    """A call from outside that 2101 has answered. With `codecs` it passed the gate."""
    pbx = ModelPbx(office(*rules))
    pbx.create(OUTSIDE)
    if codecs:
        pbx.ask_at_gate(OUTSIDE.id, *codecs)
    pbx.create(PHONE)
    pbx.enter(PHONE.id, OUTSIDE.id)
    return pbx


def by_mode(mode: str, codecs: tuple[str, ...] = ()) -> ModelPbx:
    return talking((mode, "everywhere", None, "none"), codecs=codecs)


def monitored(*rules: RuleOf) -> ModelPbx:
    """A call from outside that the dialplan records since 2101 has answered."""
    return talking(*rules or (AUTOMATIC,), codecs=NARROW)


def at_gate(*rules: RuleOf) -> ModelPbx:
    """A call from outside that was let through the gate."""
    pbx = ModelPbx(office(*rules))
    pbx.create(OUTSIDE)
    pbx.ask_at_gate(OUTSIDE.id, *NARROW)
    pbx.pass_time(1)
    return pbx


def press(pbx: ModelPbx, *keys: str, by: ev.Channel = PHONE) -> list[KeyResult]:
    session = pbx.tracker.calls["1.0"]
    before = len(session.record.key_presses)
    for key in keys:
        pbx.pass_time(1)
        pbx.press(by.id, key, f"{by.id}-{pbx.now:%s.%f}")
    return [each.result for each in session.record.key_presses[before:]]


def end(pbx: ModelPbx) -> None:
    for id_ in list(pbx.channels):
        pbx.hang_up(id_)
    pbx.pass_time(10)


def segments(pbx: ModelPbx) -> list[int]:
    (captured,) = pbx.kept.values()
    return [segment.number for segment in captured.capture.segments]


def transfer(pbx: ModelPbx, to: ev.Channel) -> None:
    """Blind: the first phone leaves, the next answers."""
    (before,) = [id_ for id_ in pbx.members if id_ != OUTSIDE.id]
    pbx.hang_up(before)
    pbx.create(to)
    pbx.enter(to.id)
