"""How entries are given to the dialplan that writes them, and that it is looked whether it did."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import pytest

from callrec.pbx.ami import AmiRefused
from callrec.pbx.astdb import BATCH_BYTES, AstDb

VALUE = "automatic|before-connect|/usr/share/callrec/prompts/ja/notice|answer"


class Pbx:
    """A dialplan and its database; `takes` tells which keys are written at all."""

    def __init__(self, takes: Callable[[str], bool] = lambda key: True) -> None:
        self.takes, self.entries, self.runs = takes, dict[str, str](), list[dict[str, str]]()
        self.trees = 0
        self.value: Callable[[str], str] = lambda function: ""

    def run(self, place: str, variables: dict[str, str]) -> None:
        self.runs.append(variables)
        for number in range(1, int(variables["CALLREC_COUNT"]) + 1):
            key = f"callrec-{variables[f'CALLREC_KEY_{number}']}"
            if place == "put@callrec-store" and self.takes(key):
                self.entries[key] = variables[f"CALLREC_VALUE_{number}"]
            elif place == "delete@callrec-store" and self.takes(key):
                self.entries.pop(key, None)

    def tree(self, family: str, key: str = "") -> dict[str, str]:
        self.trees += 1
        begin = f"{family}/"
        found = {name.removeprefix(begin): each for name, each in self.entries.items() if begin in name}
        return {name: each for name, each in found.items() if f"{name}/".startswith(f"{key}/" if key else "")}


def _astdb(pbx: Pbx) -> AstDb:
    return AstDb(cast("Any", pbx), cast("Any", pbx))


def test_a_large_office_is_written_in_requests_that_the_pbx_takes() -> None:
    pbx = Pbx()
    wanted = {f"inbound/{number}": VALUE for number in range(2000)}
    _astdb(pbx).write("callrec-rule", wanted)
    assert pbx.tree("callrec-rule") == wanted
    assert 5 < len(pbx.runs) < 30 and all(len(str(each)) < 2 * BATCH_BYTES for each in pbx.runs)
    _astdb(pbx).delete("callrec-rule", wanted)
    assert not pbx.entries


def test_one_entry_is_one_request_and_one_look() -> None:
    pbx = Pbx()
    pbx.entries = {f"callrec-rule/inbound/{number}": "x" for number in range(1000)}
    _astdb(pbx).write("callrec-rule", {"inbound/7": VALUE, "long": "x" * 2 * BATCH_BYTES})
    assert pbx.entries["callrec-rule/inbound/7"] == VALUE and len(pbx.runs) == pbx.trees == 2


@pytest.mark.parametrize("count", [1, 1000])
def test_what_the_pbx_did_not_do_is_said(count: int) -> None:
    keys = [f"inbound/{number}" for number in range(count)]
    pbx = Pbx(takes=lambda key: not key.endswith("/0"))
    with pytest.raises(AmiRefused, match=r"did not take 1 entries .*callrec-rule/inbound/0 is one of them"):
        _astdb(pbx).write("callrec-rule", dict.fromkeys(keys, VALUE))
    pbx.entries["callrec-rule/inbound/0"] = VALUE
    with pytest.raises(AmiRefused, match="did not take 1 entries"):
        _astdb(pbx).delete("callrec-rule", keys)


@pytest.mark.parametrize("told", ["1", ""])
def test_a_pbx_that_runs_dangerous_functions_is_known(told: str) -> None:
    pbx = Pbx()
    pbx.value = lambda function: pbx.entries[function[3:-1]] and told
    assert _astdb(pbx).is_open_to_all() is bool(told)
    assert not pbx.entries


def test_a_key_that_the_dialplan_would_cut_reaches_it_not() -> None:
    pbx = Pbx()
    with pytest.raises(AmiRefused, match="callrec-phone/a=b is one of them"):
        _astdb(pbx).write("callrec-phone", {"a=b": "2101"})
    assert not pbx.runs
