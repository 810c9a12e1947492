"""What the office's own papers are made of: the rules in force, the announcements, the keys."""

from __future__ import annotations

from dataclasses import dataclass

from callrec.desk.operation import Session, operation
from callrec.model.access import Role
from callrec.model.calls import FeatureCode
from callrec.model.prompts import Prompt
from callrec.policy.office import OfficeParts


@dataclass(frozen=True, slots=True)
class PolicyFacts:
    """What is in force now. None of it is about a call."""

    office: OfficeParts
    prompts: list[Prompt]
    codes: dict[FeatureCode, str]


@operation("policy text", Role.RULES, Role.MANAGER)
def policy_facts(session: Session, /) -> PolicyFacts:
    """Returns what papers of the office say: of all facilities, as a paper is about the whole office."""
    app = session.app
    return PolicyFacts(app.office_parts(), app.library.all(), app.settings.keys.codes)


@operation("policy card", Role.RULES, Role.MANAGER)
def card_facts(session: Session, /) -> PolicyFacts:
    """Returns what the cards of phones say."""
    return PolicyFacts(session.app.office_parts(), [], session.app.settings.keys.codes)
