"""Checks that what is to be announced can be played."""

from __future__ import annotations

from contextlib import suppress

from callrec.doctor.check import Check, Checkup
from callrec.errors import CheckFailed, NotFound, PbxUnreachable
from callrec.language import translated as _
from callrec.model.rules import Announce, Mode, Rule


def _prompts(checkup: Checkup) -> str:
    prompts = checkup.app.library.all()
    if not prompts:
        raise CheckFailed("there is no announcement: callrec prompt add")
    for prompt in prompts:
        checkup.app.library.check(prompt)
    checkup.app.library.check_tones()
    _check_that_the_pbx_reads(checkup)
    return ", ".join(f"{prompt.name} ({prompt.language})" for prompt in prompts)


def _check_that_the_pbx_reads(checkup: Checkup) -> None:
    """Checks it on the PBX, if that answers: it may see other folders than callrec, or with fewer rights."""
    unread: list[str] = []
    with suppress(PbxUnreachable), checkup.app.astdb() as astdb:  # another check tells that
        unread = [path for path in checkup.app.library.pbx_files() if not astdb.reads(path)]
    if unread:
        raise CheckFailed(
            "the PBX cannot read {count} sounds of the library, {path} is one of them: check "
            "prompts.pbx_directory, and that the user of Asterisk may read that folder",
            count=len(unread),
            path=unread[0],
        )


def _announced(checkup: Checkup) -> str:
    """Checks that every prompt that a rule may have played is there, in each language and at each rate."""
    rules = [rule for rule in checkup.office().rules if _may_announce(rule)]
    for rule in rules:
        for language in rule.languages:
            _check_prompt_of(checkup, rule, language)
    return _("{count} rules with an announcement").format(count=len(rules))


def _may_announce(rule: Rule) -> bool:
    return rule.mode is not Mode.NEVER and rule.announce is not Announce.NONE


def _check_prompt_of(checkup: Checkup, rule: Rule, language: str) -> None:
    try:
        checkup.app.library.check(checkup.app.library.get(rule.prompt, language))
    except NotFound as error:
        raise CheckFailed(
            "rule {rule} announces with prompt {name} in language {language}, which is not there: "
            "callrec prompt add FILE --name {name} --language {language} --text …",
            rule=rule.id,
            name=rule.prompt,
            language=language,
        ) from error


CHECKS: tuple[Check, ...] = (
    ("announcements", _prompts),
    ("announcements of the rules", _announced),
)
