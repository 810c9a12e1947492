"""The office in which examples and the commands of the documents are run."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from callrec.app import App
from tests.example_lines import lay_out
from tests.unit.bench import PROMPTS, Bench, Sources
from tests.unit.evidence import packages
from tests.unit.program import Done
from tests.unit.samples import RECORDING_ID


@pytest.fixture
def example_office(
    run: Callable[..., Done],
    bench: Bench,
    empty_office: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Callable[..., Done]:
    """The program of an office, with the files that are named, and a sound card that writes what is played
    into a file."""
    for name, value in {
        "AUDIODRIVER": "disk",
        "DISKAUDIOFILE": str(tmp_path / "played"),
        "DISKAUDIODELAY": "0",
    }.items():
        monkeypatch.setenv(f"SDL_{name}", value)
    text = (empty_office / "callrec.toml").read_text("utf-8").replace(str(empty_office), str(tmp_path))
    (tmp_path / "callrec.toml").write_text(text.replace("/c.db", "/catalogue.db"), "utf-8")
    packages.keys_of_bench(tmp_path / "bench-keys")
    monkeypatch.setenv("CALLREC_EVIDENCE__KEYS", str(tmp_path / "bench-keys"))
    monkeypatch.setenv("CALLREC_PROMPTS__DIRECTORY", str(tmp_path / "prompts"))
    shutil.copytree(PROMPTS, tmp_path / "prompts")
    monkeypatch.setattr(App, "store", bench.store)
    (tmp_path / "PUB.pem").write_bytes(Sources.key.public_pem())
    lay_out(tmp_path, RECORDING_ID, (PROMPTS / "ja/notice.wav").read_bytes())
    return run
