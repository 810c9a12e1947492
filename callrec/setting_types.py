"""Has the types of values in callrec.toml; each says in one sentence what is wrong with another value.

callrec.settings uses them. A validator returns the value, or raises WrongValue. Where a value may be a secret
its sentence does not repeat it. Addresses of databases are in callrec.database_url.
"""

from __future__ import annotations

import importlib.resources
import re
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr

from callrec.addresses import is_address, is_host
from callrec.database_url import check_database_url
from callrec.errors import WrongUsage, WrongValue
from callrec.model.office import is_endpoint
from callrec.numbers import dialled

_CHOICES = re.compile(r"(?<!\()(?:[*+?]|\{\d*,\d*\})[?+]?|\([^()|]*\|")
_SIGNS = re.compile(r"\\.|\[\^?\]?(?:\\.|[^\]\\])*\]")
MOST_REPETITIONS = 4
"""Parts of a pattern that can fit in several ways: each multiplies the time to find that nothing fits."""
_BUCKET = re.compile(
    r"(?!.*\.\.)(?!\d+\.\d+\.\d+\.\d+\Z)[A-Za-z0-9][A-Za-z0-9._-]{1,253}[A-Za-z0-9]"
    r"|arn:aws[a-z-]*:s3[a-z-]*:[a-z0-9-]*:\d{12}:(?:accesspoint|outpost)[/:][A-Za-z0-9./:-]{1,200}"
)


def _a_zone(name: str) -> str:
    zones = importlib.resources.files("tzdata").joinpath("zones").read_text("ascii").split()
    if name not in zones or name == "Factory":
        meant = next((zone for zone in zones if zone.lower() == name.strip().lower()), "Asia/Tokyo")
        raise WrongValue("{text} is no time zone; write for instance {zone}", text=repr(name), zone=meant)
    return name


def _a_pattern(text: str) -> str:
    try:
        matches_nothing = re.compile(text).fullmatch("")
    except (re.error, OverflowError, RecursionError) as error:
        raise WrongValue("this is no regular expression") from error
    if matches_nothing:
        raise WrongValue("this fits the empty text too: write what at least one sign is needed for")
    signs = _SIGNS.sub("x", text)
    if re.search(r"\)[*+{]|\(\?[^:]|\\\d", signs) or len(_CHOICES.findall(signs)) > MOST_REPETITIONS:
        raise WrongValue(
            "this can take too long to compare: repeat no group, and at most {most} parts",
            most=MOST_REPETITIONS,
        )
    return text


def _printable(secret: SecretStr) -> SecretStr:
    text = secret.get_secret_value()
    if not (text.isascii() and text.isprintable()):
        raise WrongValue("write printable ASCII: letters, digits and signs of a keyboard without kana")
    return secret


def _one_line(secret: SecretStr) -> SecretStr:
    if not secret.get_secret_value().isprintable():
        raise WrongValue("write it on one line, without control characters")
    return secret


def _a_short_name(text: str) -> str:
    if not re.fullmatch(r"[a-z0-9][a-z0-9-]{0,31}", text):
        raise WrongValue("write up to 32 small letters, digits and hyphens, such as pbx")
    return text


def _an_app(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9_-]{1,40}", text):
        raise WrongValue("write up to 40 letters, digits, hyphens and underlines, such as callrec")
    return text


def _a_user(text: str) -> str:
    if not re.fullmatch(r"[!-9;-~]+", text):  # a colon would end it in HTTP
        raise WrongValue("write the name of a user: ASCII without blanks and colons")
    return text


def _a_user_or_none(text: str) -> str:
    if not (text.isascii() and text.isprintable()):
        raise WrongValue("write printable ASCII: letters, digits and signs of a keyboard without kana")
    return text


def _a_key(code: str) -> str:
    if not re.fullmatch(r"[0-9*#A-D]{1,5}", code):
        raise WrongValue("a key is of one to five of 0-9, *, # and A-D, such as *1")
    return code


def _an_address(text: str) -> str:
    if not is_address(text):
        raise WrongValue("write a bare mail address, such as help@city.example")
    return text


def _a_host(text: str) -> str:
    if not is_host(text):
        raise WrongValue("write the name or the IP address of a machine, without a port")
    return text


def _a_web_address(url: str) -> str:
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("http", "https") and is_host(parts.hostname or "") and parts.port != 0
    except ValueError:  # its words may repeat a part of a password
        usable = False
    if not usable or not re.fullmatch(r"[!-~]+", url):
        raise WrongValue("write an address that begins with https:// or http://")
    if "@" in parts.netloc:
        raise WrongValue("write no user and no password into the address")
    if "#" in url:
        raise WrongValue("write the address without # and what follows it")
    return url


def _a_server(url: str) -> str:
    if "?" in url:
        raise WrongValue("write the address without ? and what follows it")
    return _a_web_address(url)


def _an_ari_address(url: str) -> str:
    if not url.rstrip("/").endswith("/ari"):
        raise WrongValue("write an address that ends with /ari, such as http://127.0.0.1:8088/ari")
    return _a_server(url)


def _a_bucket(name: str) -> str:
    if not _BUCKET.fullmatch(name):
        raise WrongValue(
            "write the name of a bucket: letters, digits, hyphens and single dots, such as callrec"
        )
    return name


def _a_key_of_a_kms(text: str) -> str:
    if not re.fullmatch(r"[!-~]{1,2048}", text):
        raise WrongValue("write the id, alias or ARN of a key, without blanks, such as alias/callrec")
    return text


def _a_region(name: str) -> str:
    if not re.fullmatch(r"(?!\d+\Z)[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?", name):
        raise WrongValue("write the name of a region, such as us-east-1")
    return name


def _a_path(text: Any) -> Path:
    if not isinstance(text, (str, Path)) or not str(text).startswith("/") or not str(text).isprintable():
        raise WrongValue("write a path from the root, such as /var/lib/callrec")
    return Path(text)


def _a_path_of_the_pbx(text: str) -> str:
    if not text.startswith("/") or not text.isprintable() or re.search("[,&|]", text):
        raise WrongValue("write a path from the root, without a comma, & and |")
    return text


def _a_number(text: str) -> str:
    try:
        number = dialled(text)
    except WrongUsage as error:
        raise WrongValue(error.template, **error.values) from error
    if text and number is None:
        raise WrongValue("write the number of an extension, such as 2900")
    return number or ""


def _a_prefix(text: str) -> str:
    if not re.fullmatch(r"[0-9]{1,8}", text):
        raise WrongValue("{text} is no prefix: write one to eight digits, such as 0 or 0036", text=repr(text))
    return text


def _a_technology(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9]+", text):
        raise WrongValue("write a kind of channel as the PBX names it, such as PJSIP")
    return text


def _an_endpoint(text: str) -> str:
    if not is_endpoint(text):
        raise WrongValue("write the name of an endpoint, such as 33 or DAHDI/33")
    return text


def _a_way_to_dial(text: str) -> str:
    rest = text.replace("{extension}", "")
    if rest == text or not re.fullmatch(r"[A-Za-z0-9]+/[!-%'-+.-z|~-]*", rest):  # no comma, &, { and }
        raise WrongValue(
            "write what the PBX dials, with {mark} in it, such as PJSIP/{mark}", mark="{extension}"
        )
    return text


def _a_time(text: str) -> str:
    if not re.fullmatch(r"(?:[01][0-9]|2[0-3]):[0-5][0-9]", text):
        raise WrongValue("write a time of day, such as 08:00")
    return text


def _a_share(text: str) -> str:
    if not re.fullmatch(r"[1-9][0-9]{0,6}|(?:[1-9][0-9]?|100) ?%", text):
        raise WrongValue("write a number of recordings, such as 500, or a share, such as 20%")
    return text


def _a_number_itself(value: Any) -> Any:
    if isinstance(value, bool):
        raise WrongValue("write a number")
    return value


def _or_none(check: Any) -> AfterValidator:
    """Returns the check of a value that may be left empty."""
    return AfterValidator(lambda value: value and check(value))


_Number = BeforeValidator(_a_number_itself)
Port = Annotated[int, Field(ge=1, le=65535), _Number]
PortOrNone = Annotated[int, Field(ge=0, le=65535), _Number]
Days = Annotated[int, Field(ge=1, le=36525), _Number]
Megabytes = Annotated[int, Field(ge=1, le=10**9), _Number]
Seconds = Annotated[float, Field(gt=0, le=60, allow_inf_nan=False), _Number]
LockSeconds = Annotated[int, Field(ge=1, le=31_536_000), _Number]
Share = Annotated[str, AfterValidator(_a_share)]
TimeOrNone = Annotated[str, _or_none(_a_time)]
Shift = Annotated[float, Field(ge=-(10**9), le=10**9, allow_inf_nan=False), _Number]
Zone = Annotated[str, AfterValidator(_a_zone)]
Pattern = Annotated[str, AfterValidator(_a_pattern), Field(max_length=200)]
KeyCode = Annotated[str, AfterValidator(_a_key)]
Address = Annotated[str, AfterValidator(_an_address)]
AddressOrNone = Annotated[str, _or_none(_an_address)]
Host = Annotated[str, AfterValidator(_a_host)]
HostOrNone = Annotated[str, _or_none(_a_host)]
ShortName = Annotated[str, AfterValidator(_a_short_name)]
ShortNameOrNone = Annotated[str, _or_none(_a_short_name)]
AppName = Annotated[str, AfterValidator(_an_app)]
User = Annotated[str, AfterValidator(_a_user)]
UserOrNone = Annotated[str, AfterValidator(_a_user_or_none)]
AriAddress = Annotated[str, AfterValidator(_an_ari_address)]
ServerAddress = Annotated[str, AfterValidator(_a_server)]
ServerAddressOrNone = Annotated[str, _or_none(_a_server)]
WebAddressOrNone = Annotated[str, _or_none(_a_web_address)]
DatabaseAddress = Annotated[str, AfterValidator(check_database_url)]
Bucket = Annotated[str, AfterValidator(_a_bucket)]
KmsKeyOrNone = Annotated[str, _or_none(_a_key_of_a_kms)]
Region = Annotated[str, AfterValidator(_a_region)]
AbsolutePath = Annotated[Path, BeforeValidator(_a_path)]
PathOfThePbx = Annotated[str, AfterValidator(_a_path_of_the_pbx)]
Number = Annotated[str, AfterValidator(_a_number)]
Prefix = Annotated[str, AfterValidator(_a_prefix)]
PlainSecret = Annotated[SecretStr, AfterValidator(_printable)]
Secret = Annotated[SecretStr, AfterValidator(_one_line)]
Technology = Annotated[str, AfterValidator(_a_technology)]
Endpoint = Annotated[str, AfterValidator(_an_endpoint)]
WayToDial = Annotated[str, AfterValidator(_a_way_to_dial)]
