"""Recordings of two facilities, a desk, and what is claimed of somebody who works for one of them.

The same claims are tried on SQLite with a store in memory and on PostgreSQL with a real S3 server.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import stat
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import soundfile

from callrec import account
from callrec.app import App
from callrec.catalogue import custody, facilities, finding, grants, tables
from callrec.desk.client import RemoteDesk
from callrec.desk.operations.completing import names
from callrec.model.access import EVERYWHERE, Reach, Role
from callrec.model.calls import Participant
from callrec.model.names import NameKind
from callrec.model.office import Extension, Facility
from callrec.numbers import normalise
from callrec.texts import folded
from tests.followed import follow
from tests.unit.bench import Bench
from tests.unit.program import Done
from tests.unit.samples import END, START, captured_call

OWN = "01a20000-0000-7000-8000-000000000001"
OTHER = "01a20000-0000-7000-8000-000000000002"
BOTH = "01a20001-0000-7000-8000-000000000003"
"""Recordings of shiba, of azabu, and of a call that went from one to the other. The first two begin alike."""
MISSING = "01a20002-0000-7000-8000-000000000004"
PHONES = {OWN: ("2101",), OTHER: ("2201",), BOTH: ("2201", "2101")}
NUMBERS = {OWN: "+81311110001", OTHER: "+81311110002", BOTH: "+81311110003"}
OF_EXTENSION = {"2101": "shiba", "2201": "azabu"}
ME = account.name_of(os.getuid())


def call_of(recording_id: str) -> str:
    """The id of the call of a recording."""
    return recording_id.replace("-8000-", "-9000-")


def fill(bench: Bench) -> None:
    """Makes the office, and archives its three recordings."""
    who: dict[str, Any] = {"who": "test", "at": START}
    with bench.database.begin() as connection:
        for code in OF_EXTENSION.values():
            facilities.add_facility(connection, Facility(code, f"{code}地区"), **who)
        for number, code in OF_EXTENSION.items():
            facilities.add_extension(connection, Extension(number, code), **who)
    for id_, phones in PHONES.items():
        bench.track("callrec/r-1-external", 500, 1.0)
        bench.track("callrec/r-1-staff", 1000, 1.0)
        of_call = {
            "id": call_of(id_),
            "number": normalise(NUMBERS[id_]),
            "extension": phones[0],
            "facility": OF_EXTENSION[phones[0]],
            "participants": tuple(Participant(f"1.{each}", each, each, START, END) for each in phones),
        }
        bench.spool.hand_over(captured_call(recording_id=id_, call=of_call))
        assert bench.archiver.archive(id_)


@dataclass
class Desk:
    """A desk with the three recordings, and the program as somebody who asks it: the account of the tests."""

    app: App
    socket: Path
    run: Callable[..., Done]

    def __call__(self, *arguments: str) -> Done:
        return self.run("--desk", str(self.socket), *arguments)

    def grant(self, role: Role, facility: Sequence[str] = ("shiba",)) -> None:
        with self.app.database.begin() as connection:
            grants.grant(connection, ME, role, facility, by="test", at=self.app.now)

    def log(self, recording_id: str) -> list[custody.Entry]:
        with self.app.database.read() as connection:
            return custody.of(connection, recording_id)


def search_finds_what_is_within_reach(desk: Desk) -> None:
    for more, expected in (
        ([], {OWN, BOTH}),
        (["--all-calls"], {OWN, BOTH}),
        (["--facility", "azabu"], {BOTH}),
        (["--facility", "azabu地区"], {BOTH}),
        (["--extension", "2201"], {BOTH}),
    ):
        found = desk("search", "--json", *more)
        assert found.code == 0 and {each["id"] for each in json.loads(found.out)} == expected, more


def search_tells_nothing_of_the_rest(desk: Desk) -> None:
    hidden, nobody = desk("search", "--number", NUMBERS[OTHER]), desk("search", "--number", "0399999999")
    assert hidden.code == 1 and (hidden.out, hidden.err) == (nobody.out, nobody.err)
    assert "there are more" in desk("search", "--limit", "1").err
    assert desk("search", "--limit", "2").err == ""
    assert NUMBERS[OTHER] not in desk("search", "--csv").out + desk("search").out


def notes_and_holds_are_searched_within_reach(desk: Desk) -> None:
    with desk.app.database.begin() as connection:
        for number, id_ in enumerate((OWN, OTHER)):
            text = "窓口で怒鳴られた（１００％）"
            row = {"id": f"n{number}", "at": START, "who": ME, "text": text, "folded": folded(text)}
            connection.execute(tables.notes.insert().values(call_id=call_of(id_), **row))
        held = tables.recordings.c.id.in_((OWN, OTHER))
        connection.execute(tables.recordings.update().where(held).values(hold=True))
        follow(connection)
    for part in (["--note", "怒鳴"], ["--note", "100%"], ["--held"]):
        assert [each["id"] for each in json.loads(desk("search", "--json", *part).out)] == [OWN], part
    assert desk("search", "--note", "返金").code == desk("search", "--note", "1_0").code == 1
    assert desk("search", "--note", " ").code == 2
    with desk.app.database.begin() as connection:  # the custody log tells of none of it
        connection.execute(tables.notes.delete())
        connection.execute(tables.recordings.update().where(held).values(hold=False))
        follow(connection)


def show_shows_what_is_within_reach(desk: Desk) -> None:
    for id_ in (OWN, BOTH, call_of(BOTH)):
        shown = json.loads(desk("show", id_, "--json").out)
        assert shown["id"] == id_.replace("-9000-", "-8000-") and shown["custody"] and shown["manifest"]
        assert "took part: 2101" in desk("show", id_).out


def what_is_out_of_reach_is_not_there(desk: Desk) -> None:
    """In the words of what is not there, and the log has it."""
    before = len(desk.log(OTHER))
    for command in ("show", "fetch", "play", "verify"):
        hidden, missing = desk(command, OTHER), desk(command, MISSING)
        assert hidden.code == missing.code == 1 and hidden.out == missing.out == ""
        assert hidden.complaint.replace(OTHER, MISSING) == missing.complaint
    refused = desk.log(OTHER)[before:]
    assert [each.details["command"] for each in refused] == ["show", "fetch", "play", "verify"]
    assert {(each.who, each.action, each.details["through"]) for each in refused} == {(ME, "refused", "desk")}


def a_beginning_fits_only_what_is_within_reach(desk: Desk) -> None:
    for command in (["show", "--json"], ["verify", "--json"]):
        found = json.loads(desk(*command, OWN[:8]).out)
        assert (found if isinstance(found, dict) else found[0])["id"] == OWN
    with desk.app.database.read() as connection:
        assert finding.recording(connection, OTHER[:8], reach=Reach(frozenset({"azabu"}))).id == OTHER
    direct = desk.run("--config", str(desk.socket.parent / "callrec.toml"), "show", OWN[:8])
    assert direct.code == 2 and "fits several" in direct.complaint


def fetched_files_are_the_persons_and_proved(desk: Desk) -> None:
    made = Path("fetched")
    assert desk("fetch", OWN, BOTH, "-o", str(made), "--format", "wav", "--clip", "0..0:00.5").code == 0
    assert {stat.S_IMODE(each.stat().st_mode) for each in made.iterdir()} == {0o600}
    assert len(list(made.iterdir())) == 4 and stat.S_IMODE(made.stat().st_mode) == 0o700
    sound = made / f"{BOTH}-0s-0.5s.wav"
    assert soundfile.info(sound).frames == 4000
    with desk.app.database.read() as connection:
        kept = finding.recording(connection, BOTH, reach=EVERYWHERE)
    manifest = (made / f"{BOTH}.manifest.json").read_bytes()
    assert hashlib.sha256(manifest).hexdigest() == kept.manifest_sha256
    entry = desk.log(BOTH)[-1]
    assert (entry.who, entry.action, entry.details) == (
        ME,
        "fetched",
        {
            "role": "handler",
            "through": "desk",
            "format": "wav",
            "clip": "-0s-0.5s",
            "request": "",
            "sha256": hashlib.sha256(sound.read_bytes()).hexdigest(),
        },
    )
    shutil.rmtree(made)


def nothing_is_fetched_where_one_is_out_of_reach(desk: Desk) -> None:
    before = len(desk.log(OWN))
    assert desk("fetch", OWN, OTHER, "-o", "fetched").code == 1
    assert not Path("fetched").exists() and len(desk.log(OWN)) == before


def what_is_played_is_the_recording(desk: Desk) -> None:
    played = Path("played")
    os.environ.update(SDL_AUDIODRIVER="disk", SDL_DISKAUDIOFILE=str(played), SDL_DISKAUDIODELAY="0")
    assert desk("play", BOTH, "--from", "0:00.5").code == 0
    assert desk("fetch", BOTH, "-o", "fetched", "--format", "wav").code == 0
    sound, rate = soundfile.read(Path("fetched") / f"{BOTH}.wav", dtype="int16")
    assert sound[rate // 2 :].tobytes() in played.read_bytes()
    heard = next(each for each in desk.log(BOTH) if each.action == "heard")
    assert (heard.details["from"], heard.details["role"]) == ("0.5s", "handler")
    shutil.rmtree("fetched")


def what_is_drawn_is_within_reach_and_written_down(desk: Desk) -> None:
    before = len(desk.log(OTHER))
    assert desk("show", BOTH, "--picture", "drawn.png").code == 0
    assert Path("drawn.png").read_bytes().startswith(b"\x89PNG")
    drawn = desk.log(BOTH)[-1]
    assert (drawn.who, drawn.action, drawn.details["role"]) == (ME, "drawn", "handler")
    Path("drawn.png").unlink()
    assert desk("show", OTHER, "--picture", "drawn.png").code == 1
    assert not Path("drawn.png").exists()
    assert [each.action for each in desk.log(OTHER)[before:]] == ["refused"]


def all_that_is_verified_is_within_reach(desk: Desk) -> None:
    for chosen in (["--all"], ["--sample", "10"], ["--since", "2020-01-01"], [OWN, BOTH]):
        done = desk("verify", *chosen, "--json")
        rows = json.loads(done.out)
        assert done.code == 0 and {each["id"] for each in rows} == {OWN, BOTH}, chosen
        assert all(each["ok"] and each["problems"] == [] for each in rows)
        bucket = {"manifest", "signature", "sound", "content", "versions", "lock"}
        assert {*rows[0]["checked"]} == {"custody", "row", *bucket}
    assert desk.log(OWN)[-1].details == {"role": "auditor", "through": "desk"}


def ids_that_can_be_found_are_completed(desk: Desk) -> None:
    before = [desk.log(each) for each in (OWN, OTHER, BOTH, "")]
    remote = RemoteDesk(desk.socket)
    for kind in (NameKind.RECORDING, NameKind.CALL):
        for begin, expected in (("", [BOTH, OWN]), (OWN[:13], [OWN]), (OTHER, []), ("x", [])):
            assert [each.name for each in remote.do(names, kind, begin)] == expected, (kind, begin)
    assert [desk.log(each) for each in (OWN, OTHER, BOTH, "")] == before, "nothing is written down"


CLAIMS: tuple[Callable[[Desk], None], ...] = (
    search_finds_what_is_within_reach,
    search_tells_nothing_of_the_rest,
    notes_and_holds_are_searched_within_reach,
    show_shows_what_is_within_reach,
    what_is_out_of_reach_is_not_there,
    a_beginning_fits_only_what_is_within_reach,
    fetched_files_are_the_persons_and_proved,
    nothing_is_fetched_where_one_is_out_of_reach,
    what_is_played_is_the_recording,
    what_is_drawn_is_within_reach_and_written_down,
    all_that_is_verified_is_within_reach,
    ids_that_can_be_found_are_completed,
)
"""Of a handler and auditor of shiba."""
