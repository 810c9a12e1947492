"""Makes the shipped announcements again from their words, and the tones: `make prompts`.

Japanese is spoken by the HTS voice "Mei" through pyopenjtalk-plus, which ships voice and dictionary. That
voice speaks no English, so the English announcement is spoken by eSpeak NG (Debian: espeak-ng). callrec
itself needs neither.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pyopenjtalk
import soundfile
import tones

from callrec.prompts import Library

MEI = 'HTS Voice "Mei" (c) 2009-2013 Nagoya Institute of Technology / MMDAgent Project'
MEI_LICENCE = "CC BY 3.0"
ESPEAK = "eSpeak NG, voice en-us"
ESPEAK_LICENCE = "the sound is free of licence; the program is GPL-3.0-or-later"
PAUSE_SECONDS = 0.3

JAPANESE = {"notice": "この通話は、品質向上のため録音させていただく場合がございます。"}
ENGLISH = {"notice": "This call may be recorded for quality improvement."}


def japanese(text: str, target: Path) -> None:
    wave, rate = pyopenjtalk.tts(text, speed=0.95)
    pause = np.zeros(int(rate * PAUSE_SECONDS))
    soundfile.write(target, np.concatenate([pause, wave / 32768, pause]), rate)


def english(text: str, target: Path) -> None:
    subprocess.run(["espeak-ng", "-v", "en-us", "-s", "140", "-g", "3", "-w", target, text], check=True)


def main() -> None:
    library = Library(Path(__file__).parent)
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "spoken.wav"
        for name, text in JAPANESE.items():
            japanese(text, source)
            library.add(source, name=name, language="ja", text=text, voice=MEI, licence=MEI_LICENCE)
        for name, text in ENGLISH.items():
            english(text, source)
            library.add(source, name=name, language="en", text=text, voice=ESPEAK, licence=ESPEAK_LICENCE)
    tones.main()
    for prompt in library.all():
        sys.stdout.write(f"{prompt.language} {prompt.name}: {prompt.seconds:.1f} s {prompt.text}\n")


if __name__ == "__main__":
    main()
