# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from datetime import timedelta
from urllib.parse import urlsplit

from odoo import fields
from odoo.fields import Command
from odoo.tests import tagged

from odoo.addons.account_pay_now.tests.browser import DESKTOP, PHONE, BrowserMixin
from odoo.addons.account_pay_now.tests.sandbox import SandboxCase

#: Each story is played on both, so that each is seen in both languages, small and large.
SCREENS = ((DESKTOP, 'en_US', 'desktop_en'), (PHONE, 'fr_FR', 'phone_fr'))
#: The ones most customers play are also seen the other way round.
ALL_SCREENS = (*SCREENS, (DESKTOP, 'fr_FR', 'desktop_fr'), (PHONE, 'en_US', 'phone_en'))

HEADING = "document.querySelector('h1')"
RESULT = f"location.pathname.startsWith('/pay_now/result') && {HEADING}"
PAY_PAGE = "document.querySelector('.pay-now-live')"
STRIPE_PAGE = "document.querySelector('button[value=card]')"
PAYPAL_PAGE = "location.pathname == '/checkoutnow' && document.querySelector('button')"
SUM = "document.querySelector('.pay-now-sum').textContent.replace(/\\s/g, ' ')"

WORDS = {
    'paid': ("Payment received, thank you", "Paiement reçu, merci"),
    'progress': ("Payment in progress", "Paiement en cours"),
    'once': ("Do not pay a second time", "Ne payez pas une seconde fois"),
    'refused': ("Payment refused", "Paiement refusé"),
    'canceled': ("Payment canceled", "Paiement annulé"),
    'still': ("Your invoices are still to be paid", "Vos factures restent à régler"),
    'already': ("Already paid, thank you", "Déjà réglé, merci"),
    'nothing': ("There is nothing left to pay with this choice", "Il ne reste rien à payer avec"),
    'discount': ("980.00 €", "980,00 €"),
}


class StoriesCommon(BrowserMixin, SandboxCase):
    """A customer with a mailed link, a browser, and the providers' hosted pages."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.load_language('fr_FR')

    def setUp(self):
        super().setUp()
        self.company.pay_now_partial = True

    def play(self, story, screens=SCREENS):
        """Play a story once on each screen, by a customer of its own each time.

        :param story: what is played; it is given a browser. What it returns is played some days
            later, when banks have settled.
        :param screens: sizes, languages and names of the pictures.
        """
        for self.size, self.lang, self.screen in screens:
            with self.subTest(screen=self.screen):
                self.payer = self.customer.copy({'name': "Boulanger", 'lang': self.lang})
                with self.browser() as browser:
                    go_on = story(browser)
                if go_on:
                    # Not while the browser is open: it and the test share one cursor.
                    self.sandbox.settle()
                    self.deliver()
                    with self.browser() as browser:
                        go_on(browser)

    # === WHAT THE PAYER DOES === #

    def open_link(self, browser, document, ready=PAY_PAGE, name=None):
        """Open the link of a mail."""
        self.look(browser, urlsplit(document._pay_now_url()).path, ready, name)

    def look(self, browser, path, ready, name=None):
        self.show(browser, path, ready, name and f'story_{name}_{self.screen}', self.size)
        self.assert_fits(browser)

    def tick(self, browser, number):
        self.run_js(browser, f"document.querySelectorAll('[name=item]')[{number}].click()")

    def press(self, browser, button, ready, name=None):
        """Press a button, and wait for what follows."""
        self.run_js(browser, f"document.querySelector('{button}').click()")
        self.wait_for(browser, ready)
        if name:
            self.picture(browser, f'story_{name}_{self.screen}')

    def choose(self, browser, provider=None, ready=STRIPE_PAGE):
        """Go to the provider's page."""
        provider = provider or self.provider
        self.press(browser, f'form button[value="{provider.id}"][name=provider_id]', ready)

    def pay_by(self, browser, method='card', name=None):
        """Press a button of the hosted page; come back to the result."""
        self.press(browser, f'button[value={method}]', RESULT, name)
        self.assert_fits(browser)

    # === WHAT THE PAYER SEES === #

    def text_of(self, browser):
        return self.run_js(browser, 'document.body.innerText').replace('\xa0', ' ')

    def assert_says(self, browser, *names):
        text = self.text_of(browser)
        for name in names:
            self.assertIn(WORDS[name][self.lang == 'fr_FR'], text)

    def assert_sum(self, browser, amount):
        """The total, written as in the customer's language."""
        if self.lang == 'fr_FR':
            amount = amount.replace(',', ' ').replace('.', ',')
        shown = self.run_js(browser, SUM).strip()
        self.assertEqual(shown, f'{amount} €')

    # === WHAT THERE IS TO PAY === #

    def invoice(self, amount, **values):
        return self.make_invoice(amount, partner=self.payer, **values)

    def reminder(self, *invoices):
        return (
            self.env['pay.now.reminder']
            .sudo()
            .create(
                {
                    'company_id': self.company.id,
                    'partner_id': self.payer.id,
                    'item_ids': [Command.set(self.lines(*invoices).ids)],
                }
            )
        )

    def new_term(self, **values):
        return self.env['account.payment.term'].create({'name': "Special", **values})


@tagged('post_install', '-at_install')
class TestStories(StoriesCommon):
    """Each way a customer may go, from the mailed link to the provider's page and back."""

    def test_one_invoice_by_card(self):
        def story(browser):
            invoice = self.invoice(1240.5)
            self.open_link(browser, invoice, name='one')
            self.assert_sum(browser, '1,240.50')
            self.choose(browser)
            self.pay_by(browser, 'card', 'one_paid')
            self.assert_says(browser, 'paid')
            self.assertEqual(invoice.payment_state, 'paid')
            self.open_link(browser, invoice, HEADING, 'one_already')
            self.assert_says(browser, 'already')

        self.play(story, ALL_SCREENS)
        self.assert_books()

    def test_one_invoice_with_paypal(self):
        def story(browser):
            invoice = self.invoice(240)
            self.open_link(browser, invoice)
            self.choose(browser, self.paypal, PAYPAL_PAGE)
            self.pay_by(browser, 'paypal', 'paypal_paid')
            self.assert_says(browser, 'paid')
            self.assertEqual(invoice.payment_state, 'paid')

        self.play(story, ALL_SCREENS)
        self.assert_books(self.paypal)

    def test_some_of_a_reminder(self):
        def story(browser):
            invoices = [self.invoice(100 + number, days_late=40 - number) for number in range(4)]
            reminder = self.reminder(*invoices)
            self.open_link(browser, reminder, name='many')
            self.assert_sum(browser, '406.00')
            self.tick(browser, 1)
            self.assert_sum(browser, '305.00')
            self.choose(browser)
            self.pay_by(browser)
            self.assert_says(browser, 'paid')
            states = [invoice.payment_state for invoice in invoices]
            self.assertEqual(states, ['paid', 'not_paid', 'paid', 'paid'])
            # The same link goes on with what is left.
            self.open_link(browser, reminder, name='many_left')
            self.assert_sum(browser, '101.00')

        self.play(story)
        self.assert_books()

    def test_instalments_one_by_one(self):
        def story(browser):
            halves = [
                Command.create({'value': 'percent', 'value_amount': 50, 'nb_days': days})
                for days in (0, 30)
            ]
            term = self.new_term(line_ids=halves)
            invoice = self.invoice(300, invoice_payment_term_id=term.id)
            self.open_link(browser, invoice, name='instalments')
            # The mail's button asks for what is due; either may be ticked.
            boxes = "[...document.querySelectorAll('[name=item]')].map(box => box.checked)"
            for number, ticked in enumerate(self.run_js(browser, boxes)):
                if ticked != (number == 0):
                    self.tick(browser, number)
            self.assert_sum(browser, '150.00')
            self.choose(browser)
            self.pay_by(browser)
            self.assertEqual((invoice.amount_residual, invoice.payment_state), (150, 'partial'))
            self.open_link(browser, invoice)
            if not self.run_js(browser, boxes)[0]:
                self.tick(browser, 0)
            self.assert_sum(browser, '150.00')
            self.choose(browser)
            self.pay_by(browser)
            self.assertEqual(invoice.payment_state, 'paid')

        self.play(story)
        self.assert_books()

    def test_a_part_of_it(self):
        def story(browser):
            invoice = self.invoice(100)
            self.open_link(browser, invoice)
            typed = '40,50' if self.lang == 'fr_FR' else '40.50'
            self.run_js(browser, f"document.querySelector('[name=amount]').value = '{typed}'")
            self.picture(browser, f'story_part_{self.screen}')
            self.choose(browser)
            self.pay_by(browser)
            self.assertEqual(invoice.amount_residual, 59.50)
            self.open_link(browser, invoice)
            self.assert_sum(browser, '59.50')

        self.play(story)
        self.assert_books()

    def test_credit_note_deducted(self):
        def story(browser):
            invoice = self.invoice(100)
            credit = self.invoice(30, move_type='out_refund')
            self.open_link(browser, invoice)
            self.tick(browser, 1)
            self.assert_sum(browser, '70.00')
            self.picture(browser, f'story_credit_{self.screen}')
            self.choose(browser)
            self.pay_by(browser)
            self.assertEqual({invoice.payment_state, credit.payment_state}, {'paid'})

        self.play(story)
        self.assert_books()

    def test_credit_note_that_leaves_nothing(self):
        def story(browser):
            invoice = self.invoice(100)
            self.invoice(120, move_type='out_refund')
            self.open_link(browser, invoice)
            self.tick(browser, 1)
            self.assert_sum(browser, '0.00')
            self.assert_says(browser, 'nothing')
            buttons = "[...document.querySelectorAll('[name=provider_id]')]"
            self.assertTrue(self.run_js(browser, f'{buttons}.every(button => button.disabled)'))
            self.picture(browser, f'story_nothing_{self.screen}')

        self.play(story)
        self.assertFalse(self.env['payment.transaction'].sudo().search([]))

    def test_early_payment_discount(self):
        def story(browser):
            due = Command.create({'value': 'percent', 'value_amount': 100, 'nb_days': 30})
            term = self.new_term(
                early_discount=True, discount_days=7, discount_percentage=2, line_ids=[due]
            )
            invoice = self.invoice(
                1000, invoice_date=fields.Date.today(), invoice_payment_term_id=term.id
            )
            self.open_link(browser, invoice, name='discount')
            self.assert_sum(browser, '980.00')
            self.choose(browser)
            self.pay_by(browser)
            self.assert_says(browser, 'paid', 'discount')
            self.assertEqual(invoice.payment_state, 'paid')

        self.play(story)

    def test_a_debit_in_progress(self):
        def story(browser):
            invoice = self.invoice(100)
            self.open_link(browser, invoice)
            self.choose(browser)
            self.pay_by(browser, 'sepa', 'debit')
            self.assert_says(browser, 'progress', 'once')
            result = self.run_js(browser, 'location.pathname')
            # Nobody pays it twice meanwhile, whatever link is opened.
            self.look(browser, urlsplit(invoice._pay_now_url()).path, HEADING, 'debit_meanwhile')
            self.assert_says(browser, 'progress')
            self.assertFalse(
                self.run_js(browser, "document.querySelectorAll('[name=provider_id]').length")
            )

            def days_later(browser):
                self.look(browser, result, HEADING)
                self.assert_says(browser, 'paid')
                self.assertEqual(invoice.payment_state, 'paid')

            return days_later

        self.play(story)
        self.assert_books()

    def test_declined_then_another_try(self):
        def story(browser):
            invoice = self.invoice(100)
            self.open_link(browser, invoice)
            self.choose(browser)
            self.press(
                browser,
                'button[value=declined]',
                "document.querySelector('.error').innerText",
                'declined',
            )
            self.press(browser, 'a.back', RESULT)
            self.assert_says(browser, 'canceled', 'still')
            self.press(browser, 'a.pay-now-button', PAY_PAGE)
            self.choose(browser)
            self.pay_by(browser)
            self.assert_says(browser, 'paid')
            self.assertEqual(invoice.payment_state, 'paid')

        self.play(story)
        self.assert_books()

    def test_a_debit_that_is_refused(self):
        def story(browser):
            invoice = self.invoice(100)
            self.open_link(browser, invoice)
            self.choose(browser)
            self.pay_by(browser, 'sepa_fail')
            result = self.run_js(browser, 'location.pathname')

            def days_later(browser):
                self.look(browser, result, HEADING, 'refused')
                self.assert_says(browser, 'refused')
                self.press(browser, 'a.pay-now-button', PAY_PAGE)
                self.choose(browser)
                self.pay_by(browser)
                self.assertEqual(invoice.payment_state, 'paid')

            return days_later

        self.play(story)

    def test_canceled_with_everything_still_there(self):
        def story(browser):
            invoices = [self.invoice(100), self.invoice(60)]
            self.open_link(browser, self.reminder(*invoices))
            self.choose(browser, self.paypal, PAYPAL_PAGE)
            self.press(browser, 'button.cancel', RESULT, 'canceled')
            self.assert_says(browser, 'canceled', 'still')
            self.press(browser, 'a.pay-now-button', PAY_PAGE)
            self.assert_sum(browser, '160.00')

        self.play(story)

    def test_an_address_that_opens_nothing(self):
        def story(browser):
            invoice = self.invoice(100)
            lapsed = urlsplit(invoice._pay_now_url()).path
            invoice.sudo().pay_now_token_expiry = fields.Date.today() - timedelta(days=1)
            names = (invoice.name, self.payer.name, self.company.name)
            self.look(browser, lapsed[:-4] + 'AAAA', HEADING, 'wrong')
            seen = self.text_of(browser)
            self.look(browser, lapsed, HEADING)
            self.assertEqual(self.text_of(browser), seen)
            for name in names:
                self.assertNotIn(name, seen)

        self.play(story)

    def test_an_address_for_the_receipt(self):
        def story(browser):
            self.payer.email = False
            invoice = self.invoice(100)
            invoice._pay_now_url()
            self.look(browser, invoice._pay_now_path(), PAY_PAGE, 'receipt')
            self.run_js(browser, "document.querySelector('[name=email]').value = 'me@example.com'")
            self.choose(browser)
            self.pay_by(browser)
            self.assert_says(browser, 'paid')
            tx = self.env['payment.transaction'].sudo().search([], limit=1, order='id desc')
            self.assertEqual(tx.partner_email, 'me@example.com')

        self.play(story)
