# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""The real gateways in Odoo's tests, against the sandbox of both providers on this machine."""

import importlib
import logging
import os
import sys
from urllib.parse import urlsplit

from odoo.tests import HttpCase

from odoo.addons.account_pay_now.tests.common import PayNowCommon

_logger = logging.getLogger(__name__)


#: Where the requests are held against what Stripe and PayPal publish about their APIs.
CONTRACTS = ('dev.tests.stripe.contract', 'dev.tests.paypal.contract')


def sandbox_process():
    """Return a sandbox of the development tools, or None where they are not."""
    checkout = os.environ.get('PAY_NOW_DEV')
    if not checkout:
        return None
    if checkout not in sys.path:
        sys.path.append(checkout)
    return importlib.import_module('dev.sandbox.client').SandboxProcess()


class SandboxCase(PayNowCommon, HttpCase):
    """A company connected to Stripe and PayPal as the sandbox plays them.

    Both are connected once for the class, and whatever else `prepare_sandbox` does. As Odoo rolls
    its own side back to where the class was set up, the sandbox is restored to its snapshot: each
    test goes on from the same moment on both sides, and what was held back till then is still to be
    delivered.
    """

    allow_inherited_tests_method = True

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        process = sandbox_process()
        if not process:
            _logger.warning("NOT TESTED: the chain needs the sandbox of the development tools.")
            cls.skipTest(cls, "PAY_NOW_DEV names no checkout")
        cls.sandbox = process.__enter__()
        cls.addClassCleanup(process.__exit__)
        # The real gateways from here on.
        cls.class_patcher.stop()
        cls.sign_up()
        cls.provider.sudo().pay_now_api_base = cls.sandbox.api_base
        cls.paypal.sudo().pay_now_api_base = cls.sandbox.paypal.api_base
        cls.sandbox.reset()
        cls.connect_sandbox()
        cls.prepare_sandbox()
        cls.assert_requests()
        # What is known of numbers given belongs to one transaction: each test finds out by itself.
        cls.cr.precommit.data.pop('sequence.mixin', None)
        cls.sandbox.snapshot()

    def setUp(self):
        super().setUp()
        self.sandbox.restore()
        self.addCleanup(self.assert_requests)

    @classmethod
    def connect_sandbox(cls):
        """Connect both providers to a sandbox that knows nothing yet."""
        for side in (cls.sandbox, cls.sandbox.paypal):
            side.webhooks(mode='held', copies=3, shuffle=True)
        cls.sandbox.fees(delay=None)
        cls.provider._pay_now_connect(cls.sandbox.key)
        cls.paypal._pay_now_connect(cls.sandbox.paypal.client_id, cls.sandbox.paypal.secret)

    @classmethod
    def prepare_sandbox(cls):
        """Let happen what happens before every test of the class."""

    @classmethod
    def _request_handler(cls, session, request, /, **kwargs):
        # Odoo's own compares the time-out with a number; ours are pairs.
        if isinstance(kwargs.get('timeout'), tuple):
            kwargs['timeout'] = max(kwargs['timeout'])
        return super()._request_handler(session, request, **kwargs)

    @classmethod
    def assert_requests(cls):
        """Hold every request sent so far against the providers' descriptions, where they are.

        Those that were refused or not answered too: nothing here sends nonsense.

        :return: how many were looked at.
        :rtype: int
        """
        number = 0
        for name, side in zip(CONTRACTS, (cls.sandbox, cls.sandbox.paypal), strict=True):
            contract = importlib.import_module(name)
            if not contract.available():
                _logger.info("NOT TESTED: no description for %s (PAY_NOW_SPECS)", name)
                continue
            for call in side.requests(clear=True):
                if call['path'] == '/favicon.ico':
                    # A browser on a hosted page asked by itself.
                    continue
                contract.check_request(call)
                number += 1
        return number

    def deliver(self):
        """Deliver what both providers have to say, and let the workers work."""
        for side in (self.sandbox, self.sandbox.paypal):
            for out in side.outbox():
                self.receive(out)
        self.work()

    def receive(self, out):
        """Receive one notification that was held back."""
        self.assertEqual(self.post_notification(out).status_code, 200)

    def post_notification(self, out, path='', **headers):
        """Post a notification; once more, as PayPal does, where its certificate was not known yet.

        :param dict out: one that was held back.
        :param str path: another address than its own.
        :param headers: other ones than its own.
        :return: the answer.
        """
        path = path or urlsplit(out['url']).path
        values = {'data': out['body'].encode(), 'headers': {**out['headers'], **headers}}
        answer = self.url_open(path, **values)
        if answer.status_code == 503:
            self.fetch_certificates()
            answer = self.url_open(path, **values)
        return answer

    def fetch_certificates(self):
        """Let the certificates be fetched that notifications named."""
        with self.enter_registry_test_mode():
            self.env.ref('account_pay_now.ir_cron_certificates').method_direct_trigger()

    def lose_notifications(self):
        """Whatever the providers had to say never arrives."""
        for side in (self.sandbox, self.sandbox.paypal):
            side.outbox()

    def work(self):
        """Let the workers process the ledger."""
        with self.enter_registry_test_mode():
            self.env.ref('account_pay_now.ir_cron_events_1').method_direct_trigger()
        # Their cursors numbered entries, and this one never commits: what it knows is old.
        self.cr.precommit.data.pop('sequence.mixin', None)

    def sweep(self):
        """Ask about everything unfinished, as the scheduled action does after a while."""
        self.env['payment.transaction'].sudo().search([]).sudo().pay_now_last_sync = False
        with self.enter_registry_test_mode():
            self.env.ref('account_pay_now.ir_cron_sweep').method_direct_trigger()
        self.work()

    def assert_books(self, provider=None):
        """Payments, commissions and the clearing account are what the provider says."""
        provider = provider or self.provider
        side = self.sandbox.paypal if provider == self.paypal else self.sandbox
        self.sandbox.release_fees()
        self.deliver()
        state = side.account_state()
        self.assertEqual(round(self.clearing_balance(provider) * 100), state['balance'])
        txs = (
            self.env['payment.transaction']
            .sudo()
            .search([('provider_id', '=', provider.id), ('state', '=', 'done')])
        )
        self.assertEqual(round(sum(txs.mapped('pay_now_commission')) * 100), state['fees'])
        self.assertEqual(len(txs.payment_id), len(txs))
        self.assertEqual(len(txs.pay_now_commission_move_id), len(txs))
        self.assertEqual(
            self.env['account.payment'].search_count([('payment_transaction_id', 'in', txs.ids)]),
            len(txs),
        )
