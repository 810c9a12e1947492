"""Reads callrec.toml and the CALLREC_ variables. An unknown key is an error: a typo must not pass unseen.

`--config FILE`, else `CALLREC_CONFIG`, else `./callrec.toml`, else `/etc/callrec/callrec.toml`; any value can
be given as `CALLREC_SECTION__KEY`. The file is first written by callrec.configuration.
"""

from __future__ import annotations

import os
import tomllib
from itertools import permutations
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from zoneinfo import ZoneInfo

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    model_validator,
)
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
    TomlConfigSettingsSource,
)

from callrec.errors import WrongConfiguration
from callrec.model.calls import FeatureCode
from callrec.setting_types import (
    Address,
    AriAddress,
    Endpoint,
    KeyCode,
    Number,
    Pattern,
    PbxPassword,
    Port,
    Prefix,
    Technology,
    WayToDial,
    WebAddress,
    WebAddressOrNone,
    Zone,
)

PLACES = (Path("callrec.toml"), Path("/etc/callrec/callrec.toml"))
_OTHER_VARIABLES = {"CALLREC_CONFIG", "CALLREC_LANG", "CALLREC_DEBUG", "CALLREC_CACHE", "CALLREC_PBX_DIR"}


class Section(BaseModel):
    """A table of callrec.toml."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class PbxSettings(Section):
    """The Asterisk whose calls are watched."""

    name: str = Field("pbx", pattern=r"^[a-z0-9][a-z0-9-]{0,31}$")
    ari_url: AriAddress = "http://127.0.0.1:8088/ari"
    ari_user: str = "callrec"
    ari_password: PbxPassword = SecretStr("")
    app: str = Field("callrec", pattern=r"^[A-Za-z0-9_-]{1,40}$")
    ami_host: str = "127.0.0.1"
    ami_port: Port = 5038
    ami_user: str = "callrec"
    ami_password: PbxPassword = SecretStr("")
    extension_pattern: Pattern = r"[1-9][0-9]{1,5}"
    """Endpoint names that are staff's, besides those of the extensions that were added."""
    phone_technologies: tuple[Technology, ...] = ("PJSIP",)
    """The kinds of channels in which an endpoint can be a phone. Lines to the outside are all others."""
    lines: tuple[Endpoint, ...] = ()
    """Endpoints that are lines to the outside, although they are named like an extension."""
    timeout: float = Field(5.0, gt=0)
    """Seconds an ARI or AMI request may take."""


class ArchiveSettings(Section):
    """The S3 server. A bucket with Object Lock keeps recordings from being altered."""

    endpoint_url: WebAddress | None = None
    bucket: str = Field("callrec", pattern=r"^(arn:\S+|[A-Za-z0-9._-]{1,255})$")
    access_key: SecretStr = SecretStr("")
    secret_key: SecretStr = SecretStr("")
    region: str = "us-east-1"
    addressing: Literal["path", "virtual", "auto"] = "path"
    checksums: Literal["when_supported", "when_required"] = "when_supported"
    object_lock: Literal["governance", "compliance", "off"] = "governance"


class CatalogueSettings(Section):
    """The database, as SQLAlchemy writes it."""

    url: str = "sqlite:////var/lib/callrec/catalogue.db"


class SpoolSettings(Section):
    """Where recordings wait until they are proved to be in the archive."""

    directory: Path = Path("/var/lib/callrec/spool")


class PromptSettings(Section):
    """The announcements. `pbx_directory` is where the PBX sees `directory` (default: the same path)."""

    directory: Path | None = None
    pbx_directory: str | None = None
    answer_first: bool = True  # decision 5
    """Answer before the announcement: then it is surely heard. Off: early media, no charge to the caller, but
    some carriers do not pass it on."""


class RetentionSettings(Section):
    """How long recordings are kept where a rule does not say. Days."""

    days: int = Field(90, ge=1)
    incident_days: int = Field(1827, ge=1)


class OfficeSettings(Section):
    """The office: the zone in which dates are read and shown.

    `prefixes` are what staff dial before a number for a line to the outside, or for a carrier.
    `shift_s` is for trying rules out: decisions are made as if it were so many seconds later (or,
    below zero, earlier). Status calls it a problem.
    """

    timezone: Zone = "Asia/Tokyo"
    prefixes: tuple[Prefix, ...] = ()
    shift_s: float = Field(default=0.0, allow_inf_nan=False, ge=-(10**9), le=10**9)

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
                raise ValueError(f"{one} {code} is how {other} {longer} begins; write codes that differ")
        return self

    @property
    def codes(self) -> dict[FeatureCode, str]:
        """The code of each key."""
        return {key: getattr(self, key) for key in FeatureCode}


class HelpSettings(Section):
    """Who is told when staff press the help key, and how. A facility may have its own."""

    mail_to: tuple[Annotated[Address, Field(min_length=1)], ...] = ()
    mail_from: Address = ""
    smtp_host: str = ""
    smtp_port: Port = 587
    smtp_security: Literal["starttls", "ssl", "none"] = "starttls"
    smtp_user: str = ""
    smtp_password: SecretStr = SecretStr("")
    webhook_url: WebAddressOrNone = ""
    webhook_secret: SecretStr = SecretStr("")
    phone: Number = ""
    phone_dial: WayToDial = "PJSIP/{extension}"

    @model_validator(mode="after")
    def _whole(self) -> Self:
        """Refuses half a way: that would be noticed only when somebody needs help."""
        if self.webhook_url and not self.webhook_secret.get_secret_value():
            raise ValueError("webhook_url needs a webhook_secret, with which each message is signed")
        if self.smtp_host and not self.mail_from:
            raise ValueError("smtp_host needs mail_from, the address that mails come from")
        if self.mail_to and not self.smtp_host:
            raise ValueError("mail_to needs smtp_host, the server that takes mails")
        return self


class Settings(BaseSettings):
    """All settings of one callrec."""

    model_config = SettingsConfigDict(
        env_prefix="CALLREC_", env_nested_delimiter="__", extra="forbid", frozen=True
    )

    pbx: PbxSettings = PbxSettings()
    archive: ArchiveSettings = ArchiveSettings()
    catalogue: CatalogueSettings = CatalogueSettings()
    spool: SpoolSettings = SpoolSettings()
    prompts: PromptSettings = PromptSettings()
    retention: RetentionSettings = RetentionSettings()
    office: OfficeSettings = OfficeSettings()
    keys: KeySettings = KeySettings()
    help: HelpSettings = HelpSettings()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return (init_settings, env_settings, TomlConfigSettingsSource(settings_cls))


def find_file(given: str | None) -> Path | None:
    """Returns the configuration file to use; None when there is none and none was asked for."""
    wanted = given or os.environ.get("CALLREC_CONFIG")
    if wanted:
        return Path(wanted)
    return next((place for place in PLACES if place.is_file()), None)


def load(given: str | None = None) -> Settings:
    """Reads the settings. Raises WrongConfiguration with the key and what is wrong with it."""
    path = find_file(given)
    if path is None:
        raise WrongConfiguration("there is no callrec.toml here or in /etc/callrec: run callrec init")
    _refuse_unknown_variables()

    class Loaded(Settings):
        model_config = SettingsConfigDict(toml_file=path)

    try:
        path.read_bytes()  # pydantic-settings passes over a file that is missing
        loaded = Loaded()
        _refuse_empty(path)
        return loaded
    except OSError as error:
        raise WrongConfiguration(
            "{path} cannot be read: {problem}", path=path, problem=error.strerror
        ) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise WrongConfiguration("{path} is not TOML: {problem}", path=path, problem=error) from error
    except SettingsError as error:
        raise _unusable_variable() from error
    except ValidationError as error:
        raise _first_problem(path, error) from error


def _refuse_empty(path: Path) -> None:
    """Refuses a file that sets nothing, as a full disk leaves one: every setting would be the default."""
    if not any(tomllib.loads(path.read_text("utf-8")).values()):
        raise WrongConfiguration("{path} sets nothing: remove it, then run callrec init", path=path)


def _first_problem(path: Path, error: ValidationError) -> WrongConfiguration:
    """Returns the error for the first key that is wrong."""
    problem = error.errors()[0]
    key = ".".join(str(part) for part in problem["loc"])
    if problem["type"] == "extra_forbidden":
        return WrongConfiguration(
            "{path}: there is no setting {key}; the comments in callrec.toml name those there are",
            path=path,
            key=key,
        )
    return WrongConfiguration(
        "{path}: {key} = {value}: {problem}",
        path=path,
        key=key,
        value=_shown(problem),
        problem=problem["msg"].removeprefix("Value error, "),
    )


def _shown(problem: Any) -> str:
    """Returns the value that is wrong, where it surely is no secret: a simple value of a setting that holds
    none. A whole section, a list or an address may have a password in it."""
    section, *rest = problem["loc"]
    fields = getattr(Settings.model_fields[section].annotation, "model_fields", {})
    field = fields.get(rest[0]) if len(rest) == 1 else None
    secret = field is None or field.annotation is SecretStr or str(rest[0]).endswith("url")
    simple = isinstance(problem["input"], str | int | float)
    return repr(problem["input"]) if simple and not secret else "…"


def variables() -> list[str]:
    """Returns the CALLREC_ variables of this process's environment that are meant to set something."""
    return [name for name in os.environ if name.startswith("CALLREC_") and name not in _OTHER_VARIABLES]


def _refuse_unknown_variables() -> None:
    for name in variables():
        section = name.removeprefix("CALLREC_").partition("__")[0].lower()
        if section not in Settings.model_fields:
            raise _sets_nothing(name)


def _unusable_variable() -> WrongConfiguration:
    """Returns the error for a variable that stands for a whole section: only CALLREC_SECTION__KEY can set."""
    whole = {f"CALLREC_{section}".upper() for section in Settings.model_fields}
    return _sets_nothing(next((name for name in os.environ if name.upper() in whole), "CALLREC_…"))


def _sets_nothing(name: str) -> WrongConfiguration:
    return WrongConfiguration("the variable {name} sets nothing: write CALLREC_SECTION__KEY", name=name)
