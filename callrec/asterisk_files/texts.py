"""Makes the text of each include, and the PBX's own file with the line that includes it, and without."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from callrec.asterisk_files.reading import (
    FOLDER,
    HEADER,
    INCLUDE,
    USUAL,
    Sections,
    headers,
    text_of,
    without_comments,
)
from callrec.errors import CheckFailed, WrongUsage
from callrec.resources import shipped

MUST = {"enabled"}
"""Settings that callrec cannot do without, whatever the PBX's own file says."""
LISTS = {"channelvars": ",", "DYNAMIC_FEATURES": "#"}
"""Settings that hold several values, and what stands between those."""
NO_LINE = "; not in conferences, for Asterisk takes lines that begin so for commands: "
ADDED = "; added by callrec; its own file explains what and why"
UNENDED = f"{ADDED} (the line above had no end)"
MADE = f"{ADDED} (so was this file)"
SECTION = "; added by callrec: this section"
_BEGIN = rf"(?:(?<![^\n])\n)?(?<![^\n])({re.escape(ADDED)}(?: \([^)\n]*\))?)\n"
_SECTIONS = r"((?:\[[^\]\n]+\]\n)*)"


@cache
def names() -> tuple[str, ...]:
    """Returns the names of the includes, which are those of the files that include them."""
    return tuple(sorted(path.name for path in _folder().glob("*.conf")))


@cache
def template(name: str) -> str:
    return text_of(_folder() / name)


@cache
def digest() -> str:
    """Returns by what the includes of this callrec are told from those of another."""
    whole = "\0".join(f"{name}\0{template(name)}" for name in names())
    return hashlib.sha256(whole.encode()).hexdigest()[:12]


def _folder() -> Path:
    return shipped("asterisk/callrec")


def include_text(name: str, own: Sections, fields: dict[str, str]) -> str:
    """Returns a template, filled in, without what the PBX's own file sets."""
    section, result = "", []
    fields = {**fields, "DIGEST": digest()}
    for line in template(name).splitlines():
        header = HEADER.match(line)
        section = header[1] if header else section
        filled = re.sub("@([A-Z_]+)@", lambda found: fields[found[1]], line)
        filled = NO_LINE + filled if filled.startswith("#") else filled
        result.append(_left_to_the_pbx(name, filled, own.get(section, {})))
    return "\n".join(result) + "\n"


def _left_to_the_pbx(name: str, line: str, own: dict[str, str]) -> str:
    """Returns the line, unless the PBX sets the same; a list is made longer instead."""
    setting = re.match(r"(\w+) = (.*)", line)
    if not setting or setting[1].lower() not in own or setting[1] in MUST or name == "modules.conf":
        return line
    key, value, theirs = setting[1], setting[2], own[setting[1].lower()]
    if key in LISTS and value not in theirs:
        return f"{key} = {theirs}{LISTS[key]}{value}"
    return f"; {key} is set in {name} itself ({theirs})"


def refuse_foreign_sections(name: str, own: Sections) -> None:
    """Raises WrongUsage where the PBX has a section of a name that callrec brings: the two would be mixed up,
    and a user or context that is not ours stays untouched."""
    for section, added in headers(template(name)):
        if not added and section in own:
            raise WrongUsage(
                "{name} has a section [{section}] of its own: rename it, callrec brings one",
                name=name,
                section=section,
            )


def includes(text: str, name: str) -> bool:
    """Returns whether a file includes callrec's of this name."""
    found = (INCLUDE.match(line.strip()) for line in without_comments(text).split("\n"))
    return any(each and each[1].removeprefix(USUAL) == f"{FOLDER}/{name}" for each in found)


def with_include(before: str | None, name: str, own: Sections) -> str:
    """Returns the file with the include in it, after the sections to which that adds; None: there is none.

    Raises CheckFailed for one that ends within a comment, where nothing can be added.
    """
    missing = "".join(f"[{each}]\n" for each, added in headers(template(name)) if added and each not in own)
    line, there = _line(name), before or ""
    if includes(there, name):
        return there.replace(line, f"{SECTION}\n{missing}{line}", 1) if missing else there
    is_ended = there.endswith("\n") or not there
    comment = MADE if before is None else ADDED if is_ended else UNENDED
    after = f"{there}{'' if is_ended else chr(10)}\n{comment}\n{missing}{line}\n"
    if not includes(after, name):
        raise CheckFailed(
            "{name} ends within a comment (;--) that nothing closes: close it there, nothing was changed",
            name=name,
        )
    return after


def without_include(text: str, name: str) -> str | None:
    """Returns the file as it was before `with_include`, with what others have changed since.

    None where the file was made for the include, and nothing else is in it.
    """
    after = _without_block(text, name)
    return None if after is None else _without_what_was_left(after, name)


def _without_block(text: str, name: str) -> str | None:
    line = _line(name)
    block = re.search(rf"{_BEGIN}{_SECTIONS}{re.escape(line)}(?:\n|\Z)", text)
    if block:
        head, rest = text[: block.start()], text[block.end() :]
        head += _still_needed(block[2], rest)
        if block[1] == UNENDED and not rest:
            head = head.removesuffix("\n")
        return None if block[1] == MADE and not (head + rest).strip() else head + rest
    mended = re.search(rf"{re.escape(SECTION)}\n{_SECTIONS}{re.escape(line)}(?:\n|\Z)", text)
    if mended:
        rest = text[mended.end() :]
        return text[: mended.start()] + _still_needed(mended[1], rest) + rest
    return _without_lines(text, {ADDED, UNENDED, MADE, SECTION}, name)


def _without_what_was_left(text: str, name: str) -> str:
    """Returns a text without what stood around a line that somebody else has taken out."""
    ours = "|".join(re.escape(f"[{each}]\n") for each, added in headers(template(name)) if added)
    while left := re.search(rf"{_BEGIN}((?:{ours})*)", text):
        rest = text[left.end() :]
        text = text[: left.start()] + _still_needed(left[2], rest) + rest
    return text


def _still_needed(added: str, rest: str) -> str:
    """Returns the sections that were added, where something of somebody else stands in the last of them."""
    until = HEADER.split(without_comments(rest), maxsplit=1)[0]
    return added if until.strip() else ""


def _without_lines(text: str, comments: Iterable[str], name: str) -> str:
    """Returns a text without the lines of ours, wherever somebody has moved them."""
    kept = []
    for line in text.split("\n"):
        found = INCLUDE.match(line.strip())
        is_ours = line.strip() in comments or (found and found[1].removeprefix(USUAL) == f"{FOLDER}/{name}")
        if not is_ours:
            kept.append(line)
    return "\n".join(kept)


def _line(name: str) -> str:
    return f'#include "{FOLDER}/{name}"'
