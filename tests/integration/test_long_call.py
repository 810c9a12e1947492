"""A call of hours: as much memory as one of minutes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np

from tests.unit.wave import write_wav

_LONG = """
import re, sys
from pathlib import Path
import numpy as np
from callrec.spool.sound import Stretch, Wav, examine, join
folder = Path(sys.argv[1])
wav = Wav(folder / "long.wav")
join([Stretch(1, 0.0, wav, wav)], folder / "long.flac")
facts = examine(folder / "long.flac")
assert facts.frames == wav.frames
print(int(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) // 1024)
"""


def test_memory_does_not_grow_with_the_call(tmp_path: Path) -> None:
    """Half an hour and three hours need the same: everything is streamed. MB, of a process of its own."""
    peaks = []
    for minutes in (30, 180):
        samples = np.zeros(minutes * 60 * 8000, dtype=np.int16)
        samples[::50] = 1000
        write_wav(tmp_path / "long.wav", samples)
        done = subprocess.run(
            [sys.executable, "-c", _LONG, str(tmp_path)], capture_output=True, text=True, check=True
        )
        peaks.append(int(done.stdout))
    assert peaks[1] < 100, "the whole process, with its libraries"
    assert peaks[1] - peaks[0] < 10
