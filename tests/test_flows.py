# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""How many files of the module a flow passes through, and that the documentation names them.

A flow is traced as it runs: every file of the module with a function that is called counts, but for
what surrounds every call alike, which the documentation names beside the flows (`doc/adr/024`).
"""

import ast
import re
import sys
import threading
from collections import defaultdict
from pathlib import Path
from urllib.parse import urlsplit

from odoo import fields
from odoo.tests import tagged

from odoo.addons.account_pay_now.gateways import reading
from odoo.addons.account_pay_now.tests.common import PayNowCommon, ReminderCommon
from odoo.addons.account_pay_now.tests.sandbox import SandboxCase

MODULE = Path(__file__).parent.parent
DOCUMENT = MODULE / 'doc/architecture.md'
#: A line of a flow's list, or of what runs around all: its file, and the methods that run in it.
LINE = re.compile(r'^(?:\d+\.|-) `([\w/]+\.py)(?::([^`]+))?`', re.M)


def documented_flows():
    """Return the flows of the documentation.

    :return: `{name of the flow: {file: [method]}}`
    :rtype: dict
    """
    _before, *flows = _documented()
    return {name: _files(text) for name, text in zip(flows[::2], flows[1::2], strict=True)}


def documented_around():
    """Return what surrounds every call alike: these methods of a file, or all of it for none.

    :return: `{file: [method]}`
    :rtype: dict
    """
    return _files(_documented()[0])


def _documented():
    sections = re.split(r'^## ', DOCUMENT.read_text(), flags=re.M)
    section = next(text for text in sections if text.startswith('Flows\n'))
    return re.split(r'^### (.+)$', section, flags=re.M)


def _files(text):
    return {path: re.findall(r'\w+', methods) for path, methods in LINE.findall(text)}


class Trace:
    """Notes what of the module runs within its block, also in the threads begun there.

    `files` is `{file: {function}}`.
    """

    def __init__(self):
        self.files = defaultdict(set)
        self._around = documented_around()

    def __enter__(self):
        self._former = sys.getprofile()
        threading.setprofile(self._note)
        sys.setprofile(self._note)
        return self

    def __exit__(self, *_error):
        sys.setprofile(self._former)
        threading.setprofile(None)

    def _note(self, frame, event, _argument):
        code = frame.f_code
        if event != 'call' or code.co_name == '<module>':
            return
        before, _root, path = code.co_filename.rpartition(f'/{MODULE.name}/')
        if before != str(MODULE.parent) or path.startswith(('tests/', 'dev/')):
            return
        # Of what is nested, the function that it stands in.
        function = code.co_qualname.partition('.<locals>')[0].rpartition('.')[2]
        around = self._around.get(path)
        if around is None or (around and function not in around):
            self.files[path].add(function)


class FlowCase(PayNowCommon):
    def trace(self):
        """Return a trace that begins with nothing in the cache.

        :rtype: Trace
        """
        self.env.flush_all()
        self.env.invalidate_all()
        return Trace()

    def assert_flow(self, name, files, most):
        """Check a flow that was traced.

        :param str name: its heading in the documentation.
        :param dict files: what it passed through.
        :param int most: how many files it may pass through.
        """
        self.assertTrue(files)
        known = documented_flows()[name]
        unnamed = {path: names for path, names in files.items() if path not in known}
        self.assertFalse(unnamed, f"{DOCUMENT.name} does not name them for “{name}”")
        self.assertLessEqual(len(files), most, f"{name}: {', '.join(sorted(files))}")


@tagged('post_install', '-at_install')
class TestFlows(FlowCase, SandboxCase):
    """The flows that ask the provider, of Stripe."""

    def setUp(self):
        super().setUp()
        # Once each, in order: only what happens at all is of interest here.
        self.sandbox.webhooks(mode='held', copies=1, shuffle=False)

    def paid(self):
        """Return a payment that the payer made and nobody has been notified of."""
        tx = self.checkout(self.lines(self.make_invoice(240)))
        self.sandbox.pay(session=tx.provider_reference)
        return tx

    def paid_out(self):
        """Return the payout, at the provider, of a payment that is booked."""
        tx = self.paid()
        self.sandbox.release_fees()
        tx._synchronize()
        return self.sandbox.payout()

    def read_payout(self, payout):
        return self.env['pay.now.payout'].sudo()._synchronize(self.provider, [payout['id']])

    def bank_line(self, amount):
        return self.env['account.bank.statement.line'].create(
            {
                'journal_id': self.company_data['default_journal_bank'].id,
                'amount': amount,
                'payment_ref': 'VIR SEPA STRIPE PAYMENTS EUROPE',
                'date': fields.Date.today(),
            }
        )

    def test_webhook_to_booked(self):
        tx = self.paid()
        trace = self.trace()
        with trace:
            self.deliver()
        self.assertTrue(tx.payment_id)
        self.sandbox.release_fees()
        with trace:
            self.deliver()
        self.assertTrue(tx.pay_now_commission_move_id)
        self.assert_flow("Webhook to booked", trace.files, 18)

    def test_click_to_redirect(self):
        invoice = self.make_invoice(240)
        path = urlsplit(invoice._pay_now_url()).path
        self.url_open(path)
        data = {
            'provider_id': self.provider.id,
            'item': self.lines(invoice).ids,
        }
        with self.trace() as trace:
            answer = self.url_open(f'{path}/pay', data=data, allow_redirects=False)
            checkout = urlsplit(answer.headers['Location']).path
            answer = self.url_open(checkout, allow_redirects=False)
        tx = self.env['payment.transaction'].sudo().search([('provider_id', '=', self.provider.id)])
        self.assertEqual(answer.headers['Location'], tx.pay_now_checkout_url)
        self.assert_flow("Click to redirect", trace.files, 16)

    def test_payout_to_bank_line(self):
        payout = self.paid_out()
        line = self.bank_line(payout['amount'] / 100)
        with self.trace() as trace:
            record = self.read_payout(payout)
        self.assertTrue(record.settled)
        self.assertTrue(line.is_reconciled)
        self.assert_flow("Payout to bank line", trace.files, 12)

    def test_payout_to_a_later_bank_line(self):
        payout = self.paid_out()
        self.read_payout(payout)
        with self.trace() as trace:
            line = self.bank_line(payout['amount'] / 100)
        self.assertTrue(line.is_reconciled)
        self.assert_flow("Payout to bank line", trace.files, 5)


@tagged('post_install', '-at_install')
class TestFlowsReminder(FlowCase, ReminderCommon):
    """The flows that ask nobody."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.connect()
        cls.company.pay_now_reminder_accounting = True
        cls.invoice = cls.make_invoice(240, days_late=40)

    def test_item_to_mail(self):
        with self.trace() as trace:
            mails = self.send(self.generate())
        self.assertEqual(len(mails), 1)
        self.assert_flow("Item to mail", trace.files, 20)

    def test_eligibility(self):
        with self.trace() as trace:
            refusals = self.invoice._pay_now_refusals('reminder')
        self.assertFalse(refusals)
        self.assert_flow("May it have a button", trace.files, 7)

    def test_only_what_surrounds_all_is_left_out(self):
        with self.trace() as trace:
            reading.clean({'amount': 1, 'lines': [{'id': 'x'}]})
        self.assertFalse(trace.files)
        with trace:
            reading.identifier('x')
        self.assertEqual(trace.files, {'gateways/reading.py': {'identifier'}})

    def test_documented_methods(self):
        for name, files in (*documented_flows().items(), ("Around", documented_around())):
            for path, methods in files.items():
                with self.subTest(flow=name, path=path):
                    tree = ast.parse((MODULE / path).read_text())
                    functions = (ast.FunctionDef, ast.AsyncFunctionDef)
                    defined = {one.name for one in ast.walk(tree) if isinstance(one, functions)}
                    self.assertFalse(set(methods) - defined)
