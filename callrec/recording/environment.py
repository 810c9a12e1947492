"""What the pure core is given: the rules in force, the announcements, new ids."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from callrec.model.prompts import Prompt
from callrec.model.rules import Decision
from callrec.model.tones import Tones
from callrec.policy.office import Office

Sound = tuple[Prompt, str]
"""A prompt and the name under which the PBX plays it."""


@dataclass(frozen=True, slots=True)
class Environment:
    """The office's rules, the prompts, and new ids."""

    office: Office
    prompts: Callable[[Decision], Sequence[Sound]]
    """The prompts of a decision, each with the name under which the PBX plays it."""
    tones: Tones
    new_id: Callable[[], str]
    pbx: str = "pbx"
    phone_dial: Callable[[str], str] = "PJSIP/{}".format
    """How the PBX dials the extension of a support phone that is called to help."""
