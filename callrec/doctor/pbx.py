"""Checks that Asterisk answers, and has what callrec needs of it."""

from __future__ import annotations

import re

from callrec.doctor.check import Check, Checkup
from callrec.errors import CheckFailed
from callrec.language import translated as _
from callrec.pbx.transport import AriRefused
from callrec.resources import shipped

OLDEST_ASTERISK = 20
AMI_ACTIONS = {"DBGetTree", "Getvar", "ShowDialPlan", "StopMixMonitor", "CoreShowChannels"}
AMI_DANGERS = {"Command", "DBPut", "MixMonitor", "ModuleLoad", "Originate", "UpdateConfig"}
"""Actions by which whoever reads callrec.toml could run commands on the PBX, or change it."""
_LOADED = re.compile(r"^load = (\S+)", re.MULTILINE)
_OPTIONAL = {"res_websocket_client.so"}
"""Modules that only newer versions of Asterisk have."""


def _ari(checkup: Checkup) -> str:
    version = checkup.app.pbx.version()
    major = re.match(r"\d+", version)
    if not major or int(major[0]) < OLDEST_ASTERISK:
        raise CheckFailed("Asterisk {version} is too old: callrec needs 20 or later", version=version)
    return f"Asterisk {version}"


def _version(checkup: Checkup) -> str:
    """Checks that recording is not known to fail with this version of Asterisk."""
    version = checkup.app.pbx.version()
    number = re.match(r"[\d.]+", version)
    lines = shipped("asterisk/known-bad").read_text().splitlines()
    bad = dict(line.split("\t") for line in lines if not line.startswith("#"))
    if number and number[0] in bad:
        raise CheckFailed(
            "Asterisk {version} is known to be bad: {problem}", version=number[0], problem=bad[number[0]]
        )
    return _("no trouble is known with it")


def _modules(checkup: Checkup) -> str:
    needed = set(_LOADED.findall(shipped("asterisk/callrec/modules.conf").read_text())) - _OPTIONAL
    missing = sorted(needed - checkup.app.pbx.modules())
    if missing:
        raise CheckFailed(
            "the PBX runs without {modules}: load them in modules.conf, calls at the gate need them",
            modules=", ".join(missing),
        )
    return _("{count} modules").format(count=len(needed))


def _recording_folder(checkup: Checkup) -> str:
    try:
        checkup.app.pbx.stored()
    except AriRefused as error:
        raise CheckFailed(
            "the PBX has no folder for recordings: make `recording` in its spool directory "
            "(usually /var/spool/asterisk/recording), owned by its user"
        ) from error
    return _("there")


def _linked_ids(checkup: Checkup) -> str:
    """Checks that events carry the linked id: without it calls would fall apart."""
    if not checkup.app.pbx.sends_linked_ids():
        raise CheckFailed(
            "the PBX does not send linked ids: ari.conf lacks channelvars = CHANNEL(linkedid), "
            "run callrec pbx install and restart the PBX"
        )
    return _("there")


def _ami(checkup: Checkup) -> str:
    user = checkup.app.settings.pbx.ami_user
    with checkup.app.ami() as ami:
        allowed = ami.may()
    if forbidden := sorted(AMI_ACTIONS - allowed):
        raise CheckFailed(
            "AMI user {user} may not do {actions}: run callrec pbx install, then reload the manager",
            user=user,
            actions=", ".join(forbidden),
        )
    if dangers := sorted(AMI_DANGERS & allowed):
        raise CheckFailed(
            "AMI user {user} may do {actions}, more than callrec needs: who reads callrec.toml could run "
            "commands on the PBX. Run callrec pbx install, then reload the manager",
            user=user,
            actions=", ".join(dangers),
        )
    return _("{count} rules in the PBX's own database").format(count=_rules_in_astdb(checkup))


def _rules_in_astdb(checkup: Checkup) -> int:
    with checkup.app.astdb() as astdb:
        if astdb.is_open_to_all():
            raise CheckFailed(
                "the PBX runs dangerous functions, such as SHELL(), for who reads callrec.toml: set "
                "live_dangerously = no in [options] of its asterisk.conf, and restart it"
            )
        return len(astdb.tree("callrec-rule"))


CHECKS: tuple[Check, ...] = (
    ("PBX: ARI", _ari),
    ("PBX: version", _version),
    ("PBX: modules", _modules),
    ("PBX: recordings", _recording_folder),
    ("PBX: linked ids", _linked_ids),
    ("PBX: AMI", _ami),
)
