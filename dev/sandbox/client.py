# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""How tests and the demonstration talk to the sandbox."""

import functools
import subprocess
import sys
import threading
import time
from pathlib import Path

import requests

CHECKOUT = Path(__file__).resolve().parent.parent.parent
#: Seconds until a sandbox is up, at the most.
START_TIMEOUT = 60


class Client:
    """The control of one provider's part of a running sandbox.

    Every control is a method with the same keyword arguments, e.g.
    `sandbox.misbehave(status=500, times=2)`.

    :param str url: its address; also the base address of the API.
    """

    #: The account there is from the beginning.
    account_id = ''

    def __init__(self, url):
        self.api_base = url
        self._session = requests.Session()
        self._session.trust_env = False

    def control(self, name, /, **values):
        """Tell the sandbox something, or ask it.

        :param str name: a control, e.g. `pay`.
        :return: its answer.
        :raise requests.HTTPError: what it refused, with its reason.
        """
        answer = self._session.post(f'{self.api_base}/_sandbox/{name}', json=values, timeout=30)
        if not answer.ok:
            raise requests.HTTPError(f'{name}: {answer.status_code} {answer.text}', response=answer)
        return answer.json()

    def __getattr__(self, name):
        if name.startswith('_'):
            raise AttributeError(name)
        return lambda **values: self.control(name, **values)

    def account_state(self, account=None):
        """Return the state of one account: balance, fees, what was paid, webhooks…

        :param str account: its id, the first one's without.
        """
        return self.control('state')[account or self.account_id]

    def wait_idle(self, seconds=30):
        """Wait until all notifications are delivered, or given up.

        :raise TimeoutError: they are not after so many seconds.
        """
        end = time.monotonic() + seconds
        while not self.control('idle')['idle']:
            if time.monotonic() > end:
                raise TimeoutError("The sandbox still has notifications to deliver.")
            time.sleep(0.05)

    def _press(self, url, method):
        """Press a button of a hosted page, as a payer's browser does.

        :return: the address the payer is sent to; None when the page stays.
        """
        answer = self._session.post(
            url.partition('#')[0], data={'method': method}, timeout=30, allow_redirects=False
        )
        answer.raise_for_status()
        return answer.headers.get('Location')


class Sandbox(Client):
    """The control of Stripe's part, e.g. `sandbox.pay(session='cs_…', method='sepa')`.

    `sandbox.paypal` is the control of PayPal's.
    """

    key = 'sk_test_sandbox'
    account_id = 'acct_sandbox'

    @staticmethod
    def attach(url):
        """Return the control of a sandbox that runs already."""
        return Sandbox(url)

    @functools.cached_property
    def paypal(self):
        return PayPalSandbox(self.control('addresses')['paypal'])

    def session_of(self, reference):
        """Return the newest checkout of a reference."""
        sessions = self.account_state()['sessions']
        return [s for s in sessions if s['client_reference_id'] == reference][-1]

    def press(self, url, method='card'):
        """Press a button of the hosted page, as a payer's browser does.

        :param str url: of the checkout.
        :param str method: as of `payments.METHODS`, e.g. `card`, `declined` or `sepa`.
        :return: the address the payer is sent to; None when the page stays.
        """
        return self._press(url, method)


class PayPalSandbox(Client):
    """The control of PayPal's part, e.g. `paypal.approve(order='…', how='echeck')`."""

    client_id = 'sandbox-client-id'
    secret = 'sandbox-client-secret'
    account_id = 'SANDBXMERCHNT'

    def order_of(self, reference):
        """Return the newest order of a reference (`custom_id`, or `invoice_id`)."""
        orders = self.account_state()['orders']
        return [o for o in orders if reference in (o['custom_id'], o['invoice_id'])][-1]

    def press(self, url, how='paypal'):
        """Press a button of the approval page, as a payer's browser does.

        :param str url: of the order's link `approve` or `payer-action`.
        :param str how: as of `paypal.payments.WAYS`, e.g. `paypal`, `declined` or `cancel`.
        :return: the address the payer is sent to; None when the page stays.
        """
        return self._press(url, how)


class SandboxProcess(Sandbox):
    """A sandbox in a process of its own: `with SandboxProcess() as sandbox`.

    It ends with the block, and also when this process dies.

    :param int port: of Stripe; 0 for a free one.
    :param state_file: keeps the accounts from one run to the next.
    :param int paypal_port: of PayPal; 0 for a free one.
    """

    def __init__(self, port=0, state_file=None, paypal_port=0):
        self._command = [sys.executable, '-m', 'dev.sandbox', '--until-eof']
        self._command += ['--port', str(port), '--paypal-port', str(paypal_port)]
        if state_file:
            self._command += ['--state-file', str(state_file)]
        self._process = None

    def __enter__(self):
        self._process = subprocess.Popen(
            self._command,
            cwd=CHECKOUT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        # Ends the wait for a sandbox that does not come up.
        alarm = threading.Timer(START_TIMEOUT, self._process.kill)
        alarm.start()
        line = self._process.stdout.readline()
        alarm.cancel()
        if 'ready on' not in line:
            self._stop()
            raise RuntimeError("The sandbox did not start.")
        stripe, paypal = line.split()[-2:]
        super().__init__(stripe)
        self.paypal = PayPalSandbox(paypal)
        return self

    def __exit__(self, *_error):
        self._session.close()
        self.paypal._session.close()
        self._stop()

    def _stop(self):
        self._process.stdin.close()
        self._process.terminate()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process.stdout.close()
