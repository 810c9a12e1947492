"""Writes a first callrec.toml: every setting, with a comment that says what it is for.

For `callrec init` and the demo. It is read by callrec.settings.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields
from pathlib import Path
from string import Template
from typing import Any
from urllib.parse import parse_qs, urlsplit

from callrec import toml_text
from callrec.configuration_remarks import in_japanese
from callrec.errors import CallrecError, Refused, Sentence, WrongConfiguration, WrongUsage
from callrec.failures import why
from callrec.files import draft, make_folder
from callrec.language import choose

_PASSWORDS = {"password", "sslpassword"}
"""Options in the address of a PostgreSQL database that are secret."""


@dataclass
class Answers:
    """What differs from one office to the next. Empty: not known yet."""

    database_url: str = "sqlite:////var/lib/callrec/catalogue.db"
    spool: str = "/var/lib/callrec/spool"
    pbx: str = "pbx"
    ari_url: str = "http://127.0.0.1:8088/ari"
    ari_password: str = ""
    ami_host: str = "127.0.0.1"
    ami_port: str = "5038"
    ami_password: str = ""
    s3_url: str = "http://127.0.0.1:8333"
    bucket: str = "callrec"
    access_key: str = ""
    secret_key: str = ""
    prompts: str = ""
    pbx_prompts: str = ""
    answer_first: bool = True
    evidence_keys: str = ""
    desk_socket: str = "/run/callrec/desk.sock"
    desk_access_key: str = ""
    desk_secret_key: str = ""


ANSWERS = {field.name: field.type for field in fields(Answers)}


def read_answers(path: Path, text: str) -> dict[str, Any]:
    """Returns the answers in a text of TOML. Raises WrongUsage, which shows none: most are secrets."""
    found = toml_text.parse(text, path)
    for key, value in found.items():
        if ANSWERS.get(key) != "str":
            raise WrongUsage(
                "{name}: there is no answer {key}: write database_url, ari_password, ami_password, "
                "secret_key or another option of callrec init, with _ for -",
                name=path,
                key=key,
            )
        if isinstance(value, bool) or not isinstance(value, str | int):
            raise WrongUsage('{name}: {key} must be one value: {key} = "…"', name=path, key=key)
    return {key: str(value) for key, value in found.items()}


def has_password(text: str) -> bool:
    """Returns whether a text is an address with a password in it."""
    try:
        parts = urlsplit(text)
        return bool(parts.password) or not parse_qs(parts.query).keys().isdisjoint(_PASSWORDS)
    except ValueError:
        return False  # no address that could be used


def write_file(path: Path, answers: Answers, check: Callable[[Path], None] = lambda draft: None) -> None:
    """Writes a new configuration file that only its owner can read, once `check` has read it and found no
    fault with it.

    Raises Refused when there is one, WrongConfiguration when it cannot be written or an answer cannot be
    used, and what `check` raises.
    """
    data = render(answers).encode()
    with _said(path):
        make_folder(path.parent, 0o755)  # others may look whether there is a file, not into it
    with _said(path), draft(path, new=True) as made:
        made.write(data)
        _check(made.path, path, check)
        made.publish()


def check_place(path: Path) -> None:
    """Raises what `write_file` would raise for the place, before anybody is asked for anything."""
    with _said(path):
        if path.parent.exists():
            with draft(path, new=True):
                pass


def _check(unnamed: Path, path: Path, check: Callable[[Path], None]) -> None:
    """Checks a file that has no name yet; errors speak of the name it is to have."""
    try:
        check(unnamed)
    except WrongConfiguration as error:
        raise WrongConfiguration(error.template, **_renamed(error.values, unnamed, path)) from error


def _renamed(values: dict[str, object], unnamed: Path, path: Path) -> dict[str, object]:
    def renamed(value: object) -> object:
        if isinstance(value, Sentence | CallrecError):
            return Sentence(value.template, **_renamed(value.values, unnamed, path))
        return str(value).replace(str(unnamed), str(path))

    return {name: renamed(value) for name, value in values.items()}


@contextmanager
def _said(path: Path) -> Iterator[None]:
    try:
        yield
    except FileExistsError as error:
        raise Refused("{path} is there already: nothing was written", path=path) from error
    except OSError as error:
        raise WrongConfiguration(
            "{path} cannot be written: {problem}", path=path, problem=why(error)
        ) from error


def render(answers: Answers) -> str:
    """Returns the text of a configuration file, with remarks in the language of who asks. Raises
    WrongConfiguration for a port that is none."""
    port = _port(answers.ami_port)
    said = {**vars(answers), "evidence_keys": answers.evidence_keys or beside(answers.spool, "evidence")}
    values = {name: json.dumps(value, ensure_ascii=False) for name, value in said.items()}
    prompts = (
        f"directory = {values['prompts']}\n"
        if answers.prompts
        else '# directory = "/var/lib/callrec/prompts"\n'
    )
    if answers.pbx_prompts:
        prompts += f"pbx_directory = {values['pbx_prompts']}\n"
    text = _TEMPLATE.substitute({**values, "ami_port": port, "prompt_folders": prompts})
    return in_japanese(text) if choose() == "ja" else text


def beside(spool: str, name: str) -> str:
    """Returns where the office's keys or announcements are, unless somebody says it: beside the spool."""
    return str(Path(spool).with_name(name))


def _port(text: str) -> int:
    if not (text.isdecimal() and 0 < int(text) < 65536):
        raise WrongConfiguration("{text} is no port: write a number such as 5038", text=text)
    return int(text)


_TEMPLATE = Template(
    """\
# callrec. Any value can also be given as a variable: CALLREC_PBX__ARI_URL, CALLREC_ARCHIVE__BUCKET …
# A password can stand in a file of its own: secret_key_file = "/etc/callrec/s3.key" in place of secret_key.
# After a change: restart callrec serve, then run callrec doctor.

[pbx]
# A short name of this PBX; it stands in every manifest.
name = $pbx
# Asterisk's REST interface and the user that callrec pbx install made.
ari_url = $ari_url
ari_user = "callrec"
ari_password = $ari_password
# The manager interface keeps a copy of the rules in the PBX, for times when callrec is away.
ami_host = $ami_host
ami_port = $ami_port
ami_user = "callrec"
ami_password = $ami_password
# Endpoints of the PBX that are staff's phones, besides the extensions that were added.
extension_pattern = "[1-9][0-9]{1,5}"
# The kinds of channels in which they are looked for: all others (DAHDI, IAX2 …) are lines to the outside.
phone_technologies = ["PJSIP"]
# Endpoints that are lines to the outside although they are named like an extension, such as "33".
lines = []
# The PBX's own records of calls (cdr_csv), where this machine can read them: compared once a day.
# cdr_file = "/var/log/asterisk/cdr-csv/Master.csv"

[archive]
# Any S3 server. Leave endpoint_url out for Amazon S3 itself.
endpoint_url = $s3_url
region = "us-east-1"
bucket = $bucket
access_key = $access_key
secret_key = $secret_key
# How objects are locked against change: "governance" (a right of its own can lift it),
# "compliance" (nobody can), "off" (the bucket has no Object Lock).
object_lock = "governance"
# How long an object is locked at least, in seconds.
# shortest_lock_s = 86400
# Whether the server is to encrypt what it keeps: "s3" (by a key of its own), "kms" (by a key management,
# whose key kms_key_id names) or "none". It is read back, as locks are.
encryption = "none"
# kms_key_id = "alias/callrec"
# addressing = "path"                 # or "virtual"
# checksums = "when_supported"        # "when_required" for old Ceph behind TLS
# proxy = "http://proxy.city.example:8080"   # where the S3 server is reached by the office's proxy

[catalogue]
# sqlite:////path/catalogue.db or postgresql://user:password@host/name
url = $database_url

[spool]
# Recordings wait here until they were read back from the archive. Allow a day of calls: about
# 60 MB for each hour of talk.
directory = $spool

[disk]
# What is kept free on the disk of the spool, in megabytes: a reserve that is let go when the disk is full,
# so that calls are still written down; and below low_water_mb sound stays on the PBX until there is room.
reserve_mb = 64
low_water_mb = 1000

[prompts]
# The office's own announcements: what is added goes here, and an upgrade leaves it. pbx_directory is
# where the PBX sees the folder, when that is another path.
$prompt_folders# true: answer before the announcement, so that the caller surely hears it.
# false: early media; the caller pays nothing before staff answer, but not every carrier passes it on.
answer_first = $answer_first

[keys]
# What staff press during a call: record or keep it, stop, pause, call for help. After a change run
# callrec pbx config -o FOLDER: the PBX must know the same codes, callrec doctor compares them.
keep = "*1"
stop = "*4"
pause = "*5"
help = "*9"

[retention]
# Where a rule does not say how long recordings are kept. Days.
days = 90
incident_days = 1827
# How long numbers and names of calls stay in the database, where no recording is left. Days.
call_rows_days = 1827
# How long the recordings of callrec testcall are kept. Days.
testcall_days = 1

[office]
timezone = "Asia/Tokyo"
# What staff dial before a number for a line to the outside or for a carrier: ["0"] or ["9", "0036"].
# It is cut before numbers are compared, the longest first, where a number that can be called is left.
prefixes = []
# For trying rules out: decisions are made as if it were so many seconds later. Never in daily use.
shift_s = 0.0

[help]
# Who is told when staff press the help key: by mail, by a message to another system (a webhook), and
# by a call to a support phone that may listen. A facility can have its own: callrec facility support.
mail_to = []
mail_from = ""
smtp_host = ""
smtp_port = 587
# "starttls", "ssl" (usually port 465) or "none" (the password is sent as it is).
smtp_security = "starttls"
smtp_user = ""
smtp_password = ""
# The secret signs every message; see the documentation.
webhook_url = ""
webhook_secret = ""
# The office's proxy, where the other system is reached by one: http://proxy.city.example:8080
webhook_proxy = ""
# The extension that is called to listen, and how the PBX dials it.
phone = ""
phone_dial = "PJSIP/{extension}"

[desk]
# Those who cannot read this file work through the desk, which listens here: callrec desk.
socket = $desk_socket
# "required": recordings are heard and given out only under an approved request that lists them.
requests = "optional"
# Keys of its own to the S3 server, without the right to delete; empty: those of [archive].
access_key = $desk_access_key
secret_key = $desk_secret_key

[destruction]
# callrec purge has keys of its own to the S3 server, which may delete. Keep them where nobody else reads
# them: in the credentials of its systemd unit, or in a file of their own. Without them, purge only shows.
# access_key = ""
# secret_key_file = "/etc/callrec/purge.key"
# So many recordings go in one run: a number, or a share (which allows 1000 in any case).
at_most = "20%"

[evidence]
# The key pair by which manifests and all that is said of recordings are signed; callrec init makes it.
# Back this folder up, apart from the recordings: see the documentation on evidence.
keys = $evidence_keys
# How long anchors of the custody log are locked in the bucket. Days.
anchor_days = 3653
# An authority (RFC 3161) that stamps anchors with the time, such as "https://tsa.example.jp/tsr", and the
# certificates (PEM) of its root, without which its time-stamps are not believed. Both or neither.
tsa_url = ""
# tsa_ca_file = "/etc/callrec/tsa.pem"
tsa_proxy = ""

[log]
# true: telephone numbers of other parties stand in the log. false: only how many digits they have.
numbers = false
# The journal that callrec log reads, where the units of systemd say LogNamespace=.
# namespace = "callrec"

[health]
# Who is told when the recorder itself is ill, once when that begins and once when it is over: people who can
# mend it. By the mail server of [help], and by a message to another system, signed by the secret.
mail_to = []
webhook_url = ""
webhook_secret = ""
# How things stand, each day at this time; a day without that mail tells that nothing runs. "": never.
digest_at = "08:00"
# An address that is asked each minute as long as the recorder works. The service behind it alarms when it is
# not asked: so silence is told, too.
heartbeat_url = ""
# The office's proxy, where the webhook or that service is reached by one.
proxy = ""
# The same as a file for node_exporter's textfile collector, with all metrics.
# textfile = "/var/lib/prometheus/node-exporter/callrec.prom"
# Metrics for Prometheus, on 127.0.0.1 only: such as 9476. 0: none.
metrics_port = 0

[network]
# What this machine's environment says of proxies, certificates and accounts is not used; only this file is.
# Where PBX, S3 server, mail server or webhook have a certificate of the office's own: a file (PEM) with the
# certificates of the authorities that are believed, in place of the public ones.
# ca_file = "/etc/callrec/ca.pem"
# true: that passwords and calls go unencrypted to other machines is intended (a cable of their own, a VPN).
allow_plain_text = false
"""
)
