"""The page in a real Chromium: it shows, zooms, searches and sorts, by mouse and by keyboard, and asks no network."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pytest_heavyimports.facts.places import Place
from pytest_heavyimports.facts.records import Leak, Load, Phase
from pytest_heavyimports.report.account import Account
from pytest_heavyimports.report.html_page import html_page
from pytest_heavyimports.report.json_file import document
from pytest_heavyimports.report.model import make_report

webdriver = pytest.importorskip("selenium.webdriver")
By = pytest.importorskip("selenium.webdriver.common.by").By
Keys = pytest.importorskip("selenium.webdriver.common.keys").Keys

pytestmark = pytest.mark.slow

MODULES = 3000
ODD = "odd.</script><b>é"


def _loads() -> list[Load]:
    """A package of 3,000 modules, 14 in each other at the deepest, and one with an odd name."""
    place = Place("setup", "test_a.py::test_one", fixture="big")
    loads = [Load("big", -1, "MainThread", 0, 3_000_000, 0, 300 * 2**20, place=place)]

    def fill(importer: int, begin: int, end: int, count: int, depth: int) -> None:
        parts = min(count, 7)
        width = (end - begin) * 9 // 10 // parts if parts else 0
        for part in range(parts):
            below = (count - parts) // parts + (part < (count - parts) % parts)
            first = begin + part * width
            number = len(loads)
            name = f"{loads[importer].fullname}.m{part}" if depth < 14 else f"big.n{number}"
            loads.append(Load(name, importer, "MainThread", first, first + width, first, first + width))
            fill(number, first, first + width, below, depth + 1)

    fill(0, 0, 3_000_000, MODULES - 1, 1)
    loads.append(Load(ODD, -1, "loader", 3_100_000, 3_200_000, place=place, error="ValueError('no')"))
    return loads


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    leak = Leak(("big", "big.m0"), Place("", "test_a.py::test_evil"), is_fake=False, is_tolerated=False)
    phases = [
        Phase(f"test_a.py::test_{n}", "call", "failed" if n == 3 else "passed", n * 900, n * 900 + 800)
        for n in range(5000)
    ]
    account = Account("gw0", 1e9, 5_000_000, 0, 1000, "", [(4_000_000, leak)], _loads(), phases)
    report = make_report([Account("controller", 1e9, 5_500_000), account], ["big"], lambda _: "1.0")
    file = tmp_path_factory.mktemp("page") / "x.html"
    file.write_text(html_page(document(report, made_by="us", hint="do this")), encoding="utf-8")
    return file


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    programs = [shutil.which(name) for name in ("chromium", "chromedriver")]
    if not all(programs):
        pytest.skip("chromium and chromedriver are not on PATH")
    before = dict(os.environ)
    options = webdriver.ChromeOptions()
    options.binary_location = programs[0]
    for argument in ("--headless=new", "--no-sandbox", "--disable-gpu", "--window-size=1280,900"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(programs[1]))
    os.environ.clear()
    os.environ.update(before)
    yield driver
    driver.quit()


@pytest.fixture
def browser(chromium: Any, page: Path) -> Iterator[Any]:
    """The page, newly opened; it must write no message to the console."""
    chromium.get(page.as_uri())
    yield chromium
    assert chromium.get_log("browser") == []


def _focused(browser: Any) -> str:
    return str(browser.switch_to.active_element.get_attribute("aria-label")).partition(":")[0]


def _press(browser: Any, *keys: str) -> None:
    for key in keys:
        browser.switch_to.active_element.send_keys(key)


def _boxes(browser: Any) -> list[str]:
    script = "return [...document.querySelectorAll('.box')].map(box => box.ariaLabel.split(':')[0])"
    names: list[str] = browser.execute_script(script)
    return names


def _box(browser: Any, name: str) -> Any:
    [box] = [
        box
        for box in browser.find_elements(By.CSS_SELECTOR, ".box")
        if box.get_attribute("aria-label").startswith(f"{name}:")
    ]
    return box


def test_the_tree_shows_what_is_wide_enough(browser: Any) -> None:
    """Of 3,000 modules those that can be seen, in proportion; nothing in a name becomes a part of the page."""
    names = _boxes(browser)
    assert 100 < len(names) < MODULES
    assert {"big", "big.m0", ODD} <= set(names)
    big, odd = _box(browser, "big"), _box(browser, ODD)
    assert big.size["width"] / odd.size["width"] == pytest.approx(30, rel=0.05)
    assert odd.get_attribute("aria-label") == f"{ODD}: 0.10 s, 0.10 s of it its own"
    assert browser.find_elements(By.CSS_SELECTOR, "main b") == []


def test_a_click_zooms_in_and_the_trail_out(browser: Any) -> None:
    """The module that was clicked has the whole width; what it is a part of stays above it."""
    _box(browser, "big.m0").click()
    whole = browser.find_element(By.ID, "icicle").size["width"]
    assert _box(browser, "big.m0").size["width"] == pytest.approx(whole, abs=3)
    assert _box(browser, "big").size["width"] == pytest.approx(whole, abs=3)
    assert "big.m1" not in _boxes(browser)
    trail = browser.find_elements(By.CSS_SELECTOR, "#trail button")
    assert [button.text for button in trail] == ["everything", "big", "big.m0"]
    trail[0].click()
    assert "big.m1" in _boxes(browser)


def test_the_keyboard_goes_everywhere(browser: Any) -> None:
    """From the top of the page to any module, in, out, and to what is beside it."""
    _press(browser, *[Keys.TAB] * 2)
    assert browser.switch_to.active_element.get_attribute("id") == "tab-imports"
    for _ in range(9):
        _press(browser, Keys.TAB)
        if _focused(browser) == "big":
            break
    assert _focused(browser) == "big"
    seen = []
    for key in (
        Keys.ARROW_DOWN,
        Keys.ARROW_RIGHT,
        Keys.ARROW_RIGHT,
        Keys.ARROW_LEFT,
        Keys.ARROW_UP,
        Keys.END,
        Keys.HOME,
    ):
        _press(browser, key)
        seen.append(_focused(browser))
    assert seen == ["big.m0", "big.m1", "big.m2", "big.m1", "big", ODD, "big"]
    _press(browser, Keys.ARROW_DOWN, Keys.ENTER)
    assert "big.m1" not in _boxes(browser)
    assert _focused(browser) == "big.m0"
    _press(browser, Keys.ESCAPE, Keys.ESCAPE)
    assert "big.m1" in _boxes(browser)
    assert browser.find_element(By.ID, "detail").text.startswith("big")


def test_search_marks_counts_and_goes_there(browser: Any) -> None:
    """/ begins; Enter goes to the largest match, which may be far too narrow to be seen before."""
    _box(browser, "big").send_keys("/")
    _press(browser, "big.m3.m2.m1.m0")
    found = browser.find_element(By.ID, "found")
    assert found.text.endswith(f" of {MODULES + 1} modules")
    _press(browser, Keys.ENTER)
    assert browser.find_element(By.ID, "detail").text.startswith("big.m3.m2.m1.m0: ")
    assert "match" in _box(browser, "big.m3.m2.m1.m0").get_attribute("class")
    assert found.text.startswith("1 of ")


def test_memory_and_one_process_can_be_chosen(browser: Any) -> None:
    """The tree of each process, by time or by memory."""
    browser.find_element(By.CSS_SELECTOR, "#figure option[value=rss]").click()
    assert ODD not in _boxes(browser)  # nobody knows what it took
    process = browser.find_elements(By.CSS_SELECTOR, "#process option")
    assert [option.text for option in process] == ["all processes", "controller", "gw0"]
    process[2].click()
    browser.find_element(By.CSS_SELECTOR, "#figure option[value=us]").click()
    assert _box(browser, ODD).get_attribute("aria-label").endswith("; failed: ValueError('no')")
    process[1].click()
    assert _boxes(browser) == []
    assert browser.find_element(By.ID, "icicle").text == "Nothing was measured."


def test_tabs_and_tables(browser: Any) -> None:
    """Arrow keys choose a view; a head sorts, down first for figures; long tables are cut until somebody asks."""
    browser.find_element(By.ID, "tab-imports").click()
    _press(browser, Keys.ARROW_RIGHT, Keys.ARROW_RIGHT)
    assert browser.find_element(By.ID, "tables").is_displayed()
    assert not browser.find_element(By.ID, "imports").is_displayed()
    table = browser.find_element(By.CSS_SELECTOR, "#loads table")
    head = next(each for each in table.find_elements(By.TAG_NAME, "th") if each.text == "time")
    head.find_element(By.TAG_NAME, "button").click()
    assert head.get_attribute("aria-sort") == "descending"
    assert table.find_element(By.CSS_SELECTOR, "tbody td").text == "big"
    _press(browser, Keys.ENTER)
    assert head.get_attribute("aria-sort") == "ascending"
    assert table.find_element(By.CSS_SELECTOR, "tbody td").text != "big"
    assert len(table.find_elements(By.CSS_SELECTOR, "tbody tr")) == 200
    browser.find_element(By.CSS_SELECTOR, "#loads .more").click()
    assert len(table.find_elements(By.CSS_SELECTOR, "tbody tr")) == MODULES + 1


def test_the_timeline_has_tests_imports_and_the_guard(browser: Any) -> None:
    """5,000 short tests are drawn as far as there is room, a failed one always."""
    browser.find_element(By.ID, "tab-timeline").click()
    names = [each.text for each in browser.find_elements(By.CSS_SELECTOR, ".lane .name")]
    assert names == ["controller tests", "gw0 tests", "gw0 imports, MainThread", "gw0 imports, loader", "gw0 guard"]
    spans = browser.execute_script("return [...document.querySelectorAll('.span')].map(each => each.className)")
    assert 100 < spans.count("span test") < 5000
    assert (spans.count("span failed"), spans.count("span import"), spans.count("span acted")) == (1, 2, 1)


def test_the_guard_has_a_page(browser: Any) -> None:
    """Who took what."""
    browser.find_element(By.ID, "tab-guard").click()
    cells = [cell.text for cell in browser.find_elements(By.CSS_SELECTOR, "#acts td")]
    assert cells == ["test_a.py::test_evil", "left big and 1 more displaced", "put back", "4.00 s", "gw0"]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_dark_and_light(browser: Any, scheme: str) -> None:
    """As the system has it, until the button is pressed; texts stand out in both."""
    media = {"features": [{"name": "prefers-color-scheme", "value": scheme}]}
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", media)
    browser.refresh()
    for number in range(2):
        assert _contrast(browser, "body", "body") > 7
        assert _contrast(browser, ".box", ".box") > 4.5
        assert _contrast(browser, "#keys", "body") > 4.5
        is_dark = browser.execute_script("return getComputedStyle(document.documentElement).colorScheme") == "dark"
        assert is_dark == ((scheme == "dark") != bool(number))
        browser.find_element(By.ID, "theme").click()


def test_the_network_is_not_asked(browser: Any) -> None:
    """The page itself is all that is loaded."""
    assert browser.execute_script("return performance.getEntriesByType('resource').length") == 0


CONTRAST = """
const [ink, ground] = [getComputedStyle(document.querySelector(arguments[0])).color,
    getComputedStyle(document.querySelector(arguments[1])).backgroundColor].map((color) => {
  const [r, g, b] = color.match(/[\\d.]+/g).map((part) => part / 255)
      .map((part) => part <= 0.03928 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4);
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
});
return (Math.max(ink, ground) + 0.05) / (Math.min(ink, ground) + 0.05);
"""


def _contrast(browser: Any, ink: str, ground: str) -> float:
    """Reference: "contrast ratio" in WCAG 2."""
    return float(browser.execute_script(CONTRAST, ink, ground))
