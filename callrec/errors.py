"""The errors that people are told about. Each class has an exit code; the message is one line: what, which,
what to do.

Exit codes: 1 nothing found or a check failed, 2 wrong usage, 3 a part is unreachable, 4 refused, 5 evidence
does not verify.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Self

from callrec.language import translated
from callrec.visible import filled


class Sentence:
    """A sentence for people, or a part of one: English, to be shown in the language of whoever reads it.

    `template` has named fields, which `values` fill; a value may be such a sentence, or an error, itself, and
    cannot break the line.
    """

    def __init__(self, template: str, **values: object) -> None:
        self.template, self.values = template, values

    def __str__(self) -> str:
        return filled(self.template, self.values)

    def shown(self) -> str:
        """Returns the sentence in the language of this process."""
        values = {name: _shown(value) for name, value in self.values.items()}
        return filled(translated(self.template), values)


class Fault(StrEnum):
    """Whose fault it is that another part could not be used: for figures, never for people."""

    OURS = "ours"
    """This machine's, its settings', or of what was asked for: another try will fail, too."""
    SERVER = "server"
    """The server's, which was reached, and failed."""
    NETWORK = "network"
    """Of the way there: nobody answered, or not to the end."""


class CallrecError(Exception):
    """Base of all errors a person is told about. Everything else is a bug.

    `template` and `values` are those of a Sentence.
    """

    exit_code = 1
    fault: Fault | None = None
    """Whose fault it is, of what S3 and the database could not do."""

    def __init__(self, template: str, **values: object) -> None:
        self.template, self.values = template, values
        super().__init__(str(self.sentence))

    @property
    def sentence(self) -> Sentence:
        """What it says."""
        return Sentence(self.template, **self.values)

    def blamed(self, fault: Fault) -> Self:
        """Returns this error, with whose fault it is."""
        self.fault = fault
        return self

    def shown(self) -> str:
        """Returns the message in the language of this process."""
        return self.sentence.shown()


def _shown(value: object) -> object:
    return value.shown() if isinstance(value, (Sentence, CallrecError)) else value


class NotFound(CallrecError):
    """Nothing here has that name, id or date."""


class OutOfSight(NotFound):
    """It is there, but not for who asked, who is told what is told of what is not there.

    `recording_id` is for the custody log only.
    """

    def __init__(self, template: str, *, recording_id: str, **values: object) -> None:
        super().__init__(template, **values)
        self.recording_id = recording_id


class CheckFailed(CallrecError):
    """Something was looked at and is not as it should be."""


class WrongUsage(CallrecError):
    """What was asked for makes no sense as it was written."""

    exit_code = 2


class WrongEntries(WrongUsage):
    """Lines or tables of a file cannot be used, so nothing of it was. `entries`: line number and reason."""

    def __init__(self, entries: list[tuple[int, CallrecError]]) -> None:
        self.entries = entries
        super().__init__("{count} entries are wrong: nothing was changed", count=len(entries))


class WrongValue(WrongUsage, ValueError):
    """One value of a setting cannot be used. Also a ValueError, so that pydantic takes it for an answer."""


class WrongConfiguration(WrongUsage):
    """callrec.toml or a CALLREC_ variable cannot be used."""


class Unreachable(CallrecError):
    """A part of the system does not answer, or does not let us in."""

    exit_code = 3


class PbxUnreachable(Unreachable):
    """Asterisk does not answer over ARI or AMI, or does not let us in."""


class StoreUnreachable(Unreachable):
    """The S3 server does not answer, or its bucket cannot be used."""


class NoBucket(StoreUnreachable):
    """The S3 server answers, and has no bucket of that name."""


class CatalogueUnreachable(Unreachable):
    """The database does not answer, or may not be used."""


class CatalogueOutdated(Unreachable):
    """The database answers, but its tables are missing, or those of another version of callrec."""


class CatalogueDamaged(CatalogueUnreachable):
    """The database answers, but a row of it makes no sense: it was changed by something else than callrec.

    The controller goes on as with a database that is away.
    """

    exit_code = 5


class CatalogueNewer(CatalogueOutdated):
    """The tables are those of a newer callrec: this one must not touch them."""


class AlertNotSent(Unreachable):
    """A mail server or a webhook did not take an alert."""


class Refused(CallrecError):
    """What was asked for could be done, but must not be."""

    exit_code = 4


class NotAllowed(Refused):
    """Who asked has no role for it, or no request that allows it.

    Written into the custody log wherever it is raised by an operation; `recording_id` is for that only.
    """

    recording_id = ""


class AlreadyThere(Refused):
    """An object of that key is in the bucket already; it was not touched."""


class EvidenceBroken(CallrecError):
    """Bytes, hashes or manifest of a recording do not agree."""

    exit_code = 5


class DemoFailed(CallrecError):
    """A part of the demo did not come up."""

    exit_code = 3
