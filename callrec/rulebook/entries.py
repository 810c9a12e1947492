"""Checks what facilities and extensions look like, wherever they come from: commands, files, tables.

The catalogue calls it for every facility and extension that is written into it.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

from callrec.addresses import is_address
from callrec.errors import WrongUsage
from callrec.model.office import UNASSIGNED, Facility
from callrec.numbers import dialled, on_one_line

NOBODY = "none"
"""What is written for a facility that calls nobody to help."""
_FRACTION = re.compile(r"\s*\d+\.\d*\s*")
"""What a spreadsheet can make of 2101; without its full stop, 2101.0 would be another number."""
_CODE = re.compile(r"[a-z0-9][a-z0-9-]{0,31}")


def check_facility(facility: Facility) -> None:
    """Raises WrongUsage for a code that is not fit for object keys, or a name that is none."""
    if not _CODE.fullmatch(facility.code) or facility.code == UNASSIGNED:
        raise WrongUsage(
            "{code} is no code: write a-z, 0-9 and -, at most 32, such as shiba", code=facility.code
        )
    if not facility.name.strip():
        raise WrongUsage("a facility needs a name for people: --name 芝地区総合支所")
    check_name(facility.name)


def check_name(name: str) -> None:
    """Raises WrongUsage for a name with a line break or another sign that cannot be shown."""
    if any(unicodedata.category(sign) == "Cc" for sign in name):
        raise WrongUsage("the name {name} holds a control character", name=repr(name))


def extension_number(text: str) -> str:
    """Returns the number that `text` means. Raises WrongUsage when it can be none of an extension, or is
    more than one."""
    found = dialled(text)
    if found is None or _FRACTION.fullmatch(unicodedata.normalize("NFKC", text)):
        raise WrongUsage(
            "{text} is none: an extension is a number of at most 32 digits, such as 2101",
            text=on_one_line(text),
        )
    return found


def support_phone(text: str) -> str:
    """Returns the number of the support phone that is called to help; empty for nobody (`none`).

    Raises WrongUsage when it can be no extension.
    """
    return "" if text == NOBODY else extension_number(text)


def support_mail(addresses: Sequence[str]) -> tuple[str, ...]:
    """Returns the addresses that are told when help is asked for; empty for nobody (`none`).

    Raises WrongUsage for one that is no mail address.
    """
    if list(addresses) == [NOBODY]:
        return ()
    for each in addresses:
        if not is_address(each):
            raise WrongUsage("{text} is no mail address, such as help@city.example", text=repr(each))
    return tuple(dict.fromkeys(addresses))
