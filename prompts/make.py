"""Makes the shipped announcements again from their words, and the tones: `make prompts`.

Japanese is spoken by the HTS voice "Mei" through pyopenjtalk-plus, which ships voice and dictionary. That
voice speaks no English, so the English announcement is spoken by eSpeak NG (Debian: espeak-ng). callrec
itself needs neither.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pyopenjtalk
import soundfile
import tones

from callrec.model.prompts import RATES
from callrec.prompts.library import INDEX, Library
from callrec.prompts.playable import playable

HERE = Path(__file__).parent
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
    with tempfile.TemporaryDirectory() as folder:
        source, library = Path(folder) / "spoken.wav", Library(Path(folder) / "library")
        for name, text in JAPANESE.items():
            japanese(text, source)
            terms = {"voice": MEI, "licence": MEI_LICENCE}
            library.add(playable(source), name=name, language="ja", text=text, **terms)
        for name, text in ENGLISH.items():
            english(text, source)
            terms = {"voice": ESPEAK, "licence": ESPEAK_LICENCE}
            library.add(playable(source), name=name, language="en", text=text, **terms)
        ship(library)
    tones.main()


def ship(library: Library) -> None:
    """Puts the announcements of a library here, in files that are called like them."""
    for prompt in library.all():
        (HERE / prompt.language).mkdir(exist_ok=True)
        for rate, ending in RATES.items():
            shutil.copy(library.file(prompt, rate), HERE / prompt.language / f"{prompt.name}.{ending}")
        sys.stdout.write(f"{prompt.language} {prompt.name}: {prompt.seconds:.1f} s {prompt.text}\n")
    lines = (library.directory / INDEX).read_text("utf-8").splitlines(keepends=True)
    (HERE / INDEX).write_text("".join(each for each in lines if not each.startswith("file = ")), "utf-8")


if __name__ == "__main__":
    main()
