"""Reads and writes the PBX's own database (AstDB), in the families whose names begin with ``callrec-``.

AMI lists it; the dialplan writes it, told by ARI: the right of AMI to write there would allow far more
(decision 16).
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Collection, Iterable, Iterator, Mapping
from types import TracebackType

from callrec.pbx.ami import Ami, AmiRefused
from callrec.pbx.ari import Ari
from callrec.pbx.events import OWN_PREFIX

PROBE = "callrec-probe"
"""The context of the dialplan, and the family, by which the PBX tells what it can read."""
STORE = "callrec-store"
"""The context of the dialplan that writes."""
FAMILIES = "callrec-"
"""How the names of the families begin that it writes: the dialplan puts that before them."""
FEW = 50
"""Up to how many keys are looked up one by one: a family of thousands takes seconds."""
BATCH_BYTES = 20_000
"""How much is written on one channel: Asterisk takes requests of 40 KB."""


class AstDb:
    """The PBX's database, for one short session of AMI. A context manager.

    Every method raises PbxUnreachable when the PBX does not answer in time, AmiRefused or AriRefused when it
    says no.
    """

    def __init__(self, ari: Ari, ami: Ami) -> None:
        self._ari, self._ami = ari, ami

    def __enter__(self) -> AstDb:
        self._ami.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ami.__exit__(kind, error, trace)

    def tree(self, family: str) -> dict[str, str]:
        """Returns all keys of a family, without its name, and their values."""
        return self._ami.tree(family)

    def write(self, family: str, entries: Mapping[str, str]) -> None:
        """Writes entries into a family, and reads it back: of what the dialplan does nothing is told."""
        for batch in _batches(family, entries):
            self._store("put", batch)
        there = self._there(family, entries)
        self._refuse(family, [key for key, value in entries.items() if there.get(key) != value])

    def delete(self, family: str, keys: Iterable[str]) -> None:
        """Removes keys from a family, those that are there, and reads it back."""
        gone = set(keys)
        for batch in _batches(family, dict.fromkeys(gone, "")):
            self._store("delete", batch)
        self._refuse(family, sorted(gone & self._there(family, gone).keys()))

    def reads(self, path: str) -> bool:
        """Returns whether the PBX itself can read a WAV. Its dialplan is asked, and nobody called."""
        probe = f"{OWN_PREFIX}probe-{secrets.token_hex(4)}"
        self._ari.run(f"s@{PROBE}", {"CALLREC_PROBE": probe, "CALLREC_PROBED": path})
        found = self.tree(PROBE).get(probe, "")
        self.delete(PROBE, [probe])
        return found == "1"

    def is_open_to_all(self) -> bool:
        """Returns whether the PBX runs functions that it calls dangerous, such as SHELL(), for whoever gives
        it commands (live_dangerously = yes). Reading this database is one that does no harm."""
        probe = f"{OWN_PREFIX}probe-{secrets.token_hex(4)}"
        self.write(PROBE, {probe: "1"})
        found = self._ami.value(f"DB({PROBE}/{probe})")
        self.delete(PROBE, [probe])
        return found == "1"

    def _store(self, step: str, batch: Mapping[str, str]) -> None:
        variables = {"CALLREC_COUNT": str(len(batch))}
        for number, (key, value) in enumerate(batch.items(), 1):
            variables |= {f"CALLREC_KEY_{number}": key, f"CALLREC_VALUE_{number}": value}
        self._ari.run(f"{step}@{STORE}", variables)

    def _there(self, family: str, keys: Collection[str]) -> dict[str, str]:
        """Returns the entries of a family, at least those of these keys."""
        if len(keys) > FEW:
            return self.tree(family)
        return {found: value for key in keys for found, value in self._ami.tree(family, key).items()}

    def _refuse(self, family: str, wrong: list[str]) -> None:
        if wrong:
            raise AmiRefused(
                "the PBX did not take {count} entries of its database, {key} is one of them: run "
                "callrec pbx install, then `dialplan reload` on the PBX",
                count=len(wrong),
                key=f"{family}/{wrong[0]}",
            )


def _batches(family: str, entries: Mapping[str, str]) -> Iterator[dict[str, str]]:
    """Yields the entries, as many at a time as go into one request, with the family in their keys as the
    dialplan wants it. A key with = would be cut there: it is left out, and so found not to be written."""
    batch: dict[str, str] = {}
    size = 0
    for key, value in entries.items():
        if "=" in key:
            continue
        bytes_ = len(json.dumps([key, value])) + len(f"{family}CALLREC_KEY_999CALLREC_VALUE_999")
        if batch and size + bytes_ > BATCH_BYTES:
            yield batch
            batch, size = {}, 0
        batch[f"{family.removeprefix(FAMILIES)}/{key}"] = value
        size += bytes_
    if batch:
        yield batch
