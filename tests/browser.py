# Part of Pay Now. See LICENSE file for full copyright and licensing details.

import base64
import contextlib
import importlib.util
import json
import unittest
from pathlib import Path

from odoo.tests.common import ChromeBrowser
from odoo.tools import config

DESKTOP, PHONE = (1280, 900), (360, 740)


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
            browser = ChromeBrowser(self)
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

    def wait_for(self, browser, ready):
        """Wait until a JavaScript expression is true."""
        self.assertTrue(browser._wait_ready(f'!!({ready})', timeout=30), f"never came: {ready}")
        # The test and the page share one database cursor: never both at once.
        self._wait_remaining_requests()

    def run_js(self, browser, code):
        """Evaluate JavaScript and return its value."""
        return browser._websocket_request(
            'Runtime.evaluate',
            params={'expression': code, 'returnByValue': True, 'awaitPromise': True},
        )['result'].get('value')

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

    def assert_fits(self, browser):
        """The page is not wider than the window: nobody has to scroll sideways."""
        wide = self.run_js(browser, 'document.documentElement.scrollWidth - window.innerWidth')
        self.assertLessEqual(wide, 0, "wider than the screen")
