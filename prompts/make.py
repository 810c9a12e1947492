"""Makes the shipped announcements again from their words, and the tones: `make prompts`.

Japanese is spoken by callrec's own voice (callrec.prompts.voice). It speaks no English, so the English
announcement is spoken by eSpeak NG (Debian: espeak-ng). callrec itself needs neither.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import tones

from callrec.model.prompts import RATES
from callrec.prompts import voice
from callrec.prompts.library import INDEX, Library
from callrec.prompts.playable import playable
from callrec.prompts.wordings import SHIPPED

HERE = Path(__file__).parent
ESPEAK = "eSpeak NG, voice en-us"
ESPEAK_LICENCE = "the sound is free of licence; the program is GPL-3.0-or-later"

ENGLISH = {"notice": "This call may be recorded for quality improvement."}


def japanese(text: str, target: Path) -> None:
    target.write_bytes(voice.as_wav(voice.spoken(text)))


def english(text: str, target: Path) -> None:
    subprocess.run(["espeak-ng", "-v", "en-us", "-s", "140", "-g", "3", "-w", target, text], check=True)


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        source, library = Path(folder) / "spoken.wav", Library(Path(folder) / "library")
        for name, text in SHIPPED.items():
            japanese(text, source)
            terms = {"voice": voice.MEI, "licence": voice.LICENCE}
            library.add(playable(source), name=name, language=voice.LANGUAGE, text=text, **terms)
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
