# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""What happens to a record × when × what must not happen, on all pages, at both providers.

An invoice of 100.00 of one customer stands on its own page, on that of a reminder and on that of
the account, beside another one of 60.00. Something happens to it at each moment of a payment.
`PAY_NOW_TABLE=all` plays every moment at both providers.
"""

import os
from collections import namedtuple
from datetime import timedelta

from odoo import fields
from odoo.tests import tagged

from odoo.addons.account_pay_now.gateways import base
from odoo.addons.account_pay_now.tests.belonging import DEEDS, BelongingCase

#: What there is in the end, besides the other invoice.
#:
#: unpaid      what the customer owes of it where no money was received
#: paid        the same where 100.00 were received
#: credit      what is the customer's credit then
#: other       what the other customer owes
#: ends        whether a checkout that was open for it ends
Row = namedtuple('Row', ('unpaid', 'paid', 'credit', 'other', 'ends'))

SAME = Row(100, 0, 0, 0, False)
GONE = Row(0, 0, 100, 0, True)
TABLE = {
    'duplicate': SAME._replace(other=100),
    'reset': SAME,
    'other_term': SAME._replace(ends=True),
    'other_price': Row(80, 0, 20, 0, True),
    'other_customer': Row(0, 0, 100, 100, True),
    'other_company_of_contact': SAME,
    'cancel': GONE,
    'full_credit': GONE,
    'partial_credit': Row(60, 0, 40, 0, True),
    'bank_payment': GONE,
    'block': SAME._replace(ends=True),
    'archive_customer': SAME,
    'archive_contact': SAME,
    'archive_salesperson': SAME,
    'archive_journal': SAME,
    'merge': SAME,
    'merge_away': SAME,
    'delete_draft': GONE,
    'renumber': SAME,
    # The company of its provider takes payments for its branches.
    'to_branch': SAME,
}
#: What a payment that was booked already leaves other than one that comes afterwards.
AFTER_PAYMENT = {
    # A paid invoice is not paid again.
    'bank_payment': SAME,
}

EVERYTHING = os.environ.get('PAY_NOW_TABLE') == 'all'
LONG_AGO = fields.Datetime.now() - timedelta(days=60)
MOMENTS = (
    'before_the_mail',
    'link_open',
    'checkout_open',
    'paid_at_the_last_second',
    'pending',
    'paid',
)


@tagged('post_install', '-at_install')
class TestBelongingTable(BelongingCase):
    """The table above, at each moment, at both providers."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.invoice = cls.make_invoice(100, days_late=30)
        cls.beside = cls.make_invoice(60, days_late=30)
        # All pages are open, as after a reminder a while ago; one test begins before it.
        run = cls.env['pay.now.reminder.run'].create({})
        run._generate()
        cls.reminder = run.reminder_ids
        cls.reminder.sudo().write({'state': 'sent', 'sent_at': LONG_AGO})
        for document in (cls.invoice, cls.reminder):
            document._pay_now_url()

    def play(self, deed, moment, provider):
        self.deed, self.current_provider = deed, provider
        self.said = f'{deed}, {moment}, {provider.code}'
        self.row = TABLE[deed]
        self.payer = self.customer
        getattr(self, f'at_{moment}')()

    def happen(self):
        """Let it happen, and look at everything."""
        self.let_it_happen()
        self.assert_belonging(self.said)

    def let_it_happen(self):
        getattr(self, self.deed)(self.invoice)
        if self.deed == 'merge_away':
            self.payer = self.beside.commercial_partner_id

    def open_checkout(self):
        """Start to pay the one invoice on the page of the reminder."""
        tx = self.reminder.sudo()._pay_now_start(
            set(self.lines(self.invoice).ids), self.current_provider.id
        )
        tx._pay_now_open()
        return tx

    def let_end(self):
        """Let the background end at the providers what ended here."""
        with self.enter_registry_test_mode():
            self.env.ref('account_pay_now.ir_cron_end').method_direct_trigger()

    def assert_owed(self, received, row=None):
        """Check who owes what, and look at everything once more."""
        self.assert_belonging(self.said)
        row = row or self.row
        owed, credit = self.owed(self.payer)
        more = 7 if self.deed == 'merge' else 0
        self.assertEqual(owed, (row.paid if received else row.unpaid) + 60 + more, self.said)
        self.assertEqual(credit, row.credit if received else 0, self.said)
        self.assertEqual(self.owed(self.other_customer_)[0], row.other, self.said)
        # Whoever is reminded next is asked for one's own debts.
        self.generate()
        self.assert_nothing_asked_twice(self.said)

    # === moments === #

    def at_before_the_mail(self):
        run = self.generate()
        self.happen()
        self.send(run)
        self.assert_owed(False)

    def at_link_open(self):
        for document in (self.invoice, self.reminder, self.pages[self.customer]):
            self.assertIn(self.invoice.name, self.page_of(document), self.said)
        self.happen()
        self.remind()
        self.assert_owed(False)

    def at_checkout_open(self):
        tx = self.open_checkout()
        self.happen()
        self.let_end()
        gateway = self.gateway_of(self.current_provider)
        is_open = gateway.payments[tx.provider_reference].state == base.OPEN
        if not gateway.captures:
            self.assertEqual(is_open, not self.row.ends, self.said)
        self.pay_at_provider(tx)
        self.assertEqual(tx.state == 'done', not self.row.ends, self.said)
        self.assert_owed(not self.row.ends)

    def at_paid_at_the_last_second(self):
        tx = self.open_checkout()
        gateway = self.gateway_of(self.current_provider)
        if not gateway.captures:
            # The provider has the money, and we know nothing of it yet.
            gateway.pay(tx)
        self.happen()
        if gateway.captures:
            gateway.approve(tx)
        tx._synchronize()
        received = tx.state == 'done'
        self.assertEqual(received, not gateway.captures or not self.row.ends, self.said)
        self.let_end()
        self.assert_owed(received)

    def at_pending(self):
        tx = self.open_checkout()
        self.pend_at_provider(tx)
        self.assertEqual(tx.state, 'pending', self.said)
        self.happen()
        self.let_end()
        self.gateway_of(self.current_provider).pay(tx)
        tx._synchronize()
        self.assertEqual(tx.state, 'done', self.said)
        self.assert_owed(True)

    def at_paid(self):
        tx = self.open_checkout()
        self.pay_at_provider(tx)
        self.assertEqual(self.invoice.payment_state, 'paid', self.said)
        self.let_it_happen()
        self.assert_owed(True, AFTER_PAYMENT.get(self.deed))

    def test_every_deed_is_in_the_table(self):
        self.assertEqual(set(TABLE), set(DEEDS))


def _test(deed, moment, code):
    """Return the test of one cell at one provider."""
    return lambda self: self.play(deed, moment, getattr(self, code))


for _number, _deed in enumerate(TABLE):
    for _position, _moment in enumerate(MOMENTS):
        _codes = ('provider', 'paypal')
        if _moment in MOMENTS[:2]:
            # Before a checkout there is no provider.
            _codes = _codes[:1]
        elif not EVERYTHING:
            # They take turns: what happens to a record knows nothing of the provider, and each
            # moment is played at both.
            _codes = _codes[(_number + _position) % 2 :][:1]
        for _code in _codes:
            _name = {'provider': 'stripe', 'paypal': 'paypal'}[_code]
            setattr(
                TestBelongingTable,
                f'test_{_deed}_{_moment}_{_name}',
                _test(_deed, _moment, _code),
            )
