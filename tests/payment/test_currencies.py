# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""Companies with books in currencies of none, two and three decimals, on the real gateways.

The providers write amounts by tables of their own: what they cannot write is not asked for.
"""

from decimal import Decimal
from urllib.parse import urlsplit

from lxml import html

from odoo.exceptions import UserError, ValidationError
from odoo.tests import tagged

from odoo.addons.account_pay_now.tests.browser import DESKTOP, PHONE, BrowserMixin
from odoo.addons.account_pay_now.tests.sandbox import SandboxCase

#: currency -> an amount, what Stripe's sandbox keeps of it, what is refunded, and who takes it.
TAKEN = {
    'EUR': (100.50, 1.76, 40.25, 'stripe paypal'),
    'CHF': (100.55, 1.76, 40.25, 'stripe paypal'),
    'HUF': (10500.50, 157.76, 500.50, 'stripe'),
    'JPY': (10500, 183, 501, 'stripe paypal'),
    'UGX': (5000, 75, 1500, 'stripe'),
    'TND': (12.340, 0.210, 5.010, 'stripe'),
}
BUTTON = "document.querySelector('[name=provider_id]')"
#: After the page's own script.
COUNT_SUBMITS = """
    window.submits = 0;
    window.addEventListener('submit', (event) => {
        window.submits += event.defaultPrevented ? 0 : 1;
    });
"""


@tagged('post_install', '-at_install')
class TestCurrencies(BrowserMixin, SandboxCase):
    """What can be written is paid and booked to the last digit; the rest has no button."""

    def keep_books_in(self, code):
        """Let the company, and its accounts at the providers, have another currency."""
        currency = self.env['res.currency'].with_context(active_test=False)
        currency = currency.search([('name', '=', code)])
        currency.active = True
        self.company.currency_id = currency
        self.sandbox.account(account=self.sandbox.account_id, currency=code.lower())
        self.sandbox.paypal.account(currency=code)
        (self.provider | self.paypal).action_pay_now_disconnect()
        self.provider._pay_now_connect(self.sandbox.key)

    def connect_to_paypal(self):
        paypal = self.sandbox.paypal
        self.paypal._pay_now_connect(paypal.client_id, paypal.secret)

    def text(self, invoice):
        """Return what the page says, and its buttons."""
        page = html.fromstring(self.url_open(urlsplit(invoice._pay_now_url()).path).content)
        text = ' '.join(page.text_content().replace('\N{NO-BREAK SPACE}', ' ').split())
        return text, page.xpath('//button[@name="provider_id"]/@value')

    def entry(self, move):
        """Return the entry as (account, debit, credit)."""
        accounts = {
            self.provider.pay_now_clearing_account_id: 'clearing',
            self.provider.pay_now_commission_account_id: 'commission',
            self.company_data['default_account_receivable']: 'receivable',
        }
        return {(accounts[line.account_id], line.debit, line.credit) for line in move.line_ids}

    def play(self, code):
        amount, fee, part, takers = TAKEN[code]
        self.keep_books_in(code)
        if code in ('UGX', 'TND'):
            with self.assertRaisesRegex(UserError, f"PayPal does not take payments in {code}"):
                self.connect_to_paypal()
            self.assertEqual(self.paypal.pay_now_status, 'not_connected')
        else:
            self.connect_to_paypal()
        invoice = self.make_invoice(amount)
        self.assertFalse(invoice._pay_now_refusal('page'))
        known = {'stripe': self.provider, 'paypal': self.paypal}
        offered = [str(known[name].id) for name in takers.split()]
        self.assertEqual(self.text(invoice)[1], offered)
        tx = self.checkout(self.lines(invoice))
        self.sandbox.pay(session=tx.provider_reference, method='card')
        self.sandbox.release_fees()
        tx._synchronize()
        self.assertEqual(invoice.payment_state, 'paid')
        self.assertEqual(
            self.entry(tx.payment_id.move_id),
            {('clearing', amount, 0.0), ('receivable', 0.0, amount)},
        )
        # Books and payment are in one currency: there is no exchange difference.
        partials = tx.payment_id._pay_now_counterpart_lines().matched_debit_ids
        self.assertTrue(partials)
        self.assertFalse(partials.exchange_move_id)
        self.assertEqual(
            self.entry(tx.pay_now_commission_move_id),
            {('commission', fee, 0.0), ('clearing', 0.0, fee)},
        )
        tx.action_refund(part)
        refund = tx._pay_now_refunds()
        self.assertEqual(refund.state, 'done', refund.state_message)
        self.assertEqual(
            self.entry(refund.payment_id.move_id),
            {('receivable', part, 0.0), ('clearing', 0.0, part)},
        )
        digits = {'UGX': 2, 'TND': 3, 'JPY': 0}.get(code, 2)
        state = self.sandbox.account_state()
        self.assertEqual(round(self.clearing_balance() * 10**digits), state['balance'])

    def test_euro(self):
        self.play('EUR')

    def test_franc(self):
        self.play('CHF')

    def test_franc_rounded_to_five_centimes(self):
        """The invoice is rounded; what is paid is that amount, to the centime."""
        self.keep_books_in('CHF')
        account = self.company_data['default_account_revenue'].copy(
            {'code': '758997', 'name': "Rounding"}
        )
        rounding = self.env['account.cash.rounding'].create(
            {
                'name': "0.05",
                'rounding': 0.05,
                'strategy': 'add_invoice_line',
                'profit_account_id': account.id,
                'loss_account_id': account.id,
                'rounding_method': 'HALF-UP',
            }
        )
        invoice = self.make_invoice(100.53, invoice_cash_rounding_id=rounding.id)
        receivable = self.company_data['default_account_receivable']
        self.assertEqual(
            {
                (line.account_id, line.debit, line.credit)
                for line in invoice.line_ids
                if line.account_id in (account, receivable)
            },
            {(receivable, 100.55, 0.0), (account, 0.0, 0.02)},
        )
        tx = self.checkout(self.lines(invoice))
        self.sandbox.pay(session=tx.provider_reference, method='card')
        self.sandbox.release_fees()
        tx._synchronize()
        self.assertEqual(invoice.payment_state, 'paid')
        self.assertEqual(
            self.entry(tx.payment_id.move_id),
            {('clearing', 100.55, 0.0), ('receivable', 0.0, 100.55)},
        )
        self.assertEqual(
            self.entry(tx.pay_now_commission_move_id),
            {('commission', 1.76, 0.0), ('clearing', 0.0, 1.76)},
        )
        self.assertFalse(tx.pay_now_discrepancy_ids)

    def test_forint_has_decimals_at_stripe_and_none_at_paypal(self):
        self.play('HUF')
        with self.assertRaisesRegex(ValidationError, "PayPal takes multiples of 1.00"):
            self.checkout(self.lines(self.make_invoice(10500.50)), provider=self.paypal)

    def test_yen(self):
        self.play('JPY')

    def test_shilling_is_written_with_two_decimals(self):
        self.play('UGX')

    def test_dinar(self):
        self.play('TND')

    def test_dinar_that_stripe_cannot_write(self):
        self.keep_books_in('TND')
        invoice = self.make_invoice(12.345)
        for purpose in ('invoice_mail', 'page'):
            self.assertEqual(invoice._pay_now_refusal(purpose), 'amount')
        self.assertIn("multiples of", invoice.pay_now_refusal)
        self.assertFalse(invoice.pay_now_url)
        text, buttons = self.text(invoice)
        self.assertIn("too many decimals", text)
        self.assertFalse(buttons)
        with self.assertRaisesRegex(ValidationError, "cannot take"):
            self.checkout(self.lines(invoice))
        self.assertFalse(self.sandbox.account_state()['sessions'])

    def test_dinar_in_part(self):
        self.company.pay_now_partial = True
        self.keep_books_in('TND')
        invoice = self.make_invoice(12.345)
        self.assertFalse(invoice._pay_now_refusal('page'))
        text, buttons = self.text(invoice)
        self.assertIn("multiples of", text)
        self.assertEqual(buttons, [str(self.provider.id)])
        chosen = set(self.lines(invoice).ids)
        with self.assertRaisesRegex(ValidationError, "cannot take"):
            invoice.sudo()._pay_now_start(chosen, self.provider.id)
        tx = invoice.sudo()._pay_now_start(chosen, self.provider.id, amount=12.34)
        self.assertTrue(tx._pay_now_open())

    def test_dinar_that_cannot_be_refunded(self):
        self.keep_books_in('TND')
        tx = self.checkout(self.lines(self.make_invoice(12.34)))
        self.sandbox.pay(session=tx.provider_reference, method='card')
        self.sandbox.release_fees()
        tx._synchronize()
        wizard = self.env['payment.refund.wizard'].with_context(active_id=tx.payment_id.id)
        wizard = wizard.create({'amount_to_refund': 5.005})
        with self.assertRaisesRegex(UserError, "multiples of"):
            wizard.action_refund()
        self.assertFalse(tx._pay_now_refunds())
        # By other ways than the window.
        tx.action_refund(5.005)
        refund = tx._pay_now_refunds()
        self.assertRecordValues(refund, [{'state': 'error', 'payment_id': False}])
        self.assertIn("as many decimals", refund.state_message)

    def test_forint_at_paypal_alone(self):
        self.keep_books_in('HUF')
        self.connect_to_paypal()
        self.provider.action_pay_now_disconnect()
        self.assertEqual(self.make_invoice(10500.50)._pay_now_refusal('page'), 'amount')
        self.assertFalse(self.make_invoice(10500)._pay_now_refusal('page'))

    def test_another_currency_than_the_books(self):
        """No exchange difference can come of it: it is not payable, on no page."""
        dollar = self.env.ref('base.USD')
        dollar.active = True
        invoice = self.make_invoice(100, currency_id=dollar.id)
        self.assertEqual(invoice._pay_now_refusal('page'), 'currency')
        with self.assertRaisesRegex(ValidationError, "foreign currency"):
            invoice.sudo()._pay_now_check_core_payment(self.provider.sudo(), 100.0)

    def test_currency_of_nobody(self):
        with self.assertRaisesRegex(UserError, "Stripe does not take payments in KPW"):
            self.keep_books_in('KPW')
        self.assertEqual(self.provider.pay_now_status, 'not_connected')

    def test_how_it_looks(self):
        """A page in French whose ticks make an amount that can be written, or not."""
        self.load_language('fr_FR')
        self.customer.lang = 'fr_FR'
        self.company.pay_now_partial = True
        self.keep_books_in('TND')
        path = urlsplit(self.make_invoice(12.345)._pay_now_url()).path
        button = "document.querySelector('[name=provider_id]')"
        with self.browser() as browser:
            for size, name in ((DESKTOP, ''), (PHONE, '_phone')):
                self.show(browser, path, button, f'currency_step{name}', size)
                self.assertTrue(self.run_js(browser, f'{button}.disabled'))
                self.assert_fits(browser)

    def charged(self, code, amount):
        """Press the button twice; the page's total, its button and the charge are one amount."""
        self.load_language('fr_FR')
        self.customer.lang = 'fr_FR'
        self.keep_books_in(code)
        invoice = self.make_invoice(amount)
        shown = invoice.currency_id.with_context(lang='fr_FR').format(amount)
        total = 'document.querySelector(".pay-now-sum").textContent'
        path = urlsplit(invoice._pay_now_url()).path
        with self.browser() as browser:
            for size, name in ((PHONE, 'phone'), (DESKTOP, 'desktop')):
                self.show(
                    browser, path, 'document.querySelector(".pay-now-live")', f'{code}_{name}', size
                )
                self.assert_fits(browser)
                self.assertEqual(self.run_js(browser, total).split(), shown.split())
            self.assertFalse(self.run_js(browser, f'{BUTTON}.disabled'))
            self.run_js(browser, COUNT_SUBMITS)
            twice = f'({BUTTON}.click(), {BUTTON}.click(), window.submits)'
            self.assertEqual(self.run_js(browser, twice), 1)
            self.wait_for(browser, f'!location.pathname.startsWith({path!r})')
        self.env.invalidate_all()
        tx = invoice.transaction_ids
        self.assertRecordValues(tx, [{'amount': amount, 'state': 'draft'}])
        digits = {'JPY': 0, 'TND': 3}.get(code, 2)
        asked = Decimal(str(amount)).scaleb(digits)
        [session] = self.sandbox.account_state()['sessions']
        self.assertEqual(session['amount_total'], int(asked))

    def test_charged_in_euro(self):
        self.charged('EUR', 1234.50)

    def test_charged_in_yen(self):
        self.charged('JPY', 10500)

    def test_charged_in_dinar(self):
        self.charged('TND', 1234.340)

    def test_charged_in_forint(self):
        self.charged('HUF', 10500.50)
