# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from dataclasses import replace
from datetime import timedelta
from unittest.mock import patch
from urllib.parse import urlsplit

from lxml import html

from odoo import fields
from odoo.tests import HttpCase, new_test_user, tagged

from odoo.addons.account_pay_now.gateways import base
from odoo.addons.account_pay_now.tests.common import PayNowCommon

PAY = '//button[@name="provider_id"]'
PRINT = '//button[@form="pay_now_print"]/@formaction'
LEFT = '//section[contains(@class, "pay-now-remaining")]'
PAID = '//section[contains(@class, "pay-now-paid")]'


@tagged('post_install', '-at_install')
class TestPayer(PayNowCommon, HttpCase):
    """What somebody who pays is told, before and after, and in which language."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.load_language('fr_FR')
        cls.connect()
        cls.connect_paypal()
        cls.company.pay_now_partial = True
        cls.invoice = cls.make_invoice(
            1000, invoice_payment_term_id=cls.term.id, ref="Your order 4711"
        )
        cls.first, cls.second = cls.lines(cls.invoice)
        cls.page = urlsplit(cls.invoice._pay_now_url()).path

    def open(self, path=None, status=200):
        response = self.url_open(path or self.page)
        self.assertEqual(response.status_code, status)
        return html.fromstring(response.content)

    def post(self, tail, status=200, **data):
        # Nothing at all would be sent by a GET.
        data = {'sent': 1, **data}
        response = self.url_open(f'{self.page}/{tail}', data=data, allow_redirects=False)
        self.assertEqual(response.status_code, status)
        return response

    def said(self, page):
        return ' '.join(page.text_content().replace('\N{NO-BREAK SPACE}', ' ').split())

    def start(self, lines, provider=None, page=None):
        """Return a checkout that was begun on the page."""
        tx = self.checkout(lines, provider=provider)
        tx.sudo().pay_now_page_url = page or self.page
        return tx

    def paid(self, lines, **values):
        tx = self.start(lines)
        self.gateway.pay(tx, **values)
        tx._synchronize()
        return tx

    def result(self, tx):
        return self.open(tx._pay_now_path('result'))

    def send_receipts(self):
        with self.enter_registry_test_mode():
            self.env.ref('account_pay_now.ir_cron_receipts').method_direct_trigger()
        self.env.invalidate_all()

    # === AFTERWARDS === #

    def test_a_part_is_paid_and_the_rest_is_offered(self):
        tx = self.paid(self.first, wallet='apple_pay')
        self.send_receipts()
        result, page = self.result(tx), self.open()
        today = self.company._pay_now_today()
        for where, shown in (('result', result), ('page', page.xpath(PAID)[0])):
            with self.subTest(where=where):
                said = self.said(shown)
                for text in (
                    f"{self.invoice.name} – instalment 1 of 2",
                    "300.00 €",
                    f"Paid on {today:%m/%d/%Y}",
                    "Paid with Card, Apple Pay (Stripe)",
                    f"Reference {tx.reference}",
                    "Receipt sent to c…@e…",
                ):
                    self.assertIn(text, said)
                self.assertNotIn('client@example.com', said)
                self.assertTrue(shown.xpath('.//button[@data-print]'))
                (pdf,) = shown.xpath('.//a[contains(@class, "pay-now-document")]/@href')
                self.assertIn('.pdf', self.url_open(pdf).headers['Content-Disposition'])
        (left,) = result.xpath(LEFT)
        self.assertIn("700.00 € are left to pay", self.said(left))
        self.assertEqual(left.xpath('.//a/@href'), [self.page])
        self.assertEqual(page.xpath('//input[@name="item"]/@value'), [str(self.second.id)])
        # All of it: the same once more, and nothing to press.
        tx = self.paid(self.second)
        self.assertFalse(self.result(tx).xpath(LEFT))
        page = self.open()
        self.assertIn("Already paid, thank you.", self.said(page))
        self.assertEqual(len(page.xpath(f'{PAID}/details')), 2)
        self.assertFalse(page.xpath(PAY))

    def test_before_the_receipt_is_written(self):
        tx = self.paid(self.first)
        self.assertEqual(tx.pay_now_receipt_state, 'waiting')
        self.assertIn("The receipt is on its way to c…@e…", self.said(self.result(tx)))
        tx.sudo().pay_now_receipt_state = 'failed'
        self.assertNotIn("c…@", self.said(self.result(tx)))

    def test_without_an_address_there_is_no_receipt(self):
        self.customer.email = False
        said = self.said(self.result(self.paid(self.first)))
        self.assertIn("Payment received", said)
        self.assertNotIn("receipt", said.lower())

    def test_the_mail_queue_is_told_at_once(self):
        queue = self.env.ref('mail.ir_cron_mail_scheduler_action')
        triggers = self.env['ir.cron.trigger'].search([('cron_id', '=', queue.id)])
        triggers.unlink()
        self.paid(self.first)
        self.assertFalse(triggers.search([('cron_id', '=', queue.id)]), "not by the payer")
        self.send_receipts()
        found = triggers.search([('cron_id', '=', queue.id)])
        self.assertTrue(found and min(found.mapped('call_at')) <= fields.Datetime.now())

    def test_two_providers(self):
        card = self.paid(self.first)
        wallet = self.start(self.second, provider=self.paypal)
        self.paypal_gateway.approve(wallet)
        wallet._synchronize(payer_returned=True)
        self.assertEqual(wallet.state, 'done')
        newest, oldest = self.open().xpath(f'{PAID}/details')
        self.assertIn("Paid with PayPal Reference", self.said(newest))
        self.assertIn(wallet.reference, self.said(newest))
        self.assertIn(card.reference, self.said(oldest))

    def test_on_its_way_it_has_an_amount_and_a_name(self):
        tx = self.start(self.first)
        self.gateway.set(tx.provider_reference, state=base.PENDING)
        tx._synchronize()
        result = self.result(tx)
        self.assertIn("Payment in progress: 300.00 €", self.said(result))
        self.assertIn(f"{self.invoice.name} – instalment 1 of 2", self.said(result))
        self.assertFalse(result.xpath('//button[@data-print]'), "no proof of a payment")
        self.assertIn("700.00 € are left to pay", self.said(result))
        told = self.said(self.open().xpath(PAID)[0])
        self.assertIn("300.00 € – Payment in progress", told)
        self.assertNotIn("Paid with", told)

    def test_refunded_later(self):
        tx = self.paid(self.first)
        self.gateway.give_back(tx.provider_reference, 100)
        tx._synchronize()
        for page in (self.result(tx), self.open()):
            self.assertIn("Refunded: 100.00 €", self.said(page))

    def test_more_was_received_than_asked_for(self):
        tx = self.start(self.first)
        self.gateway.pay(tx, amount=self.gateway.payments[tx.provider_reference].amount + 5)
        tx._synchronize()
        self.assertIn("Payment received, thank you: 305.00 €", self.said(self.result(tx)))
        self.assertIn("305.00 €", self.said(self.open().xpath(f'{PAID}//summary')[0]))

    def test_a_closed_link_gives_nothing_but_what_was_paid(self):
        """Revoked, lapsed, or of another invoice."""
        tx = self.paid(self.first)
        other = self.make_invoice(50, partner=self.env['res.partner'].create({'name': "Other"}))
        elsewhere = urlsplit(other._pay_now_url()).path

        def revoke():
            self.invoice.action_pay_now_revoke_link()

        def lapse():
            self.invoice._pay_now_url()
            self.invoice.sudo().pay_now_token_expiry = fields.Date.today() - timedelta(days=1)
            tx.sudo().pay_now_page_url = self.invoice._pay_now_path()

        def another():
            tx.sudo().pay_now_page_url = elsewhere

        for close in (revoke, lapse, another):
            with self.subTest(link=close.__name__):
                close()
                page = self.result(tx)
                self.assertIn("Payment received, thank you: 300.00 €", self.said(page))
                self.assertFalse(page.xpath(PRINT + ' | //a[contains(@class, "pay-now-document")]'))
                self.assertNotIn("700.00", self.said(page))
        self.assertNotIn(tx.reference, self.said(self.open(elsewhere)))

    # === WHAT IS TYPED === #

    def test_nothing_ticked(self):
        typed = {
            'amount': "12,5",
            'email': "me@example.com",
            'paid_on': "2026-01-02",
            'promised_on': "2026-01-03",
            'problem': "Too dear",
        }
        for tail, button in (
            ('pay', {'provider_id': self.provider.id}),
            ('pay', {'update': 1}),
            ('pay?lang=fr_FR', {'update': 1}),
            ('answer', {'answer': 'problem'}),
        ):
            with self.subTest(tail=tail, button=button):
                self.customer.email = False
                page = html.fromstring(self.post(tail, **typed, **button).content)
                self.assertFalse(page.xpath('//input[@name="item"][@checked]'))
                for name in ('amount', 'email', 'paid_on', 'promised_on'):
                    self.assertEqual(page.xpath(f'//input[@name="{name}"]/@value'), [typed[name]])
                self.assertEqual(page.xpath('//textarea')[0].text, typed['problem'])
                self.assertFalse(page.xpath('//p[contains(@class, "pay-now-unticked")]/@hidden'))
        page = html.fromstring(self.post('pay', provider_id=self.provider.id).content)
        (alert,) = page.xpath('//*[@role="alert"]')
        self.assertEqual(alert.text_content(), "Tick what you want to pay.")
        self.assertFalse(self.gateway.requests)

    # === THE ROWS === #

    def test_a_row_says_which_invoice_it_is(self):
        row = self.said(self.open().xpath('//li[.//input[@name="item"]]')[0])
        date = self.invoice.invoice_date
        self.assertIn(f"Invoice of {date:%m/%d/%Y}", row)
        self.assertIn("Your order 4711", row)
        plain = self.make_invoice(20, invoice_origin="S00042")
        self.assertIn("S00042", self.said(self.open(urlsplit(plain._pay_now_url()).path)))

    def test_a_pdf_that_was_never_printed(self):
        addresses = set(self.open().xpath(PRINT))
        self.assertEqual(addresses, {f'{self.page}/print/{self.invoice.id}'})
        # Whatever follows links makes nothing.
        (address,) = addresses
        self.assertEqual(urlsplit(self.url_open(address).url).path, self.page)
        self.env.invalidate_all()
        self.assertFalse(self.invoice.invoice_pdf_report_id)
        self.assertEqual(self.url_open(f'{self.page}/pdf/{self.invoice.id}').status_code, 404)
        for _press in range(2):
            answer = self.post(f'print/{self.invoice.id}', 303)
            pdf = self.url_open(answer.headers['Location'])
            self.assertIn('.pdf', pdf.headers['Content-Disposition'])
        self.env.invalidate_all()
        self.assertTrue(self.invoice.invoice_pdf_report_id)
        rate = self.env['pay.now.rate'].sudo().search([('purpose', '=', 'pdf')])
        self.assertEqual(rate.used, 1, "the second press found it")
        self.assertFalse(self.open().xpath(PRINT))

    def test_pdfs_have_limits(self):
        self.env['ir.config_parameter'].set_param('account_pay_now.pdf_rate', '1')
        other = self.make_invoice(50, partner=self.env['res.partner'].create({'name': "Other"}))
        draft = self.make_invoice(50, post=False)
        for move_id in (other.id, draft.id, 0, 2147483647, 'x'):
            self.post(f'print/{move_id}', 404)
        with patch.object(
            type(self.invoice), '_pay_now_store_pdfs', lambda move: {move: "wkhtmltopdf -11"}
        ):
            page = html.fromstring(self.post(f'print/{self.invoice.id}').content)
        (alert,) = page.xpath('//*[@role="alert"]')
        self.assertIn("cannot be made at the moment", alert.text_content())
        self.post(f'print/{self.invoice.id}', 429)
        self.env.invalidate_all()
        self.assertFalse((self.invoice | other | draft).invoice_pdf_report_id)

    def test_what_the_button_covers(self):
        """What the provider's own checkout offers, and nothing that nobody has seen there."""
        card, visa, sepa = (
            self.env.ref(f'payment.payment_method_{code}')
            for code in ('card', 'visa', 'sepa_direct_debit')
        )
        visa.active = sepa.active = True
        self.provider.sudo().payment_method_ids = card | visa | sepa
        self.assertEqual(self.provider._pay_now_accepts(), f"Card ({visa.name})")
        self.assertEqual(self.paypal._pay_now_accepts(), '')
        opened = self.gateway.open_checkout

        def offering(*args):
            return replace(opened(*args), methods=('card', 'sepa_debit', 'no_such_method'))

        with patch.object(self.gateway, 'open_checkout', offering):
            tx = self.start(self.first)
        self.assertEqual(self.provider._pay_now_accepts(), f"Card ({visa.name}), {sepa.name}")
        self.gateway.pay(tx, wallet='apple_pay')
        tx._synchronize()
        self.provider._pay_now_check()
        accepts = f"Card ({visa.name}, Apple Pay), {sepa.name}"
        self.assertEqual(self.provider._pay_now_accepts(), accepts)
        said = self.said(self.open())
        self.assertIn(accepts, said)
        self.assertNotIn("Google Pay", said)
        tx.sudo().last_state_change = fields.Datetime.now() - timedelta(days=40)
        self.provider._pay_now_check()
        self.assertNotIn("Apple Pay", self.provider._pay_now_accepts())

    # === LANGUAGE === #

    def test_the_language_is_chosen_on_the_page(self):
        page = self.open()
        self.assertEqual(page.get('lang'), 'en-US')
        self.assertEqual(
            [one.get('lang') for one in page.xpath('//details//button[@formaction][@lang]')],
            ['en-US', 'fr-FR'],
        )
        page = self.open(f'{self.page}?lang=fr_FR')
        self.assertEqual(page.get('lang'), 'fr-FR')
        for unknown in ('de_DE', 'xx', 'fr_FR%00', '../', 'fr_FR&lang=de_DE'):
            self.assertIn(self.open(f'{self.page}?lang={unknown}').get('lang'), ('en-US', 'fr-FR'))
        # The way to the provider and back.
        action = page.xpath('//form/@action')[0]
        self.assertTrue(action.endswith('?lang=fr_FR'))
        data = {'item': self.first.id, 'provider_id': self.provider.id}
        answer = self.url_open(action, data=data, allow_redirects=False)
        self.assertEqual(answer.status_code, 303)
        tx = self.env['payment.transaction'].sudo().search([], limit=1)
        self.assertEqual(tx.pay_now_lang, 'fr_FR')
        self.url_open(answer.headers['Location'], allow_redirects=False)
        self.assertEqual(self.gateway.requests[-1][1].locale, 'fr_FR')
        self.gateway.pay(tx)
        tx._synchronize()
        result = self.result(tx)
        self.assertEqual(result.get('lang'), 'fr-FR')
        self.assertEqual(result.xpath(f'{LEFT}//a/@href'), [f'{self.page}?lang=fr_FR'])
        self.assertEqual(self.open(f'{tx._pay_now_path("result")}?lang=en_US').get('lang'), 'en-US')
        # How a page is shown, no more: what the company writes has the customer's language.
        self.assertEqual(tx._pay_now_receipt_lang(), 'en_US')
        self.assertEqual(self.customer.lang, 'en_US')
        self.assertNotIn('Set-Cookie', answer.headers)

    def test_errors_keep_the_language(self):
        wrong = self.open(f'{self.page}x?lang=fr_FR', 404)
        self.assertEqual(wrong.get('lang'), 'fr-FR')
        answer = self.post('answer?lang=fr_FR', item=self.first.id, answer='problem')
        self.assertEqual(html.fromstring(answer.content).get('lang'), 'fr-FR')
        data = {'item': self.first.id, 'answer': 'problem', 'problem': "x"}
        answer = self.post('answer?lang=fr_FR', 303, **data)
        self.assertIn('lang=fr_FR', answer.headers['Location'])

    # === WHO COPIES THE LINK === #

    def wizard(self, move=None, user=None, **values):
        Wizard = self.env['payment.link.wizard'].with_user(user or self.env.user)
        move = move or self.invoice
        return Wizard.with_context(active_model='account.move', active_id=move.id).create(values)

    def test_odoos_link_is_ours(self):
        wizard = self.wizard(amount=300)
        self.assertEqual(urlsplit(wizard.link).path, self.page)
        self.assertFalse(wizard.pay_now_problem or wizard.warning_message)
        wizard.amount = 1000
        self.assertEqual(urlsplit(wizard.link).path, self.page)
        # Its page would ask for another amount.
        wizard.amount = 123
        self.assertIn('/my/invoices/', wizard.link)
        self.assertIn("Another amount", wizard.pay_now_problem)
        wizard.amount = 5000
        self.assertTrue(wizard.warning_message)

    def test_a_copied_link_lives_as_long_as_a_mailed_one(self):
        self.invoice.sudo().pay_now_token_expiry = fields.Date.today() - timedelta(days=1)
        self.open(status=404)
        self.assertEqual(urlsplit(self.wizard(amount=300).link).path, self.page)
        self.open()

    def test_no_link_without_a_button(self):
        self.customer.email = False
        wizard = self.wizard(amount=300)
        self.assertIn('/my/invoices/', wizard.link)
        self.assertEqual(wizard.pay_now_problem, self.invoice.pay_now_refusal)
        self.assertTrue(wizard.pay_now_problem)

    def test_no_link_for_who_may_not_read_the_invoice(self):
        seller = new_test_user(
            self.env,
            'seller',
            groups='sales_team.group_sale_salesman',
            company_id=self.company.id,
            company_ids=[(6, 0, self.company.ids)],
        )
        wizard = (
            self.env['payment.link.wizard']
            .with_user(seller)
            .new({'res_model': 'account.move', 'res_id': self.invoice.id, 'amount': 300})
        )
        self.assertFalse(wizard._pay_now_move() or wizard.pay_now_ours)
