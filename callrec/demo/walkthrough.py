"""Makes the demo's one call, and tells of it while it happens: announced, recorded, found, fetched,
verified."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from callrec.demo.pbx import OUTSIDE
from callrec.demo.processes import wait_until
from callrec.demo.softphones import Sound, Switchboard, Talk
from callrec.demo.system import DemoSystem
from callrec.errors import DemoFailed
from callrec.language import translated as _

CALLER = "0312345678"
CALLED = "2101"
SEARCH = ["search", "--on", "today"]
TALK_SECONDS = 6.0
CALLER_SOUND = {"hertz": 500.0, "on": 0.4, "off": 0.6}
STAFF_SOUND = {"hertz": 1000.0, "on": 0.8, "off": 0.4}
ARCHIVED_WITHIN_SECONDS = 15

Tell = Callable[[str], None]


def walk_through(system: DemoSystem, output: Path, tell: Tell) -> Path:
    """Places the call, then shows what callrec made of it. Returns the path of the fetched sound."""
    tell("\n" + _("A call, by two telephones made of software:"))
    with Switchboard("127.0.0.1", system.pbx.ports.sip) as switchboard:
        _call(system, switchboard, tell)
    tell(_("The recording goes to S3, is read back, compared, and entered into the catalogue …"))
    recording_id = _wait_for_recording(system)
    tell("\n" + _("What an office does with it (times are those of {zone}):").format(zone=_zone(system)))
    for question, arguments in _questions(recording_id, output):
        tell(f"\n# {question}\n$ callrec {shlex.join(arguments)}")
        tell(run(system, arguments).strip("\n"))
    return output / f"{recording_id}.flac"


def tell_ending(fetched: Path, tell: Tell) -> None:
    """Tells what the person who ran the demo now has."""
    tell("\n" + _("In {folder} there are now").format(folder=fetched.parent))
    for path, words in (
        (fetched, _("the recording: left the caller, right the staff")),
        (fetched.with_suffix(".manifest.json"), _("its manifest: who, when, why, and the hashes")),
        (fetched.with_suffix(".png"), _("a picture of it: both sides, and what happened when")),
    ):
        tell(f"  {path.name}  {words}")


def _questions(recording_id: str, output: Path) -> list[tuple[str, list[str]]]:
    """Returns what people ask about a call, each with the command that answers it."""
    return [
        (_("Which calls did {called} have today?").format(called=CALLED), [*SEARCH, "--extension", CALLED]),
        (
            _("Who called, why was it recorded, and what was done with it? And a picture of it."),
            ["show", recording_id, "--picture", str(output / f"{recording_id}.png")],
        ),
        (
            _("The recording as a file; who fetched it goes on record."),
            ["fetch", recording_id, "-o", str(output)],
        ),
        (
            _("Is it whole and untouched? Everything is read back and computed anew."),
            ["verify", recording_id],
        ),
    ]


def _zone(system: DemoSystem) -> str:
    return system.app.settings.office.timezone


def run(system: DemoSystem, arguments: list[str]) -> str:
    """Returns the output of one callrec command against the demo. Raises DemoFailed when it fails."""
    command = [sys.executable, "-m", "callrec", "--config", str(system.config), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise DemoFailed(
            "callrec {command} failed: {problem}", command=arguments[0], problem=done.stderr.strip()
        )
    return done.stdout


def _call(system: DemoSystem, switchboard: Switchboard, tell: Tell) -> None:
    phone = switchboard.phone(CALLED, system.pbx.sip_passwords[CALLED])
    outside = switchboard.phone(OUTSIDE, system.pbx.sip_passwords[OUTSIDE], number=CALLER, register=False)
    words = system.app.library.get("notice", "ja").text
    tell(
        _("{caller} calls {called} and hears, in Japanese: 「{words}」").format(
            caller=CALLER, called=CALLED, words=words
        )
    )
    caller = outside.dial(CALLED, Sound(**CALLER_SOUND))
    staff = phone.wait_ring()
    waited = f"{staff.ringing_at - caller.heard_since:.1f}"
    tell(_("After {seconds} s of announcement {called} rings.").format(seconds=waited, called=CALLED))
    staff.sound = Sound(**STAFF_SOUND)
    staff.answer()
    caller.wait_established()
    _talk(staff, tell)
    staff.hangup()
    caller.wait_ended()
    talked = f"{staff.ended_at - staff.established_at:.1f}"
    tell(_("{called} hangs up after {seconds} s of talk.").format(called=CALLED, seconds=talked))


def _talk(staff: Talk, tell: Tell) -> None:
    tell(_("They talk: the caller in short low tones, the staff in long high ones."))
    wait_until(lambda: len(staff.heard()) > TALK_SECONDS * 8000, TALK_SECONDS + 10, "the talk")


def _wait_for_recording(system: DemoSystem) -> str:
    """Returns the id of the recording, once search finds it."""
    found: list[str] = []

    def archived() -> bool:
        command = [sys.executable, "-m", "callrec", "--config", str(system.config)]
        done = subprocess.run(
            [*command, "search", "today", "--extension", CALLED, "--json"],
            capture_output=True,
            text=True,
            check=False,
        )
        found.extend(row["id"] for row in json.loads(done.stdout or "[]"))
        return bool(found)

    wait_until(archived, ARCHIVED_WITHIN_SECONDS, "the archiving of the recording")
    return found[0]
