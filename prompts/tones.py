"""Makes the shipped tones again from their frequencies: `make prompts`, or this file alone.

Alone, it also makes what the demo's PBX plays to callers on hold. What the tones mean is said by
callrec.model.tones.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray

from callrec.model.prompts import RATES
from callrec.model.tones import FOLDER, TONES, Steps
from callrec.prompts.measures import LOUDNESS_DBFS

AMPLITUDE = 32768 * 10 ** (LOUDNESS_DBFS / 20) * 2**0.5
EDGE_SECONDS = 0.005
"""How long a tone takes to begin and to end: one that does so at once clicks."""
HOLD: Steps = ((523, 0.6), (659, 0.6), (784, 0.6), (659, 0.6))


def samples(steps: Steps, rate: int) -> NDArray[np.int16]:
    """Returns the sound of a tone, 16 bit, at `rate` Hz."""
    return np.concatenate([_step(hertz, seconds, rate) for hertz, seconds in steps])


def _step(hertz: int, seconds: float, rate: int) -> NDArray[np.int16]:
    time = np.arange(round(seconds * rate)) / rate
    edge = np.clip(np.minimum(time, time[::-1]) / EDGE_SECONDS, 0, 1)
    return np.round(AMPLITUDE * edge * np.sin(2 * np.pi * hertz * time)).astype(np.int16)


def hold(path: Path) -> None:
    """Writes the music on hold of the demo."""
    soundfile.write(path, samples(HOLD, 8000) // 2, 8000, "PCM_16", format="WAV")


def main(folder: Path = Path(__file__).parent / FOLDER) -> None:
    """Writes every tone at every rate into `folder`."""
    folder.mkdir(exist_ok=True)
    for name, steps in TONES.items():
        for rate, ending in RATES.items():
            soundfile.write(folder / f"{name}.{ending}", samples(steps, rate), rate, "PCM_16", format="WAV")


if __name__ == "__main__":
    main()
    hold(Path(__file__).parents[1] / "asterisk/demo/hold.wav")
