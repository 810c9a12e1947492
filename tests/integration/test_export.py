"""A package of a real call: read, heard and checked by other programs than callrec, and by a browser."""

from __future__ import annotations

import json
import shutil
import subprocess
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from callrec.catalogue import custody
from callrec.catalogue.calls import ArchivedRecording
from callrec.demo.softphones import Sound
from callrec.desk.operation import perform
from callrec.desk.operations import requests as operations
from callrec.model.access import Caller, Through
from callrec.model.requests import RequestKind
from tests.integration.system import SystemUnderTest, callrec, eventually, talk_for

NUMBER = "0311170001"
PAGES = ("summary.html", "要約.html")
pytestmark = pytest.mark.parametrize("system", ["sqlite"], indirect=True)


def person(name: str) -> Caller:
    return Caller(name, frozenset(), Through.DIRECT)


@pytest.fixture(scope="module")
def kept(system: SystemUnderTest) -> ArchivedRecording:
    """The recording of a call that was announced, in which staff pressed keys."""
    begin = system.app.now
    with system.rule("automatic", announce="on-start"):
        caller = system.caller(NUMBER).dial("2101", Sound(500))
        staff = system.phone("2101").pick_up(Sound(1000))
        talk_for([staff, caller], 6.5)
        for key in ("*1", "*5", "*5"):
            staff.press(key)
            talk_for([staff], 1.0)
        caller.hangup()
        found = system.recording_of("+81" + NUMBER[1:], begin).recording
    assert found is not None
    return found


@pytest.fixture(scope="module")
def number(system: SystemUnderTest, kept: ArchivedRecording) -> str:
    """An approved request that lists it."""
    asked = perform(
        operations.open_request,
        system.app,
        person("sato"),
        RequestKind.COURT,
        "東京地方裁判所",
        "文書送付嘱託",
    )
    perform(operations.add_to_request, system.app, person("sato"), asked.number, [kept.id])
    perform(operations.approve_request, system.app, person("tanaka"), asked.number)
    return asked.number


@pytest.fixture(scope="module")
def package(system: SystemUnderTest, number: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The package, as `callrec export` makes it."""
    path = tmp_path_factory.mktemp("package") / "p.zip"
    done = system.callrec("export", "--request", number, "-o", str(path))
    assert done.returncode == 0, done.stderr
    return path


@pytest.fixture
def folder(package: Path, tmp_path: Path) -> Path:
    """The package, unpacked."""
    with zipfile.ZipFile(package) as found:
        found.extractall(tmp_path)
    (made,) = (each for each in tmp_path.iterdir() if each.is_dir())
    return made


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as play:
        started = play.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        yield started
        started.close()


def bash(folder: Path, name: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["bash", name], cwd=folder, capture_output=True, text=True, check=False, timeout=60)


def test_other_programs_find_it_whole(system: SystemUnderTest, folder: Path, kept: ArchivedRecording) -> None:
    sums = subprocess.run(["sha256sum", "-c", "SHA256SUMS"], cwd=folder, capture_output=True, check=False)
    assert sums.returncode == 0
    for name in ("VERIFY.txt", "検証方法.txt"):
        done = bash(folder, name)
        assert done.returncode == 0 and done.stdout.endswith("ALL IS RIGHT\n"), done.stdout + done.stderr
    assert f"signed by {system.app.keys.signer().key_id}: recordings/{kept.id}.manifest.json" in done.stdout
    manifest = json.loads((folder / f"recordings/{kept.id}.manifest.json").read_bytes())
    assert manifest == system.manifest(kept), "byte by byte what was archived"


def test_the_commands_notice_one_changed_byte(folder: Path, kept: ArchivedRecording) -> None:
    flip(folder / f"recordings/{kept.id}.flac")
    done = bash(folder, "VERIFY.txt")
    assert done.returncode == 1 and f"WRONG SOUND: recordings/{kept.id}" in done.stdout


def test_verify_by_the_public_key_alone(
    system: SystemUnderTest, package: Path, tmp_path: Path, kept: ArchivedRecording
) -> None:
    key = tmp_path / "office.pem"
    key.write_bytes(system.app.keys.signer().public_pem())
    nothing = {"CALLREC_CONFIG": str(tmp_path / "none.toml")}
    done = callrec("verify", str(package), "--key", str(key), **nothing)
    assert done.returncode == 0, done.stderr
    changed = tmp_path / "changed.zip"
    name = f"recordings/{kept.id}.flac"
    with zipfile.ZipFile(package) as old, zipfile.ZipFile(changed, "w") as new:
        for each in old.namelist():
            data = old.read(each)
            new.writestr(each, data[:-1] + bytes([data[-1] ^ 1]) if each.endswith(name) else data)
    done = callrec("verify", str(changed), "--key", str(key), "--json", **nothing)
    assert done.returncode == 5
    assert [row["id"] for row in json.loads(done.stdout) if not row["ok"]] == [name]


def test_it_is_written_down_before_anybody_has_it(
    system: SystemUnderTest, package: Path, kept: ArchivedRecording, number: str
) -> None:
    with system.app.database.read() as connection:
        done = [each for each in custody.of(connection, kept.id) if each.action == "exported"]
        assert custody.broken_at(connection) is None
    assert {each.details["request"] for each in done} == {number}
    assert {each.details["sha256"] for each in done} == {kept.sha256}
    assert any(key.startswith("anchors/") for key in system.every_key()), "the anchor is in the bucket"
    again = system.callrec("export", "--request", number, "-o", str(package))
    assert again.returncode == 4 and "is there already" in again.stderr


def test_an_encrypted_package(
    system: SystemUnderTest, number: str, kept: ArchivedRecording, tmp_path: Path
) -> None:
    (tmp_path / "secret").write_text("ひらけごま 1234", "utf-8")
    (tmp_path / "secret").chmod(0o600)
    secret, path = ("--passphrase-file", str(tmp_path / "secret")), str(tmp_path / "p.zip")
    wanted = ("--format", "wav", "--clip", "0:01..0:04")
    done = system.callrec("export", "--request", number, kept.id, "-o", path, *wanted, *secret)
    assert done.returncode == 0, done.stderr
    assert callrec("verify", path).returncode == 2
    assert callrec("verify", path, *secret).returncode == 0
    assert kept.id.encode() not in Path(path).read_bytes()


# --- the page


class Opened:
    """A page of a package in the browser, and what it asked for and complained of meanwhile."""

    def __init__(self, page: Page, path: Path) -> None:
        self.page, self.asked, self.complaints = page, list[str](), list[str]()
        page.on("request", lambda each: self.asked.append(each.url))
        page.on("console", lambda each: self.complaints.append(each.text))
        page.on("pageerror", lambda each: self.complaints.append(str(each)))
        page.goto(path.as_uri())

    def audio(self, member: str) -> Any:
        return self.page.evaluate(f"document.querySelector('audio').{member}")

    def check(self, folder: Path) -> dict[str, str]:
        """Chooses the folder; what came of each file, once all are checked."""
        self.page.locator("#folder").set_input_files(str(folder))
        self.page.locator("#verdict[data-done]").wait_for()
        rows = self.page.locator("#results tbody tr").all()
        return {row.locator("td").first.inner_text(): row.get_attribute("data-result") or "" for row in rows}

    @property
    def verdict(self) -> str | None:
        return self.page.locator("#verdict").get_attribute("data-done")


@pytest.fixture
def opened(request: pytest.FixtureRequest, browser: Browser, folder: Path) -> Iterator[Opened]:
    """The page in the language that is the parameter."""
    page = browser.new_page()
    made = Opened(page, folder / request.param)
    yield made
    page.close()
    assert made.complaints == []
    assert [url for url in made.asked if not url.startswith(folder.as_uri())] == [], "it needs no network"


@pytest.mark.parametrize("opened", PAGES, indirect=True)
def test_the_page_plays(opened: Opened, kept: ArchivedRecording) -> None:
    eventually(lambda: opened.audio("readyState") >= 1, what="the sound")
    assert abs(opened.audio("duration") - kept.duration_s) < 0.05
    opened.page.locator("button[data-seek]").first.click()
    place = float(opened.page.locator("button[data-seek]").first.get_attribute("data-seek") or 0)
    eventually(lambda: opened.audio("currentTime") > place + 0.2, what="that it goes on")
    assert opened.audio("error") is None and not opened.audio("paused")
    opened.page.evaluate("document.querySelector('audio').pause()")
    wave = opened.page.locator(".wave")
    box = wave.bounding_box()
    assert box is not None
    wave.click(position={"x": box["width"] / 2, "y": box["height"] / 2})
    assert abs(opened.audio("currentTime") - kept.duration_s / 2) < 0.2
    wave.press("Home")
    assert opened.audio("currentTime") == 0
    assert opened.page.locator(".unplayable").is_hidden()


@pytest.mark.parametrize("opened", PAGES, indirect=True)
def test_the_page_tells_the_call(opened: Opened, kept: ArchivedRecording, system: SystemUnderTest) -> None:
    text = opened.page.locator("body").inner_text()
    call = system.manifest(kept)["call"]
    prompt = system.app.library.get("notice", "ja").text
    assert all(each in text for each in (kept.id, "+81311170001", "2101", kept.sha256, "東京地方裁判所"))
    assert all(line in text for line in prompt.splitlines()), "the words of the announcement"
    kinds = [each.get_attribute("class") for each in opened.page.locator("tbody .badge").all()]
    assert kinds.count("badge key") == len(call["key_presses"]) == 3
    assert kinds.count("badge silence") == 1 and kinds.count("badge announcement") == 1
    assert opened.page.locator("svg path").count() == 2
    language = "en" if opened.page.url.endswith("summary.html") else "ja"
    assert opened.page.locator("html").get_attribute("lang") == language


@pytest.mark.parametrize("opened", PAGES, indirect=True)
def test_the_page_verifies(opened: Opened, folder: Path, system: SystemUnderTest) -> None:
    found = opened.check(folder)
    names = {str(each.relative_to(folder)) for each in folder.rglob("*") if each.is_file()}
    assert found == dict.fromkeys(names, "right") and opened.verdict == "good"
    key, expected = opened.page.locator("#key"), opened.page.locator("#expected")
    assert system.app.keys.signer().key_id in key.inner_text()
    expected.fill(system.app.keys.signer().public_pem().decode())
    eventually(lambda: key.get_attribute("class") == "good", what="the key")
    expected.fill("0123456789abcdef")
    eventually(lambda: key.get_attribute("class") == "bad", what="another key")


def flip(path: Path) -> None:
    """Changes one bit in the middle of a file."""
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


@pytest.mark.parametrize("opened", PAGES[:1], indirect=True)
def test_the_page_refuses_what_was_changed(opened: Opened, folder: Path, kept: ArchivedRecording) -> None:
    """Each file of the package in turn; and what is missing, and what was added."""
    for path in sorted(each for each in folder.rglob("*") if each.is_file()):
        name, right = str(path.relative_to(folder)), path.read_bytes()
        flip(path)
        assert opened.check(folder).get(name) == "wrong" or name == "package.json", name
        assert opened.verdict != "good", name
        path.write_bytes(right)
    (folder / "added").mkdir()
    shutil.copy(folder / f"recordings/{kept.id}.flac", folder / "added" / f"{kept.id}.flac")
    (folder / f"custody/{kept.id}.txt").unlink()
    found = opened.check(folder)
    wrong = {name for name, result in found.items() if result != "right"}
    assert wrong == {f"added/{kept.id}.flac", f"custody/{kept.id}.txt"}


def test_a_browser_that_knows_no_ed25519_says_so(browser: Browser, folder: Path) -> None:
    """What it can compute it checks all the same."""
    page = browser.new_page()
    page.add_init_script("SubtleCrypto.prototype.importKey = () => Promise.reject(new Error('unknown'))")
    opened = Opened(page, folder / "summary.html")
    found = opened.check(folder)
    unsure = {name for name, result in found.items() if result == "open"}
    assert opened.verdict == "unsure" and "right" in found.values() and "wrong" not in found.values()
    assert unsure == {name for name in found if name.endswith((".manifest.json", "package.json"))} | {
        name for name in found if name.startswith("anchors/") and name.endswith(".json")
    }
    page.close()
