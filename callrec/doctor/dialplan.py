"""Checks the PBX's dialplan and the keys that staff press."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from callrec.doctor import gate_ways
from callrec.doctor.check import Check, Checkup
from callrec.errors import CheckFailed, Sentence
from callrec.language import translated as _
from callrec.pbx import feature_codes
from callrec.pbx.ami import Ami
from callrec.settings import KeySettings

LISTENERS = {"MixMonitor", "ChanSpy", "ExtenSpy"}
"""Applications of the dialplan that listen to a channel all the time."""


def _gate(checkup: Checkup) -> str:
    """Checks that the dialplan calls the gate: else calls pass unannounced. That some are connected without
    it is no failure: an office may want that (a fax)."""
    found = gate_ways.look(checkup.app)
    if not found.callers:
        raise CheckFailed(
            "no line of the dialplan calls the gate: no call is announced before the phone rings. Write "
            "Gosub(callrec-gate,s,1(inbound,EXTENSION,CALLER)) before each Dial() and Queue()"
        )
    called = _("called by {contexts}").format(contexts=", ".join(found.callers))
    if not found.ungated:
        return called
    return _("{called}; {count} lines connect calls without it: callrec pbx check").format(
        called=called, count=len(found.ungated)
    )


def _includes(checkup: Checkup) -> str:
    """Checks that the PBX has the includes still, and those of this version."""
    if problem := gate_ways.includes_problem(checkup.app):
        raise CheckFailed(problem.template, **problem.values)
    return _("there")


def _keys(checkup: Checkup) -> str:
    """Checks that the PBX has the codes of the settings, nothing else has them, and calls have the keys.

    All that is wrong is told at once: each finding costs an admin a reload.
    """
    codes = checkup.app.settings.keys
    given = checkup.app.pbx.global_variable("DYNAMIC_FEATURES").split("#")
    with checkup.app.ami() as ami:
        found = list(_wrong_keys(ami, codes, given))
    if found:
        raise CheckFailed("{problems}", problems="; ".join(each.shown() for each in found))
    return " ".join(f"{key} {code}" for key, code in codes.codes.items())


def _wrong_keys(ami: Ami, codes: KeySettings, given: Collection[str]) -> Iterator[Sentence]:
    for key, found in feature_codes.wrong_features(ami.setting, codes).items():
        yield Sentence(
            "the PBX has {found} for {key}, callrec.toml says {wanted}: write callrec pbx config over "
            "callrec/features.conf on the PBX, then `module reload features`",
            found=found or _("no key"),
            key=key,
            wanted=codes.codes[key],
        )
    if feature_codes.wrong_menu(ami.setting, codes):
        yield Sentence(
            "the PBX's menu for conferences has other keys than callrec.toml: write callrec pbx config "
            "--conference over callrec/confbridge.conf on the PBX, then `module reload app_confbridge`"
        )
    for name, code, key in feature_codes.rivals(ami.setting, codes.codes, {*given, *ami.features()}):
        yield feature_codes.in_the_way(name, code, key, codes.codes[key])
    if "callrec-keep" not in given:
        yield Sentence(
            "calls have no keys: DYNAMIC_FEATURES is not among the globals of the dialplan, "
            "run callrec pbx install, then `dialplan reload` on the PBX"
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
    ("PBX: includes", _includes),
    ("PBX: gate", _gate),
    ("PBX: keys", _keys),
    ("PBX: other listeners", _other_listeners),
)
