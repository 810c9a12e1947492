"""Checks what facilities and extensions look like, wherever they come from: commands, files, tables.

The catalogue calls it for every facility and extension that is written into it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

from callrec.addresses import read_address
from callrec.errors import NotFound, Refused, WrongUsage
from callrec.model.office import UNASSIGNED, Extension, Facility, is_endpoint
from callrec.numbers import dialled
from callrec.texts import items, name_key, narrow, on_one_line, same_name, unshown

NOBODY = "none"
"""What is written for a facility that calls nobody to help."""
_NOBODY = (NOBODY, "なし")
LONGEST_NAME = 200
"""Characters of a name for people."""
_FRACTION = re.compile(r"\s*\d+\.\d*\s*")
"""What a spreadsheet can make of 2101; without its full stop, 2101.0 would be another number."""
_CODE = re.compile(r"[a-z0-9][a-z0-9-]{0,31}")


def check_facility(facility: Facility) -> None:
    """Raises WrongUsage for a code that is not fit for object keys, or a name that is none."""
    if not is_code(facility.code) or facility.code == UNASSIGNED:
        raise WrongUsage(
            "{code} is no code: write a-z, 0-9 and -, at most 32, such as shiba", code=facility.code
        )
    if not name_key(facility.name):
        raise WrongUsage("a facility needs a name for people: --name 芝地区総合支所")
    check_name(facility.name)


def check_name(name: str) -> None:
    """Raises WrongUsage for a name with a line break, a mark of direction or what else cannot be shown, and
    for one that no list has room for.

    Raises UnicodeEncodeError for what was typed in another encoding.
    """
    name.encode()
    if len(name) > LONGEST_NAME:
        raise WrongUsage(
            "the name {name} is too long: {most} characters at most",
            name=name[:20] + "…",
            most=LONGEST_NAME,
        )
    sign = unshown(name)
    if sign:
        raise WrongUsage(
            "the name {name} holds {sign}, a control character or another that cannot be shown: leave it out",
            name="".join(unshown(each) or each for each in name),
            sign=sign,
        )


def is_code(text: str) -> bool:
    """Tells whether a text can be the code of a facility, or of calls that belong to none."""
    return bool(_CODE.fullmatch(text))


def facility_code(text: str) -> str:
    """Returns the code that `text` means, as people type it: in any width or case, with blanks around.

    Raises UnicodeEncodeError for what was typed in another encoding.
    """
    text.encode()
    return narrow(text).lower()


def known_facility(text: str, facilities: Mapping[str, Facility]) -> str:
    """Returns the code of the facility that `text` means: one of these, by its code or by its name.

    Raises NotFound where there is none, and WrongUsage where several have that name.
    """
    code = facility_code(text)
    if code in facilities:
        return code
    key = name_key(text)
    codes = [each.code for each in facilities.values() if key and name_key(each.name) == key]
    if len(codes) > 1:
        raise WrongUsage(
            "{text} is the name of several facilities ({codes}): write the code of one",
            text=on_one_line(text),
            codes=", ".join(codes),
        )
    if not codes:
        raise NotFound("there is no facility {code}: see callrec facility list", code=on_one_line(text))
    return codes[0]


def check_one_of_its_name(new: Facility, facilities: Iterable[Facility]) -> None:
    """Raises Refused where another facility has a name that people read as the one of the new: whoever writes
    it could mean either."""
    for each in facilities:
        if each.code != new.code and same_name(each.name, new.name):
            raise Refused(
                "facility {code} has the name {name} already: give another",
                code=each.code,
                name=on_one_line(each.name),
            )


def extension_number(text: str) -> str:
    """Returns the number that `text` means. Raises WrongUsage when it can be none of an extension, or is
    more than one."""
    found = None if _FRACTION.fullmatch(narrow(text)) else dialled(text)
    if found is None:
        raise WrongUsage(
            "{text} is none: an extension is a number of at most 32 digits, such as 2101",
            text=on_one_line(text),
        )
    return found


def alias_name(text: str) -> str:
    """Returns the endpoint that `text` names, with narrow signs. Raises WrongUsage when it can name none.

    Of a SIP phone that is its name alone, so that it can be told from the numbers of extensions.
    """
    found = narrow(text).removeprefix("PJSIP/")
    if not is_endpoint(found):
        raise WrongUsage(
            "{text} is no endpoint of a PBX: write its name there, such as 2101-WS", text=on_one_line(text)
        )
    return found


def aliases(names: Iterable[str]) -> tuple[str, ...]:
    """Returns these endpoints, each once, in the order of their names; a text may be a list of them.

    Raises WrongUsage for what is none.
    """
    return tuple(sorted({alias_name(each) for each in items(names)}))


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
    return "" if narrow(text).lower() in _NOBODY else extension_number(text)


def support_mail(addresses: Sequence[str]) -> tuple[str, ...]:
    """Returns the addresses that are told when help is asked for, each once; empty for nobody (`none`).

    A text may be a list of them. Raises WrongUsage for one that is no mail address.
    """
    given = items(addresses) or list(addresses)
    if len(given) == 1 and given[0].lower() in _NOBODY:
        return ()
    return tuple(dict.fromkeys(map(_address, given)))


def _address(text: str) -> str:
    found = read_address(text)
    if found is None:
        raise WrongUsage("{text} is no mail address, such as help@city.example", text=repr(text))
    return found
