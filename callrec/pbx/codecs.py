"""Knows which codecs Asterisk can decode, by the modules it runs. What it cannot, it records as silence."""

from __future__ import annotations

import re
from collections.abc import Collection

DECODERS = {
    "ulaw": "codec_ulaw",
    "alaw": "codec_alaw",
    "g722": "codec_g722",
    "gsm": "codec_gsm",
    "g726": "codec_g726",
    "adpcm": "codec_adpcm",
    "ilbc": "codec_ilbc",
    "speex": "codec_speex",
    "lpc10": "codec_lpc10",
    "opus": "codec_opus",
    "codec2": "codec_codec2",
    "silk": "codec_silk",
    "siren7": "codec_siren7",
    "siren14": "codec_siren14",
    "g719": "codec_g719",
    "g723": "codec_g723",
    "g729": "codec_g729",
    "amr": "codec_amr",
    "evs": "codec_evs",
}
"""How the names of the modules begin that decode a codec, by how its own name begins (`speex16`, `g726aal2`).
What is not here is linear sound, which needs none, or no sound."""

NARROW = frozenset(
    {"ulaw", "alaw", "gsm", "g729", "g723", "g726", "g726aal2", "adpcm", "ilbc", "lpc10", "speex", "slin"}
)
"""The codecs of a telephone's band, of 8,000 samples a second."""


def named(told: str) -> tuple[str, ...]:
    """Returns the codecs that the PBX names in one word, such as ``(ulaw|alaw)``."""
    return tuple(re.findall(r"\w+", str(told)))


def are_narrow(codecs: Collection[str]) -> bool:
    """Returns whether there are codecs, and all of a telephone's band."""
    return bool(codecs) and NARROW.issuperset(codecs)


def is_decoded(codec: str, modules: Collection[str]) -> bool:
    """Returns whether a codec can be recorded by an Asterisk that runs these modules."""
    module = next((module for name, module in DECODERS.items() if codec.startswith(name)), "")
    return any(each.startswith(module) for each in modules)
