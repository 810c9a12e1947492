"""Time-stamps of a real authority: what is believed, and what is refused by name."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from rfc3161_client import decode_timestamp_response

from callrec.catalogue.database import Database
from callrec.errors import EvidenceBroken, Unreachable, WrongConfiguration
from callrec.evidence.anchor import AnchorReason
from callrec.evidence.anchors import FoundAnchor
from callrec.evidence.daily_anchors import DailyAnchors
from callrec.evidence.stamping import Stamper, StampLog
from callrec.evidence.timestamps import Roots, TimeStampAuthority
from callrec.settings import EvidenceSettings
from tests.authority import Authority, answering, authority
from tests.told import told_by
from tests.unit.evidence.anchoring import DAY, TOKYO, Anchoring

DATA = b"an anchor"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return authority(tmp_path_factory.mktemp("tsa") / "one")


@pytest.fixture
def tsa(made: Authority) -> Iterator[Authority]:
    """The authority; what a test changes is put back."""
    yield made
    made.faketime, made.away, made.answers, made.asked = "", False, (), 0


@pytest.fixture
def asking(tsa: Authority) -> Iterator[TimeStampAuthority]:
    with answering(tsa) as url:
        yield _asking(tsa, url)


def _asking(tsa: Authority, url: str, clock: datetime | None = None) -> TimeStampAuthority:
    settings = EvidenceSettings(tsa_url=url, tsa_ca_file=tsa.root)
    return TimeStampAuthority(settings, Roots(tsa.root), lambda: clock or datetime.now(UTC), TOKYO)


def test_a_time_stamp_says_when(tsa: Authority, asking: TimeStampAuthority) -> None:
    before = datetime.now(UTC).replace(microsecond=0)
    said = Roots(tsa.root).verify(asking.stamp(DATA), DATA)
    assert before <= said.at <= datetime.now(UTC)
    assert timedelta(days=364) < said.ends_at - said.at < timedelta(days=366)


def test_it_is_over_these_very_bytes(tsa: Authority, asking: TimeStampAuthority) -> None:
    with pytest.raises(EvidenceBroken, match="over something else"):
        Roots(tsa.root).verify(asking.stamp(DATA), b"another")


def test_no_bit_of_what_it_says_can_be_changed(tsa: Authority, asking: TimeStampAuthority) -> None:
    whole = asking.stamp(DATA)
    info = decode_timestamp_response(whole).tst_info
    moment = info.gen_time.strftime("%Y%m%d%H%M%SZ").encode()
    begin = whole.index(moment)
    for place in range(begin, begin + len(moment)):
        changed = bytearray(whole)
        changed[place] ^= 1
        with pytest.raises(EvidenceBroken):
            Roots(tsa.root).verify(bytes(changed), DATA)


# --- an authority that lies


@pytest.mark.parametrize("shift", ["-2h", "+2h", "-1d", "+1d"])
def test_a_time_that_is_wrong(tsa: Authority, asking: TimeStampAuthority, shift: str) -> None:
    tsa.certify(since="-30d")
    tsa.faketime = shift
    with pytest.raises(EvidenceBroken, match=r"stamps with the time .*, and here it is .*set the clock"):
        asking.stamp(DATA)


def test_an_answer_to_another_question(tsa: Authority, asking: TimeStampAuthority) -> None:
    tsa.answers = [asking.stamp(DATA)]
    with pytest.raises(EvidenceBroken, match="another question"):
        asking.stamp(DATA)


def test_an_answer_over_something_else(tsa: Authority, asking: TimeStampAuthority) -> None:
    tsa.answers = [asking.stamp(b"another")]
    with pytest.raises(EvidenceBroken, match="over something else"):
        asking.stamp(DATA)


def test_a_certificate_of_somebody_else(tsa: Authority, tmp_path: Path) -> None:
    stranger = authority(tmp_path / "stranger")
    with answering(stranger) as url, pytest.raises(EvidenceBroken, match="not by the authority"):
        _asking(tsa, url).stamp(DATA)


def test_a_certificate_that_had_ended(tmp_path: Path) -> None:
    old = authority(tmp_path / "old")
    old.certify(days=10, since="-30d")
    with answering(old) as url, pytest.raises(EvidenceBroken, match="not by the authority"):
        _asking(old, url).stamp(DATA)


@pytest.mark.parametrize("answer", [b"", b"junk", b"0\x82", b"\0" * 3000])
def test_an_answer_that_is_none(tsa: Authority, asking: TimeStampAuthority, answer: bytes) -> None:
    tsa.answers = [answer]
    with pytest.raises(EvidenceBroken, match="cannot be read"):
        asking.stamp(DATA)


def test_an_authority_that_refuses(tmp_path: Path) -> None:
    strict = authority(tmp_path / "strict")
    strict.configure(digests="sha512")
    with answering(strict) as url, pytest.raises(EvidenceBroken, match="gives no time-stamp"):
        _asking(strict, url).stamp(DATA)


def test_an_authority_that_is_away(tsa: Authority, asking: TimeStampAuthority) -> None:
    tsa.away = True
    with pytest.raises(Unreachable, match="it answered 503"):
        asking.stamp(DATA)
    with pytest.raises(Unreachable, match=r"127\.0\.0\.1 gives no time-stamp"):
        _asking(tsa, "http://127.0.0.1:9/tsr").stamp(DATA)


@pytest.mark.parametrize("content", [None, b"", b"no certificate"])
def test_roots_that_are_none(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "ca.pem"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(WrongConfiguration, match="tsa_ca_file"):
        Roots(path)


# --- beside anchors


class Stamped(Anchoring):
    """What makes anchors, with an authority. Its clock is that of the machine, shifted."""

    tsa: Authority
    url: str

    @property
    def stamper(self) -> Stamper:
        asking = _asking(self.tsa, self.url, self.at)
        stamps = StampLog(self.log, self.roots)
        return Stamper(self.log, stamps, self.anchorer._placer, asking, lambda: self.at)

    def shift(self, days: int) -> None:
        """Lets time go on, for the authority too."""
        self.at = datetime.now(UTC) + days * DAY
        self.tsa.faketime = f"+{days}d"


@pytest.fixture
def stamped(database: Database, tmp_path: Path) -> Iterator[Stamped]:
    tsa = authority(tmp_path / "tsa")
    with answering(tsa) as url:
        made = Stamped(database, roots=Roots(tsa.root), at=datetime.now(UTC))
        made.tsa, made.url = tsa, url
        yield made


def _one(stamped: Stamped) -> FoundAnchor:
    return stamped.anchor(AnchorReason.EXPORT)


def test_an_anchor_has_a_time_stamp(stamped: Stamped) -> None:
    found = _one(stamped)
    stamped.stamper.stamp()
    stamped.stamper.stamp()
    assert stamped.log.stamps() == {found.name: [1]} and stamped.tsa.asked == 1
    assert found.name.stamp_key() in stamped.store.until
    verdict = stamped.check().verify()
    assert (verdict.stamped, verdict.stamps_verified, verdict.findings) == (1, True, [])


def test_a_time_stamp_is_fetched_later(stamped: Stamped) -> None:
    daily = DailyAnchors(
        lambda: stamped.anchorer, lambda: stamped.stamper, "callrec", lambda: stamped.at, TOKYO
    )
    stamped.tsa.away = True
    daily.work()
    assert len(list(stamped.log.all())) == 1 and not stamped.log.stamps()
    assert not told_by(daily), "the anchor is made, and the day is not over"
    stamped.shift(2)
    daily.work()
    (problem,) = told_by(daily)
    assert "anchors could not be stamped with the time: 127.0.0.1 gives no time-stamp" in problem
    stamped.tsa.away = False
    stamped.at += timedelta(seconds=20)
    daily.work()
    assert len(stamped.log.stamps()) == 2 and not told_by(daily)
    assert not stamped.found()


def test_a_lie_is_told_at_once_and_not_kept(stamped: Stamped) -> None:
    daily = DailyAnchors(
        lambda: stamped.anchorer, lambda: stamped.stamper, "callrec", lambda: stamped.at, TOKYO
    )
    stamped.tsa.faketime = "+1h"
    daily.work()
    (problem,) = told_by(daily)
    assert "127.0.0.1 stamps with the time" in problem
    assert len(list(stamped.log.all())) == 1 and not stamped.log.stamps()


def test_renewal_before_the_certificate_ends(stamped: Stamped) -> None:
    first = _one(stamped)
    stamper = stamped.stamper
    stamper.stamp()
    stamper.renew()
    stamped.shift(334)
    stamped.stamper.renew()
    assert stamped.log.stamps() == {first.name: [1]}, "not before it is time"
    stamped.shift(340)
    stamped.tsa.certify(since="+340d")
    stamped.stamper.renew()
    stamped.stamper.renew()
    assert stamped.log.stamps() == {first.name: [1, 2]}
    assert first.name.stamp_key(2) == f"{first.name.base}.renewal-1.tsr"
    stamped.shift(600)
    assert not stamped.found(), "the first certificate has ended, the second holds"
    stamped.shift(700)
    stamped.tsa.certify(since="+700d")
    stamped.stamper.renew()
    assert stamped.log.stamps() == {first.name: [1, 2, 3]}
    assert not stamped.found()
    del stamped.store.versions[first.name.stamp_key(2)]
    assert "over something else" in stamped.found()[0], "each is over all before it"


def test_without_renewal_the_certificate_ends(stamped: Stamped) -> None:
    _one(stamped)
    stamped.stamper.stamp()
    stamped.shift(400)
    (found,) = stamped.found()
    assert "the certificate of its time-stamp ended at" in found
    stamped.tsa.certify(since="+400d")
    stamped.stamper.renew()
    assert len(stamped.found()) == 1, "too late is too late"


def test_time_stamps_that_somebody_changed(stamped: Stamped) -> None:
    first, second = _one(stamped), _one(stamped)
    stamped.stamper.stamp()
    store = stamped.store
    store.versions[second.name.stamp_key()] = [store.objects[first.name.stamp_key()]]
    assert stamped.found() == [f"{second.key}: the time-stamp is over something else"]
    store.versions[second.name.stamp_key()] = [b"junk"]
    assert "cannot be read" in stamped.found()[0]


def test_a_time_stamp_from_before_the_anchor(stamped: Stamped) -> None:
    stamped.tsa.certify(since="-30d")
    found = _one(stamped)
    stamped.tsa.faketime = "-2d"
    stamped.at -= 2 * DAY
    stamped.stamper.stamp()
    assert stamped.found()[0].startswith(f"{found.key}: its time-stamp is older than it is")


def test_where_nobody_knows_whom_to_believe(stamped: Stamped) -> None:
    _one(stamped)
    stamped.stamper.stamp()
    stamped.roots = None
    verdict = stamped.check().verify()
    assert (verdict.stamped, verdict.stamps_verified, verdict.findings) == (1, False, [])
