"""No length, order or wait is made of a clock that may be set, but where it is known what follows from that.

Whoever subtracts two moments, compares them, or asks what time it is, stands in a table here with the reason
why a clock that was set meanwhile does no harm there. Lengths of what clocks tell are `moments.lasted`, the
moments of calls are made by `controller/steady_time`, and who waits goes by `time.monotonic` (decision 22).
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import callrec
from tests.parsed import tree_of

ROOT = Path(callrec.__file__).parent
MOMENT = re.compile(
    r"(^|_)(at|now|since|until|moment|heard|newest|stamp|zero|stamp|told|last)$|^_?(begin|began|begun|end|ended|now|clock)$"
)
ASKS = {"datetime.now", "datetime.utcnow", "datetime.today", "date.today", "time.time", "time.time_ns"}
ASKED_BY = {each.rpartition(".")[2] for each in ASKS}

SUBTRACTED = {
    "in the time of calls, which goes on steadily: what it is, is made there": {
        "controller/controller.py:problems",
        "controller/steady_time.py:*",
        "fallback/adoption.py:_is_doubtful",
        "fallback/journal.py:dated",
        "fallback/journal_calls.py:_talk",
        "fallback/journal_reader.py:_going_on",
        "model/calls.py:could_not_be_played",
        "pbx/events.py:key_press",
        "recording/*",
        "spool/announcement_check.py:_found",
    },
    "clocks are compared here, or what can be true of them": {
        "doctor/clocks.py:_differences",
        "health/clock_watch.py:*",
        "lifecycle/destruction.py:require_clocks",
        "moments.py:*",
    },
    "what cannot be is left out: a jump costs no silence, and a track that is too long is not cut": {
        "spool/placement.py:_after",
        "spool/placement.py:_segment_sound",
        "spool/placement.py:ends",
        "spool/placement.py:is_unplaced",
        "spool/placement.py:lead",
        "spool/placement.py:since_begin",
        "spool/recording_builder.py:_with_end",
    },
    "and no longer than a while by the monotonic clock": {"spool/tracks.py:_may_be_written"},
    "by the clock that is behind all others, or by dates that somebody has set: nothing waits": {
        "lifecycle/destruction.py:_outcome",
        "lifecycle/keeping.py:*",
        "lifecycle/protection.py:_lock",
        "lifecycle/purge.py:_stopped",
    },
    "between dates that were written down, to show or to verify them: nothing waits, nothing is made of it": {
        "archive/trial.py:_check_lock",
        "catalogue/calls.py:place",
        "catalogue/packing.py:_moment",
        "commands/*",
        "evidence/*",
        "prompts/index.py:spoken",
        "prompts/library.py:_replaced",
    },
    "dates of rules, by the time that a call has": {
        "desk/operations/rules.py:*",
        "policy/*",
        "rulebook/*",
    },
    "told to people for a day: a clock that is set tells it for less or more": {
        "spool/flaws.py:*",
    },
    "which lane takes a recording: all lanes come to it": {"archive/archiver.py:_is_short"},
    "a person is told, and nothing is done: of what is destroyed nothing depends on it": {
        "health/detail_records.py:read",
    },
    "rows are made minutes later or sooner, as the S3 server's clock tells": {
        "health/filed_look.py:_young",
    },
    "what may be of a call that goes on is destroyed at a later look": {
        "health/differences.py:_may_yet_be_kept",
    },
    "what may be of another spool is for a person, also where the clock was not set when this one was made": {
        "health/differences.py:_may_be_saved",
    },
    "in both directions, and for a quarter of an hour: --new-pbx goes round it": {
        "controller/pbx_identity.py:_refuse_another",
    },
    "from a minute before the call began to its end: the linked id says which": {
        "catalogue/pbxs.py:has_call"
    },
    "seconds of sound, or of the monotonic clock": {
        "alerts/alerter.py:_told_to_nobody",
        "archive/conversion.py:_copy",
        "demo/*",
        "desk/*",
        "prompts/measures.py:*",
        "spool/prompt_search.py:*",
        "archive/attempts.py:problems",
        "controller/ownership.py:_stands_still",
        "health/backlog.py:problems",
        "health/course.py:_away",
        "health/disk_forecast.py:full_in",
        "health/stored_names.py:_whole",
        "health/teller.py:_try",
        "pbx/dialplan.py:_at_gate",
        "spool/absences.py:said",
        "worker.py:busy_for",
    },
}
ASKED = {
    "the clock of this machine, for those who compare it or write it down": {
        "app/base.py:now",
        "archive/discarder.py:*",
        "archive/endings.py:*",
        "archive/recordings.py:_catalogue",
        "commands/*",
        "controller/controller.py:__init__",
        "controller/controller.py:_link",
        "prompts/library.py:*",
        "app/standing.py:_status",
        "spool/recording_builder.py:_manifest",
    },
    "given as the clock of a part, which others may replace": {
        "alerts/delivery_worker.py:__init__",
        "controller/steady_time.py:__init__",
        "health/clock_watch.py:__init__",
        "health/odd_events.py:__init__",
        "problems.py:__init__",
        "spool/tracks.py:__init__",
    },
    "for a lock, after the S3 server's clock was compared with ours": {
        "archive/deposit.py:put",
        "archive/s3.py:_is_apart",
        "evidence/placing.py:place",
        "evidence/statements.py:*",
    },
    "for who reads it: the server of mail or of a webhook": {
        "alerts/mail.py:*",
        "alerts/webhook.py:*",
    },
    "how long something is shown, or looked for": {
        "desk/operations/reconcile.py:_is_fresh",
        "health/metrics.py:archived",
        "evidence/keys.py:*",
        "evidence/lost_commits.py:*",
        "spool/flaws.py:*",
    },
    "which entries of the copy of the rules hold now: they are compared again every minute": {
        "fallback/rule_mirror.py:*",
    },
    "made of how long a channel is there, as the PBX tells": {"pbx/ami.py:*"},
}


@cache
def _places() -> list[tuple[str, ast.AST]]:
    """All that is subtracted, compared or called, by its file and function."""
    return [
        (f"{path.relative_to(ROOT).as_posix()}:{function}", node)
        for path in sorted(ROOT.rglob("*.py"))
        for function, node in _nodes(tree_of(path), "")
        if isinstance(node, (ast.BinOp, ast.Compare, ast.Call))
    ]


def _nodes(inside: ast.AST, function: str) -> Iterator[tuple[str, ast.AST]]:
    """Everything within a node, with the function that it is in."""
    waiting = [(inside, function)]
    while waiting:
        outer, function = waiting.pop()
        for node in ast.iter_child_nodes(outer):
            own = node.name if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) else function
            yield own, node
            waiting.append((node, own))


def _is_moment(node: ast.AST) -> bool:
    match node:
        case ast.Attribute(attr=name) | ast.Name(id=name):
            return bool(MOMENT.search(name))
        case ast.Call(func=ast.Name(id="max" | "min"), args=given):
            return any(map(_is_moment, given))
        case ast.Call(func=called):
            return _is_moment(called)
        case ast.BoolOp(values=values):
            return any(map(_is_moment, values))
        case ast.IfExp(body=body, orelse=other):
            return _is_moment(body) or _is_moment(other)
    return False


def _is_of_the_database(node: ast.AST) -> bool:
    return any(isinstance(each, ast.Attribute) and each.attr == "c" for each in ast.walk(node))


def _subtracts(node: ast.AST) -> bool:
    match node:
        case ast.BinOp(op=ast.Sub(), left=left, right=right):
            return _is_moment(left) and _is_moment(right)
        case ast.Compare(
            left=left, ops=[ast.Lt() | ast.LtE() | ast.Gt() | ast.GtE(), *_], comparators=others
        ):
            both = _is_moment(left) and any(map(_is_moment, others))
            return both and not _is_of_the_database(node)
    return False


def _asks(node: ast.AST) -> bool:
    return isinstance(node, ast.Call) and _last_name(node.func) in ASKED_BY and ast.unparse(node.func) in ASKS


def _last_name(function: ast.expr) -> str:
    return function.attr if isinstance(function, ast.Attribute) else ""


def _fits(place: str, permitted: str) -> bool:
    return place == permitted or (permitted.endswith("*") and place.startswith(permitted[:-1]))


def _check(found: set[str], table: dict[str, set[str]]) -> None:
    permitted = {each for places in table.values() for each in places}
    unknown = {place for place in found if not any(_fits(place, each) for each in permitted)}
    assert not unknown, "say why a clock that is set does no harm there, or use moments.lasted"
    unused = {each for each in permitted if not any(_fits(place, each) for place in found)}
    assert not unused, "nothing of the kind is there any more"


def test_whoever_makes_something_of_two_moments_says_why_no_clock_does_harm() -> None:
    _check({place for place, node in _places() if _subtracts(node)}, SUBTRACTED)


def test_whoever_asks_what_time_it_is_says_what_for() -> None:
    _check({place for place, node in _places() if _asks(node)}, ASKED)


def test_a_length_of_two_moments_is_found() -> None:
    """However it is written."""
    for line in (
        "datetime.now(UTC) - alert.at",
        "self._now() - (first_at or x.at)",
        "(a.ended_at - begin).total_seconds()",
        "max(a.started_at, b.started_at) < track.finished_at",
    ):
        assert any(_subtracts(node) for node in ast.walk(ast.parse(line))), line
    assert not any(_subtracts(node) for node in ast.walk(ast.parse("calls.c.started_at < scope.end")))
    assert any(_asks(node) for node in ast.walk(ast.parse("x = datetime.now(UTC)")))
