"""Checks every part of a callrec, for `callrec doctor`. Each check says what it found, or what to mend.

A check raises CallrecError where something is wrong. None mends anything itself.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime

import requests

from callrec.app import App
from callrec.errors import CallrecError, CheckFailed, NotFound, PbxUnreachable, Unreachable
from callrec.language import translated as _
from callrec.model.rules import Announce, Mode, Rule
from callrec.pbx import feature_codes
from callrec.pbx.codecs import is_decoded
from callrec.pbx.transport import AriRefused
from callrec.prompts.decoder import ffmpeg_is_here
from callrec.resources import shipped

OLDEST_ASTERISK = 20
LEAST_FREE_BYTES = 2 * 10**9
FARTHEST_CLOCK = timedelta(seconds=60)
AMI_ACTIONS = {"DBGetTree", "Getvar", "ShowDialPlan", "StopMixMonitor", "CoreShowChannels"}
AMI_DANGERS = {"Command", "DBPut", "MixMonitor", "ModuleLoad", "Originate", "UpdateConfig"}
"""Actions by which whoever reads callrec.toml could run commands on the PBX, or change it."""
LISTENERS = {"MixMonitor", "ChanSpy", "ExtenSpy"}
"""Applications of the dialplan that listen to a channel all the time."""
_CONTEXT = re.compile(r"^\[(callrec-[\w-]+)\]", re.MULTILINE)
_LOADED = re.compile(r"^load = (\S+)", re.MULTILINE)
_OPTIONAL = {"res_websocket_client.so"}
"""Modules that only newer versions of Asterisk have."""


@dataclass(frozen=True, slots=True)
class Result:
    """What a check came to: `found` says what is there or, where it is not ok, what to mend."""

    part: str
    ok: bool
    found: str


Check = tuple[str, Callable[[App], str]]


def run(check: Check, app: App) -> Result:
    """Tries one part and returns what that came to; a failure is a result, not an error."""
    part, look = check
    try:
        return Result(part, True, look(app))
    except CallrecError as error:
        return Result(part, False, error.shown())


def _database(app: App) -> str:
    app.database.require_current()
    return app.database.shown


def _archive(app: App) -> str:
    app.store.check()
    wanted = app.settings.archive.object_lock
    if wanted != "off" and not app.store.locks():
        raise CheckFailed(
            "bucket {bucket} has no Object Lock, so nothing keeps its objects from being changed: "
            'make a bucket with it, or set archive.object_lock = "off"',
            bucket=app.settings.archive.bucket,
        )
    return _("bucket {bucket}, lock: {lock}").format(bucket=app.settings.archive.bucket, lock=wanted)


def _ari(app: App) -> str:
    version = app.pbx.version()
    major = re.match(r"\d+", version)
    if not major or int(major[0]) < OLDEST_ASTERISK:
        raise CheckFailed("Asterisk {version} is too old: callrec needs 20 or later", version=version)
    return f"Asterisk {version}"


def _version(app: App) -> str:
    """Checks that recording is not known to fail with this version of Asterisk."""
    version = app.pbx.version()
    number = re.match(r"[\d.]+", version)
    lines = shipped("asterisk/known-bad").read_text().splitlines()
    bad = dict(line.split("\t") for line in lines if not line.startswith("#"))
    if number and number[0] in bad:
        raise CheckFailed(
            "Asterisk {version} is known to be bad: {problem}", version=number[0], problem=bad[number[0]]
        )
    return _("no trouble is known with it")


def _other_listeners(app: App) -> str:
    """Names what else listens to calls by the dialplan: it can keep our renewed snoops from hearing.

    That is no failure: whether it listens to the channel that callrec captures is not to be seen.
    """
    # decision 9
    with app.ami() as ami:
        found = {(name, context) for context, name in ami.applications() if name in LISTENERS}
    theirs = sorted(f"{name} [{context}]" for name, context in found if not context.startswith("callrec-"))
    if not theirs:
        return _("none")
    return _(
        "beware of {listeners}: while one listens to the line of a caller, staff can be silent in the "
        "recording after a transfer"
    ).format(listeners=", ".join(theirs))


def _modules(app: App) -> str:
    needed = set(_LOADED.findall(shipped("asterisk/callrec/modules.conf").read_text())) - _OPTIONAL
    missing = sorted(needed - app.pbx.modules())
    if missing:
        raise CheckFailed(
            "the PBX runs without {modules}: load them in modules.conf, calls at the gate need them",
            modules=", ".join(missing),
        )
    return _("{count} modules").format(count=len(needed))


def _recording_folder(app: App) -> str:
    try:
        app.pbx.stored()
    except AriRefused as error:
        raise CheckFailed(
            "the PBX has no folder for recordings: make `recording` in its spool directory "
            "(usually /var/spool/asterisk/recording), owned by its user"
        ) from error
    return _("there")


def _ami(app: App) -> str:
    with app.ami() as ami:
        forbidden = sorted(AMI_ACTIONS - ami.may())
        if forbidden:
            raise CheckFailed(
                "AMI user {user} may not do {actions}: run asterisk/install, then reload the manager",
                user=app.settings.pbx.ami_user,
                actions=", ".join(forbidden),
            )
        dangers = sorted(AMI_DANGERS & ami.may())
        if dangers:
            raise CheckFailed(
                "AMI user {user} may do {actions}, more than callrec needs: who reads callrec.toml could run "
                "commands on the PBX. Run asterisk/install, then reload the manager",
                user=app.settings.pbx.ami_user,
                actions=", ".join(dangers),
            )
    with app.astdb() as astdb:
        if astdb.is_open_to_all():
            raise CheckFailed(
                "the PBX runs dangerous functions, such as SHELL(), for who reads callrec.toml: set "
                "live_dangerously = no in [options] of its asterisk.conf, and restart it"
            )
        entries = astdb.tree("callrec-rule")
    return _("{count} rules in the PBX's own database").format(count=len(entries))


def _gate(app: App) -> str:
    """Checks that the dialplan has the gate and the fallback: without them calls pass unannounced."""
    wanted = _CONTEXT.findall(shipped("asterisk/callrec/extensions.conf").read_text())
    with app.ami() as ami:
        missing = [name for name in wanted if not ami.has_context(name)]
    if missing:
        raise CheckFailed(
            "the dialplan has no {contexts}: run asterisk/install, then `dialplan reload` on the PBX",
            contexts=", ".join(missing),
        )
    return _("there")


def _keys(app: App) -> str:
    """Checks that the PBX has the codes of the settings, nothing else has them, and calls have the keys."""
    codes = app.settings.keys
    given = app.pbx.global_variable("DYNAMIC_FEATURES").split("#")
    with app.ami() as ami:
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


def _linked_ids(app: App) -> str:
    """Checks that events carry the linked id: without it calls would fall apart."""
    if not app.pbx.sends_linked_ids():
        raise CheckFailed(
            "the PBX does not send linked ids: ari.conf lacks channelvars = CHANNEL(linkedid), "
            "run asterisk/install and restart the PBX"
        )
    return _("there")


def _controller(app: App) -> str:
    if not app.spool.is_locked():
        raise CheckFailed("the controller is not running on this machine: start callrec serve")
    if not app.pbx.app_is_connected():
        raise CheckFailed("the controller is not connected to the PBX: see its log")
    return _("connected")


def _prompts(app: App) -> str:
    prompts = app.library.all()
    if not prompts:
        raise CheckFailed("there is no announcement: callrec prompt add")
    for prompt in prompts:
        app.library.check(prompt)
    app.library.check_tones()
    _check_that_the_pbx_reads(app)
    return ", ".join(f"{prompt.name} ({prompt.language})" for prompt in prompts)


def _check_that_the_pbx_reads(app: App) -> None:
    """Checks it on the PBX, if that answers: it may see other folders than callrec, or with fewer rights."""
    unread: list[str] = []
    with suppress(PbxUnreachable), app.astdb() as astdb:  # another check tells that
        unread = [path for path in app.library.pbx_files() if not astdb.reads(path)]
    if unread:
        raise CheckFailed(
            "the PBX cannot read {count} sounds of the library, {path} is one of them: check "
            "prompts.pbx_directory, and that the user of Asterisk may read that folder",
            count=len(unread),
            path=unread[0],
        )


def _codecs(app: App) -> str:
    """Checks that the PBX can decode what its endpoints may speak: else it records silence."""
    decoders = app.pbx.modules()
    allowed = app.phones()
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


def _announced(app: App) -> str:
    """Checks that every prompt that a rule may have played is there, in each language and at each rate."""
    rules = [rule for rule in app.office().rules if _may_announce(rule)]
    for rule in rules:
        for language in rule.languages:
            _check_prompt_of(app, rule, language)
    return _("{count} rules with an announcement").format(count=len(rules))


def _may_announce(rule: Rule) -> bool:
    return rule.mode is not Mode.NEVER and rule.announce is not Announce.NONE


def _check_prompt_of(app: App, rule: Rule, language: str) -> None:
    try:
        app.library.check(app.library.get(rule.prompt, language))
    except NotFound as error:
        raise CheckFailed(
            "rule {rule} announces with prompt {name} in language {language}, which is not there: "
            "callrec prompt add FILE --name {name} --language {language} --text …",
            rule=rule.id,
            name=rule.prompt,
            language=language,
        ) from error


def _clocks(app: App) -> str:
    """Checks that the clocks of PBX and S3 server are near ours, to the minute.

    The times in a manifest are the PBX's and ours; the S3 server counts the retention by its own.
    """
    archive = app.settings.archive
    s3 = archive.endpoint_url or f"https://s3.{archive.region}.amazonaws.com"
    found = []
    for name, url in ((_("PBX"), app.settings.pbx.ari_url), (_("S3 server"), s3)):
        apart = app.now - _time_at(url, app.settings.pbx.timeout)
        if abs(apart) > FARTHEST_CLOCK:
            raise CheckFailed(
                "the clock of the {part} is {seconds} s away from this machine's: set both by NTP",
                part=name,
                seconds=round(abs(apart).total_seconds()),
            )
        found.append(f"{name}: {apart.total_seconds():+.0f} s")
    return ", ".join(found)


def _time_at(url: str, timeout: float) -> datetime:
    """Returns the time a web server gives in its answer, whatever it answers; to the second."""
    try:
        with requests.Session() as session:
            session.trust_env = False  # as the store does: no proxy
            answer = session.head(url, timeout=timeout)
        return parsedate_to_datetime(answer.headers["Date"])
    except (requests.RequestException, KeyError, ValueError) as error:
        raise Unreachable(
            "{url} does not tell its time ({problem})", url=url, problem=type(error).__name__
        ) from error


def _disk(app: App) -> str:
    free = app.spool.free_bytes()
    if free < LEAST_FREE_BYTES:
        raise CheckFailed(
            "the spool {path} has {free} GB left: make room",
            path=app.spool.directory,
            free=round(free / 1e9, 1),
        )
    return _("{free} GB free").format(free=round(free / 1e9, 1))


def _backlog(app: App) -> str:
    lost = app.spool.directory / "quarantine"
    if lost.exists() and any(lost.iterdir()):
        raise CheckFailed("there are recordings that could not be kept in {path}: look at them", path=lost)
    return _("{count} recordings wait for the archive").format(count=len(app.spool.waiting()))


def _ffmpeg(app: App) -> str:
    if not ffmpeg_is_here():
        raise CheckFailed("ffmpeg is not installed: apt-get install ffmpeg")
    return _("there")


CHECKS: tuple[Check, ...] = (
    ("database", _database),
    ("archive", _archive),
    ("PBX: ARI", _ari),
    ("PBX: version", _version),
    ("PBX: modules", _modules),
    ("PBX: recordings", _recording_folder),
    ("PBX: gate", _gate),
    ("PBX: keys", _keys),
    ("PBX: linked ids", _linked_ids),
    ("PBX: AMI", _ami),
    ("PBX: codecs", _codecs),
    ("PBX: other listeners", _other_listeners),
    ("announcements", _prompts),
    ("announcements of the rules", _announced),
    ("clocks", _clocks),
    ("ffmpeg", _ffmpeg),
    ("disk", _disk),
    ("backlog", _backlog),
    ("controller", _controller),
)
