"""The words of a page on calls without a recording: for each reason, each limit, and each heading."""

from __future__ import annotations

from callrec.evidence.absence import Reason, Status

WORDS = {
    "absent title": "Statement that there is no recording of calls",
    "title": "Statement on recordings of calls",
    "asked": "1. What was asked about",
    "period": "time asked about",
    "until": "{begin} – {end}",
    "extension": "extension",
    "number": "number outside",
    "facility": "facility",
    "all": "all",
    "looked at": "calls that were looked at",
    "of facilities": "only those in which these facilities took part: {facilities}",
    "of all": "those of all facilities",
    "result": "2. Result",
    "calls": "3. Why each call has a recording or none",
    "id": "id of the call:",
    "terms": "The archive is where recordings are kept, locked until their time is over; the catalogue is "
    "the database that lists calls and recordings; the custody log says what was done with each recording, "
    "and an anchor, signed and kept in the archive, what the custody log was at that time. Rule 3@2 is rule "
    "3 in its version 2.",
    "rules": "4. The rules on recording of that time",
    "no_rules": "No rule applied. Without a rule, nothing is recorded.",
    "custody": "5. Whether the records are whole",
    "away": "6. Times in which callrec was away",
    "limits": "7. What this page cannot say",
    "date": "date",
    "name": "name of the person in charge",
    "seal": "seal",
    "verify": "8. How to verify this page",
    "verified": "Where the two SHA-256 values are the same, and the last line is Signature Verified "
    "Successfully, the page is, to the letter, as the office's callrec made it.",
    "how": "Within this page stands, signed by key {key}, what it says as data, and the SHA-256 of the page "
    "itself. The office gives out the public key as the file {key}.pem. With the page, that file and these "
    "commands anybody can verify it:",
    "made": "made on {moment}",
}
COLUMNS = {
    "no": "no.",
    "when": "began at",
    "direction": "direction",
    "extension": "extension",
    "number": "number",
    "outcome": "outcome",
    "announced": "announcement",
    "recorded": "recording",
}
OUTCOMES = {
    "none": "callrec knows of no such call in this time.",
    "absent": "In this time there were {count} such calls. Of none of them is there a recording.",
    "counts": "Such calls in this time: {count}. With a recording: {exists}. Without: {absent}. Not sure: "
    "{uncertain}.",
    "not sure": "It cannot be ruled out that there is a recording: see sections 5 and 7.",
}
REASONS = {
    Reason.KEPT: "It was recorded: the archive has recording {recording}, to be kept until {until}.",
    Reason.WAITING: "It was recorded: recording {recording} waits to be put into the archive.",
    Reason.IN_BUCKET: "The archive has a recording of it that the catalogue does not know: {key}.",
    Reason.STILL_THERE: "By the catalogue recording {recording} was destroyed at {at}, but the archive still "
    "has it.",
    Reason.BEING_DESTROYED: "It was recorded. The destruction of recording {recording}, whose time is over, "
    "was begun and is not finished.",
    Reason.MISSING: "By the catalogue the archive has recording {recording}, but it is not there.",
    Reason.UNPROVED: "By the catalogue recording {recording} was destroyed at {at}, but nothing that is "
    "signed says so.",
    Reason.DESTROYED: "It was recorded. Recording {recording} was destroyed at {at}, as its time was over: "
    "rule {rule} kept it until {until} (row {row} of the custody log).",
    Reason.LOST: "It was to be recorded, but its sound was lost; noticed at {at} (row {row} of the custody "
    "log).",
    Reason.NOT_OVER: "As far as is known, the call is not over yet.",
    Reason.UNANSWERED: "Nobody answered, so there was no talk to record.",
    Reason.NO_RULE: "No rule said that it was to be recorded.",
    Reason.NEVER: "Rule {rule} says that such calls are not recorded.",
    Reason.NO_KEY: "By rule {rule} such calls are recorded only from when staff press the key, and nobody "
    "pressed it.",
    Reason.KEY_REFUSED: "Staff pressed a key ({key}) at {at}; it was refused, as the rule does not allow it.",
    Reason.DISCARDED: "By rule {rule} such calls are kept only if staff press the key. Nobody pressed it, "
    "and what was recorded was destroyed at {at}.",
    Reason.DISCARD_WAITING: "By rule {rule} what was recorded is not to be kept; that it is destroyed is not "
    "confirmed yet.",
    Reason.UNANNOUNCED: "The announcement could not be played, and rule {rule} wants nothing recorded then: "
    "nothing was recorded from {at} on, and what was recorded before was destroyed.",
    Reason.FALLBACK_DESTROYED: "The PBX recorded it by itself while callrec was away. By rule {rule} it was "
    "not to be recorded, and what was recorded was destroyed.",
    Reason.AWAY: "callrec was away while this call was under way; the PBX handled it by itself.",
    Reason.NO_SOUND: "The call was over before there was anything to record.",
    Reason.DECIDED_ANEW: "From {at} on others talked, and rule {rule} decided: {mode}.",
    Reason.UNEXPLAINED: "Nothing on record says why there is no recording of it.",
}
WHY = {
    "incident": "It was recorded. Recording {recording} was destroyed at {at}, as its time was over: as "
    "that of an incident, rule {rule} kept it until {until} (row {row} of the custody log).",
    "person": "It was recorded. Recording {recording} was destroyed at {at}, as its time was over: it was "
    "kept until {until}, as somebody had decided (row {row} of the custody log).",
}
"""Why a recording was destroyed when it was, where it was not by the rule alone."""
KINDS = {
    Status.EXISTS: "there is one",
    Status.ABSENT: "none",
    Status.UNCERTAIN: "not sure",
}
FIELDS = {
    "not-shown": "not shown",
    "withheld": "withheld",
    "erased": "erased",
    "whole": "heard to its end",
    "in-part": "not heard to its end",
    "failed": "could not be played",
    "none": "none",
}
"""What stands in a cell: of a number, and of an announcement."""
COUNTS = {
    "whole": "The custody log, in which each row is bound to the one before, has {rows} rows and is whole.",
    "rows": "The custody log, in which each row is bound to the one before, has {rows} rows. Something is "
    "wrong with it:",
    "problem": "{problem}.",
    "known": "What was said of that: {note}.",
    "no anchors": "There is no anchor of it outside the database yet.",
    "anchors": "Anchors of it in the archive, signed and locked: {count}. These are the ones around the "
    "time asked about.",
    "fits": "the log agrees",
    "fits not": "the log does not agree",
    "at begin": "In force when the time asked about began.",
    "within": "Made within the time asked about.",
    "removed": "With this version the rule was taken out of force.",
    "earlier": "By this version calls above were decided.",
    "rule": "Rule {rule}: {words}",
    "changed": "Made at {at} by {who}.",
}
FINDINGS = {
    "pbx": "Calls that did not pass this PBX are not known to callrec.",
    "rows": "Calls whose rows were deleted from the database by somebody are not known to callrec. Of their "
    "recordings, the custody log, its anchors and the archive would still tell.",
    "caller id": "Numbers are as the network presented them. That a call was with another number than was "
    "presented is not known to callrec.",
    "first": "The first call that callrec knows of began at {at}: of any time before nothing is known.",
    "facilities": "Calls of other facilities than those named in section 1 were not looked at.",
    "ends later": "The time asked about was not over when this page was made.",
    "withheld": "Calls of this time without a number, as it was withheld: {count}. Whether one of them was "
    "with the number that was asked about is not known.",
    "erased": "Calls of this time whose numbers were erased, as their time was over: {count}, the last of "
    "them of {at}. Of these nothing can be said about the number.",
    "unreadable": "This cannot be read, and may be of a call that was asked about: {what}.",
    "away": "A call that the PBX handled while callrec was away, and of which the PBX left no line, is not "
    "known to callrec.",
    "not logged": "callrec keeps no record of its own running. What is known of times in which it was away "
    "comes from calls that the PBX handled meanwhile.",
    "no away": "Of no call in this time it is known that callrec was away.",
    "away call": "callrec was away: a call was under way {span}.",
    "running": "When this page was made, callrec was running, and its link to the PBX was up since {since}.",
    "link down": "When this page was made, callrec was running, and its link to the PBX was down since "
    "{since}.",
    "stopped": "When this page was made, callrec was not running.",
}
CHECKS = {
    "key": "object",
    "made": "made at",
    "rows": "rows of the log",
    "fits": "comparison",
}
"""The columns of the table of anchors."""
