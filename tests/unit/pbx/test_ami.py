"""What AMI's answers mean, where the PBX cannot tell."""

from __future__ import annotations

import pytest

from callrec.pbx.ami import Ami, AmiRefused
from callrec.settings import PbxSettings

TOLD = {
    "PJSIP_ENDPOINT(2101,allow)": "(alaw|ulaw)",
    "PJSIP_ENDPOINT(2101,auth)": "2101",
    "PJSIP_ENDPOINT(trunk,allow)": "(alaw)",
    "PJSIP_ENDPOINT(carrier,allow)": "(alaw)",
    "PJSIP_ENDPOINT(carrier,auth)": "carrier",
    "PJSIP_ENDPOINT(carrier,outbound_auth)": "carrier",
}


def _ami(monkeypatch: pytest.MonkeyPatch, told: dict[str, str]) -> Ami:
    monkeypatch.setattr(Ami, "value", lambda self, function: told.get(function, ""))
    return Ami(PbxSettings())


def test_who_does_not_log_in_is_a_trunk(monkeypatch: pytest.MonkeyPatch) -> None:
    ami = _ami(monkeypatch, TOLD)
    assert ami.trunks(["2101", "trunk", "carrier"]) == {"trunk", "carrier"}
    assert ami.trunks([]) == set()


def test_a_pbx_without_the_function_has_not_trunks_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    ami = _ami(monkeypatch, {})
    with pytest.raises(AmiRefused, match=r"load func_pjsip_endpoint\.so"):
        ami.trunks(["2101", "trunk"])
    with pytest.raises(AmiRefused, match=r"load func_pjsip_endpoint\.so"):
        ami.codecs(["2101"])
