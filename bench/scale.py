"""How callrec grows past one machine, by simulation: python -m bench.scale [--write]

Simulates the two busiest hours of a working day for offices of 3,000, 30,000 and 300,000 extensions: calls
come at random (Poisson) as an office's day has them, and last as calls do (log-normal). What each costs a
part is measured, as docs/benchmarks has it. Prints how busy each part is, how many PBXs that takes, and
which part is full first; with --write the tables of docs/scale.md are made again.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from statistics import median

import numpy as np

from bench.queueing import at_once, lengths, lines_for, poisson, waits

PAGE = Path(__file__).parent.parent / "docs" / "scale.md"
RESULTS = Path(__file__).parent.parent / "docs" / "benchmarks"
SIZES = (3_000, 30_000, 300_000)
CALLS_A_DAY, WORKING_DAYS, MEAN_SECONDS, SPREAD = 4.0, 245, 180.0, 1.2
"""Calls of an extension each working day; how long they are, and the spread of the logarithm of that."""
BUSY = (0.16, 0.17)
"""The share of a day's calls in the two hours from nine."""
FULL = 0.7
"""How busy a part may be in the busiest hour: beyond, what waits for it waits long."""
PBX_CORES, UPLOADS, DISK_SYNCS, DISK_BYTES, S3_CORES = 8, 3, 500.0, 100e6, 8
"""What a machine of one PBX has, how many recordings `callrec serve` uploads at a time, and what a plain SSD
does in a second; the cores of one S3 machine."""
LOSS = 0.001
"""How many calls may find all lines busy."""
ENCRYPTED, KILO, MEGA, GIGA, TERA = 1.03, 1e3, 1e6, 1e9, 1e12


@dataclass(frozen=True)
class Costs:
    """What a recorded call costs each part."""

    asterisk: float = 0.36
    """CPU s a call-minute: Asterisk"""
    controller: float = 0.10
    """CPU s a call-minute: controller and archiver"""
    s3: float = 0.07
    """CPU s a call-minute: S3 server"""
    upload: float = 0.2
    """s a recording is being uploaded and read back"""
    chain: float = 50.0
    """recordings a second that one custody log takes"""
    syncs: float = 20.0
    """waits for the spool's disk a call"""
    spooled: float = 78_000.0
    """bytes written into the spool a second of a call"""
    archived: float = 14_000.0
    """bytes of FLAC a second of a call"""
    row: float = 2_400.0
    """bytes of database a call"""
    requests: float = 8.0
    """requests to S3 a recording"""


SOURCES = {
    "asterisk": ("cost", r"50 calls of (\d+) s at once, callrec automatic, Asterisk"),
    "controller": ("cost", r"50 calls of (\d+) s at once, callrec automatic, controller"),
    "s3": ("cost", r"50 calls of (\d+) s at once, callrec automatic, S3"),
    "chain": ("custody", "recordings a second, 4 writers"),
    "row": ("storage-postgresql", "a call, all"),
}
"""Where a cost is measured: the benchmark, and its figure. What is not is reckoned from how it is made. One
that is there for two lengths of a call is made that of MEAN_SECONDS, of which what is paid once is less."""


@dataclass(frozen=True)
class Part:
    """A part of the system, and the share of it that is in use in the busiest hour."""

    name: str
    used: float

    def cell(self) -> str:
        return f"{self.used * 100:.0f} %" if self.used < 10 else f"{self.used:.0f} times too much"


@dataclass(frozen=True)
class Load:
    """What calls ask for in the busiest hour, and in a year."""

    extensions: int
    calls_s: float
    erlangs: float
    highest: int
    wait_s: float
    nodes: int
    parts: tuple[Part, ...]
    """Those of one PBX first, then what all share."""
    lines: int
    rows_gb: float
    archive_tb: float
    s3_requests: float
    mbit: float

    @property
    def first(self) -> str:
        """What is full first."""
        return max(self.parts, key=lambda part: part.used).name


def main() -> int:
    parser = argparse.ArgumentParser(prog="bench.scale", description=__doc__.partition("\n")[0])
    parser.add_argument("--write", action="store_true", help="make the tables of docs/scale.md again")
    costs = measured()
    tables = {"costs": costs_table(costs), "sizes": sizes_table(costs)}
    print("\n\n".join(tables.values()))
    if parser.parse_args().write:
        page = PAGE.read_text("utf-8")
        for name, table in tables.items():
            page = between(page, name, table)
        PAGE.write_text(page, "utf-8")
    return 0


def measured() -> Costs:
    """Returns the costs, as far as docs/benchmarks has them."""
    found = {name: value for name, (file, what) in SOURCES.items() if (value := _figure(file, what))}
    return Costs(**found)


def _figure(file: str, what: str) -> float | None:
    path = RESULTS / f"{file}.json"
    if not path.exists():
        return None
    rows = json.loads(path.read_text("utf-8"))["figures"]
    found = [(median(row["values"]), match) for row in rows if (match := re.fullmatch(what, row["what"]))]
    by_length = {float(match[1]): value for value, match in found if match.re.groups}
    if len(by_length) > 1:
        return float(f"{at_mean(by_length):.3g}")
    return float(f"{found[0][0]:.3g}") if found else None


def at_mean(by_length: Mapping[float, float]) -> float:
    """Returns what a minute of a call of MEAN_SECONDS costs, by what one of shorter calls does: each has its
    own share of what a call costs once."""
    (short, of_short), *_, (long, of_long) = sorted(by_length.items())
    once = (of_short - of_long) / (1 / short - 1 / long)
    return of_long - once * (1 / long - 1 / MEAN_SECONDS)


def simulate(extensions: int, costs: Costs, seed: int = 1) -> Load:
    """Returns what an office of so many extensions asks for."""
    dice = np.random.default_rng(seed)
    a_day = extensions * CALLS_A_DAY
    begins = np.concatenate(
        [poisson(dice, a_day * share / 3600, 3600.0) + 3600.0 * hour for hour, share in enumerate(BUSY)]
    )
    took = lengths(dice, len(begins), MEAN_SECONDS, SPREAD)
    highest = at_once(begins, took)
    calls_s = a_day * max(BUSY) / 3600
    erlangs = calls_s * MEAN_SECONDS
    nodes = _nodes(erlangs, calls_s, costs)
    ended = np.sort(begins + took)[::nodes]  # of one PBX
    waited = waits(ended, dice.exponential(costs.upload, len(ended)), UPLOADS)
    mine = (*_of_pbx(erlangs / nodes, calls_s / nodes, costs), *_shared(erlangs, calls_s, costs))
    yearly = a_day * WORKING_DAYS
    return Load(
        extensions,
        calls_s,
        erlangs,
        highest,
        float(np.quantile(waited, 0.99)),
        nodes,
        mine,
        lines_for(erlangs, LOSS),
        yearly * costs.row / GIGA,
        yearly * MEAN_SECONDS * costs.archived * ENCRYPTED / TERA,
        calls_s * costs.requests,
        erlangs * costs.archived * 2 * 8 / MEGA,  # put, and read back
    )


def _of_pbx(erlangs: float, calls_s: float, costs: Costs) -> list[Part]:
    """Returns how busy the parts of one PBX are that has so many calls at once, and so many a second."""
    return [
        Part(f"PBX, {PBX_CORES} cores", erlangs / 60 * costs.asterisk / PBX_CORES),
        Part("controller, one core", erlangs / 60 * costs.controller),
        Part(f"uploads, {UPLOADS} at a time", calls_s * costs.upload / UPLOADS),
        Part("spool, waits for the disk", calls_s * costs.syncs / DISK_SYNCS),
        Part("spool, bytes written", erlangs * costs.spooled / DISK_BYTES),
    ]


def _shared(erlangs: float, calls_s: float, costs: Costs) -> list[Part]:
    return [Part("custody log, one writer", calls_s / costs.chain)]


def _nodes(erlangs: float, calls_s: float, costs: Costs) -> int:
    """Returns how many PBXs it takes for none of their parts to be fuller than FULL."""
    return max(1, int(np.ceil(max(each.used for each in _of_pbx(erlangs, calls_s, costs)) / FULL)))


# --- tables


def costs_table(costs: Costs) -> str:
    """Returns the costs by which it is reckoned, and where each comes from."""
    rows = [
        [_said(each.name), _short(getattr(costs, each.name)), _source(each.name)] for each in fields(Costs)
    ]
    return _table(["a recorded call costs", "so much", "measured by"], rows)


def _short(value: float) -> str:
    return f"{value:.3g}" if value < 1000 else f"{value:,.0f}"


def _said(name: str) -> str:
    lines = Path(__file__).read_text("utf-8").splitlines()
    place = next(number for number, line in enumerate(lines) if line.startswith(f"    {name}: float"))
    return lines[place + 1].strip().strip('"')


def _source(name: str) -> str:
    file, what = SOURCES.get(name, ("", ""))
    command = file.replace("-", " --")  # storage-postgresql is one of the databases of bench.storage
    return f"`python -m bench.{command}`" if file and _figure(file, what) is not None else "reckoned"


def sizes_table(costs: Costs, sizes: Sequence[int] = SIZES) -> str:
    """Returns what each size asks for, a column each."""
    loads = [simulate(each, costs) for each in sizes]
    servers = [load.erlangs / 60 * costs.s3 / FULL for load in loads]
    rows = [
        ["calls a second, busiest hour", *(f"{load.calls_s:,.2g}" for load in loads)],
        ["calls at once: mean, highest", *(f"{load.erlangs:,.0f}, {load.highest:,}" for load in loads)],
        [f"lines outside, {LOSS:.1%} find them busy", *(f"{load.lines:,}" for load in loads)],
        [
            f"PBXs with a `serve` each, none fuller than {FULL:.0%}",
            *(f"**{load.nodes:,}**" for load in loads),
        ],
    ]
    for number, part in enumerate(loads[0].parts):
        name = part.name if part.name.startswith("custody") else f"of each: {part.name}"
        rows.append([name, *(load.parts[number].cell() for load in loads)])
    rows += [
        ["hang-up → uploaded, waiting (p99)", *(f"{load.wait_s:.1f} s" for load in loads)],
        ["full first", *(f"**{load.first.partition(',')[0]}**" for load in loads)],
        ["S3: requests a second", *(f"{load.s3_requests:,.0f}" for load in loads)],
        ["S3: Mbit/s, up and read back", *(f"{load.mbit:,.0f}" for load in loads)],
        ["S3: cores", *(f"{max(1, np.ceil(each)):,.0f}" for each in servers)],
        ["recordings a year", *(f"{load.archive_tb:,.1f} TB" for load in loads)],
        ["database a year", *(f"{load.rows_gb:,.0f} GB" for load in loads)],
    ]
    return _table(["extensions", *(f"{each:,}" for each in sizes)], rows)


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    every = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in every)


def between(page: str, name: str, table: str) -> str:
    """Returns the page with another table between its markers of this name."""
    begin, end = f"<!-- {name}: by python -m bench.scale --write -->", f"<!-- end of {name} -->"
    before, _, rest = page.partition(begin)
    return f"{before}{begin}\n{table}\n{end}{rest.partition(end)[2]}"


if __name__ == "__main__":
    sys.exit(main())
