"""A whole system for tests, with what tests ask of it: rules, phones, calls, and what was kept."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from datetime import datetime
from io import BytesIO
from pathlib import Path
from typing import Any, TypeVar

import pytest
import soundfile

from callrec.app import App
from callrec.app.reconciliation import ReconciliationAssembly
from callrec.archive.manifests import archived_manifest
from callrec.archive.store import TRIALS
from callrec.catalogue import finding, rules
from callrec.catalogue.calls import ArchivedRecording
from callrec.catalogue.finding import SearchHit
from callrec.commands import main
from callrec.demo.pbx import OUTSIDE, PHONES
from callrec.demo.processes import Child
from callrec.demo.softphones import Phone, Sound, Switchboard, Talk
from callrec.demo.system import DemoSystem
from callrec.evidence.anchor import FOLDER
from callrec.fallback import rule_mirror
from callrec.health.differences import Kind
from callrec.model.access import EVERYWHERE
from callrec.model.calls import CallRecord
from callrec.model.found import SearchQuery
from callrec.model.rules import Announce, Direction, Mode, Rule, Scope
from callrec.spool import status
from tests.listen import Samples

T = TypeVar("T")
PATIENCE = 60.0
"""Seconds. Thirty times what may pass until a call is found, an alert is out or a rule holds
(bench/targets.py): where several systems start at once on few cores, all others wait for them."""
WAITING = ("checkpoints", "open_calls", "calls", "recordings", "discards")
"""The folders of the spool in which something waits."""
SERVERS = {"serve", "desk"}
"""The commands that change the whole process they run in, and may go on for ever."""
WIDEBAND = "g722/16000/1"
WIDEBAND_PHONE = "2201"


def eventually(look: Callable[[], T | None], seconds: float = PATIENCE, what: str = "it") -> T:
    """The first true value of `look`; fails after `seconds`."""
    deadline = time.monotonic() + seconds
    while True:
        found = look()
        if found:
            return found
        assert time.monotonic() < deadline, f"{what} did not happen within {seconds:g} s"
        time.sleep(0.05)


@dataclass
class Heard:
    """A recording as it lies in the bucket: both tracks and their rate."""

    external: Samples
    staff: Samples
    rate: int

    @property
    def seconds(self) -> float:
        return len(self.external) / self.rate


class SystemUnderTest:
    """One running system. Tests share it; each sets the rules it needs."""

    def __init__(self, demo: DemoSystem, switchboard: Switchboard) -> None:
        self.demo, self.switchboard = demo, switchboard
        self.app: App = demo.app
        self._phones: dict[Any, Phone] = {}
        self._rules_changed = False
        self.standing: list[str] = []
        """What was wrong before a test began, in the words of status."""
        self.blamed: set[str] = set()
        """Calls without a recording for which a test was blamed."""
        for name in PHONES:
            self.phone(name)  # registered before anybody dials it

    @property
    def controller(self) -> Child:
        """The controller that was started last."""
        assert self.demo.controller is not None
        return self.demo.controller

    # --- phones

    def phone(self, name: str, **options: Any) -> Phone:
        """The phone of an account; the same one each time. 2201 speaks wideband where it may.

        Outside it takes every number.
        """
        if self._rules_changed:
            self.wait_for_rules()
        if name == WIDEBAND_PHONE:
            options.setdefault("codecs", (WIDEBAND, "pcmu"))
        if name == OUTSIDE:
            options.setdefault("takes_every_number", options.get("register", True))
        key = (name, tuple(sorted(options.items())))
        if key not in self._phones:
            self._phones[key] = self.switchboard.phone(name, self.demo.pbx.sip_passwords[name], **options)
        _forget_ended(self._phones[key])
        return self._phones[key]

    def caller(self, number: str, **options: Any) -> Phone:
        """Somebody outside who presents this number."""
        return self.phone(OUTSIDE, number=number, register=False, **options)

    def hang_up_all(self) -> None:
        """Ends the calls that a test which failed has left."""
        self.switchboard.hang_up_all()

    # --- rules

    @contextmanager
    def rule(self, mode: Mode | str, **fields: Any) -> Iterator[Rule]:
        """This rule alone, in force with the controller."""
        with self.rules({"mode": mode, **fields}) as added:
            yield added[0]

    @contextmanager
    def rules(self, *wanted: dict[str, Any]) -> Iterator[list[Rule]]:
        """These rules and no others, in force with the controller."""
        before = self._replace_rules([])
        added = self._replace_rules([_rule(**each) for each in wanted])
        self.wait_for_rules()
        try:
            yield added
        finally:
            self._replace_rules(before)
            self._rules_changed = True  # in force before the next call, and mostly others are then

    def wait_for_rules(self) -> None:
        """Until the controller goes by the rules of the catalogue."""
        revision = self.app.revision()
        eventually(lambda: self.status().get("revision") == revision, what="taking up the rules")
        self._rules_changed = False

    def wait_for_mirror(self) -> None:
        """Until the PBX has its copy of the rules as they are now."""
        answer_first = self.app.settings.prompts.answer_first
        office = self.app.office()
        wanted = rule_mirror.entries(office, self.app.sounds, self.app.now, answer_first=answer_first)

        def copied() -> bool:
            with self.app.ami() as ami:
                phones = ami.tree(rule_mirror.PHONES) == rule_mirror.phones(office)
                return phones and ami.tree(rule_mirror.FAMILY) == wanted

        eventually(copied, what="the PBX's copy of the rules")

    def _replace_rules(self, wanted: list[Rule]) -> list[Rule]:
        """Removes all rules and adds others; returns those added, or those that were there for none."""
        with self.app.database.begin() as connection:
            there = rules.in_force(connection)
            for rule in there:
                rules.remove(connection, rule.id, who="test", at=self.app.now)
            added = [rules.add(connection, rule, who="test", at=self.app.now) for rule in wanted]
        return added or there

    @contextmanager
    def restarted_with(self, **variables: str) -> Iterator[None]:
        """The controller, started anew with these variables; at the end again, without them."""
        assert self.demo.controller is not None
        self.demo.controller.stop()
        with pytest.MonkeyPatch.context() as patch:
            for name, value in variables.items():
                patch.setenv(name, value)
            self.demo.start_controller()
        try:
            yield
        finally:
            self.demo.controller.stop()
            self.demo.start_controller()

    # --- what became of a call

    def status(self) -> dict[str, Any]:
        return status.read(self.demo.home / "spool")

    def problems(self) -> list[str]:
        """What the controller says is wrong, besides what was so before this test.

        Of a call whose sound a test has destroyed it tells for a month.
        """
        return [each for each in self.status()["problems"] if each not in self.standing]

    def unexplained(self) -> set[str]:
        """The calls that should have been recorded, as far as anybody knows, and were not; no test was blamed
        for them yet."""
        comparisons = ReconciliationAssembly(self.app, set, lambda recording: None).comparisons()
        found = comparisons.filed(False).look()
        return {each.about for each in found if each.kind is Kind.NO_RECORDING} - self.blamed

    def calls_since(self, begin: datetime) -> list[SearchHit]:
        with self.app.database.read() as connection:
            return finding.search(
                connection, SearchQuery(begin=begin, all_calls=True, limit=500), reach=EVERYWHERE
            )

    def call_of(self, number: str, begin: datetime) -> CallRecord:
        """The call with this number outside, once it is in the catalogue and over."""

        def look() -> CallRecord | None:
            found = [each.call for each in self.calls_since(begin) if each.call.number == number]
            return found[0] if found and found[0].outcome else None

        return eventually(look, what=f"the row of the call with {number}")

    def recording_of(self, number: str, begin: datetime, seconds: float = PATIENCE) -> SearchHit:
        """The archived recording of the call with this number outside."""

        def look() -> SearchHit | None:
            found = [each for each in self.calls_since(begin) if each.call.number == number]
            return found[0] if found and found[0].recording else None

        return eventually(look, seconds, what=f"the recording of the call with {number}")

    def manifest(self, kept: ArchivedRecording | None) -> dict[str, Any]:
        """The manifest of a recording, as it lies in the bucket."""
        assert kept
        found: dict[str, Any] = json.loads(archived_manifest(self.app.store, kept))
        return found

    def record_call(self, number: str, seconds: float = 1.0) -> ArchivedRecording:
        """A call with this number outside, recorded and in the archive."""
        begin = self.app.now
        with self.rule("automatic"):
            caller = self.caller(number).dial("2101", Sound(500))
            staff = self.phone("2101").pick_up(Sound(1000))
            talk_for([staff], seconds)
            caller.hangup()
            kept = self.recording_of("+81" + number[1:], begin).recording
        assert kept is not None
        return kept

    def listen(self, kept: ArchivedRecording) -> Heard:
        """The recording out of the bucket."""
        body = self.s3.get_object(Bucket=self.demo.s3.bucket, Key=kept.key)["Body"].read()
        sound, rate = soundfile.read(BytesIO(body), dtype="int16", always_2d=True)
        assert sound.shape[1] == 2
        return Heard(sound[:, 0], sound[:, 1], rate)

    @property
    def s3(self) -> Any:
        return self.demo.s3.client()

    def keys(self) -> list[str]:
        """All keys in the bucket, but those of doctor's trials, and anchors, which come by themselves."""
        return [key for key in self.every_key() if not key.startswith((TRIALS, FOLDER))]

    def every_key(self) -> list[str]:
        """All keys in the bucket."""
        pages = self.s3.get_paginator("list_objects_v2").paginate(Bucket=self.demo.s3.bucket)
        return [each["Key"] for page in pages for each in page.get("Contents", [])]

    def settled_keys(self) -> list[str]:
        """All keys in the bucket, once no call of before can add to them any more."""
        self.wait_until_clean()
        return self.keys()

    def is_clean(self) -> bool:
        """Whether neither PBX nor spool holds anything of any call any more."""
        return not self.left()

    def left(self) -> list[str]:
        """What is in the spool, and which recordings and channels the PBX has."""
        spool = self.demo.home / "spool"
        waiting = [f"{name}/{path.name}" for name in WAITING for path in (spool / name).iterdir()]
        return [*waiting, *self.app.pbx.stored(), *(each.name for each in self.app.pbx.channels())]

    def wait_until_clean(self) -> None:
        try:
            eventually(self.is_clean, what="an empty PBX and spool")
        except AssertionError as error:
            raise AssertionError(f"{error}: {self.left()}") from error

    # --- the command line

    def callrec(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Runs the program against this system."""
        return callrec("--config", str(self.demo.config), *arguments, **environment)


def callrec(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Runs the program as a person would: in this process, which has imported it already, where it can."""
    alone = threading.current_thread() is threading.main_thread() and not SERVERS & set(arguments)
    return (_here if alone else _in_a_process)(arguments, {"LANG": "C.UTF-8", "LC_ALL": "", **environment})


def _here(arguments: tuple[str, ...], environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    out, err, before, mask = _output(), _output(), dict(os.environ), os.umask(0o022)
    os.environ.update(environment)
    try:
        with redirect_stdout(out), redirect_stderr(err), pytest.raises(SystemExit) as ended:
            main(list(arguments))
    finally:
        os.umask(mask)
        for name in os.environ.keys() - before.keys():
            del os.environ[name]
        os.environ.update(before)
    said, complained = (each.buffer.getvalue().decode() for each in (out, err))
    return subprocess.CompletedProcess(arguments, int(ended.value.code or 0), said, complained)


class _Output(io.TextIOWrapper):
    buffer: io.BytesIO


def _output() -> _Output:
    return _Output(io.BytesIO(), "utf-8", write_through=True)


def _in_a_process(
    arguments: tuple[str, ...], environment: dict[str, str]
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "callrec", *arguments],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **environment},
        timeout=60,
    )


@contextmanager
def frozen(child: Child) -> Iterator[None]:
    """A process that stands still."""
    os.kill(child.pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(child.pid, signal.SIGCONT)


def talk_for(talks: list[Talk], seconds: float) -> None:
    """Lets them talk until each has heard so much since now."""
    goals = {id(talk): len(talk.heard()) / (talk.rate or 8000) + seconds for talk in talks}
    eventually(
        lambda: all(len(talk.heard()) / (talk.rate or 8000) >= goals[id(talk)] for talk in talks),
        seconds + 10,
        "the talk",
    )


def talk_seconds(call: CallRecord) -> float:
    """How long the PBX had the parties connected."""
    assert call.answered_at and call.ended_at
    return (call.ended_at - call.answered_at).total_seconds()


def _forget_ended(phone: Phone) -> None:
    """Calls of tests before that nobody picked up; one that rings now stays."""
    calls = [phone.calls.get_nowait() for _ in range(phone.calls.qsize())]
    for talk in calls:
        if not talk.ended.is_set():
            phone.calls.put(talk)


def _rule(mode: Mode | str, **fields: Any) -> Rule:
    scope = Scope(fields.pop("scope", Scope.EVERYWHERE))
    direction = fields.pop("direction", None)
    announce = fields.pop("announce", Announce.NONE)
    return Rule(
        id=0,
        version=0,
        scope=scope,
        target=fields.pop("target", None),
        mode=Mode(mode),
        changed_at=datetime.now().astimezone(),
        changed_by="",
        direction=Direction(direction) if direction else None,
        announce=Announce(announce) if announce else None,
        **fields,
    )


__all__ = ["Heard", "Path", "Sound", "SystemUnderTest", "Talk", "callrec", "eventually", "talk_for"]
