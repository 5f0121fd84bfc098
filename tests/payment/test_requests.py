# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""All that these tests ask of the providers is held against what the providers publish."""

import importlib

from odoo.tests import tagged

from odoo.addons.account_pay_now.gateways.errors import GatewayRefused
from odoo.addons.account_pay_now.tests.sandbox import CONTRACTS, SandboxCase


@tagged('post_install', '-at_install')
class TestRequests(SandboxCase):
    def setUp(self):
        super().setUp()
        if not all(importlib.import_module(name).available() for name in CONTRACTS):
            self.skipTest("PAY_NOW_SPECS names no descriptions")

    def test_connecting_is_looked_at(self):
        self.connect_sandbox()
        self.assertGreater(self.assert_requests(), 5)
        self.assertEqual(self.assert_requests(), 0, "once")

    def test_nonsense_for_stripe_fails_the_test(self):
        client = self.provider._pay_now_gateway()._client
        with self.assertRaises(GatewayRefused):
            client.call(lambda v1: v1.refunds.create, {'sum': '100'})
        with self.assertRaises(AssertionError):
            self.assert_requests()

    def test_nonsense_for_paypal_fails_the_test(self):
        client = self.paypal._pay_now_gateway()._client
        with self.assertRaises(GatewayRefused):
            client.call('POST', '/v2/checkout/orders', body={'intent': 'TAKE'})
        with self.assertRaises(AssertionError):
            self.assert_requests()
