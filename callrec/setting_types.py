"""Has the types of values in callrec.toml; each says in one sentence what is wrong with another value.

callrec.settings uses them. A validator returns the value, and raises ValueError, which pydantic shows.
"""

from __future__ import annotations

import re
from typing import Annotated
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, Field, SecretStr

from callrec.addresses import is_address
from callrec.errors import WrongUsage
from callrec.model.office import is_endpoint
from callrec.numbers import dialled


def _a_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise ValueError(f"{name!r} is no time zone; write for instance Asia/Tokyo") from error
    return name


def _a_pattern(text: str) -> str:
    try:
        re.compile(text)
    except re.error as error:
        raise ValueError(f"{text!r} is no regular expression: {error}") from error
    return text


def _as_asterisk_takes_it(password: SecretStr) -> SecretStr:
    text = password.get_secret_value()
    if not (text.isascii() and text.isprintable()):
        raise ValueError("a password of the PBX must be of printable ASCII")
    return password


def _a_key(code: str) -> str:
    if not re.fullmatch(r"[0-9*#A-D]{1,5}", code):
        raise ValueError("a key is of one to five of 0-9, *, # and A-D, such as *1")
    return code


def _an_address(text: str) -> str:
    if text and not is_address(text):
        raise ValueError("write a bare mail address, such as help@city.example")
    return text


def _a_web_address(url: str) -> str:
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:  # its words may repeat a part of a password
        usable = False
    if not usable:
        raise ValueError("write an address that begins with https:// or http://")
    return url


def _an_ari_address(url: str) -> str:
    if not url.rstrip("/").endswith("/ari"):
        raise ValueError("write an address that ends with /ari, such as http://127.0.0.1:8088/ari")
    return _a_web_address(url)


def _a_web_address_or_none(url: str) -> str:
    return url and _a_web_address(url)


def _a_number(text: str) -> str:
    try:
        number = dialled(text)
    except WrongUsage as error:
        raise ValueError(str(error)) from error
    if text and number is None:
        raise ValueError("write the number of an extension, such as 2900")
    return number or ""


def _a_prefix(text: str) -> str:
    if not re.fullmatch(r"[0-9]{1,8}", text):
        raise ValueError(f"{text!r} is no prefix: write one to eight digits, such as 0 or 0036")
    return text


def _a_technology(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9]+", text):
        raise ValueError("write a kind of channel as the PBX names it, such as PJSIP")
    return text


def _an_endpoint(text: str) -> str:
    if not is_endpoint(text):
        raise ValueError("write the name of an endpoint, such as 33 or DAHDI/33")
    return text


def _a_way_to_dial(text: str) -> str:
    try:
        text.format(extension="2900")
    except (KeyError, IndexError, ValueError) as error:
        raise ValueError("write what the PBX dials, with {extension} in it") from error
    if "{extension}" not in text:
        raise ValueError("write what the PBX dials, with {extension} in it")
    return text


Port = Annotated[int, Field(ge=1, le=65535)]
Zone = Annotated[str, AfterValidator(_a_zone)]
Pattern = Annotated[str, AfterValidator(_a_pattern)]
KeyCode = Annotated[str, AfterValidator(_a_key)]
Address = Annotated[str, AfterValidator(_an_address)]
AriAddress = Annotated[str, AfterValidator(_an_ari_address)]
WebAddress = Annotated[str, AfterValidator(_a_web_address)]
WebAddressOrNone = Annotated[str, AfterValidator(_a_web_address_or_none)]
Number = Annotated[str, AfterValidator(_a_number)]
Prefix = Annotated[str, AfterValidator(_a_prefix)]
PbxPassword = Annotated[SecretStr, AfterValidator(_as_asterisk_takes_it)]
Technology = Annotated[str, AfterValidator(_a_technology)]
Endpoint = Annotated[str, AfterValidator(_an_endpoint)]
WayToDial = Annotated[str, AfterValidator(_a_way_to_dial)]
