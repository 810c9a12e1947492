"""What the core is given: the rules in force, prompts, tones, new ids. `callrec.app` makes it."""

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
    """What a call needs and cannot make for itself. A change of the rules replaces it for calls to come."""

    office: Office
    prompts: Callable[[Decision], Sequence[Sound]]
    """Returns the prompts of a decision. Raises CallrecError where one is missing."""
    tones: Tones
    new_id: Callable[[], str]
    """Makes an id of a call or a recording: a UUID of version 7 (decision 6)."""
    pbx: str = "pbx"
    """The short name of the PBX, from the settings."""
    phone_dial: Callable[[str], str] = "PJSIP/{}".format
    """How the PBX dials the extension of a support phone that is called to help."""
    test_days: int = 1
    """How long the recording of a test call is kept, in days."""
