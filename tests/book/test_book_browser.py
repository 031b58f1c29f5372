"""The built book in a real browser, cut off from other hosts: no error, no request, search, formulas, dark mode."""

import json
import shutil
from urllib.parse import urlsplit

import pytest

webdriver = pytest.importorskip("selenium.webdriver", reason="Selenium is not installed")
from selenium.webdriver.common.by import By  # noqa: E402
from selenium.webdriver.support.ui import WebDriverWait  # noqa: E402

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
DRIVER = shutil.which("chromedriver")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not (CHROMIUM and DRIVER), reason="chromium or chromedriver is not installed"),
]
FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
)  # fmt: skip
PAGES = ["intro", "ioffe2015/index", "ioffe2015/figure1", "method", "architecture", "reproduce", "limitations",
         "changelog", "references", "search"]  # fmt: skip
FIGURE = "ioffe2015/figure1"
# What is read: running text, quiet text, links, table cells, code, badges.
READ = ".bd-article p, .figure-caption, .bd-article a, .bd-article td, .bd-article th, .bd-article code, .verdict, .key"

# The ratio of WCAG 2 between a text and the first background behind it that is not transparent.
CONTRAST = """
const parse = c => c.match(/[\\d.]+/g).map(Number);
const light = c => { const [r, g, b] = c.slice(0, 3).map(v => v / 255)
  .map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
  return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
const behind = e => { for (; e; e = e.parentElement) { const c = parse(getComputedStyle(e).backgroundColor);
  if (c.length < 4 || c[3] > 0.99) return c; } return [255, 255, 255]; };
return [...document.querySelectorAll(arguments[0])].filter(e => e.offsetParent && e.innerText.trim()).map(e => {
  const a = light(parse(getComputedStyle(e).color)), b = light(behind(e));
  return [(Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05), e.className + ': ' + e.innerText.slice(0, 40)]; });
"""


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    for flag in (*FLAGS, f"--user-data-dir={tmp_path_factory.mktemp('profile')}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(executable_path=DRIVER))
    driver.set_page_load_timeout(60)
    yield driver
    driver.quit()


def wait_for(browser, condition, seconds=20):
    return WebDriverWait(browser, seconds).until(lambda _: condition())


def open_page(browser, address, page, width=1280):
    size = {"width": width, "height": 1000, "deviceScaleFactor": 1, "mobile": width < 600}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    browser.get(f"{address}/{page}.html")
    wait_for(browser, lambda: browser.execute_script("return document.readyState") == "complete")


def set_theme(browser, theme):
    """By the button that a reader has: it goes round auto, light, dark."""
    for _ in range(4):
        if browser.execute_script("return document.documentElement.dataset.mode") == theme:
            return
        browser.execute_script("document.querySelector('button.theme-switch-button').click()")
    raise AssertionError(f"the button never came to {theme}")


def requested(browser) -> list[str]:
    messages = (json.loads(entry["message"])["message"] for entry in browser.get_log("performance"))
    return [m["params"]["request"]["url"] for m in messages if m["method"] == "Network.requestWillBeSent"]


@pytest.mark.parametrize("page", PAGES)
def test_no_error_and_no_request_to_another_host(browser, address, page):
    browser.get_log("browser"), browser.get_log("performance")
    open_page(browser, address, page)
    assert [entry["message"] for entry in browser.get_log("browser") if entry["level"] == "SEVERE"] == []
    urls = [urlsplit(url) for url in requested(browser)]
    assert len(urls) > 3
    own = ("data", "blob", "chrome")  # no request leaves the browser for these
    assert [u.geturl() for u in urls if u.scheme not in own and u.hostname != "127.0.0.1"] == []


def test_the_check_of_requests_can_fail(browser, address):
    open_page(browser, address, "intro")
    requested(browser)
    browser.execute_script("new Image().src = 'https://example.org/pixel.png'")
    wait_for(browser, lambda: any("example.org" in url for url in requested(browser)))
    wait_for(browser, lambda: any(e["level"] == "SEVERE" for e in browser.get_log("browser")))


def test_search_finds_the_page(browser, address):
    open_page(browser, address, "search")
    browser.get(f"{address}/search.html?q=batch")
    found = wait_for(browser, lambda: browser.find_elements(By.CSS_SELECTOR, "#search-results li a"))
    wait_for(
        browser,
        lambda: any(
            f"{FIGURE}.html" in a.get_attribute("href")
            for a in browser.find_elements(By.CSS_SELECTOR, "#search-results li a")
        ),
    )
    assert found


@pytest.mark.parametrize("page", [FIGURE, "method"])
def test_formulas_are_set(browser, address, page):
    open_page(browser, address, page)
    assert wait_for(browser, lambda: browser.find_elements(By.TAG_NAME, "mjx-container"))
    assert not browser.find_elements(By.TAG_NAME, "mjx-merror")


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("page", [FIGURE, "intro"])
def test_text_can_be_read(browser, address, page, theme):
    open_page(browser, address, page)
    set_theme(browser, theme)
    browser.execute_script("document.querySelectorAll('details').forEach(d => d.open = true)")
    # Colours fade in over a moment.
    wait_for(browser, lambda: min(ratio for ratio, _ in browser.execute_script(CONTRAST, "body, .bd-article p")) >= 4.5)
    ratios = browser.execute_script(CONTRAST, READ)
    assert len(ratios) > 20
    assert [(round(ratio, 2), about) for ratio, about in ratios if ratio < 4.5] == []


@pytest.mark.parametrize("verdict", ["replicated", "direction", "not", "inconclusive", "none"])
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_every_badge_can_be_read(browser, address, theme, verdict):
    open_page(browser, address, "intro")
    set_theme(browser, theme)
    badge = f"<p><span class='verdict verdict-{verdict}' id='probe'>word</span></p>"
    browser.execute_script("document.querySelector('.bd-article').insertAdjacentHTML('beforeend', arguments[0])", badge)
    assert browser.execute_script(CONTRAST, "#probe")[0][0] >= 4.5


def test_the_check_of_contrast_can_fail(browser, address):
    open_page(browser, address, "intro")
    set_theme(browser, "light")
    pale = "<p id='pale' style='color: #999'>word</p>"
    browser.execute_script("document.querySelector('.bd-article').insertAdjacentHTML('beforeend', arguments[0])", pale)
    assert browser.execute_script(CONTRAST, "#pale")[0][0] < 4.5


@pytest.mark.parametrize(("theme", "other"), [("light", "dark"), ("dark", "light")])
def test_the_figure_of_the_theme_is_the_one_shown(browser, address, theme, other):
    open_page(browser, address, FIGURE)
    set_theme(browser, theme)
    shown = {t: browser.find_elements(By.CSS_SELECTOR, f".figure-scroll img.only-{t}") for t in (theme, other)}
    assert len(shown[theme]) == len(shown[other]) >= 3
    assert all(image.is_displayed() for image in shown[theme])
    assert not any(image.is_displayed() for image in shown[other])
    assert all(browser.execute_script("return arguments[0].naturalWidth", image) > 0 for image in shown[theme])


@pytest.mark.parametrize("page", PAGES)
def test_no_page_scrolls_sideways_on_a_telephone(browser, address, page):
    open_page(browser, address, page, width=400)
    assert browser.execute_script("return document.documentElement.scrollWidth") <= 400
