"""Has the words for what callrec knows: why a call is recorded or not, what keys did, what was done since.

As an admin can read them out; English, to be translated when they are shown. What is said of a rule and of a
call as a whole is in rulebook.explanation.
"""

from __future__ import annotations

from callrec.durations import whole_years
from callrec.language import translated
from callrec.model.access import Role, Through
from callrec.model.alerts import AlertState
from callrec.model.calls import FeatureCode, KeyResult, Note
from callrec.model.captures import RetainedBecause, SilenceReason
from callrec.model.flaws import Flaw
from callrec.model.requests import RequestKind, RequestState
from callrec.model.rules import Announce, Decision, Holidays, Mode, Scope, Unannounced
from callrec.visible import filled

REASONS = {
    "no-rule": "no rule applies to this call, so it is not recorded",
    "never": "rule {rule} says never, which beats every other rule",
    "everywhere": "rule {rule} for everywhere applies",
    "facility": "rule {rule} for the facility applies",
    "extension": "rule {rule} for the extension applies",
    "caller": "rule {rule} for the caller's number applies",
    "found": "callrec's account of the call was lost; its sound was found on the PBX",
    "test-call": "a test call is always recorded, whatever the rules say",
}

WHY = {
    "won": "applies",
    "never-beats-all": "lost: a rule that says never beats it",
    "narrower-scope": "lost: a rule with a narrower scope beats it",
    "higher-priority": "lost: a rule with a higher priority beats it",
    "newer": "lost: a newer rule beats it",
    "other-direction": "does not apply: it is for calls of another direction",
    "not-yet": "does not apply yet: it begins later",
    "over": "no longer applies: it has ended",
    "other-hours": "does not apply: it is for other weekdays or hours",
    "on-holiday": "does not apply: it is not for public holidays",
    "no-holiday": "does not apply: it is for public holidays only",
    "at-gate": "decided at the gate, by the number dialled; the extension that answers decides the mode",
}

SCOPES = {
    Scope.EVERYWHERE: "everywhere",
    Scope.FACILITY: "facility {target}",
    Scope.EXTENSION: "extension {target}",
    Scope.CALLER: "number outside {target}",
}

HOLIDAYS = {
    Holidays.INCLUDE: "",
    Holidays.EXCLUDE: "not on public holidays",
    Holidays.ONLY: "on public holidays only",
}

ANNOUNCEMENTS = {
    Announce.BEFORE_CONNECT: "before the phone rings",
    Announce.ON_START: "at the start, heard by both",
    Announce.NONE: "none",
}

UNANNOUNCED = {
    Unannounced.RECORD: "recorded all the same",
    Unannounced.DISCARD: "not recorded",
}

WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")

MODES = {
    Mode.NEVER: "not recorded",
    Mode.MANUAL: "recorded when staff press the key",
    Mode.STANDBY: "kept only if staff press the key",
    Mode.AUTOMATIC: "recorded automatically",
}

ACTIONS = {
    "captured": "captured",
    "spooled": "put into the spool",
    "archived": "put into the archive and read back",
    "heard": "heard",
    "drawn": "drawn as a picture",
    "fetched": "fetched",
    "exported": "exported",
    "linked": "a link was given",
    "redacted": "a file with parts covered was made",
    "absence-stated": "a page on calls without a recording was made",
    "handed-over": "a copy was handed over",
    "refused": "refused: no role for it",
    "verified": "verified: whole and untouched",
    "broken": "does not verify",
    "lost": "lost",
    "found-again": "found again: the PBX has its sound after all",
    "to-be-held": "to be put under legal hold",
    "held": "put under legal hold",
    "to-be-released": "to be released from legal hold",
    "released": "released from legal hold",
    "to-be-retained": "to be kept longer",
    "retained": "kept longer",
    "to-be-marked": "to be marked as an incident",
    "marked-incident": "marked as an incident",
    "cleared-incident": "no longer marked as an incident",
    "noted": "a note was written",
    "request-opened": "a request was opened",
    "request-approved": "the request was approved",
    "request-refused": "the request was not approved",
    "request-closed": "the request was closed",
    "added": "listed in a request",
    "copy-returned": "the copy came back",
    "copy-destroyed": "the copy was destroyed",
    "copy-mistaken": "withdrawn: the copy was written down by mistake",
    "destruction-begun": "its time is over: its destruction was begun",
    "destruction-withdrawn": "is to be kept: its destruction was called off before anything was deleted",
    "destroyed": "destroyed: all versions deleted, and looked for again",
    "rebuilt": "taken into the catalogue again, from the bucket",
    "came-back": "came back with an old spool: destroyed there, too",
    "erased": "numbers and names taken out of calls",
    "key-made": "a key to sign with was made",
    "backed-up": "a backup was made",
    "restored": "the catalogue was put back from a backup",
}
"""Steps of the custody log, and the states they lead to."""

ROLES: dict[str, str] = {
    Role.RULES: "in charge of rules",
    Role.HANDLER: "handler",
    Role.MANAGER: "manager",
    Role.AUDITOR: "auditor",
}

WAYS: dict[str, str] = {
    Through.DESK: "through the desk",
    Through.DIRECT: "directly",
}

REQUEST_KINDS = {
    RequestKind.DISCLOSURE: "disclosure",
    RequestKind.POLICE: "police",
    RequestKind.COURT: "court",
    RequestKind.INTERNAL: "inside the office",
    RequestKind.AUDIT: "audit",
}

REQUEST_STATES = {
    RequestState.OPEN: "not decided yet",
    RequestState.APPROVED: "approved",
    RequestState.REFUSED: "not approved",
    RequestState.HANDED_OVER: "handed over",
    RequestState.RETURNED: "returned",
    RequestState.CLOSED: "closed",
}

RETAINED_BECAUSE = {
    RetainedBecause.RULE: "as the rule says",
    RetainedBecause.INCIDENT: "as the rule says of incidents",
    RetainedBecause.PERSON: "as somebody decided",
}

OUTCOMES_OF_DESTRUCTION = {
    "would-destroy": "would be destroyed",
    "destroyed": "destroyed",
    "held": "stays: legal hold",
    "locked": "stays: locked for longer",
    "failed": "could not be destroyed",
}
"""What becomes of a recording whose time is over."""

FEATURES = {
    FeatureCode.KEEP: "record or keep",
    FeatureCode.STOP: "stop",
    FeatureCode.PAUSE: "pause",
    FeatureCode.HELP: "help",
}

KEY_RESULTS = {
    KeyResult.STARTED: "recording began",
    KeyResult.KEPT: "the whole call is kept",
    KeyResult.MARKED: "the call was marked",
    KeyResult.STOPPED: "recording stopped",
    KeyResult.PAUSED: "the pause began",
    KeyResult.RESUMED: "the pause ended",
    KeyResult.HELP_SENT: "help was called",
    KeyResult.UNCHANGED: "it was so already",
    KeyResult.REFUSED: "refused",
}

GAP_REASONS = (
    "the other party changed",
    "the recorded party left the call",
    "callrec took the recording over from the dialplan",
    "it ended before it had begun",
    "the PBX did not begin to record within 3 s",
)
"""Why sound is missing, where callrec says so itself; what else stands there is the PBX's word."""
SPOKEN = {"ja": "Japanese", "en": "English", "zh": "Chinese", "ko": "Korean"}
"""The languages of announcements; an office may have more."""
SILENCE_REASONS = {
    SilenceReason.PRIVACY: "staff pressed the pause key",
    SilenceReason.STOP: "staff pressed the stop key",
    SilenceReason.NEVER: "a rule says never for those who talked then",
}

FLAWS = {
    Flaw.NOT_RECORDED: "{count} calls of the last day should have been recorded and were not, the latest is "
    "{call}: see callrec show and callrec doctor",
    Flaw.NO_SOUND: "a side of the recording has no sound in {count} calls of the last day, "
    "the latest is {call}: see callrec show",
    Flaw.ANNOUNCEMENT_FAILED: "the PBX could not play the announcement in {count} calls of the last day, "
    "the latest is {call}: see callrec doctor",
    Flaw.REBUILT: "{count} calls, or what was said of them, were missing from the database and "
    "were taken from the bucket again within the last day, the latest is {call}: was the database restored?",
    Flaw.ANNOUNCEMENT_NOT_FOUND: "the announcement was played, but not found in the recording, in {count} "
    "calls of the last day, the latest is {call}: see callrec show",
}

ALERT_STATES = {
    AlertState.SENT: "sent {sent} ({tries} tries)",
    AlertState.WAITING: "not sent yet ({tries} tries)",
    AlertState.GIVEN_UP: "could not be sent ({tries} tries)",
}


def note(each: Note) -> str:
    """Returns what a note says, in the language of this process; as it is stored where it lacks a value."""
    try:
        return filled(translated(each.template), each.values)
    except (LookupError, ValueError, AttributeError):
        return each.template


def reason(decision: Decision) -> str:
    """Returns one sentence that says which rule decided."""
    return translated(REASONS[decision.reason]).format(rule=rule_name(decision.rule, decision.version))


def rule_name(rule: int | None, version: int | None) -> str:
    """Returns a rule as it is named everywhere: ``12@3`` is the third version of rule 12."""
    return "—" if rule is None else f"{rule}@{version}"


def days_in_words(days: int) -> str:
    """Returns how many days something is kept; as years where it was written as years (366 are one)."""
    years = whole_years(days)
    if not years:
        return translated("{days} days").format(days=days)
    return translated("1 year") if years == 1 else translated("{years} years").format(years=years)


def seconds_in_words(seconds: int) -> str:
    """Returns a time between two tones."""
    return translated("{seconds} s").format(seconds=seconds)
