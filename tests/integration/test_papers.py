"""The papers of an office, as a browser prints them: on as many pages as they should be, nothing cut off."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from tests.integration.system import callrec

ROOT = Path(__file__).parents[2]
LONG = "みなと子ども家庭支援センター分室（南麻布）"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as play:
        started = play.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        yield started
        started.close()


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of an office of which nothing runs: papers need its rules alone."""
    folder = tmp_path_factory.mktemp("office")
    for arguments in (
        ("init", "--non-interactive", "--spool", str(folder / "spool"), *database(folder)),
        ("facility", "add", "minato", "--name", LONG),
        *(("extension", "add", f"21{n:02}", "--facility", "minato", "--name", LONG) for n in range(1, 7)),
        ("rule", "add", "--facility", "minato", "--mode", "standby", "--direction", "inbound"),
        ("facility", "support", "minato", "--phone", "2900"),
    ):
        run(folder, *arguments)
    return folder


def database(folder: Path) -> tuple[str, str]:
    return "--database-url", f"sqlite:///{folder}/office.db"


def run(folder: Path, *arguments: str) -> None:
    environment = {
        "CALLREC_CONFIG": str(folder / "callrec.toml"),
        "CALLREC_EVIDENCE__KEYS": str(folder / "keys"),
    }
    done = callrec(*arguments, **environment)
    assert done.returncode == 0, done.stderr


def opened(browser: Browser, path: Path) -> Page:
    page = browser.new_page()
    page.goto(path.as_uri())
    page.emulate_media(media="print")
    return page


def pages(page: Page) -> int:
    """How many pages are printed on A4."""
    return len(re.findall(rb"/Type\s*/Page\b", page.pdf(prefer_css_page_size=True)))


def overflowing(page: Page, selector: str) -> list[str]:
    """What does not fit into its box."""
    found: list[str] = page.eval_on_selector_all(
        selector,
        "all => all.filter(e => e.scrollHeight > e.clientHeight + 1 || e.scrollWidth > e.clientWidth + 1)"
        ".map(e => e.innerText)",
    )
    return found


def test_cards_fit_four_on_a_page_after_one_page_for_staff(browser: Browser, office: Path) -> None:
    path = office / "cards.html"
    run(office, "policy", "card", "-o", str(path))
    page = opened(browser, path)
    assert page.locator(".card").count() == 6
    assert overflowing(page, ".card") == []
    assert pages(page) == 1 + 2
    first = page.locator(".card").first.inner_text()
    assert "内線 2101" in first and "応援担当" in first and "内線 2900" in first
    page.close()


def test_they_are_printed_in_a_japanese_font(browser: Browser, office: Path) -> None:
    path = office / "blank.html"
    run(office, "policy", "card", "--blank", "-o", str(path))
    page = opened(browser, path)
    session = page.context.new_cdp_session(page)
    session.send("DOM.enable")
    session.send("CSS.enable")
    root = session.send("DOM.getDocument")["root"]["nodeId"]
    heading = session.send("DOM.querySelector", {"nodeId": root, "selector": "h1"})["nodeId"]
    fonts = session.send("CSS.getPlatformFontsForNode", {"nodeId": heading})["fonts"]
    japanese = subprocess.run(["fc-list", ":lang=ja", "family"], capture_output=True, text=True, check=True)
    assert fonts and all(each["familyName"] in japanese.stdout for each in fonts)
    page.close()


def test_the_papers_print_and_no_table_is_cut_off(browser: Browser, office: Path) -> None:
    path = office / "papers.html"
    run(office, "policy", "text", "--office", "港区", "-o", str(path))
    page = opened(browser, path)
    assert overflowing(page, "table") == []
    assert page.locator("section.form").count() == 4
    assert pages(page) >= 4 + 3, "each form, the regulation, its tables and the notice begin on a page"
    page.close()
