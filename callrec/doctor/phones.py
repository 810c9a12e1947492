"""Checks the endpoints of the PBX: phones of staff, lines to the outside, and who is called to help."""

from __future__ import annotations

import re
from collections.abc import Iterable

from callrec.doctor.check import Check, Checkup
from callrec.errors import CheckFailed
from callrec.language import translated as _
from callrec.pbx.ami import Ami
from callrec.pbx.codecs import is_decoded
from callrec.policy.office import Office
from callrec.rulebook import review

_WRONG = ("twin", "no-such-alias")
"""Findings about phones by which calls would be filed under nobody, or under somebody else."""
_PJSIP = "PJSIP/"
_LOCAL = re.compile(r"Local/[^@]*@([^/]+)")


def _codecs(checkup: Checkup) -> str:
    """Checks that the PBX can decode what its endpoints may speak: else it records silence."""
    decoders = checkup.app.pbx.modules()
    allowed = checkup.app.phones()
    for endpoint, codecs in allowed.items():
        undecoded = [each for each in codecs if not is_decoded(each, decoders)]
        if undecoded:
            raise CheckFailed(
                "endpoint {endpoint} may speak {codecs}, which the PBX cannot decode: such a call would be "
                "recorded as silence. Take it out of allow in pjsip.conf, or install the codec",
                endpoint=endpoint,
                codecs=", ".join(undecoded),
            )
    return _("{count} endpoints, all of their codecs can be recorded").format(count=len(allowed))


def _phones(checkup: Checkup) -> str:
    """Checks that extensions and endpoints fit: no phone is taken for another one's, or for nobody's."""
    office = checkup.office()
    endpoints = checkup.app.pbx.endpoints()
    with checkup.app.ami() as ami:
        trunks = ami.trunks(endpoints)
        _check_lines(office, endpoints)
        found = review.of_pbx(office, endpoints, trunks)
        for finding in found:
            if finding.code in _WRONG:
                raise CheckFailed("{name}: {problem}", name=finding.subject, problem=finding.words())
        _check_callers(ami, office, endpoints - trunks)
    if found:
        return _("{count} endpoints; {noted} to look at: callrec rule check").format(
            count=len(endpoints), noted=len(found)
        )
    return _("{count} endpoints").format(count=len(endpoints))


def _check_lines(office: Office, endpoints: Iterable[str]) -> None:
    """Raises CheckFailed for a line to the outside that is no endpoint: the trunk meant would be a phone."""
    for line in sorted(office.lines):
        name = line.removeprefix(_PJSIP)
        if "/" not in name and name not in endpoints:
            raise CheckFailed(
                "pbx.lines names {name}, which is no endpoint of the PBX: correct it in callrec.toml",
                name=name,
            )


def _check_callers(ami: Ami, office: Office, endpoints: Iterable[str]) -> None:
    """Raises CheckFailed for an endpoint that shows the number of an extension and is none of its phones."""
    lines = {line.removeprefix(_PJSIP) for line in office.lines}
    for name in sorted(endpoints):
        if name in lines or office.extension_of(f"{_PJSIP}{name}-0") in office.extensions:
            continue
        number = _number(ami.caller_id(name))
        known = office.extensions.get(number)
        if known and not known.service:
            raise CheckFailed(
                "endpoint {name} shows the number of extension {number}, and is none of its phones: "
                "callrec extension alias {number} {name}",
                name=name,
                number=number,
            )


def _number(caller_id: str) -> str:
    """Returns the number in a caller id such as `"Counter 1" <2101>`."""
    inside = re.search(r"<([^<>]*)>", caller_id)
    return (inside[1] if inside else caller_id).strip()


def _support_phones(checkup: Checkup) -> str:
    """Checks that the phones that are called to help can be called."""
    office = checkup.office()
    wanted = {office.support_of(code).phone for code in ("", *office.facilities)} - {None}
    for phone in sorted(filter(None, wanted)):
        _check_support_phone(checkup, phone, checkup.app.settings.help.phone_dial.format(extension=phone))
    return ", ".join(sorted(filter(None, wanted))) or _("none")


def _check_support_phone(checkup: Checkup, phone: str, dial: str) -> None:
    """Raises CheckFailed where the PBX cannot dial a support phone, as far as that can be seen."""
    if local := _LOCAL.match(dial):
        with checkup.app.ami() as ami:
            reachable = ami.has_context(local[1])
    elif dial.startswith(_PJSIP):
        state = checkup.app.pbx.endpoint_state(_endpoint_dialled(dial))
        if state == "offline":
            raise CheckFailed("the support phone {phone} is not registered at the PBX", phone=phone)
        reachable = state is not None
    else:
        return
    if not reachable:
        raise CheckFailed(
            "the PBX cannot dial {dial} for support phone {phone}: check help.phone, help.phone_dial and "
            "callrec facility support",
            dial=dial,
            phone=phone,
        )


def _endpoint_dialled(dial: str) -> str:
    """Returns the endpoint in what is dialled: PJSIP/2900, PJSIP/2900@trunk or PJSIP/trunk/sip:…"""
    return dial.removeprefix(_PJSIP).partition("/")[0].rpartition("@")[2]


CHECKS: tuple[Check, ...] = (
    ("PBX: codecs", _codecs),
    ("PBX: phones", _phones),
    ("PBX: support phones", _support_phones),
)
