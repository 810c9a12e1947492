"""Our dialplan as a whole: nothing that is put into it becomes a command.

Whoever knows the password of ARI can go on at any of its steps, with variables of his own.
"""

from __future__ import annotations

import re

from callrec.resources import shipped

STEPS = re.findall(
    r"^(?:exten => [^,]+,\w+|\s*same => n)(?:\(\w+\))?,(\w+)\((.*)\)$",
    shipped("asterisk/callrec/extensions.conf").read_text("utf-8"),
    re.MULTILINE,
)
"""Every step: its application, and what that is given."""
RUNS = {
    "System",
    "TrySystem",
    "Exec",
    "TryExec",
    "ExecIf",
    "AGI",
    "EAGI",
    "ExternalIVR",
    "Originate",
    "Record",
}
VARIABLE = re.compile(r"\$\{(\w+)")


def test_no_step_runs_what_a_variable_names() -> None:
    assert len(STEPS) > 100
    assert {name for name, _ in STEPS} & RUNS == set()
    names = [given.partition("=")[0] for name, given in STEPS if name == "Set"]
    assert [name for name in names if name.startswith("$") or re.search(r"(SHELL|FILE|ENV)\(", name)] == []


def test_what_a_recording_is_named_holds_no_command() -> None:
    """MixMonitor would run what stands behind a comma."""
    (given,) = [given for name, given in STEPS if name == "MixMonitor"]
    filtered = re.sub(r"\$\{FILTER\([^,]+,\$\{CUT\([^()]*\)\}[^()]*\)\}", "", given)
    assert set(VARIABLE.findall(filtered)) == {"ASTSPOOLDIR"}
    for allowed in re.findall(r"FILTER\(([^,]+),", given):
        assert not set(allowed) & set("();&|\"'$`/ ")


def test_no_file_is_copied_into_the_database() -> None:
    """Only whether it begins as a WAV does."""
    told = [given for _, given in STEPS if "FILE(" in given]
    assert told and all(
        re.search(r'=\$\{IF\(\$\["\$\{FILTER\(.*\}" = "RIFF"\]\?1:0\)\}$', each) for each in told
    )


def test_the_store_writes_only_families_of_ours() -> None:
    written = [given for _, given in STEPS if re.match(r"DB(_DELETE)?\(", given)]
    assert len(written) > 4 and all(re.match(r"DB(_DELETE)?\(callrec-", each) for each in written)
