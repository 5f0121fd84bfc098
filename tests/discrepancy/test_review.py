# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from decimal import Decimal
from unittest.mock import patch

from odoo import fields
from odoo.exceptions import UserError
from odoo.fields import Command
from odoo.tests import tagged
from odoo.tools import mute_logger

from odoo.addons.account_pay_now import const
from odoo.addons.account_pay_now.gateways import base
from odoo.addons.account_pay_now.tests.discrepancy.comparison import ComparisonCommon

ARCHIVED = "The journal is archived."
BOOKS = 'odoo.addons.account_pay_now.models.provider.payment_provider_books'


@tagged('post_install', '-at_install')
class TestReview(ComparisonCommon):
    """What is to handle closes once it is no longer so: a story for each kind.

    A story makes the discrepancy, and mends the books or the payment; between both stands a
    `yield` with what was found, where it has to stay open however often it is asked.
    """

    def play(self, kind):
        for found in getattr(self, f'story_{kind}')():
            self.assertRecordValues(found, [{'state': 'open', 'kind': kind}])
            self.review()
            self.assertEqual(found.state, 'open', "still so")
            last = found
        self.review()
        self.assertEqual(last.state, 'done', "no longer so")

    def review(self):
        """Ask as the scheduled action does, which keeps each batch."""
        with patch.object(
            self.env.registry['ir.cron'], '_commit_progress', lambda _cron, *_args, **_values: 1
        ):
            self.env['pay.now.discrepancy'].sudo()._cron_review()

    def of(self, tx, kind):
        """Return the only open discrepancy of a kind."""
        found = tx.pay_now_discrepancy_ids.filtered(
            lambda one: one.kind == kind and one.state == 'open'
        )
        self.assertEqual(len(found), 1, kind)
        return found

    def transfer(self, invoice, **values):
        """The customer pays by transfer."""
        self.env['account.payment.register'].with_context(
            active_model='account.move', active_ids=invoice.ids
        ).create(values)._create_payments()

    def overpaid(self, received=120):
        """Return a payment of more than was asked for an invoice of 100.00."""
        tx = self.opened(100)
        self.gateway.pay(tx, amount=Decimal(received))
        tx._synchronize()
        return tx

    def credit(self, tx):
        return tx.payment_id._pay_now_counterpart_lines()

    # === EACH KIND HAS AN ANSWER === #

    def test_each_kind_has_an_answer_and_a_story(self):
        Discrepancy = self.env['pay.now.discrepancy']
        for kind, name in Discrepancy._fields['kind']._description_selection(self.env):
            with self.subTest(kind):
                answer = getattr(Discrepancy, f'_is_still_{kind}', None)
                self.assertTrue(answer, f"Nobody says when “{name}” is over.")
                self.assertTrue(hasattr(self, f'story_{kind}'), "A story is missing.")

    def test_one_that_cannot_be_asked_keeps_no_other(self):
        """It stays, and says why; the others are closed."""
        txs = [self.overpaid() for _number in range(3)]
        found = [self.of(tx, 'surplus') for tx in txs]
        for tx in txs:
            (self.credit(tx) | self.lines(self.make_invoice(20))).reconcile()
        for one in found:
            one.state = 'open'
        cls, bad = self.env.registry['pay.now.discrepancy'], found[1]
        answer = cls._is_still_surplus

        def refuse(one):
            if one.id == bad.id:
                one.env.cr.execute("SELECT no_such_column FROM res_partner")
            return answer(one)

        with patch.object(cls, '_is_still_surplus', refuse), mute_logger(BOOKS):
            self.review()
            self.assertEqual([one.state for one in found], ['done', 'open', 'done'])
            self.assertIn("Whether this is still so could not be seen", bad.message)
            self.assertIn("the server's log", bad.message)
            said = bad.message
            self.review()
            self.assertEqual(bad.message, said, "said once")
        self.review()
        self.assertEqual(bad.state, 'done')
        self.assertNotIn("could not be seen", bad.message)

    # === STORIES === #

    def story_surplus(self):
        tx = self.overpaid()
        yield self.of(tx, 'surplus')
        (self.credit(tx) | self.lines(self.make_invoice(20))).reconcile()

    def story_waiting(self):
        tx = self.opened(100)
        invoice = tx.invoice_ids
        invoice.button_draft()
        self.gateway.pay(tx)
        tx._synchronize()
        yield self.of(tx, 'waiting')
        (self.credit(tx) | self.lines(self.make_invoice(100))).reconcile()

    def story_amount(self):
        tx = self.overpaid(60)
        yield self.of(tx, 'amount')
        self.transfer(tx.invoice_ids)

    def story_discount(self):
        term = self.env['account.payment.term'].create(
            {
                'name': "2 % within a week",
                'early_discount': True,
                'discount_percentage': 2,
                'discount_days': 7,
                'early_pay_discount_computation': 'excluded',
                'line_ids': [Command.create({'value': 'percent', 'value_amount': 100})],
            }
        )
        invoice = self.make_invoice(
            invoice_payment_term_id=term.id, invoice_date=fields.Date.today()
        )
        tx = self.checkout(self.lines(invoice))
        self.gateway.pay(tx)
        tx._synchronize()
        invoice.button_draft()
        invoice.invoice_line_ids.price_unit = 50
        invoice.action_post()
        yield self.of(tx, 'discount')
        (self.credit(tx) | self.lines(self.make_invoice(50))).reconcile()

    def story_currency(self):
        tx = self.opened(100)
        self.gateway.pay(tx, currency='USD')
        tx._synchronize()
        found = self.of(tx, 'currency')
        yield found
        self.gateway.give_back(tx.provider_reference, '100.00')
        tx._synchronize()

    def story_superseded(self):
        tx, _line = self.booked(100)
        other = self.opened(100)
        # Made for the same item, and paid after all.
        other.pay_now_item_ids.line_id = tx.pay_now_item_ids.line_id
        other.pay_now_item_ids.move_id = tx.pay_now_item_ids.move_id
        self.gateway.pay(other)
        other._synchronize()
        other.pay_now_discrepancy_ids.unlink()
        self.compare()
        found = self.found(kinds=('superseded',))
        yield found
        found.transaction_id.action_refund(100)

    def story_booking(self):
        account = self.provider.pay_now_commission_account_id
        self.provider.pay_now_commission_account_id = False
        tx, _line = self.booked(100)
        yield self.of(tx, 'booking')
        self.provider.pay_now_commission_account_id = account
        tx._synchronize()

    def story_held(self):
        tx = self.opened(100)
        code = next(iter(const.MERCHANT_ACTION_CODES))
        self.gateway.set(tx.provider_reference, state=base.PENDING, failure_code=code)
        tx._synchronize()
        yield self.of(tx, 'held')
        self.gateway.set(tx.provider_reference, state=base.FAILED)
        tx._synchronize()

    def story_identity(self):
        tx = self.opened(100)
        self.gateway.set(tx.provider_reference, reference='INV-OTHER')
        self.gateway.pay(tx)
        tx._synchronize()
        yield self.of(tx, 'identity')
        self.gateway.set(tx.provider_reference, reference=tx.reference)
        tx._synchronize()

    def story_settlement(self):
        tx = self.opened(100)
        self.gateway.pay(tx, settlement_currency='USD')
        tx._synchronize()
        yield self.of(tx, 'settlement')
        tx.sudo().pay_now_commission_state = 'booked'

    def story_missing_here(self):
        tx = self.opened()
        self.received(tx)
        self.compare()
        yield self.of(tx, 'missing_here')
        tx._synchronize()

    def story_missing_there(self):
        tx, line = self.booked()
        self.gateway.movements.remove(line)
        self.gateway.set(tx.provider_reference, state=base.FAILED)
        self.compare()
        yield self.of(tx, 'missing_there')
        tx.payment_id.move_id._reverse_moves(cancel=True)

    def differing(self, kind, there, here):
        """Return a payment about which the comparison found a difference in amount."""
        tx, line = self.booked()
        amount, fee = {'booked_amount': (there, '4.60'), 'commission': ('300', there)}[kind]
        self.relist(line, amount=Decimal(amount), fee=Decimal(fee))
        self.compare()
        self.assertEqual(self.of(tx, kind).details, {'there': float(there), 'here': here})
        return tx

    def story_booked_amount(self):
        tx = self.differing('booked_amount', '310', 300.0)
        yield self.of(tx, 'booked_amount')
        self.gateway.set(tx.provider_reference, amount=Decimal(310))
        tx._pay_now_book_again()

    def story_commission(self):
        tx = self.differing('commission', '5.10', 4.6)
        yield self.of(tx, 'commission')
        self.gateway.set(tx.provider_reference, commission=Decimal('5.10'))
        tx._pay_now_book_again()

    def story_booked_twice(self):
        tx, _line = self.booked()
        twice = tx.payment_id.copy({'payment_transaction_id': tx.id})
        twice.action_post()
        self.compare()
        yield self.of(tx, 'booked_twice')
        twice.move_id._reverse_moves(cancel=True)

    def failed_refund(self):
        tx, _line = self.booked(100)
        tx.action_refund(40)
        refund = tx._pay_now_refunds()
        self.gateway.fail_refund(refund.pay_now_refund_ref)
        tx._synchronize()
        return tx, refund

    def story_refund(self):
        tx, refund = self.failed_refund()
        yield self.of(refund, 'refund')
        tx.action_refund(40)

    def story_credit_note(self):
        tx, _line = self.booked(100)
        cls = self.env.registry['payment.transaction']

        def refuse(_tx, _invoice):
            raise UserError(ARCHIVED)

        with patch.object(cls, '_pay_now_prepare_note_header', refuse):
            tx.action_refund(40)
        yield self.of(tx._pay_now_refunds(), 'credit_note')
        note = tx.invoice_ids._reverse_moves([{'invoice_date': fields.Date.today()}])
        note.invoice_line_ids.price_unit = 40
        note.action_post()

    # === AT ONCE === #

    def test_surplus_closes_as_it_is_matched(self):
        tx = self.overpaid()
        surplus, amount = self.of(tx, 'surplus'), self.of(tx, 'amount')
        (self.credit(tx) | self.lines(self.make_invoice(15))).reconcile()
        self.assertEqual(surplus.state, 'done', "another amount is another finding")
        self.assertEqual(self.of(tx, 'surplus').amount, 5)
        self.assertEqual(amount.state, 'open')
        (self.credit(tx) | self.lines(self.make_invoice(30))).reconcile()
        self.assertFalse(tx.pay_now_discrepancy_ids.filtered(lambda one: one.state == 'open'))
        self.assertIn("no longer so", amount.note)

    def test_surplus_closes_as_it_is_refunded_at_the_provider(self):
        tx = self.overpaid()
        self.of(tx, 'surplus')
        self.gateway.give_back(tx.provider_reference, '20.00')
        tx._synchronize()
        self.assertFalse(tx.pay_now_discrepancy_ids.filtered(lambda one: one.state == 'open'))
        refund = tx._pay_now_refunds()
        self.assertTrue(self.credit(refund).reconciled)
        self.assertFalse(refund.pay_now_credit_note_ids)

    def test_failed_refund_of_which_nothing_is_owed(self):
        """The credit note that it was for is paid otherwise."""
        tx, refund = self.failed_refund()
        found = self.of(refund, 'refund')
        note = tx.invoice_ids._reverse_moves([{'invoice_date': fields.Date.today()}])
        note.invoice_line_ids.price_unit = 40
        note.action_post()
        self.review()
        self.assertEqual(found.state, 'open')
        self.transfer(note)
        self.review()
        self.assertEqual(found.state, 'done')

    # === WHAT A PERSON DECIDED === #

    def test_dismissed_stays_dismissed(self):
        tx = self.overpaid()
        surplus = self.of(tx, 'surplus')
        surplus._dismiss("The customer wants it so.")
        (self.credit(tx) | self.lines(self.make_invoice(20))).reconcile()
        self.review()
        self.assertEqual(surplus.state, 'dismissed')

    def test_note_is_in_the_language_of_the_books(self):
        """Whoever changed them: an accountant with another language, or the scheduled action."""
        self.load_language('fr_FR')
        tx = self.overpaid()
        surplus = self.of(tx, 'surplus')
        self.assertEqual(self.company._pay_now_lang(), 'en_US')
        items = self.credit(tx) | self.lines(self.make_invoice(20))
        items.with_context(lang='fr_FR').reconcile()
        self.assertRecordValues(
            surplus, [{'state': 'done', 'note': "Closed by itself: this is no longer so."}]
        )

    def test_note_of_a_person_stays(self):
        tx = self.overpaid()
        surplus = self.of(tx, 'surplus')
        surplus.note = "Asked the customer."
        (self.credit(tx) | self.lines(self.make_invoice(20))).reconcile()
        self.assertRecordValues(surplus, [{'state': 'done', 'note': "Asked the customer."}])

    def test_swept(self):
        """The scheduled action asks: nothing told it."""
        tx = self.overpaid(60)
        found = self.of(tx, 'amount')
        self.transfer(tx.invoice_ids)
        self.assertEqual(found.state, 'open')
        with self.enter_registry_test_mode():
            self.env.ref('account_pay_now.ir_cron_sweep').method_direct_trigger()
        self.assertEqual(found.state, 'done')

    def test_many_at_once(self):
        """In batches, each of which is kept."""
        txs = [self.overpaid() for _number in range(3)]
        for tx in txs[:2]:
            with patch.object(
                self.env.registry['payment.transaction'], '_pay_now_review', lambda *_args: None
            ):
                (self.credit(tx) | self.lines(self.make_invoice(20))).reconcile()
        with patch.object(const, 'REVIEW_BATCH', 2):
            self.review()
        states = [
            self.env['pay.now.discrepancy'].search([('transaction_id', '=', tx.id)]) for tx in txs
        ]
        self.assertEqual(
            [set(found.mapped('state')) for found in states], [{'done'}, {'done'}, {'open'}]
        )


def _test(kind):
    """Return the test of one story."""
    return lambda self: self.play(kind)


for _name in [name for name in vars(TestReview) if name.startswith('story_')]:
    setattr(TestReview, f'test_{_name}', _test(_name.removeprefix('story_')))
