"""Checks mail addresses: for those that mail servers of every kind take."""

from __future__ import annotations

import re

_ADDRESS = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]{1,64}@[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?")


def is_address(text: str) -> bool:
    """Returns whether this is one bare address, such as help@city.example, that is safe in a header."""
    return bool(_ADDRESS.fullmatch(text))
