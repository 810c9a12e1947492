"""What the dialplan says of a channel before its call begins counts for it while the channel is there."""

from __future__ import annotations

from callrec.recording.membership import CallMembership
from callrec.recording.topology import BridgeTopology
from tests.scenarios.replay import office, tracker
from tests.unit.channels import LATER, channel

EVERYBODY = ("automatic", "everywhere", None, "none")
HALF = channel("7.0", "Local/2101@phones-01;2", linkedid="7.0")
PHONE = channel("7.1", "PJSIP/2101-00000007", linkedid="7.0")


def _told_in(linkedid: str) -> list[str]:
    """What is told of a call that begins when a Local channel, which has met others, is gone or not."""
    topology, told = BridgeTopology(), list[str]()
    membership = CallMembership(topology)
    environment = tracker(office(EVERYBODY), ["new-1", "new-2"]).environment
    membership.know(HALF, LATER, environment)
    membership.tell_later(HALF.id, lambda call: told.append(call.linkedid) or [])  # type: ignore[func-returns-value]
    leg = topology.legs[HALF.id]
    leg.linkedid = linkedid
    if linkedid != HALF.linkedid:
        membership.drop(leg)
    membership.know(PHONE, LATER, environment)
    return told


def test_it_counts_for_the_call_that_begins() -> None:
    assert _told_in("7.0") == ["7.0"]


def test_of_a_channel_that_is_gone_nothing_is_left_though_it_had_met_others() -> None:
    assert _told_in("3.0") == []
