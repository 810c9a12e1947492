"""Tones (placeholder for the merge)."""

from callrec.model import Effect

BEEP = "tone:!1400/200"


def media(effect: Effect) -> str:
    return "tone:!880/150"
