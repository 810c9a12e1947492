"""Finds the features of a PBX whose codes are in the way of callrec's keys, in its files."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from callrec.asterisk_files.plan import Plan
from callrec.asterisk_files.reading import Sections, lines
from callrec.model.calls import FeatureCode
from callrec.pbx.feature_codes import FEATURES, rivals

_GIVEN = re.compile(r"DYNAMIC_FEATURES\)?\s*=>?\s*([^),]*)", re.IGNORECASE)
_NAME = re.compile(r"[\w-]+")


def rivals_of(etc: Path, own: Mapping[str, Sections], plan: Plan) -> Iterator[tuple[str, str, FeatureCode]]:
    """Yields all of them: the feature, its code, and the key in whose way it is."""

    def setting(_file: str, section: str, name: str) -> str:
        return own[FEATURES].get(section, {}).get(name.lower(), "")

    return rivals(setting, plan.keys, sorted(_given(etc)))


def _given(etc: Path) -> set[str]:
    """Returns the names of the features that the dialplan gives to calls, by a global or by Set()."""
    lists = (each for line in lines(etc / "extensions.conf", etc) for each in _GIVEN.findall(line.text))
    return {name for each in lists for name in _NAME.findall(each)}
