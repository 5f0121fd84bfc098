# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""A Chromium without a window, told by the DevTools protocol what to show and to keep."""

import base64
import itertools
import json
import os
import re
import shutil
import subprocess
import tempfile
import time

import requests
import websocket

from .. import settings
from ..env import console, odoo, tools

WAIT_SECONDS = 60


def _program():
    """Return the machine's Chromium, else the cache's own."""
    path = os.pathsep.join([os.environ["PATH"], str(settings.TOOLS_BIN_DIR)])
    found = (shutil.which(name, path=path) for name in tools.ALIASES["chromium"])
    return next(filter(None, found))


class Chromium:
    """One page: `with Chromium() as browser`."""

    def __enter__(self):
        tools.ensure()
        self._folder = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        port = odoo.free_port()
        self._process = subprocess.Popen(
            [
                _program(),
                "--headless",
                "--disable-gpu",
                "--hide-scrollbars",
                f"--remote-debugging-port={port}",
                "--remote-allow-origins=*",
                f"--user-data-dir={self._folder.name}",
                "about:blank",
            ],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        self._numbers = itertools.count(1)
        self._socket = websocket.create_connection(self._address(port), timeout=WAIT_SECONDS)
        self.call("Page.enable")
        return self

    def __exit__(self, *_error):
        self._socket.close()
        odoo.stop(self._process)
        self._folder.cleanup()

    @staticmethod
    def _address(port):
        """Return where the one page listens, once the browser is up."""
        end = time.monotonic() + WAIT_SECONDS
        while time.monotonic() < end:
            try:
                pages = requests.get(f"http://127.0.0.1:{port}/json", timeout=5).json()
                return next(page["webSocketDebuggerUrl"] for page in pages)
            except (requests.ConnectionError, StopIteration):
                time.sleep(0.2)
        raise console.DevError("Chromium does not start")

    def call(self, method, **params):
        """Call a method of the protocol; return its result."""
        number = next(self._numbers)
        self._socket.send(json.dumps({"id": number, "method": method, "params": params}))
        while (answer := json.loads(self._socket.recv())).get("id") != number:
            pass
        if "error" in answer:
            raise console.DevError(f"{method}: {answer['error']}")
        return answer["result"]

    def run(self, script):
        """Evaluate JavaScript and return its value; nothing for what throws."""
        answer = self.call(
            "Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True
        )
        return answer["result"].get("value")

    def log_in(self, url, session):
        """Show pages as whoever has a session of Odoo's sees them."""
        self.call("Network.setCookie", name="session_id", value=session, url=url)

    def show(self, address, ready="true", size=(1280, 800), scale=1):
        """Open an address and wait until a JavaScript expression is true."""
        self.call(
            "Emulation.setDeviceMetricsOverride",
            width=size[0],
            height=size[1],
            deviceScaleFactor=scale,
            mobile=size[0] < 500,
        )
        self.call("Page.navigate", url=address)
        self.wait(ready)

    def wait(self, ready):
        """Wait until a JavaScript expression is true, and whatever moves has come to rest."""
        loaded = "document.readyState === 'complete'"
        fonts = "document.fonts.status === 'loaded'"
        end = time.monotonic() + WAIT_SECONDS
        while self.run(f"(() => !!({loaded} && {fonts} && ({ready})))()") is not True:
            if time.monotonic() > end:
                where = re.sub(r"\?.*", "", str(self.run("location.href")))
                raise console.DevError(f"never came at {where}: {ready}")
            time.sleep(0.1)
        time.sleep(0.5)

    def picture(self, path, clip=None):
        """Keep a picture of what is shown, or of one element and what is around it.

        :param str clip: a CSS selector.
        """
        params = {}
        if clip:
            box = self.run(f"""(() => {{
                const box = document.querySelector({json.dumps(clip)}).getBoundingClientRect();
                const {{width, height}} = box;
                return {{x: box.x + scrollX, y: box.y + scrollY, width, height}};
            }})()""")
            params["clip"] = {**box, "scale": 1}
            params["captureBeyondViewport"] = True
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(base64.b64decode(self.call("Page.captureScreenshot", **params)["data"]))
