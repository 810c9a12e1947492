"""Doctor tries everything side by side, and ends in time whatever hangs."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import pytest

from callrec.app import App
from callrec.doctor.check import Checkup, Result
from callrec.doctor.run import CHECKS, DEADLINE_SECONDS, run_all
from callrec.errors import CheckFailed
from tests.unit.program import Done


def test_a_check_that_hangs_fails_and_holds_up_no_other(app: App) -> None:
    let_go = threading.Event()

    def hangs(_: Checkup) -> str:
        let_go.wait(60)
        return "never told"

    checks = [("first", hangs), ("second", lambda _: "there"), ("third", hangs)]
    try:
        began = time.monotonic()
        results = run_all(checks, Checkup(app), seconds=0.1)
        assert time.monotonic() - began < 10
        assert all(each.daemon for each in threading.enumerate() if each.name.startswith("doctor-"))
    finally:
        let_go.set()
    assert results == [
        Result("first", False, "no answer in time"),
        Result("second", True, "there"),
        Result("third", False, "no answer in time"),
    ]


def test_all_checks_run_at_once_each_on_parts_of_its_own(app: App) -> None:
    """Each waits for all the others: one after another none would end."""
    together = threading.Barrier(5, timeout=30)
    apps: list[App] = []

    def waits(checkup: Checkup) -> str:
        apps.append(checkup.app)
        together.wait()
        return "there"

    results = run_all([(str(number), waits) for number in range(5)], Checkup(app), seconds=60)
    assert [each.part for each in results] == ["0", "1", "2", "3", "4"] and all(each.ok for each in results)
    assert len({id(each.pbx) for each in [*apps, app]}) == 6, "a lock in one holds up no other"


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (CheckFailed("what {part}", part="is wrong"), "what is wrong"),
        (OSError(28, "No space left on device"), "it could not be tried: the disk is full"),
        (PermissionError(13, "Permission denied", "/x"), "it could not be tried: no right to it: /x"),
        (KeyError("Allow"), "it could not be tried: KeyError: 'Allow'"),
        (ValueError(), "it could not be tried: ValueError"),
    ],
)
def test_a_check_that_fails_is_a_result(app: App, error: Exception, words: str) -> None:
    def fails(_: Checkup) -> str:
        raise error

    assert run_all([("part", fails)], Checkup(app), seconds=60) == [Result("part", False, words)]


def test_no_two_checks_have_one_name_and_there_is_time_to_start() -> None:
    assert len({part for part, _ in CHECKS}) == len(CHECKS)
    assert DEADLINE_SECONDS < 10


def test_a_test_mail_goes_to_an_address(office: Callable[..., Done]) -> None:
    for given in ("not an address", ""):
        done = office("doctor", "--mail", given)
        assert done.code == 2 and f"{given!r} is no mail address" in done.complaint


def test_doctor_without_any_part_is_told_of_each(
    office: Callable[..., Done], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also of checks that need no other part: no exception gets out, and the order is the stated one."""
    for name, address in {"PBX__ARI_URL": "/ari", "ARCHIVE__ENDPOINT_URL": ""}.items():
        monkeypatch.setenv(f"CALLREC_{name}", f"http://127.0.0.1:9{address}")
    monkeypatch.setenv("CALLREC_PBX__AMI_PORT", "9")
    done = office("doctor", "--csv")
    parts = [line.partition(",")[0] for line in done.out.splitlines()[1:]]
    assert done.code == 1 and parts == [part for part, _ in CHECKS]
    assert "checks failed" in done.complaint and "could not be tried" not in done.out
