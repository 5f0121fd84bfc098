# Part of Pay Now. See LICENSE file for full copyright and licensing details.

import contextlib
import importlib
import itertools
import os
import random
import sys
from unittest.mock import patch

from odoo.tests import HttpCase, tagged
from odoo.tools import mute_logger

from odoo.addons.account_pay_now import public_values
from odoo.addons.account_pay_now.controllers.unknown import REST
from odoo.addons.account_pay_now.gateways.errors import SignatureError
from odoo.addons.account_pay_now.tests.common import PayNowCommon, ScriptedGateway

SEED = 7
#: The whole of it is `make test-attack`.
REQUESTS, CALLS = 300, 400


class UnprovenGateway(ScriptedGateway):
    """Proves no notification: what strangers make up may well name a provider that there is."""

    def verify_event(self, _body, _headers, _kept=None):
        raise SignatureError("Not signed.")


@tagged('post_install', '-at_install')
class TestAttack(PayNowCommon, HttpCase):
    """A sample of what strangers send and users call: no error, no change, no secret."""

    gateway_class = UnprovenGateway

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        checkout = os.environ.get('PAY_NOW_DEV')
        if not checkout:
            cls.skipTest(cls, "NOT TESTED: PAY_NOW_DEV names no checkout")
        if checkout not in sys.path:
            sys.path.append(checkout)
        for name in ('report', 'rpc', 'web', 'world'):
            setattr(cls, name, importlib.import_module(f'dev.attack.{name}'))
        cls.connect()
        cls.provider.sudo().pay_now_api_key = 'sk_test_of_the_merchant'
        cls.people = cls.world.make(cls.env, cls.company, cls.provider)
        cls.env['account.move'].search([]).mapped('pay_now_url')

    def strangers(self, size=REQUESTS, kinds=(), watch=True):
        """Return what came of requests, and which tables they changed."""
        generator = self.web.Generator(random.Random(SEED), self.people)
        # Those that are signed are sent to the real gateways, by `make test-attack`.
        generator.kinds.remove(generator.webhook)
        if kinds:
            generator.kinds = [getattr(generator, name) for name in kinds]
        before = watch and self.state()
        with self.allow_requests():
            cookie = f'test_request_key={self.http_request_key}'
            client = self.web.Client('127.0.0.1', self.http_port(), cookie)
            report = self.web.attack(client, itertools.islice(generator, size), self.people)
        self._wait_remaining_requests()
        self.env.invalidate_all()
        if watch:
            report.changes += self.world.changed(before, self.state())
        return report

    def users(self, size=CALLS):
        """Return what came of calls, and which tables they changed."""

        @contextlib.contextmanager
        def environment(uid):
            with self.env.cr.savepoint():
                yield self.env(user=uid, su=False)

        generator = self.rpc.Generator(random.Random(SEED), self.env, self.people)
        before = self.state()
        with mute_logger('odoo.sql_db', 'odoo.models', 'odoo.orm.models'):
            calls = itertools.islice(generator, size)
            report = self.rpc.attack(calls, self.people, environment)
        self.env.invalidate_all()
        report.changes += self.world.changed(before, self.state())
        return report

    def state(self):
        self.env.flush_all()
        return self.world.checksums(self.env.cr)

    def assert_withstood(self, report, sent):
        self.assertEqual(report.sent, sent)
        for name, found in report.problems().items():
            self.assertFalse(found[:5], name)

    # === WHAT IS SENT === #

    @mute_logger('odoo.http', 'odoo.addons.account_pay_now.controllers.webhook')
    def test_strangers(self):
        report = self.strangers()
        self.assert_withstood(report, REQUESTS)
        self.assertGreaterEqual(len(report.results), 5, report.results)

    def test_users(self):
        report = self.users()
        self.assert_withstood(report, CALLS)
        self.assertGreater(report.results['call answered'], 20)
        self.assertGreater(report.results['call AccessError'], 50)

    # === IT WOULD BE SEEN === #

    @mute_logger('odoo.http')
    def test_an_error_would_be_seen(self):
        """An id that is read as it was before there was a reader."""
        routes = 'odoo.addons.account_pay_now.controllers.pay_page.PayNowPage._get_document'
        with patch(routes, lambda _self, _kind, _document_id, token: token.encode('latin-1')[9]):
            report = self.strangers(20, ['form'], watch=False)
        self.assertTrue(report.errors)

    def test_a_page_of_the_framework_would_be_seen(self):
        ir_http = type(self.env['ir.http'])
        with patch.object(ir_http, '_pay_now_is_ours', return_value=False):
            report = self.strangers(20, ['document'], watch=False)
        self.assertTrue(report.bare)

    def test_a_change_and_a_secret_would_be_seen(self):
        """A token that opens whatever it is."""
        with patch.object(
            type(self.env['account.move']), '_pay_now_check_token', return_value=True
        ):
            report = self.strangers(30, ['document'], watch=False)
        self.assertTrue(report.leaks)
        payer = self.env['pay.now.page.mixin']
        with patch.object(
            type(payer),
            '_pay_now_typed_email',
            lambda move, _email: move.partner_id.sudo().write({'comment': 'x'}),
        ):
            report = self.strangers(20, ['form'])
        self.assertIn('res_partner', report.changes)

    # === ROUTES === #

    def test_each_route_says_what_it_takes(self):
        """No value reaches a route of ours, but as a reader of `public_values` gives it."""
        readers = {
            public_values.record_id,
            public_values.record_ids,
            public_values.record_list,
            public_values.token,
            public_values.text,
            public_values.line,
            public_values.flag,
            public_values.lang,
        }
        found = 0
        for rule in self.env['ir.http'].routing_map().iter_rules():
            if not rule.rule.startswith('/pay_now'):
                continue
            with self.subTest(rule=rule.rule):
                endpoint = rule.endpoint.func.__func__.original_endpoint
                taken = getattr(endpoint, 'pay_now_readers', None)
                self.assertIsNotNone(taken, "it has no `page.takes`")
                for name, reader in taken.items():
                    is_choice = reader.__qualname__.startswith('choice.')
                    self.assertTrue(reader in readers or is_choice, name)
                    self.assertEqual(reader.__module__.rpartition('.')[2], 'public_values')
                if rule.rule not in REST:
                    unread = rule.arguments - set(taken) - {'_rest'}
                    self.assertFalse(unread, "a part of the address that is not read")
                found += 1
        self.assertGreater(found, 15)
