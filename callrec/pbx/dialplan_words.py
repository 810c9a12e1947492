"""Takes apart what applications of the dialplan are given. What stands in brackets is held together."""

from __future__ import annotations

import re

OPENS, CLOSES = "([{", ")]}"


def parts(text: str, at: str) -> list[str]:
    """Returns the parts of a text between signs that stand in no brackets."""
    found, depth, begin = [], 0, 0
    for number, sign in enumerate(text):
        depth += (sign in OPENS) - (sign in CLOSES)
        if sign == at and depth <= 0:
            found.append(text[begin:number])
            begin = number + 1
    return [each.strip() for each in (*found, text[begin:])]


def choices(text: str) -> tuple[str, str]:
    """Returns what is done where a condition holds, and where not: of `condition?this:that`."""
    whole = "?".join(parts(text, "?")[1:])
    first, *rest = parts(whole, ":")
    return first, ":".join(rest)


def place(text: str) -> tuple[str, ...]:
    """Returns the place that a jump names, without what it hands over: context, extension and priority, the
    last one or two of these, or nothing."""
    whole = re.sub(r"\(.*\)$", "", text.strip()) if not text.strip().startswith("$") else text.strip()
    return tuple(each for each in parts(whole, ",") if each) if whole else ()


def called(text: str) -> tuple[str, str]:
    """Returns an application and what it is given, of `Application(data)`."""
    name, _, rest = text.strip().partition("(")
    return name.strip(), rest.removesuffix(")")


def is_open(text: str) -> bool:
    """Returns whether a text is known only when a call is there."""
    return "$" in text


def fits(pattern: str, extension: str) -> bool:
    """Returns whether an extension is what a pattern of the dialplan means (_2XXX, _0., _[1-5]!)."""
    if not pattern.startswith("_"):
        return pattern == extension
    return bool(re.fullmatch(_expression(pattern[1:]), extension, re.IGNORECASE))


def _expression(pattern: str) -> str:
    known = {"X": "[0-9]", "Z": "[1-9]", "N": "[2-9]", ".": ".+", "!": ".*", "-": ""}
    result = ""
    for each in re.findall(r"\[[^\]]*\]|.", pattern):
        if each.startswith("[") and len(each) > 2:
            result += "[" + each[1:-1].replace("\\", "\\\\").replace("^", "\\^").replace("[", "\\[") + "]"
        else:
            result += known.get(each.upper(), re.escape(each))
    try:
        re.compile(result)
    except re.error:
        return ".*"
    return result
