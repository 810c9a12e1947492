"""What commands import before they do anything: who asks the desk needs no S3, sound, calendar or server."""

from __future__ import annotations

import subprocess
import sys

LATER = {
    "boto3",
    "botocore",
    "cheroot",
    "flask",
    "holidays",
    "jinja2",
    "phonenumbers",
    "rich.console",
    "soundfile",
}
"""What is imported when it is needed, by the process that needs it."""


def test_asking_the_desk_imports_nothing_that_only_the_desk_needs() -> None:
    names = "access custody export fetch hold incident note play request retain search show verify"
    loaded = f"from callrec.commands import {names.replace(' ', ', ')}; import callrec.desk.client, sys"
    code = f"{loaded}; print(*sorted({LATER!r} & sys.modules.keys()))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []
