"""The phones of the benchmarks say what phones say: packets, digits, SIP, and a proof of who they are."""

from __future__ import annotations

import hashlib
import re

import numpy as np
import pytest

from bench.phones.keys import key_packets
from bench.phones.media import SLOTS, Media
from bench.phones.messages import Message, authorization, offer, written
from bench.phones.sounds import SAMPLES, decoded, packets
from tests.listen import amplitude

INVITE = (
    b"INVITE sip:2101@127.0.0.1:4000 SIP/2.0\r\nv: SIP/2.0/UDP 127.0.0.1:5060;branch=z9hG4bK1\r\n"
    b'From: "0312345678" <sip:0312345678@127.0.0.1>;tag=a\r\nTo: <sip:2101@127.0.0.1>\r\n'
    b"i: 77\r\nCSeq: 5 INVITE\r\nContact: <sip:127.0.0.1:5060>\r\n\r\n" + offer(20000).encode()
)


@pytest.mark.parametrize(("side", "hertz"), [("external", 500), ("staff", 1000)])
def test_each_side_has_a_tone_of_whole_waves_in_a_packet(side: str, hertz: int) -> None:
    (packet,) = packets("tone", side)
    assert len(packet) == SAMPLES
    assert amplitude(np.tile(decoded(packet), 50), 8000, hertz) == pytest.approx(8000, rel=0.03)


def test_speech_is_words_and_silence_of_which_the_sides_take_turns() -> None:
    external, staff = (packets("speech", side) for side in ("external", "staff"))
    loud = [[bool(np.abs(decoded(each)).max() > 500) for each in side] for side in (external, staff)]
    assert len(external) == len(staff)
    assert 0.3 < np.mean(loud[0]) < 0.7
    assert external[-1] == staff[0] == packets("silence", "staff")[0]


def test_a_key_is_held_and_its_end_is_told_three_times() -> None:
    sent = list(key_packets("*1"))
    events = [each.payload[0] for each in sent if each.payload]
    assert events == [10] * 7 + [1] * 7
    assert [each.begins for each in sent].count(True) == [each.ends for each in sent].count(True) == 2
    first = [each.payload for each in sent[:7]]
    assert [each[1] >> 7 for each in first] == [0, 0, 0, 0, 1, 1, 1]
    assert [int.from_bytes(each[2:]) for each in first] == [160, 320, 480, 640, 640, 640, 640]


def test_what_is_no_key_is_refused() -> None:
    with pytest.raises(ValueError, match="substring"):
        list(key_packets("x"))


def test_an_invite_is_understood_also_where_names_are_short() -> None:
    message = Message.parse(INVITE)
    assert (message.status, message.method, message.header("call-id")) == (0, "INVITE", "77")
    assert (message.caller, message.contact, message.media_port) == (
        "0312345678",
        "sip:127.0.0.1:5060",
        20000,
    )


def test_an_answer_repeats_what_it_has_to_and_says_who_answers() -> None:
    answer = Message.parse(Message.parse(INVITE).answer(200, "me", "<sip:2101@127.0.0.1:4000>", offer(4002)))
    assert (answer.status, answer.method, answer.media_port) == (200, "INVITE", 4002)
    assert answer.header("to") == "<sip:2101@127.0.0.1>;tag=me"
    assert answer.header("via").endswith("branch=z9hG4bK1")
    assert int(answer.header("content-length")) == len(answer.body)


def test_a_message_without_a_body_says_so() -> None:
    assert written("BYE sip:1@2 SIP/2.0", [("cseq", "1 BYE")]).endswith(b"content-length: 0\r\n\r\n")


def test_an_account_proves_itself_as_rfc_2617_has_it() -> None:
    said = authorization(
        'Digest realm="asterisk",nonce="n/1",opaque="o",qop="auth"', "u", "p", "INVITE", "sip:x"
    )
    given = dict(re.findall(r'(\w+)="?([^",]*)"?', said))
    parts = [_md5("u:asterisk:p"), "n/1", given["nc"], given["cnonce"], "auth", _md5("INVITE:sip:x")]
    assert given["response"] == _md5(":".join(parts))
    assert (given["opaque"], given["username"], given["uri"]) == ("o", "u", "sip:x")


class FakeLeg:
    """Counts its packets."""

    def __init__(self) -> None:
        self.count = 0

    def tick(self) -> None:
        self.count += 1


def test_legs_are_spread_and_each_has_a_packet_every_20_ms() -> None:
    media, legs = Media(), [FakeLeg() for _ in range(2 * SLOTS)]
    for leg in legs:
        media.add(leg)  # type: ignore[arg-type]
    media.tick()
    assert sum(leg.count for leg in legs) == 2
    for _ in range(SLOTS - 1):
        media.tick()
    assert {leg.count for leg in legs} == {1}
    media.remove(legs[0])  # type: ignore[arg-type]
    for _ in range(SLOTS):
        media.tick()
    assert [leg.count for leg in legs[:2]] == [1, 2]


def test_packets_that_were_sent_too_late_are_told() -> None:
    media, leg = Media(), FakeLeg()
    media.add(leg)  # type: ignore[arg-type]
    media._begin -= 0.5  # what could not be sent for half a second
    for _ in range(2 * SLOTS):
        media.tick()
    assert media.latest == pytest.approx(0.5, abs=0.1)
    assert (media.sent, media.late[0.02]) == (2, 2)
    media.reset()
    assert (media.sent, media.latest, media.late) == (0, 0.0, {})


def _md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()
