"""Speaks Japanese words: the HTS voice "Mei" by pyopenjtalk-plus, which brings voice and dictionary.

It is the voice of the announcements that come with callrec. The library is an extra of callrec (`prompts`):
what is spoken is a file of sound as any other from then on, and recording calls needs none of it.
"""

from __future__ import annotations

import re
import unicodedata
from contextlib import redirect_stdout
from io import BytesIO, StringIO
from types import ModuleType

import numpy as np
import soundfile

from callrec.errors import WrongUsage
from callrec.prompts.decoder import LONGEST_SECONDS, Sound

LANGUAGE = "ja"
MEI = 'HTS Voice "Mei" (c) 2009-2013 Nagoya Institute of Technology / MMDAgent Project'
LICENCE = "CC BY 3.0"
SPEED = 0.95
"""Of the voice's own: it speaks rather fast for somebody who does not expect a machine."""
PAUSE_S = 0.3
"""Silence before and after the words."""
MOST_SIGNS = round(10 * LONGEST_SECONDS)
"""It speaks six to eight signs a second: more of them are too long in any case, and take long to speak."""
_SPOKEN = re.compile("[ァ-ヺＡ-Ｚａ-ｚ]")
"""What is heard of a reading."""
_SILENT = ("P", "Z", "Sm")
"""Kinds of signs of which nothing is to be heard: marks, blanks, the wave and the minus. Of others nothing is
heard either, though something should be."""


def reading_of(words: str) -> str:
    """Returns how the voice reads words, in katakana.

    Raises WrongUsage for what it cannot read, and where the voice is not installed.
    """
    if len(words) > MOST_SIGNS:
        raise WrongUsage("the words are too long: an announcement may last 60 s at most")
    read: str = _library().g2p(words, kana=True, predict_nani=False)
    hidden = [sign for sign in words if unicodedata.category(sign).startswith("C")]  # it may stop at them
    unread = hidden + [sign for sign in read if not _is_readable(sign)]
    if unread or not _SPOKEN.search(read):
        found = "".join(dict.fromkeys(unread)) or words
        raise WrongUsage("the voice cannot read {signs}: it speaks Japanese", signs=found)
    return read


def spoken(words: str) -> Sound:
    """Returns the sound of words that `reading_of` can read."""
    wave, rate = _library().tts(words, speed=SPEED, predict_nani=False)
    pause = np.zeros(round(rate * PAUSE_S))
    samples = np.concatenate([pause, wave / 32768, pause]).astype(np.float32)
    return Sound(samples.reshape(-1, 1), rate, "pcm_s16le")


def as_wav(sound: Sound) -> bytes:
    """Returns a sound as a WAV of 16 bit, to be added like any other file."""
    made = BytesIO()
    soundfile.write(made, sound.samples, sound.rate, format="WAV", subtype="PCM_16")
    return made.getvalue()


def _is_readable(sign: str) -> bool:
    return bool(_SPOKEN.match(sign)) or sign == "ー" or unicodedata.category(sign).startswith(_SILENT)


def _library() -> ModuleType:
    try:
        with redirect_stdout(StringIO()):  # it prints that a library is missing which we do without
            import pyopenjtalk
    except ImportError as error:
        raise WrongUsage(
            "the voice is not installed: pip install 'callrec[prompts]' into the environment of callrec"
        ) from error
    return pyopenjtalk
