# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""Random histories of what people do to records while customers pay.

`PAY_NOW_BELONGING` sets how many things happen, `PAY_NOW_SEED` which ones, `PAY_NOW_HISTORIES` how
many histories are played.
"""

import logging
import os
import random
from collections import Counter

from odoo.exceptions import UserError
from odoo.tests import tagged
from odoo.tools import mute_logger

from odoo.addons.account_pay_now.gateways import base
from odoo.addons.account_pay_now.tests.belonging import DEEDS, BelongingCase

_logger = logging.getLogger(__name__)

LENGTH = int(os.environ.get('PAY_NOW_BELONGING') or 40)
SEED = int(os.environ.get('PAY_NOW_SEED') or 20261129)
HISTORIES = int(os.environ.get('PAY_NOW_HISTORIES') or 1)


@tagged('post_install', '-at_install')
class TestBelongingHistory(BelongingCase):
    """Everything of the table at random, one after the other, on many invoices."""

    #: What happens to payments and mails -> how often, beside one of each deed.
    steps = {
        'invoice': 6,
        'remind_all': 3,
        'start': 6,
        'pay': 6,
        'pend': 2,
        'settle': 2,
        'debit_fails': 1,
        'end': 3,
        'answer': 2,
        'transfer': 3,
        'arrive': 3,
        'ask_plan': 3,
        'answer_plan': 3,
        'follow_plans': 1,
    }

    def play(self, seed, length):
        self.random = random.Random(seed)
        self.happened, self.refused, self.transferred = [], Counter(), []
        names = {**self.steps, **dict.fromkeys(DEEDS, 1)}
        for _number in range(3):
            self.invoice()
        for _number in range(length):
            [name] = self.random.choices(list(names), list(names.values()))
            self.happened.append(name)
            self.step(name)
            self.assert_belonging(f'seed {seed}: {self.happened}')
        done = len(self.txs('done'))
        _logger.info(
            "%s happened, %s paid, refused: %s", Counter(self.happened), done, self.refused
        )
        self.assertGreater(done, 0)

    def step(self, name):
        """Let one thing happen; what Odoo or we refuse, has not happened."""
        act = getattr(self, name)
        try:
            with self.cr.savepoint(), mute_logger('odoo.sql_db'):
                if name in DEEDS:
                    if found := self.choose(self.invoices()):
                        act(found)
                else:
                    act()
        except UserError as error:
            self.refused[f'{name}: {error}'] += 1

    # === what there is === #

    def invoices(self):
        return self.env['account.move'].search(
            [('move_type', '=', 'out_invoice'), ('state', '=', 'posted')]
        )

    def txs(self, *states):
        return self.env['payment.transaction'].sudo().search([('state', 'in', states)])

    def choose(self, records):
        return records.browse(self.random.choice(records.ids)) if records else records

    # === what customers do === #

    def invoice(self):
        partners = self.env['res.partner'].search(
            [('id', 'in', self.env['account.move'].search([]).commercial_partner_id.ids)]
        )
        partner = self.choose(partners | self.customers.exists().filtered('active'))
        values = {'invoice_payment_term_id': self.term.id} if self.random.random() < 0.3 else {}
        amount = self.random.randint(100, 90000) / 100
        self.make_invoice(amount, partner, days_late=30, **values)._pay_now_url()

    def start(self):
        """Somebody opens a page and starts to pay some of it."""
        documents = [document for document, _customer in self.documents()]
        document = self.random.choice(documents).sudo() if documents else None
        if not document or not document._pay_now_check_token(document.pay_now_token):
            return
        _open_lines, payable, _reasons = document._pay_now_page_items()
        if payable and document._name == 'pay.now.plan' and document.state == 'accepted':
            if choices := document._pay_now_choices(payable):
                amount = self.random.choice(choices)['amount']
                document._pay_now_start(set(payable.ids), self.provider.id, amount)._pay_now_open()
        elif payable:
            chosen = self.random.sample(payable.ids, self.random.randint(1, len(payable)))
            provider = self.random.choice((self.provider, self.paypal))
            document._pay_now_start(set(chosen), provider.id)._pay_now_open()

    def pay(self):
        if tx := self.choose(self.txs('draft').filtered('provider_reference')):
            self.pay_at_provider(tx)

    def pend(self):
        if tx := self.choose(self.txs('draft').filtered('provider_reference')):
            gateway = self.gateway_of(tx.provider_id)
            if gateway.payments[tx.provider_reference].state == base.OPEN:
                self.pend_at_provider(tx)

    def settle(self):
        if tx := self.choose(self.txs('pending')):
            self.gateway_of(tx.provider_id).pay(tx)
            tx._synchronize()

    def debit_fails(self):
        if tx := self.choose(self.txs('pending')):
            self.gateway_of(tx.provider_id).set(tx.provider_reference, state=base.FAILED)
            tx._synchronize()

    def answer(self):
        """A customer says that there is a problem."""
        documents = [document for document, _customer in self.documents()]
        document = self.random.choice(documents).sudo() if documents else None
        if document and document._pay_now_check_token(document.pay_now_token):
            _open_lines, payable, _reasons = document._pay_now_page_items()
            if payable:
                document.sudo()._pay_now_answer('problem', set(payable.ids), text="Broken")

    def transfer(self):
        """Somebody transfers some of a reminder, and quotes its reference."""
        documents = [one for one, _customer in self.documents() if one._name == 'pay.now.reminder']
        if documents:
            document = self.random.choice(documents).sudo()
            _open_lines, payable, _reasons = document._pay_now_page_items()
            if payable:
                count = self.random.randint(1, len(payable))
                lines = payable.browse(self.random.sample(payable.ids, count))
                reference = document._pay_now_transfer_reference(lines)
                self.transferred.append((reference, sum(lines.mapped('amount_residual')), lines))
                if self.random.random() < 0.5:
                    self.arrive(self.transferred[-1])

    def arrive(self, transfer=None):
        """The bank's line of a transfer comes: once, twice, or of another amount."""
        if not self.transferred:
            return
        reference, amount, lines = transfer or self.random.choice(self.transferred)
        more = self.random.choice((0, 0, 0, 1))
        line = self.env['account.bank.statement.line'].create(
            {
                'journal_id': self.company_data['default_journal_bank'].id,
                'amount': amount + more,
                'payment_ref': f'VIR {reference}',
            }
        )
        if line.is_reconciled:
            self.happened.append('transfer matched')
            paid = line.move_id.line_ids.matched_debit_ids.debit_move_id
            self.assertEqual((paid, more), (lines.exists(), 0), "exactly what was quoted")
            customers = paid.partner_id | paid.move_id.commercial_partner_id
            self.assertEqual(len(customers.commercial_partner_id), 1, "of one customer")

    def ask_plan(self):
        """A customer asks to pay in parts."""
        self.company.pay_now_plans = True
        documents = [document for document, _customer in self.documents()]
        document = self.random.choice(documents).sudo() if documents else None
        if document and document._pay_now_check_token(document.pay_now_token):
            chosen = set(document._pay_now_plannable().ids)
            typed = {'item': chosen, 'plan_parts': self.random.randint(2, 3)}
            typed['plan_rhythm'] = self.random.choice(['weekly', 'monthly'])
            if offer := document._pay_now_plan_offer(typed, bool(chosen)):
                document._pay_now_ask_plan(
                    chosen, typed['plan_parts'], typed['plan_rhythm'], offer['seen']
                )

    def answer_plan(self):
        """Somebody of the company accepts a plan, or ends it."""
        plan = self.choose(
            self.env['pay.now.plan'].search([('state', 'in', ('asked', 'accepted'))])
        )
        if plan and plan.state == 'asked':
            plan.action_divide()
            plan.action_accept()
        elif plan and self.random.random() < 0.3:
            plan.action_end()

    # === what happens by itself === #

    def follow_plans(self):
        for plan in self.env['pay.now.plan'].sudo().search([]):
            plan._follow()

    def remind_all(self):
        self.state()
        self.remind()

    def end(self):
        """The background ends at the providers what ended here, and the sweep looks."""
        with self.enter_registry_test_mode():
            for name in ('ir_cron_end', 'ir_cron_sweep'):
                self.env.ref(f'account_pay_now.{name}').method_direct_trigger()


def _test(seed):
    """Return the test of one history."""
    return lambda self: self.play(seed, LENGTH)


for _seed in range(SEED, SEED + HISTORIES):
    setattr(TestBelongingHistory, f'test_history_{_seed}', _test(_seed))
