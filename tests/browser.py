# Part of Pay Now. See LICENSE file for full copyright and licensing details.

import base64
import contextlib
import importlib.util
import json
import shutil
import time
import unittest
from pathlib import Path
from urllib.parse import urlsplit

import requests

from odoo.tests.common import HOST, ChromeBrowser, _registry_test_lock
from odoo.tools import config

#: How long a page may take, and how often a test looks whether it is there.
WAIT_SECONDS, PAUSE_SECONDS = 30, 0.05

DESKTOP, PHONE = (1280, 900), (360, 740)

#: No connection before a page needs one: Odoo takes it for a request, and a test waits for its end.
PREFERENCES = {'net': {'network_prediction_options': 2}}


#: The least ratio of a text to what it stands on (WCAG 2.1 AA), and each text that has less.
#: A button that cannot be pressed may be pale.
CONTRAST = 4.5
PALE_TEXTS = """(() => {
    const channels = (color) => (color.match(/[\\d.]+/g) || [0, 0, 0, 0]).map(Number);
    const light = (rgb) => {
        const [r, g, b] = rgb.map((one) => {
            const part = one / 255;
            return part <= 0.03928 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
        });
        return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const behind = (element) => {
        for (let one = element; one; one = one.parentElement) {
            const [r, g, b, alpha = 1] = channels(getComputedStyle(one).backgroundColor);
            if (alpha === 1) {
                return [r, g, b];
            }
        }
        return [255, 255, 255];
    };
    const pale = [];
    for (const element of document.querySelectorAll("body *")) {
        const words = [...element.childNodes].some(
            (node) => node.nodeType === Node.TEXT_NODE && node.textContent.trim()
        );
        if (!words || !element.checkVisibility() || element.closest(":disabled, [inert]")) {
            continue;
        }
        const text = light(channels(getComputedStyle(element).color).slice(0, 3));
        const paper = light(behind(element));
        const ratio = (Math.max(text, paper) + 0.05) / (Math.min(text, paper) + 0.05);
        if (ratio < %s) {
            pale.push(`${ratio.toFixed(2)} ${element.outerHTML.slice(0, 80)}`);
        }
    }
    return pale;
})()"""


class SharedBrowser(ChromeBrowser):
    """A new tab of one Chromium that serves all tests of a class.

    It starts once, and keeps what it compiled of Odoo's scripts, whose addresses change with what
    is in them. Cookies and whatever a page stores end with the test.
    """

    #: The process, its port and its folder.
    _running = None

    def _chrome_start(self, user_data_dir, touch_enabled, headless=True, debug=False):
        if SharedBrowser._running and SharedBrowser._running[0].poll() is not None:
            SharedBrowser.end()
        if SharedBrowser._running:
            # Odoo's class makes a folder for each.
            shutil.rmtree(user_data_dir)
        else:
            preferences = Path(user_data_dir, 'Default', 'Preferences')
            preferences.parent.mkdir(parents=True, exist_ok=True)
            preferences.write_text(json.dumps(PREFERENCES), encoding='utf-8')
            started = super()._chrome_start(user_data_dir, touch_enabled, headless, debug)
            SharedBrowser._running = (*started, user_data_dir)
            self.test_case.addClassCleanup(SharedBrowser.end)
        chrome, port, self.user_data_dir = SharedBrowser._running
        return chrome, port

    def _open_websocket(self):
        self._tab = requests.put(self._address('new?about:blank'), timeout=10).json()['id']
        # Odoo takes the first tab that it finds.
        pages, self._json_command = self._json_command, self._own_page
        try:
            return super()._open_websocket()
        finally:
            self._json_command = pages

    def _own_page(self, command, timeout=3):
        found = ChromeBrowser._json_command(self, command, timeout)
        return found if command else [page for page in found if page['id'] == self._tab]

    def stop(self):
        """Forget what the pages stored, and close the tab."""
        try:
            self.screencaster.stop()
            self._websocket_request('Page.stopLoading')
            for origin in self._origins():
                self._websocket_request(
                    'Storage.clearDataForOrigin', params={'origin': origin, 'storageTypes': 'all'}
                )
            self._websocket_request('Network.clearBrowserCookies')
            self._result.cancel()
            # Odoo saves an open form as its tab closes, while the test goes on with the database
            # cursor that both share: the page has no say in its end.
            self._websocket_send('Page.crash')
        finally:
            self.ws.close()
            self._receiver.join(5)
            requests.get(self._address(f'close/{self._tab}'), timeout=10)

    def _origins(self):
        """Return where the tab has been."""
        history = self._websocket_request('Page.getNavigationHistory')['entries']
        addresses = [urlsplit(entry['url']) for entry in history]
        return {f'{one.scheme}://{one.netloc}' for one in addresses if one.scheme == 'http'}

    def _address(self, command):
        return f'http://{HOST}:{self.devtools_port}/json/{command}'

    @staticmethod
    def end():
        """End the process, if there is any."""
        if SharedBrowser._running:
            chrome, _port, user_data_dir = SharedBrowser._running
            SharedBrowser._running = None
            chrome.kill()
            chrome.wait()
            shutil.rmtree(user_data_dir, ignore_errors=True)


class BrowserMixin:
    """Chromium on the pages of a test, with pictures of them for whoever wants to look.

    The pictures go into the folder `screens` of Odoo's data folder.
    """

    allow_inherited_tests_method = True

    @contextlib.contextmanager
    def browser(self, login=None):
        """Open a browser; with a log-in, or as a customer has it: without.

        :param str login: a user whose password is the log-in.
        """
        try:
            browser = SharedBrowser(self)
        except unittest.SkipTest as reason:
            self.skipTest(f"NOT TESTED in a browser: {reason}")
        with self.allow_requests(browser=browser), contextlib.ExitStack() as at_exit:
            at_exit.callback(self._wait_remaining_requests)
            at_exit.callback(browser.stop)
            self.authenticate(login, login, browser=browser)
            self.cr.flush()
            self.cr.clear()
            yield browser

    def show(self, browser, path, ready, name=None, size=DESKTOP, full=True):
        """Open a page, wait for it, and take its picture.

        :param str path: path or address.
        :param str ready: a JavaScript expression that is true when the page is there.
        :param str name: name of the picture; none without it.
        :param tuple size: width and height of the window.
        :param bool full: the whole page, or what the window shows.
        """
        browser._websocket_request(
            'Emulation.setDeviceMetricsOverride',
            params={
                'width': size[0],
                'height': size[1],
                'deviceScaleFactor': 1,
                'mobile': size == PHONE,
            },
        )
        self.cr.flush()
        self.cr.clear()
        address = path if path.startswith(('http', 'data:')) else self.base_url() + path
        browser.navigate_to(address, wait_stop=True)
        self.wait_for(browser, ready)
        if name:
            self.picture(browser, name, full)

    @contextlib.contextmanager
    def alone(self):
        """Read or write the database while no page does: both use one cursor.

        A page that is told of a change asks at a moment of its own, after any wait.
        """
        with _registry_test_lock:
            self.env.invalidate_all()
            yield
            self.env.flush_all()

    def wait_for(self, browser, ready):
        """Wait until a JavaScript expression is true."""
        end = time.monotonic() + WAIT_SECONDS
        # Odoo's own way of waiting asks without a pause, and slows down what it is waiting for.
        while not self._is_ready(browser, ready):
            if time.monotonic() > end:
                browser.take_screenshot(prefix='sc_failed_ready_')
                self.fail(f"never came: {ready}")
            time.sleep(PAUSE_SECONDS)
        # The test and the page share one database cursor: never both at once.
        self._wait_remaining_requests()

    def _is_ready(self, browser, ready):
        # The address is the new page's before its first element stands.
        parsed = "document.readyState !== 'loading'"
        expression = f'(() => {{ try {{ return {parsed} && !!({ready}) }} catch {{}} }})()'
        return self.run_js(browser, expression) is True

    def run_js(self, browser, code):
        """Evaluate JavaScript and return its value; what it throws fails the test."""
        answer = browser._websocket_request(
            'Runtime.evaluate',
            params={'expression': code, 'returnByValue': True, 'awaitPromise': True},
        )
        thrown = answer.get('exceptionDetails')
        if thrown:
            description = thrown.get('exception', {}).get('description') or thrown['text']
            self.fail(f"{code} threw {description}")
        return answer['result'].get('value')

    def click(self, browser, selector, times=1):
        """Click with the mouse, on whatever is there: the second time maybe something else.

        :param str selector: CSS selector of what is clicked.
        :param int times: 2 is a double click.
        """
        place = self._settled(browser, selector)
        for number in range(1, times + 1):
            for kind in ('mousePressed', 'mouseReleased'):
                browser._websocket_request(
                    'Input.dispatchMouseEvent',
                    params={
                        'type': kind,
                        'x': place[0],
                        'y': place[1],
                        'button': 'left',
                        'clickCount': number,
                    },
                )

    def _settled(self, browser, selector):
        """Return the middle of an element that neither moves nor is drawn again any more."""
        selector = json.dumps(f'{selector}:not([disabled])')
        self.wait_for(
            browser,
            f"(() => {{ const one = document.querySelector({selector});"
            " const box = one.getBoundingClientRect();"
            " const place = [box.x + box.width / 2, box.y + box.height / 2];"
            " const before = window.payNowSettled;"
            " window.payNowSettled = {one, place};"
            " return before && before.one === one && `${before.place}` === `${place}`; })()",
        )
        return self.run_js(browser, 'window.payNowSettled.place')

    def picture(self, browser, name, full=True):
        """Keep a picture of what the browser shows."""
        data = browser._websocket_request(
            'Page.captureScreenshot', params={'captureBeyondViewport': full}, timeout=20
        )['data']
        folder = Path(config['data_dir']) / 'screens'
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f'{name}.png').write_bytes(base64.b64decode(data))

    def assert_accessible(self, browser, within=None):
        """No rule of WCAG 2.1 AA that a machine can check is broken (axe-core).

        :param str within: CSS selector of what is ours on a page of Odoo.
        """
        axe = importlib.util.find_spec('axe_core_python')
        if not axe:
            self.skipTest("NOT TESTED for accessibility: axe-core-python is not installed")
        script = Path(axe.origin).with_name('axe.min.js').read_text(encoding='utf-8')
        self.run_js(browser, script)
        tags = json.dumps(['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'best-practice'])
        where = f'{json.dumps(within)} || document'
        found = self.run_js(
            browser,
            f"axe.run({where}, {{runOnly: {tags}}}).then(result => result.violations.map("
            "rule => rule.id + ': ' + rule.nodes.map(node => node.html).join(' ')))",
        )
        self.assertEqual(found, [])

    def set_dark(self, browser, dark=True):
        """Let the browser ask for dark pages, as a phone does at night."""
        browser._websocket_request(
            'Emulation.setEmulatedMedia',
            params={
                'features': [{'name': 'prefers-color-scheme', 'value': dark and 'dark' or 'light'}]
            },
        )

    def assert_readable(self, browser):
        """Every text is as much lighter, or darker, than what it stands on as it has to be."""
        self.assertEqual(self.run_js(browser, PALE_TEXTS % CONTRAST), [], "too pale")

    def assert_fits(self, browser):
        """The page is not wider than the window: nobody has to scroll sideways."""
        wide = self.run_js(browser, 'document.documentElement.scrollWidth - window.innerWidth')
        self.assertLessEqual(wide, 0, "wider than the screen")
