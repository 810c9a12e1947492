"""Checks what facilities and extensions look like, wherever they come from: commands, files, tables.

The catalogue calls it for every facility and extension that is written into it.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence

from callrec.addresses import is_address
from callrec.errors import Refused, WrongUsage
from callrec.model.office import UNASSIGNED, Extension, Facility, is_endpoint
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


def alias_name(text: str) -> str:
    """Returns the endpoint that `text` names, with narrow signs. Raises WrongUsage when it can name none.

    Of a SIP phone that is its name alone, so that it can be told from the numbers of extensions.
    """
    found = unicodedata.normalize("NFKC", text).strip().removeprefix("PJSIP/")
    if not is_endpoint(found):
        raise WrongUsage("{text} is no endpoint of a PBX: write its name there, such as 2101-WS", text=text)
    return found


def aliases(names: Iterable[str]) -> tuple[str, ...]:
    """Returns these endpoints, each once, in the order of their names. Raises WrongUsage for what is none."""
    return tuple(sorted({alias_name(each) for each in names}))


def check_aliases(extensions: Iterable[Extension]) -> None:
    """Raises Refused for an alias of two extensions, and for one that is the number of an extension.

    A call would be of two people then. A service number has no phone.
    """
    known = {each.number: each for each in extensions}
    whose: dict[str, str] = {}
    for number, alias in [(number, alias) for number, each in known.items() for alias in each.aliases]:
        if known[number].service:
            raise Refused("{number} is a service number: it has no phones", number=number)
        if alias in known:
            raise Refused(
                "{alias} is an extension itself, and no alias of {number}: see callrec extension list",
                alias=alias,
                number=number,
            )
        if whose.setdefault(alias, number) != number:
            raise Refused(
                "{alias} is an alias of extension {number} already: see callrec extension list",
                alias=alias,
                number=whose[alias],
            )


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
