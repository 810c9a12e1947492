"""Has all settings of one callrec, as sections with fields: what callrec.toml and the variables can say.

They are read by callrec.settings_file; the file is first written by callrec.configuration. An unknown key is
an error: a typo must not pass unseen.
"""

from __future__ import annotations

from itertools import permutations
from pathlib import Path
from typing import Literal, Self
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, PrivateAttr, SecretStr, model_validator

from callrec.errors import WrongValue
from callrec.model.calls import FeatureCode
from callrec.places import DESK_SOCKET
from callrec.setting_types import (
    AbsolutePath,
    Address,
    AddressOrNone,
    AppName,
    AriAddress,
    Bucket,
    DatabaseAddress,
    Days,
    Endpoint,
    Host,
    HostOrNone,
    KeyCode,
    KmsKeyOrNone,
    LockSeconds,
    Megabytes,
    Number,
    PathOfThePbx,
    Pattern,
    PlainSecret,
    Port,
    PortOrNone,
    Prefix,
    Region,
    Seconds,
    Secret,
    ServerAddress,
    ServerAddressOrNone,
    Share,
    Shift,
    ShortName,
    ShortNameOrNone,
    Technology,
    TimeOrNone,
    User,
    UserOrNone,
    WayToDial,
    WebAddressOrNone,
    Zone,
)


class Section(BaseModel):
    """A table of callrec.toml."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class PbxSettings(Section):
    """The Asterisk whose calls are watched."""

    name: ShortName = "pbx"
    ari_url: AriAddress = "http://127.0.0.1:8088/ari"
    ari_user: User = "callrec"
    ari_password: PlainSecret = SecretStr("")
    app: AppName = "callrec"
    ami_host: Host = "127.0.0.1"
    ami_port: Port = 5038
    ami_user: User = "callrec"
    ami_password: PlainSecret = SecretStr("")
    extension_pattern: Pattern = r"[1-9][0-9]{1,5}"
    """Endpoint names that are staff's, besides those of the extensions that were added."""
    phone_technologies: tuple[Technology, ...] = ("PJSIP",)
    """The kinds of channels in which an endpoint can be a phone. Lines to the outside are all others."""
    lines: tuple[Endpoint, ...] = ()
    """Endpoints that are lines to the outside, although they are named like an extension."""
    timeout: Seconds = 5.0
    """Seconds an ARI or AMI request may take."""
    cdr_file: AbsolutePath | None = None
    """The file of the PBX's own records of calls (cdr_csv), compared with the catalogue once a day."""


class Keys(Section):
    """Keys to the S3 server."""

    access_key: PlainSecret = SecretStr("")
    secret_key: Secret = SecretStr("")

    @model_validator(mode="after")
    def _both(self) -> Self:
        if bool(self.access_key.get_secret_value()) != bool(self.secret_key.get_secret_value()):
            raise WrongValue("access_key and secret_key belong together: set both")
        return self


class ArchiveSettings(Keys):
    """The S3 server. A bucket with Object Lock keeps recordings from being altered."""

    endpoint_url: ServerAddress | None = None
    bucket: Bucket = "callrec"
    region: Region = "us-east-1"
    addressing: Literal["path", "virtual", "auto"] = "path"
    checksums: Literal["when_supported", "when_required"] = "when_supported"
    object_lock: Literal["governance", "compliance", "off"] = "governance"
    shortest_lock_s: LockSeconds = 86_400
    """Locks last at least so long: after an outage the retention may be over, and S3 takes no past date."""
    encryption: Literal["none", "s3", "kms"] = "none"
    """Whether the server is asked to encrypt what it keeps: by a key of its own, or of a key management."""
    kms_key_id: KmsKeyOrNone = ""
    proxy: ServerAddressOrNone = ""

    _keys_of: str = PrivateAttr("archive")

    @model_validator(mode="after")
    def _used(self) -> Self:
        if self.kms_key_id and self.encryption != "kms":
            raise WrongValue('kms_key_id is for encryption = "kms": set that, or leave kms_key_id out')
        return self

    @property
    def address(self) -> str:
        """Where the server is, also where no address is set."""
        return self.endpoint_url or f"https://s3.{self.region}.amazonaws.com"

    @property
    def keys_of(self) -> str:
        """The section that has these keys."""
        return self._keys_of

    def with_keys(self, section: str, keys: Keys) -> ArchiveSettings:
        """Returns the same bucket for somebody who has other keys to it, where these are set."""
        if not keys.access_key.get_secret_value():
            return self
        other = self.model_copy(update={"access_key": keys.access_key, "secret_key": keys.secret_key})
        other._keys_of = section
        return other


class CatalogueSettings(Section):
    """The database, as SQLAlchemy writes it."""

    url: DatabaseAddress = "sqlite:////var/lib/callrec/catalogue.db"


class SpoolSettings(Section):
    """Where recordings wait until they are proved to be in the archive."""

    directory: AbsolutePath = Path("/var/lib/callrec/spool")


class DiskSettings(Section):
    """What is kept free on the disk of the spool, so that it never stands still. Megabytes of 10^6 bytes."""

    reserve_mb: Megabytes = 64
    """A file that is let go when the disk is full, for what must be written down."""
    low_water_mb: Megabytes = 1000
    """Where less is free, sound stays on the PBX."""


class PromptSettings(Section):
    """The announcements. `pbx_directory` is where the PBX sees `directory` (default: the same path)."""

    directory: AbsolutePath | None = None
    pbx_directory: PathOfThePbx | None = None
    answer_first: bool = True  # decision 5
    """Answer before the announcement: then it is surely heard. Off: early media, no charge to the caller, but
    some carriers do not pass it on."""


class RetentionSettings(Section):
    """How long recordings are kept where a rule does not say. Days."""

    days: Days = 90
    incident_days: Days = 1827
    call_rows_days: Days = 1827
    """How long numbers and names of a call stay in the catalogue, after its end and after its recording."""
    testcall_days: Days = 1


class OfficeSettings(Section):
    """The office: the zone in which dates are read and shown.

    `prefixes` are what staff dial before a number for a line to the outside, or for a carrier.
    `shift_s` is for trying rules out: decisions are made as if it were so many seconds later (or,
    below zero, earlier). Status calls it a problem.
    """

    timezone: Zone = "Asia/Tokyo"
    prefixes: tuple[Prefix, ...] = ()
    shift_s: Shift = 0.0

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.timezone)


class KeySettings(Section):
    """The keys staff press during a call. The PBX must have the same: `callrec pbx config`."""

    keep: KeyCode = "*1"
    stop: KeyCode = "*4"
    pause: KeyCode = "*5"
    help: KeyCode = "*9"

    @model_validator(mode="after")
    def _told_apart(self) -> KeySettings:
        """Refuses two codes of which one begins the other: digits are compared as they are pressed."""
        for (one, code), (other, longer) in permutations(self, 2):
            if longer.startswith(code):
                raise WrongValue(
                    "{one} {code} is how {other} {longer} begins; write codes that differ",
                    one=one,
                    code=code,
                    other=other,
                    longer=longer,
                )
        return self

    @property
    def codes(self) -> dict[FeatureCode, str]:
        """The code of each key."""
        return {key: getattr(self, key) for key in FeatureCode}


class HelpSettings(Section):
    """Who is told when staff press the help key, and how. A facility may have its own."""

    mail_to: tuple[Address, ...] = ()
    mail_from: AddressOrNone = ""
    smtp_host: HostOrNone = ""
    smtp_port: Port = 587
    smtp_security: Literal["starttls", "ssl", "none"] = "starttls"
    smtp_user: UserOrNone = ""
    smtp_password: PlainSecret = SecretStr("")
    webhook_url: WebAddressOrNone = ""
    webhook_secret: Secret = SecretStr("")
    webhook_proxy: ServerAddressOrNone = ""
    phone: Number = ""
    phone_dial: WayToDial = "PJSIP/{extension}"

    @model_validator(mode="after")
    def _whole(self) -> Self:
        """Refuses half a way: that would be noticed only when somebody needs help."""
        if self.webhook_url and not self.webhook_secret.get_secret_value():
            raise WrongValue("webhook_url needs a webhook_secret, with which each message is signed")
        if self.smtp_host and not self.mail_from:
            raise WrongValue("smtp_host needs mail_from, the address that mails come from")
        if self.mail_to and not self.smtp_host:
            raise WrongValue("mail_to needs smtp_host, the server that takes mails")
        if bool(self.smtp_user) != bool(self.smtp_password.get_secret_value()):
            raise WrongValue("smtp_user and smtp_password belong together: set both, or neither")
        return self


class DeskSettings(Keys):
    """The desk, through which those work who cannot read callrec.toml.

    Its keys to the S3 server need no right to delete; without any, it has those of [archive].
    """

    socket: AbsolutePath = DESK_SOCKET
    requests: Literal["optional", "required"] = "optional"
    """Whether recordings are heard and given out only under an approved request that lists them."""


class DestructionSettings(Keys):
    """What only `callrec purge` has: keys to the S3 server that may delete versions of objects."""

    at_most: Share = "20%"
    """How many recordings go in one run: a number, or a share of all, which allows 1,000 in any case."""


class EvidenceSettings(Section):
    """The keys by which callrec signs, and the authority that stamps its anchors with the time.

    `keys` is the folder of the key pair; each machine on which callrec works on this office has the same.
    """

    keys: AbsolutePath = Path("/var/lib/callrec/evidence")
    anchor_days: Days = 3653
    """How long anchors of the custody log are locked in the bucket. Days."""
    tsa_url: WebAddressOrNone = ""
    """The authority (RFC 3161) that stamps anchors with the time."""
    tsa_ca_file: AbsolutePath | None = None
    """The certificates (PEM) of the roots whose time-stamps are believed."""
    tsa_proxy: ServerAddressOrNone = ""

    @model_validator(mode="after")
    def _believed(self) -> Self:
        """Refuses an authority that nobody vouches for: what it says would prove nothing."""
        if self.tsa_url and self.tsa_ca_file is None:
            raise WrongValue("tsa_url needs tsa_ca_file, the certificates of the roots that are believed")
        return self


class LogSettings(Section):
    """The log of `callrec serve` and `callrec desk`."""

    numbers: bool = False
    """Whether telephone numbers of other parties stand in it."""
    namespace: ShortNameOrNone = ""
    """The namespace of the journal that `callrec log` reads: `LogNamespace=` of the unit; empty: none."""


class HealthSettings(Section):
    """Who is told of the recorder's own illness, and how others can watch it.

    Mails go by the mail server of [help]. `metrics_port` is on this machine only; 0: none. Without
    `digest_at` there is no daily report.
    """

    mail_to: tuple[Address, ...] = ()
    webhook_url: WebAddressOrNone = ""
    webhook_secret: Secret = SecretStr("")
    digest_at: TimeOrNone = "08:00"
    """When the daily report is sent; time of the office."""
    heartbeat_url: WebAddressOrNone = ""
    """Asked each minute, as long as the recorder works."""
    proxy: ServerAddressOrNone = ""
    textfile: AbsolutePath | None = None
    """The file that is written for node_exporter, each 15 seconds, as long as the recorder works."""
    metrics_port: PortOrNone = 0

    @model_validator(mode="after")
    def _signed(self) -> Self:
        if self.webhook_url and not self.webhook_secret.get_secret_value():
            raise WrongValue("webhook_url needs a webhook_secret, with which each message is signed")
        return self


class NetworkSettings(Section):
    """The connections to other machines.

    `ca_file` has the certificates of the authorities (PEM) that are believed, in place of those of the
    system: where PBX, S3, mail or webhook have a certificate of the office's own. PostgreSQL has
    `sslrootcert` in its URL.
    """

    ca_file: AbsolutePath | None = None
    allow_plain_text: bool = False


class Settings(Section):
    """All settings of one callrec."""

    pbx: PbxSettings = PbxSettings()
    archive: ArchiveSettings = ArchiveSettings()
    catalogue: CatalogueSettings = CatalogueSettings()
    spool: SpoolSettings = SpoolSettings()
    disk: DiskSettings = DiskSettings()
    prompts: PromptSettings = PromptSettings()
    retention: RetentionSettings = RetentionSettings()
    office: OfficeSettings = OfficeSettings()
    keys: KeySettings = KeySettings()
    help: HelpSettings = HelpSettings()
    desk: DeskSettings = DeskSettings()
    destruction: DestructionSettings = DestructionSettings()
    evidence: EvidenceSettings = EvidenceSettings()
    log: LogSettings = LogSettings()
    health: HealthSettings = HealthSettings()
    network: NetworkSettings = NetworkSettings()

    def of_controller(self) -> Settings:
        """Returns the settings for a process that destroys nothing: without the keys that can."""
        none = {"access_key": SecretStr(""), "secret_key": SecretStr("")}
        return self.model_copy(update={"destruction": self.destruction.model_copy(update=none)})

    def of_desk(self) -> Settings:
        """Returns the settings for the desk, which also has keys of its own to the S3 server."""
        own = {"archive": self.archive.with_keys("desk", self.desk)}
        return self.of_controller().model_copy(update=own)
