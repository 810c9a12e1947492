"""What doctor says of the PBX: versions, codecs, the gate, phones that look like others."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest

from callrec.app import App
from callrec.asterisk_files.texts import digest
from callrec.catalogue import facilities
from callrec.doctor.check import Result
from callrec.model.office import Extension, Facility
from callrec.pbx.codecs import is_decoded
from callrec.pbx.dialplan_listing import Listing, Step
from callrec.settings import HelpSettings, PbxSettings
from tests.unit.doctor.look import check, with_settings


@pytest.mark.parametrize(
    ("codec", "decoded"),
    [
        *(("ulaw", True), ("g722", True), ("slin16", True), ("h264", True), ("opus", True)),
        *(("g729", False), ("g723", False), ("silk16", False), ("amrwb", False)),
    ],
)
def test_which_codecs_the_pbx_can_decode(codec: str, decoded: bool) -> None:
    modules = {"codec_ulaw.so", "codec_g722.so", "codec_opus_open_source.so", "res_ari.so"}
    assert is_decoded(codec, modules) is decoded
    assert is_decoded("g729", {*modules, "codec_g729a.so"}), "once somebody has installed one"


@pytest.mark.parametrize(
    ("version", "found"),
    [
        ("22.11.0", "Asterisk 22.11.0 is known to be bad: a channel that is whispered to spins"),
        ("22.11.0~dfsg+~cs6.17", "Asterisk 22.11.0 is known to be bad"),
        ("22.10.1+dfsg+~cs6.17", "no trouble is known with it"),
        ("GIT-22-abc", "no trouble is known with it"),
    ],
)
def test_versions_of_asterisk_that_are_known_to_be_bad(
    app: App, monkeypatch: pytest.MonkeyPatch, version: str, found: str
) -> None:
    monkeypatch.setattr(app.pbx, "version", lambda: version)
    result = check(app, "PBX: version")
    assert result.found.startswith(found) and result.ok == ("no trouble" in found)


class Ami:
    """A session with a PBX that has these endpoints, contexts and steps in its dialplan."""

    def __init__(
        self,
        endpoints: dict[str, str] | None = None,
        contexts: set[str] | None = None,
        steps: set[tuple[str, str, str]] | None = None,
    ) -> None:
        """`endpoints`: the caller id of each. `contexts`: None stands for all."""
        self._endpoints, self._contexts, self._steps = endpoints or {}, contexts, steps or set()

    def __enter__(self) -> Ami:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def trunks(self, endpoints: Iterable[str]) -> set[str]:
        return {name for name in endpoints if name.startswith("trunk")}

    def caller_id(self, endpoint: str) -> str:
        return self._endpoints[endpoint]

    def has_context(self, name: str) -> bool:
        return self._contexts is None or name in self._contexts

    def listing(self) -> Listing:
        steps = sorted(self._steps)
        return Listing(tuple(Step(context, "s", 1, name, data) for context, name, data in steps))

    def contexts(self, endpoints: Iterable[str]) -> dict[str, str]:
        return {}

    def features(self) -> set[str]:
        return set()

    def setting(self, file: str, section: str, name: str) -> str:
        return "" if self._contexts == set() else "*1"


def _asked(app: App, part: str, monkeypatch: pytest.MonkeyPatch, **pbx: Any) -> Result:
    monkeypatch.setattr(app, "ami", lambda: Ami(**pbx))
    monkeypatch.setattr(app.pbx, "endpoints", lambda: set(pbx.get("endpoints", ())))
    return check(app, part)


@pytest.mark.parametrize(
    ("step", "called"),
    [
        (("from-trunk", "Gosub", "callrec-gate,s,1(inbound,2101,${CALLERID(num)})"), True),
        (("from-trunk", "GosubIf", "$[1]?callrec-gate,s,1(inbound,2101,0)"), True),
        (("callrec-own", "Gosub", "callrec-gate,s,1"), False),
        (("from-trunk", "NoOp", "gate"), False),
    ],
)
def test_a_gate_that_no_line_of_the_dialplan_calls(
    app: App, monkeypatch: pytest.MonkeyPatch, step: tuple[str, str, str], called: bool
) -> None:
    result = _asked(app, "PBX: gate", monkeypatch, steps={step})
    assert result.ok is called
    expected = "called by from-trunk" if called else "no line of the dialplan calls the gate"
    assert result.found.startswith(expected)


def test_lines_without_the_gate_are_told_and_no_failure(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    steps = {("a", "Gosub", "callrec-gate,s,1(inbound,2101,)"), ("b", "Dial", "PJSIP/2101")}
    result = _asked(app, "PBX: gate", monkeypatch, steps=steps)
    assert result.ok and result.found == "called by a; 1 lines connect calls without it: callrec pbx check"


@pytest.mark.parametrize(
    ("contexts", "told", "words"),
    [
        (None, digest(), "there"),
        (None, "", "the includes of another version of callrec: run callrec pbx install"),
        ({"callrec-gate"}, digest(), "no callrec-features, callrec-staff"),
        (set(), "", "an Apply Config or an upgrade may have taken callrec's lines away"),
    ],
)
def test_includes_that_are_gone(
    app: App, monkeypatch: pytest.MonkeyPatch, contexts: set[str] | None, told: str, words: str
) -> None:
    monkeypatch.setattr(app.pbx, "global_variable", lambda name: told)
    result = _asked(app, "PBX: includes", monkeypatch, contexts=contexts)
    assert words in result.found and result.ok is (words == "there")


def test_all_that_is_wrong_with_the_keys_is_told_at_once(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(app.pbx, "global_variable", lambda name: "")
    found = _asked(app, "PBX: keys", monkeypatch).found
    for words in (
        "for keep,",
        "for help,",
        "automon (*1) in features.conf is in the way of keep",
        "have no keys",
    ):
        assert words in found


def _office(app: App, *extensions: Extension, **facility: Any) -> None:
    with app.database.begin() as connection:
        who: dict[str, Any] = {"who": "test", "at": app.now}
        facilities.add_facility(connection, Facility("shiba", "芝", **facility), **who)
        for each in extensions:
            facilities.add_extension(connection, each, **who)


@pytest.mark.parametrize(
    ("name", "caller", "words"),
    [
        ("2101-WS", "<unknown>", "2101-WS: it looks like another phone of extension 2101"),
        ("992101", "<unknown>", "992101: it looks like another phone of extension 2101"),
        ("SEP0011AABBCCDD", '"窓口1" <2101>', "endpoint SEP0011AABBCCDD shows the number of extension 2101"),
        ("SEP0011AABBCCDD", "2101", "callrec extension alias 2101 SEP0011AABBCCDD"),
        ("SEP0011AABBCCDD", "<0312345678>", ""),
        ("SEP0011AABBCCDD", "<6000>", ""),
        ("trunk-a", "<2101>", ""),
    ],
)
def test_an_endpoint_that_looks_like_an_extension_and_is_no_phone_of_it(
    app: App, monkeypatch: pytest.MonkeyPatch, name: str, caller: str, words: str
) -> None:
    _office(app, Extension("2101", "shiba"), Extension("6000", "shiba", service=True))
    result = _asked(app, "PBX: phones", monkeypatch, endpoints={"2101": "<2101>", name: caller})
    assert result.ok is not bool(words) and words in result.found


def test_a_twin_that_is_an_alias_is_well(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    _office(app, Extension("2101", "shiba", aliases=("2101-WS", "SEP00")))
    endpoints = {"2101": "<2101>", "2101-WS": "<2101>", "SEP00": "<2101>"}
    assert _asked(app, "PBX: phones", monkeypatch, endpoints=endpoints) == Result(
        "PBX: phones", True, "3 endpoints"
    )
    result = _asked(app, "PBX: phones", monkeypatch, endpoints={"2101": "<2101>", "SEP00": "<2101>"})
    assert not result.ok and "the PBX does not know its alias 2101-WS" in result.found


def test_a_line_that_is_no_endpoint(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    changed = with_settings(app, pbx=PbxSettings(lines=("33", "PJSIP/34", "DAHDI/1")))
    endpoints = {"33": "<unknown>", "34": "<unknown>"}
    assert _asked(changed, "PBX: phones", monkeypatch, endpoints=endpoints).ok
    result = _asked(changed, "PBX: phones", monkeypatch, endpoints={"33": "<unknown>"})
    assert not result.ok and "pbx.lines names 34, which is no endpoint" in result.found
    changed.close()


@pytest.mark.parametrize(
    ("dial", "state", "contexts", "words"),
    [
        ("PJSIP/{extension}", "online", (), ""),
        ("PJSIP/{extension}", "unknown", (), ""),
        ("PJSIP/{extension}", "offline", (), "the support phone 2900 is not registered"),
        ("PJSIP/{extension}", None, (), "cannot dial PJSIP/2900 for support phone 2900"),
        ("Local/{extension}@phones/n", None, ("phones",), ""),
        ("Local/{extension}@phones/n", None, (), "cannot dial Local/2900@phones/n for support phone 2900"),
        ("DAHDI/g1/{extension}", None, (), ""),
    ],
)
def test_a_support_phone_that_cannot_be_called(
    app: App,
    monkeypatch: pytest.MonkeyPatch,
    dial: str,
    state: str | None,
    contexts: tuple[str, ...],
    words: str,
) -> None:
    _office(app, support_phone="2900")
    changed = with_settings(app, help=HelpSettings(phone_dial=dial))
    monkeypatch.setattr(changed.pbx, "endpoint_state", lambda name: state if name == "2900" else None)
    result = _asked(changed, "PBX: support phones", monkeypatch, contexts=set(contexts))
    assert result.ok is not bool(words) and (words or "2900") in result.found
    changed.close()
