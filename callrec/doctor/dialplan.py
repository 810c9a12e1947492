"""Checks the PBX's dialplan and the keys that staff press."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable

from callrec.doctor.check import Check, Checkup
from callrec.errors import CheckFailed
from callrec.language import translated as _
from callrec.pbx import feature_codes
from callrec.resources import shipped

GATE = "callrec-gate"
LISTENERS = {"MixMonitor", "ChanSpy", "ExtenSpy"}
"""Applications of the dialplan that listen to a channel all the time."""
_CONTEXT = re.compile(r"^\[(callrec-[\w-]+)\]", re.MULTILINE)


def _gate(checkup: Checkup) -> str:
    """Checks that the dialplan has the gate and the fallback, and calls it: else calls pass unannounced."""
    wanted = _CONTEXT.findall(shipped("asterisk/callrec/extensions.conf").read_text())
    with checkup.app.ami() as ami:
        missing = [name for name in wanted if not ami.has_context(name)]
        steps = ami.applications()
    if missing:
        raise CheckFailed(
            "the dialplan has no {contexts}: run asterisk/install, then `dialplan reload` on the PBX",
            contexts=", ".join(missing),
        )
    return _("called by {contexts}").format(contexts=", ".join(_callers(steps)))


def _callers(steps: Iterable[tuple[str, str, str]]) -> list[str]:
    """Returns the contexts of the dialplan that call the gate. Raises CheckFailed where none does."""
    found = {context for context, _name, data in steps if GATE in data and not context.startswith("callrec-")}
    if not found:
        raise CheckFailed(
            "no line of the dialplan calls the gate: no call is announced before the phone rings. Write "
            "Gosub(callrec-gate,s,1(inbound,EXTENSION,CALLER)) before each Dial() and Queue()"
        )
    return sorted(found)


def _keys(checkup: Checkup) -> str:
    """Checks that the PBX has the codes of the settings, nothing else has them, and calls have the keys."""
    codes = checkup.app.settings.keys
    given = checkup.app.pbx.global_variable("DYNAMIC_FEATURES").split("#")
    with checkup.app.ami() as ami:
        wrong = feature_codes.wrong_features(ami.setting, codes)
        wrong_menu = feature_codes.wrong_menu(ami.setting, codes)
        rivals = list(feature_codes.rivals(ami.setting, codes, {*given, *ami.features()}))
    for key, found in wrong.items():
        raise CheckFailed(
            "the PBX has {found} for {key}, callrec.toml says {wanted}: write callrec pbx config over "
            "callrec/features.conf on the PBX, then `module reload features`",
            found=found or _("no key"),
            key=key,
            wanted=codes.codes[key],
        )
    if wrong_menu:
        raise CheckFailed(
            "the PBX's menu for conferences has other keys than callrec.toml: write callrec pbx config "
            "--conference over callrec/confbridge.conf on the PBX, then `module reload app_confbridge`"
        )
    for name, code, key in rivals:
        raise CheckFailed(
            "{name} ({code}) in features.conf is in the way of {key} ({wanted}): change one of the two",
            name=name,
            code=code,
            key=key,
            wanted=codes.codes[key],
        )
    _calls_have_keys(given)
    return " ".join(f"{key} {code}" for key, code in codes.codes.items())


def _calls_have_keys(given: Collection[str]) -> None:
    if "callrec-keep" not in given:
        raise CheckFailed(
            "calls have no keys: DYNAMIC_FEATURES is not among the globals of the dialplan, "
            "run asterisk/install, then `dialplan reload` on the PBX"
        )


def _other_listeners(checkup: Checkup) -> str:
    """Names what else listens to calls by the dialplan: it can keep our renewed snoops from hearing.

    That is no failure: whether it listens to the channel that callrec captures is not to be seen.
    """
    # decision 9
    with checkup.app.ami() as ami:
        found = {(name, context) for context, name, _data in ami.applications() if name in LISTENERS}
    theirs = sorted(f"{name} [{context}]" for name, context in found if not context.startswith("callrec-"))
    if not theirs:
        return _("none")
    return _(
        "beware of {listeners}: while one listens to the line of a caller, staff can be silent in the "
        "recording after a transfer"
    ).format(listeners=", ".join(theirs))


CHECKS: tuple[Check, ...] = (
    ("PBX: gate", _gate),
    ("PBX: keys", _keys),
    ("PBX: other listeners", _other_listeners),
)
