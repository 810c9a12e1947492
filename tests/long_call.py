"""How much memory the joining of a call's tracks takes, measured in a process of its own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np

from tests.unit.wave import write_wav

_JOIN = """
import re, sys
from pathlib import Path
from callrec.spool.sound import SegmentSound, Wav, examine, join
folder = Path(sys.argv[1])
wav = Wav(folder / "long.wav")
join([SegmentSound(1, 0.0, wav, wav)], folder / "long.flac")
facts = examine(folder / "long.flac")
assert facts.frames == wav.frames
print(int(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) // 1024)
"""


def peak_megabytes(minutes: int, folder: Path) -> int:
    """The most memory (MB) the whole process takes that joins two tracks of so many minutes, and hashes
    the result."""
    samples = np.zeros(minutes * 60 * 8000, dtype=np.int16)
    samples[::50] = 1000
    write_wav(folder / "long.wav", samples)
    command = [sys.executable, "-c", _JOIN, str(folder)]
    return int(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
