# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""How tests and the demonstration talk to the sandbox."""

import subprocess
import sys
from pathlib import Path

import requests

CHECKOUT = Path(__file__).resolve().parent.parent.parent


class Sandbox:
    """The control of a running sandbox.

    :param str url: its address; also the base address of the API.
    """

    key = 'sk_test_sandbox'
    account_id = 'acct_sandbox'

    def __init__(self, url):
        self.api_base = url
        self._session = requests.Session()
        self._session.trust_env = False

    def control(self, name, **values):
        """Tell the sandbox something, or ask it.

        :param str name: a control of `control.py`, e.g. `pay`.
        :return: its answer.
        :raise requests.HTTPError: what it refused.
        """
        answer = self._session.post(f'{self.api_base}/_sandbox/{name}', json=values, timeout=30)
        answer.raise_for_status()
        return answer.json()

    def __getattr__(self, name):
        if name.startswith('_'):
            raise AttributeError(name)
        return lambda **values: self.control(name, **values)

    def account_state(self, account=None):
        """Return the state of one account."""
        return self.control('state')[account or self.account_id]

    def session_of(self, reference):
        """Return the newest checkout of a reference."""
        sessions = self.account_state()['sessions']
        return [s for s in sessions if s['client_reference_id'] == reference][-1]


class SandboxProcess(Sandbox):
    """A sandbox in a process of its own: `with SandboxProcess() as sandbox`.

    :param int port: 0 for a free one.
    """

    def __init__(self, port=0):
        self._port = port
        self._process = None

    def __enter__(self):
        self._process = subprocess.Popen(
            [sys.executable, '-m', 'dev.sandbox', '--port', str(self._port)],
            cwd=CHECKOUT,
            stdout=subprocess.PIPE,
            text=True,
        )
        line = self._process.stdout.readline()
        if 'ready on' not in line:
            self._process.kill()
            raise RuntimeError("The sandbox did not start.")
        super().__init__(line.split()[-1])
        return self

    def __exit__(self, *_error):
        self._process.terminate()
        self._process.wait(10)
        self._process.stdout.close()
