#!/usr/bin/python3
"""The status page as a person has it before him: the real exporter on the lab's kernel, in headless Chromium.

Events happen in the lab (tests/lab/live.py), so that there is something to see. With STATUS_PAGE_PICTURES the pictures
are kept in that folder.
"""

import contextlib
import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile
import threading
import unittest
import urllib.request

TESTS = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(TESTS / "support"), str(TESTS / "lab")]
sys.dont_write_bytecode = True

import browser   # noqa: E402
import deadline  # noqa: E402
import syscalls  # noqa: E402
import uml       # noqa: E402

SKIPPED = 77
SOON = 20          # what happens with the next update or two
NEXT_EVENT = 120   # something breaks, is seen by the checker and repaired again
DESKTOP = (1200, 900)
PHONE = (360, 640)
PICTURE = (1200, 1250)
AA = 4.5           # WCAG 2.1: contrast of text

# The page's services as [name, state, [[address, state], ...]], in no certain order.
READ_SERVICES = """
return [...document.querySelectorAll('details.service')].map(service => [
  service.querySelector('.name').lastElementChild.textContent,
  service.querySelector('summary .state').textContent,
  [...service.querySelectorAll('tbody tr')].map(row => [row.dataset.k, row.querySelector('.state').textContent]),
]);
"""

# Every text that is to be seen, and every state whether or not it is there now, with the least contrast first:
# [contrast, text].
READ_CONTRASTS = """
for (const symbol of document.querySelectorAll('symbol')) {
  const state = symbol.id.replace('sign-', '');
  document.querySelector('main').append(Object.assign(document.createElement('b'), {
    className: 'state ' + state, textContent: 'state ' + state}));
}
for (const [parent, name] of [['main', 'said'], ['main', 'trouble'], ['#summary', 'said'], ['body', 'more']]) {
  const text = Object.assign(document.createElement('p'), {className: name, textContent: name});
  document.querySelector(parent).append(text);
}
const canvas = document.createElement('canvas').getContext('2d', {willReadFrequently: true});
function rgb(colour, under) {
  canvas.fillStyle = `rgb(${under})`;
  canvas.fillRect(0, 0, 1, 1);
  canvas.fillStyle = colour;
  canvas.fillRect(0, 0, 1, 1);
  return [...canvas.getImageData(0, 0, 1, 1).data].slice(0, 3);
}
function behind(element) {
  const under = element.parentElement ? behind(element.parentElement) : [255, 255, 255];
  return rgb(getComputedStyle(element).backgroundColor, under);
}
function luminance(colour) {
  const [r, g, b] = colour.map(c => c / 255).map(c => c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}
const texts = [];
const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
while (walker.nextNode()) {
  const element = walker.currentNode.parentElement;
  if (!walker.currentNode.data.trim() || !element.checkVisibility()) continue;
  const back = behind(element);
  const [low, high] = [luminance(back), luminance(rgb(getComputedStyle(element).color, back))].sort((a, b) => a - b);
  texts.push([(high + 0.05) / (low + 0.05), walker.currentNode.data.trim()]);
}
return texts.sort((a, b) => a[0] - b[0]);
"""

# Counts the updates from now on in window.updates.
COUNT_UPDATES = """
if (window.updates === undefined) {
  const ask = window.fetch;
  window.fetch = (...what) => { window.updates++; return ask(...what); };
}
window.updates = 0;
"""


class Lab:
    """A `lab serve` with events, as a child. `url` is where its exporter answers."""

    def __init__(self):
        self._process = subprocess.Popen([TESTS / "lab" / "lab", "serve", "--listen", "127.0.0.1:0"],
                                         stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                                         preexec_fn=lambda: syscalls.die_with_parent(signal.SIGTERM))
        self.said = []
        self.url = self._read_url()
        # What it says further must be read, or it would stand still.
        threading.Thread(target=lambda: self.said.extend(self._process.stdout), daemon=True).start()

    def end(self):
        """Asks it to end and waits for that; may be called again."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
        self._process.wait(30)

    def get(self, path):
        """The answer at a path, as text."""
        with urllib.request.urlopen(self.url + path, timeout=10) as answer:
            return answer.read().decode()

    def _read_url(self):
        for line in self._process.stdout:
            self.said.append(line)
            if match := re.search(r"serving on (http://\S+)", line):
                return match[1]
        raise AssertionError("the lab does not serve:\n" + "".join(self.said))


class PageTest(unittest.TestCase):
    """The page is open in a browser on a desktop and live."""

    lab = None
    browser = None
    pictures = None

    def setUp(self):
        self.browser.resize(*DESKTOP)
        self.browser.prefer()
        self.browser.open(self.lab.url + "/")
        self.wait_for_connection("live")

    def js(self, expression, *arguments):
        """The value of an expression in the page."""
        return self.browser.run(f"return {expression};", *arguments)

    def wait_for(self, expression, seconds=SOON):
        """Waits until an expression is true in the page."""
        return deadline.wait_until(seconds, expression, lambda: self.js(expression))

    def wait_for_connection(self, kind, seconds=SOON):
        self.wait_for(f"document.getElementById('connection').className === '{kind}'", seconds)

    def wait_for_updates(self, count):
        """So many more updates have come and are shown."""
        self.browser.run(COUNT_UPDATES)
        self.wait_for(f"window.updates > {count}", SOON + 5 * count)
        self.wait_for_connection("live")

    def save_picture(self, name):
        self.browser.save_picture(pathlib.Path(self.pictures) / f"{name}.png")


class LivePageTest(PageTest):

    def test_shows_what_the_api_shows(self):
        def difference():
            shown = sorted(self.browser.run(READ_SERVICES))
            known = sorted(map(service_of_api, json.loads(self.lab.get("/api/v1/services"))["services"]))
            return [one for one in shown if one not in known] + [one for one in known if one not in shown]
        deadline.wait_until(NEXT_EVENT, "the page to show what the API shows", lambda: not difference())
        self.assertGreater(len(self.browser.run(READ_SERVICES)), 20)

    def test_asks_nobody_else_and_breaks_no_rule_of_its_own(self):
        self.wait_for_updates(2)
        asked = self.js("performance.getEntries().map(entry => entry.name).filter(name => name.includes(':'))")
        self.assertGreater(len(asked), 2)
        self.assertEqual([name for name in asked if not name.startswith(self.lab.url + "/")], [])
        self.assertEqual(self.browser.console(), [])

    def test_follows_what_happens_without_being_loaded_again(self):
        self.browser.run("window.marker = 'still here'")
        before = self.browser.run(READ_SERVICES)
        deadline.wait_until(NEXT_EVENT, "a change of a state", lambda: self.browser.run(READ_SERVICES) != before)
        self.wait_for("document.querySelector('.changes li').textContent.includes('ago')")
        self.assertEqual(self.js("window.marker"), "still here")

    def test_tells_the_share_of_the_last_minute(self):
        self.wait_for("[...document.querySelectorAll('.share')].some("
                      "cell => /^[1-9]\\d* of \\d+ new connections in \\d+ s$/.test(cell.title)"
                      " && /^\\d+ %$/.test(cell.querySelector('.part').textContent))", NEXT_EVENT)
        self.wait_for("[...document.querySelectorAll('.rate')].some(rate => /^[\\d.]+ conn.s$/.test(rate.textContent))")

    def test_leaves_the_reader_alone(self):
        self.browser.resize(DESKTOP[0], 400)  # so low that nothing above the chosen one is to be seen
        chosen = self.js("[...document.querySelectorAll('details:not([open])')].at(-5).id")
        self.browser.run("document.getElementById(arguments[0]).scrollIntoView()", chosen)
        self.browser.click(f'[id="{chosen}"] > summary')
        self.browser.run("""
            const name = document.getElementById(arguments[0]).querySelector('.name');
            getSelection().selectAllChildren(name);
            document.getElementById('toggle').focus({preventScroll: true});
        """, chosen)
        state = ("[document.getElementById(arguments[0]).open, getSelection().toString(), document.activeElement.id,"
                 " Math.round(document.getElementById(arguments[0]).getBoundingClientRect().top)]")
        before = self.js(state, chosen)
        self.assertEqual(before[0], True)
        self.assertNotEqual(before[1], "")
        self.wait_for_updates(3)
        after = self.js(state, chosen)
        self.assertEqual(after[:3], before[:3])
        self.assertAlmostEqual(after[3], before[3], delta=2)  # pixels have no halves

    def test_pauses_while_it_is_hidden(self):
        self.browser.run(COUNT_UPDATES)
        self.browser.run("Object.defineProperty(document, 'hidden', {value: true, configurable: true});"
                         "document.dispatchEvent(new Event('visibilitychange'))")
        self.wait_for_connection("paused")
        self.browser.run("window.updates = 0; window.later = 0; setTimeout(() => window.later = 1, 5000)")
        self.wait_for("window.later")
        self.assertEqual(self.js("window.updates"), 0)
        self.browser.run("delete document.hidden; document.dispatchEvent(new Event('visibilitychange'))")
        self.wait_for_connection("live")

    def test_says_when_the_network_is_gone_and_goes_on_when_it_is_back(self):
        self.browser.go_offline()
        self.addCleanup(self.browser.go_online)
        self.wait_for_connection("lost")
        self.assertRegex(self.js("document.getElementById('connection').textContent"),
                         r"^Connection to the exporter lost since \d\d:\d\d:\d\d \(.+\)\. "
                         r"What stands here is from \d\d:\d\d:\d\d\.$")
        self.browser.go_online()
        self.wait_for_connection("live")
        self.browser.console()  # what it said of the lost network

    def test_filters_as_one_types(self):
        self.browser.run("window.marker = 'still here'")
        self.browser.type("#filter", "shop 192.168.1.103")
        self.wait_for("document.querySelectorAll('details').length === 2")
        self.assertEqual(self.js("location.search"), "?filter=shop%20192.168.1.103")
        self.browser.click("a[href='?']")
        self.wait_for("document.querySelectorAll('details').length > 20")
        self.assertEqual(self.js("[window.marker, document.getElementById('filter').value]"), ["still here", ""])

    def test_is_complete_and_fresh_without_a_script(self):
        self.browser.allow_scripts(False)
        self.addCleanup(self.browser.allow_scripts, True)
        self.browser.open(self.lab.url + "/")
        self.assertGreater(len(self.browser.run(READ_SERVICES)), 20)
        self.assertRegex(self.js("document.querySelector('time').textContent"), r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC$")
        self.browser.type("#filter", "shop")
        self.browser.click("form button.scriptless")
        self.wait_for("location.search === '?filter=shop' && document.querySelectorAll('details').length === 2")
        born = self.js("performance.timeOrigin")
        self.wait_for(f"performance.timeOrigin > {born}", 2 * SOON)
        self.assertEqual(self.js("location.search"), "?filter=shop")

    def test_a_link_to_a_service_opens_it(self):
        chosen = self.js("document.querySelector('details:not([open])').id")
        self.browser.run("location.hash = arguments[0]", chosen)
        self.wait_for(f"document.getElementById('{chosen}').open")


class SightTest(PageTest):

    def setUp(self):
        super().setUp()
        self.browser.click("#toggle")  # everything open
        self.wait_for("!document.querySelector('details:not([open])')")

    def test_fits_a_phone(self):
        self.browser.resize(*PHONE)
        self.wait_for(f"innerWidth === {PHONE[0]}")
        self.assertLessEqual(self.js("document.documentElement.scrollWidth"), PHONE[0])
        wide = self.js("[...document.querySelectorAll('main *')].filter(element => "
                       "element.getBoundingClientRect().right > innerWidth + 1).map(element => element.outerHTML)")
        self.assertEqual(wide, [])

    def test_every_state_is_a_word_and_a_shape(self):
        shown = self.js("[...document.querySelectorAll('.state')].map(state => ["
                        "state.textContent.trim(), state.querySelector('use').getAttribute('href')])")
        self.assertGreater(len(shown), 50)
        for word, shape in shown:
            self.assertEqual(shape, f"#sign-{word}")
        drawn = self.js("[...document.querySelectorAll('symbol')].map(symbol => '#' + symbol.id)")
        self.assertEqual({shape for _, shape in shown} - set(drawn), set())

    def test_has_contrast_in_light_and_dark(self):
        for scheme in ("light", "dark"):
            with self.subTest(scheme):
                self.browser.prefer(prefers_color_scheme=scheme, prefers_reduced_motion="reduce")
                texts = self.browser.run(READ_CONTRASTS)
                self.assertGreater(len([text for _, text in texts if text.startswith("state ")]), 10)
                self.assertEqual([text for text in texts if text[0] < AA], [])

    def test_dark_is_dark(self):
        backgrounds = []
        for scheme in ("light", "dark"):
            self.browser.prefer(prefers_color_scheme=scheme)
            backgrounds.append(self.js("getComputedStyle(document.body).backgroundColor"))
        self.assertNotEqual(*backgrounds)

    def test_nothing_moves_for_those_who_do_not_want_it(self):
        self.browser.run("document.querySelector('h2').classList.add('flash')")
        name = "getComputedStyle(document.querySelector('h2')).animationName"
        self.assertEqual(self.js(name), "flash")
        self.browser.prefer(prefers_reduced_motion="reduce")
        self.assertEqual(self.js(name), "none")

    def test_takes_pictures_of_something_broken(self):
        self.browser.open(self.lab.url + "/")
        self.wait_for("document.querySelector('[id=\"service-192.168.1.111-80-TCP\"] .state.down')", NEXT_EVENT)
        self.browser.resize(*PICTURE)
        self.browser.prefer(prefers_reduced_motion="reduce")
        self.save_picture("status_page")
        self.browser.prefer(prefers_reduced_motion="reduce", prefers_color_scheme="dark")
        self.save_picture("status_page_dark")
        self.browser.prefer(prefers_reduced_motion="reduce")
        self.browser.see_as("achromatopsia")
        self.save_picture("status_page_without_colours")
        self.browser.see_as("none")
        self.browser.prefer(prefers_reduced_motion="reduce", forced_colors="active")
        self.save_picture("status_page_forced_colours")
        self.browser.prefer(prefers_reduced_motion="reduce")
        self.browser.resize(*PHONE)
        self.save_picture("status_page_phone")
        for picture in pathlib.Path(self.pictures).glob("status_page*.png"):
            self.assertLess(picture.stat().st_size, 300_000, picture.name)


class TheExporterEndsTest(PageTest):
    """The last of all: afterwards there is no lab any more."""

    def test_the_page_says_so_and_keeps_what_it_knew(self):
        services = self.js("document.querySelectorAll('details').length")
        self.lab.end()
        self.wait_for_connection("lost")
        self.assertEqual(self.js("document.querySelectorAll('details').length"), services)


def service_of_api(service):
    """A service of /api/v1/services as READ_SERVICES tells it."""
    family = service["address_family"]
    address = f"[{service['local_address']}]" if family == "ipv6" else service["local_address"]
    name = f"{address}:{service['local_port']}/{service['proto']}"
    if service["proto"] == "FWM":
        name = f"mark {int(service['local_mark'], 16)} {family}"
    return [name, service["state"], [backend_of_api(backend) for backend in service["backends"]]]


def backend_of_api(backend):
    """A backend of /api/v1/services as READ_SERVICES tells it."""
    address, port = backend["remote_address"], backend["remote_port"]
    if port != "0":
        address = f"[{address}]:{port}" if ":" in address else f"{address}:{port}"
    return [address, backend["health"]["state"]]


def load_tests(loader, _, __):
    """The classes in this order, since the last one takes the lab away."""
    return unittest.TestSuite(map(loader.loadTestsFromTestCase, (LivePageTest, SightTest, TheExporterEndsTest)))


def main():
    missing = browser.missing_part() or uml.missing_part()
    if missing:
        print(f"status page in a browser: skipped: {missing}")
        sys.exit(SKIPPED)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    with contextlib.ExitStack() as stack:
        PageTest.pictures = os.environ.get("STATUS_PAGE_PICTURES") or stack.enter_context(tempfile.TemporaryDirectory())
        PageTest.lab = Lab()
        stack.callback(PageTest.lab.end)
        PageTest.browser = stack.enter_context(browser.Browser(*DESKTOP))
        result = unittest.main(verbosity=2, exit=False).result
    sys.exit(not result.wasSuccessful())


if __name__ == "__main__":
    main()
