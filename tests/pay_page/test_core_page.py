# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from datetime import timedelta
from urllib.parse import urlsplit

from odoo import fields
from odoo.exceptions import ValidationError
from odoo.fields import Command
from odoo.tests import HttpCase, tagged

from odoo.addons.account_pay_now.tests.common import PayNowCommon

#: How core calls the modes of the early payment discount -> what is paid of 100.00 and its VAT of
#: 20 %, and what the payment's entry has besides the money, by account.
DISCOUNT_MODES = {
    'included': (117.60, {'discount': 2.00, 'tax': 0.40, 'receivable': -120.00}),
    'excluded': (118.00, {'discount': 2.00, 'receivable': -120.00}),
    'mixed': (117.60, {'discount': 2.00, 'receivable': -119.60}),
}


@tagged('post_install', '-at_install')
class TestCorePage(PayNowCommon, HttpCase):
    """Odoo's own invoice page: our providers take what it asks for, and nothing else."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.connect()
        cls.tax = cls.company_data['default_tax_sale'].copy({'amount': 20, 'name': "20 %"})

    def discounted(self, mode, days_ago=0):
        """Return an invoice of 100.00 and its VAT, with 2 % discount within 7 days."""
        term = self.env['account.payment.term'].create(
            {
                'name': f"2 % {mode}",
                'early_discount': True,
                'discount_days': 7,
                'discount_percentage': 2,
                'early_pay_discount_computation': mode,
                'line_ids': [Command.create({'value': 'percent', 'value_amount': 100})],
            }
        )
        return self.make_invoice(
            invoice_date=fields.Date.today() - timedelta(days=days_ago),
            invoice_date_due=False,
            invoice_payment_term_id=term.id,
            invoice_line_ids=[
                Command.create(
                    {'name': "Bread", 'price_unit': 100, 'tax_ids': [Command.set(self.tax.ids)]}
                )
            ],
        )

    def start(self, invoice, amount, provider=None, url=None, **values):
        """Press *Pay* on core's page, as its script does."""
        self.authenticate(None, None)
        provider = provider or self.provider
        return self.make_jsonrpc_request(
            url or f'/invoice/transaction/{invoice.id}',
            {
                'access_token': invoice._portal_ensure_token(),
                'provider_id': provider.id,
                'payment_method_id': provider._pay_now_default_method().id,
                'token_id': None,
                'amount': amount,
                'flow': 'redirect',
                'tokenization_requested': False,
                'landing_route': '/my',
                **values,
            },
        )

    def latest(self):
        return self.env['payment.transaction'].sudo().search([], limit=1)

    def assert_refused(self, invoice, amount, text):
        """Nothing is left of it, neither here nor at the provider."""
        before = self.env['payment.transaction'].search_count([])
        with self.assertRaisesRegex(Exception, 'PayerError'):
            self.start(invoice, amount)
        self.assertEqual(self.env['payment.transaction'].search_count([]), before)
        self.assertFalse(self.gateway.requests)
        with self.assertRaisesRegex(ValidationError, text):
            invoice.sudo()._pay_now_check_core_payment(
                self.provider.sudo(), None if amount is None else float(amount)
            )

    def core_amounts(self, invoice):
        """Return what the page names: all of it, and what is to be paid next."""
        values = invoice._get_invoice_next_payment_values()
        return values['amount_due'], values['next_amount_to_pay']

    # === THE DISCOUNT === #

    def test_discount_that_the_page_promises(self):
        loss = self.company.account_journal_early_pay_discount_loss_account_id
        for mode, (amount, entry) in DISCOUNT_MODES.items():
            with self.subTest(mode):
                invoice = self.discounted(mode)
                self.assertEqual(self.core_amounts(invoice)[0], amount)
                self.start(invoice, amount)
                tx = self.latest()
                self.assertEqual(tx.pay_now_item_ids.amount, amount)
                self.assertAlmostEqual(tx.pay_now_item_ids.discount, -entry['receivable'] - amount)
                self.gateway.pay(tx)
                tx._synchronize()
                self.assertEqual(invoice.payment_state, 'paid')
                self.assertFalse(self.lines(invoice), "nothing is left to remind of")
                accounts = {
                    self.provider.pay_now_clearing_account_id: 'clearing',
                    loss: 'discount',
                    tx.payment_id.destination_account_id: 'receivable',
                }
                booked = {
                    accounts.get(line.account_id, 'tax'): line.balance
                    for line in tx.payment_id.move_id.line_ids
                }
                self.assertEqual(booked, {'clearing': amount, **entry})
                self.gateway.requests.clear()

    def test_all_of_it_without_the_discount(self):
        invoice = self.discounted('included')
        self.start(invoice, 120)
        self.assertRecordValues(self.latest().pay_now_item_ids, [{'amount': 120, 'discount': 0}])

    def test_discount_that_has_lapsed_is_no_part(self):
        invoice = self.discounted('included', days_ago=8)
        self.company.pay_now_partial = True
        self.assert_refused(invoice, 117.60, "amounts have changed")
        self.start(invoice, 117)
        self.assertRecordValues(self.latest().pay_now_item_ids, [{'amount': 117, 'discount': 0}])

    def test_page_offers_the_providers_by_what_it_asks_for(self):
        """Of the total, which core names, most was paid already."""
        invoice = self.make_invoice(2_000_000)
        self.env['account.payment.register'].with_context(
            active_model='account.move', active_ids=invoice.ids
        ).create({'amount': 1_999_900})._create_payments()
        self.authenticate(None, None)
        page = self.url_open(
            urlsplit(invoice.get_portal_url()).path,
            params={
                'access_token': invoice._portal_ensure_token(),
            },
        ).text
        self.assertIn(f'data-provider-id="{self.provider.id}"', page)
        self.assertEqual(self.start(invoice, 100)['state'], 'draft')

    # === INSTALMENTS === #

    def test_instalments(self):
        """30.00 are overdue, 70.00 come later; any other part is for companies that allow it."""
        invoice = self.make_invoice(100, invoice_payment_term_id=self.term.id)
        first, second = self.lines(invoice)
        self.assertEqual(self.core_amounts(invoice), (100, 30))
        self.start(invoice, 30)
        self.assertRecordValues(self.latest().pay_now_item_ids, [{'line_id': first.id}])
        self.start(invoice, 100)
        self.assertEqual(self.latest().pay_now_item_ids.line_id, first | second)
        self.gateway.requests.clear()
        self.assert_refused(invoice, 70, "amounts have changed")

    def test_instalment_on_its_way_is_not_asked_for_again(self):
        invoice = self.make_invoice(100, invoice_payment_term_id=self.term.id)
        first, second = self.lines(invoice)
        tx = self.checkout(first)
        self.gateway.set(tx.provider_reference, state='pending', payment_id='pi_1')
        tx._synchronize()
        self.gateway.requests.clear()
        self.assert_refused(invoice, 100, "Only 70.00")
        self.start(invoice, 70)
        self.assertEqual(self.latest().pay_now_item_ids.line_id, second)

    # === A PART === #

    def test_part_where_the_company_allows_it(self):
        invoice = self.make_invoice(50.50)
        self.assert_refused(invoice, 2, "amounts have changed")
        self.company.pay_now_partial = True
        self.start(invoice, 2)
        self.assertRecordValues(self.latest().pay_now_item_ids, [{'amount': 2}])

    def test_both_bounds(self):
        self.company.pay_now_partial = True
        invoice = self.make_invoice(50.50)
        for amount, text in (
            (-5, "above zero"),
            (0, "above zero"),
            (0.001, "above zero"),
            (None, "above zero"),
            ('nan', "above zero"),
            (50.51, "Only 50.50"),
            (0.10, "takes amounts between"),
        ):
            with self.subTest(amount=amount):
                self.assert_refused(invoice, amount, text)

    def test_payment_link_of_a_part(self):
        """The accountant's link of an amount that customers may not choose offers other ways."""
        invoice = self.make_invoice(50.50)
        Provider = self.env['payment.provider'].with_context(pay_now_invoice_ids=invoice.ids)
        for asked, partial, offered in ((20, False, False), (50.5, False, True), (20, True, True)):
            self.company.pay_now_partial = partial
            found = Provider.with_context(pay_now_amount=asked)._get_compatible_providers(
                self.company.id, self.customer.id, asked, currency_id=invoice.currency_id.id
            )
            self.assertEqual(self.provider in found, offered, (asked, partial))

    # === OTHER PAGES === #

    def test_nothing_but_invoices(self):
        """Whatever page starts it: an online order, or an amount without a document."""
        order = (
            self.env['sale.order']
            .sudo()
            .create(
                {
                    'partner_id': self.customer.id,
                    'require_payment': True,
                    'order_line': [
                        Command.create({'product_id': self.product_a.id, 'price_unit': 50})
                    ],
                }
            )
        )
        order.action_quotation_sent()
        invoice = self.make_invoice(50)
        before = self.env['payment.transaction'].search_count([])
        with self.assertRaisesRegex(Exception, 'PayerError'):
            self.start(
                invoice,
                order.amount_total,
                url=f'/my/orders/{order.id}/transaction',
                access_token=order._portal_ensure_token(),
            )
        self.assertEqual(self.env['payment.transaction'].search_count([]), before)
