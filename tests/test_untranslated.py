# Part of Pay Now. See LICENSE file for full copyright and licensing details.

import re
from datetime import timedelta
from urllib.parse import urlsplit

import polib
from lxml import html

from odoo import fields
from odoo.fields import Command
from odoo.tests import HttpCase, tagged
from odoo.tools.misc import file_path

from odoo.addons.account_pay_now.tests.common import PayNowCommon

#: Attributes that are read out, or shown.
ATTRIBUTES = ('alt', 'title', 'placeholder', 'aria-label')
PLACE = re.compile(r'%(?:\(\w+\))?[sd]|\{\{.*?\}\}')
#: Addresses, and numbers of bank accounts.
OTHERS = re.compile(r'https?://\S+|\S+@\S+|\b[A-Z]{2}\d{2}[\dA-Z ]{10,}')
LETTERS = re.compile(r'[^\W\d_]{2,}')


@tagged('post_install', '-at_install')
class TestUntranslated(PayNowCommon, HttpCase):
    """Whatever a French customer reads is French: a translation of ours, or a name.

    Not a search for English words: what is not known to be French fails, wherever it comes from.
    """

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.env['res.lang']._activate_lang('fr_FR')
        cls.connect()
        cls.connect_paypal()
        cls.company.write({'pay_now_partial': True, 'pay_now_print_qr': True})
        cls.company.pay_now_print_link = True
        cls.customer.lang = 'fr_FR'
        bank = cls.env['res.partner.bank'].create(
            {'acc_number': 'FR7630006000011234567890189', 'partner_id': cls.company.partner_id.id}
        )
        cls.company_data['default_journal_bank'].bank_account_id = bank
        cls.invoice = cls.make_invoice(100, days_late=30)
        cls.french = cls.read_translations()

    @classmethod
    def read_translations(cls):
        """Return what our French looks like, piece by piece, with places for names and numbers."""
        patterns = set()
        for entry in polib.pofile(file_path('account_pay_now/i18n/fr.po')):
            for piece in re.split(r'<[^>]*>', entry.msgstr):
                words = ' '.join(piece.split())
                if LETTERS.search(words):
                    parts = [re.escape(part) for part in PLACE.split(words)]
                    patterns.add('.+?'.join(parts))
        return re.compile('|'.join(sorted(patterns, key=len, reverse=True)))

    def names(self):
        """Return what is shown as it is: names, references, and what Odoo itself translates."""
        lang = self.env['res.lang']._lang_get('fr_FR')
        moves = self.env['account.move'].search([('partner_id', '=', self.customer.id)])
        methods = self.env['payment.method'].with_context(lang='fr_FR').search([])
        company = self.company.with_context(lang='fr_FR')
        return [
            *moves.mapped('name'),
            *self.env['payment.transaction'].sudo().search([]).mapped('reference'),
            *methods.mapped('name'),
            # Each language is offered by its own name.
            *(name.rpartition('/')[2].strip() for _code, name in lang.get_installed()),
            *(company.country_id.name, company.name, company.email, self.customer.name),
            *('account_pay_now', 'Stripe', 'PayPal', 'BNP', 'EUR', 'USD', lang.code),
        ]

    def assert_french(self, page, what):
        """Nothing is left of a page once our French and the names are taken away."""
        names = sorted(filter(None, self.names()), key=len, reverse=True)
        known = re.compile('|'.join(map(re.escape, names)))
        for text in self.texts(page):
            left = self.french.sub(' ', ' '.join(text.split()))
            left = known.sub(' ', OTHERS.sub(' ', left))
            self.assertFalse(LETTERS.search(left), f"{what}: {text!r} leaves {left!r}")

    def texts(self, page):
        root = html.fromstring(page)
        for node in root.xpath('//style | //script | //noscript | //comment()'):
            node.drop_tree()
        for link in root.xpath('//a[@href]'):
            if link.text_content() == link.get('href'):
                link.drop_tree()
        yield from filter(str.strip, root.xpath('//text()'))
        for name in ATTRIBUTES:
            yield from root.xpath(f'//@{name}')

    def open(self, path, what, status=200):
        answer = self.url_open(path, headers={'Accept-Language': 'fr-FR'})
        self.assertEqual(answer.status_code, status)
        self.assert_french(answer.content, what)
        return html.fromstring(answer.content)

    def post(self, page, action, what, **data):
        form = page.xpath('//form')[0]
        address = form.get('action').removesuffix('pay') + action
        answer = self.url_open(address, data=data)
        self.assert_french(answer.content, what)

    def reminder(self):
        term = self.env['account.payment.term'].create(
            {
                'name': "2 %",
                'early_discount': True,
                'discount_days': 7,
                'discount_percentage': 2,
                'line_ids': [
                    Command.create({'value': 'percent', 'value_amount': 100, 'nb_days': 30})
                ],
            }
        )
        self.env.ref('base.USD').active = True
        invoices = [
            self.invoice,
            self.make_invoice(80, days_late=1),
            self.make_invoice(70, currency_id=self.env.ref('base.USD').id),
            self.make_invoice(50, invoice_payment_term_id=self.term.id),
            self.make_invoice(
                60, invoice_date=fields.Date.today(), invoice_payment_term_id=term.id
            ),
        ]
        self.make_invoice(5, move_type='out_refund')
        levels = self.env['pay.now.reminder.level'].search([('company_id', '=', self.company.id)])
        return (
            self.env['pay.now.reminder']
            .sudo()
            .create(
                {
                    'company_id': self.company.id,
                    'partner_id': self.customer.id,
                    'contact_id': self.customer.id,
                    'item_count': len(invoices),
                    'level_id': levels[0].id,
                    'item_ids': [Command.set(self.lines(*invoices).ids)],
                }
            )
        )

    def test_it_finds_what_nobody_translated(self):
        view = self.env.ref('account_pay_now.pay_page')
        path = urlsplit(self.invoice._pay_now_url()).path
        self.open(path, "before")
        view.arch = view.arch.replace('</form>', '<p>Nobody has translated this</p></form>', 1)
        with self.assertRaisesRegex(AssertionError, "Nobody has translated this"):
            self.open(path, "after")

    def test_pay_page(self):
        self.customer.email = False
        reminder = self.reminder()
        path = urlsplit(reminder._pay_now_url()).path
        page = self.open(path, "pay page")
        item = str(self.lines(self.invoice).id)
        refused = {
            "amount": {'item': item, 'provider_id': str(self.provider.id), 'amount': 'x'},
            "too much": {'item': item, 'provider_id': str(self.provider.id), 'amount': '9999'},
            "e-mail": {'item': item, 'provider_id': str(self.provider.id), 'email': 'x'},
            "provider": {'item': item, 'provider_id': '0'},
            "nothing": {'provider_id': str(self.provider.id)},
            "changed": {'item': '1', 'provider_id': str(self.provider.id)},
        }
        for what, data in refused.items():
            self.post(page, 'pay', what, **data)
        future = str(fields.Date.today() + timedelta(days=400))
        said = (
            {'answer': 'promise', 'promised_on': future},
            {'answer': 'promise', 'promised_on': 'x'},
            {'answer': 'paid', 'paid_on': future},
            {'answer': 'paid', 'paid_on': ''},
            {'answer': 'problem', 'problem': ''},
            {'answer': 'problem', 'problem': '1' * 5000},
            {'answer': 'nothing'},
            {'answer': 'problem', 'problem': '1'},
            {'answer': 'promise', 'promised_on': str(fields.Date.today())},
        )
        for data in said:
            self.post(page, 'answer', str(data)[:60], item=item, **data)
        self.open(path, "answered")

    def test_results(self):
        tx = self.checkout(self.lines(self.invoice))
        path = tx._pay_now_path('result')
        self.open(path, "waiting")
        self.open(f'{path}?canceled=1', "canceled")
        for state in ('pending', 'error', 'cancel'):
            tx.sudo().state = state
            self.open(path, state)
            self.open(urlsplit(self.invoice._pay_now_url()).path, f"page, {state}")
        french = tx.with_context(lang='fr_FR')
        labels = {**french._pay_now_failure_labels(), **french._pay_now_refusal_labels()}
        for code, label in labels.items():
            self.assert_french(f'<p>{label}</p>', code)
        tx.sudo().state = 'draft'
        self.gateway.pay(tx)
        tx._synchronize()
        self.open(path, "paid")
        self.open(urlsplit(self.invoice._pay_now_url()).path, "already paid")
        self.open('/pay_now/invoice/1/nothing', "unknown", 404)

    def test_mails(self):
        reminder = self.reminder()
        levels = self.env['pay.now.reminder.level'].search([('company_id', '=', self.company.id)])
        for level in levels:
            reminder.level_id = level
            subject, body = reminder._render_all()[reminder][:2]
            self.assert_french(body, f"mail, {level.name}")
            self.assert_french(f'<p>{subject}</p>', f"subject, {level.name}")
        tx = self.checkout(self.lines(self.invoice))
        self.gateway.pay(tx)
        tx._synchronize()
        receipt = tx._pay_now_prepare_receipt()
        self.assert_french(receipt['body_html'], "receipt")
        self.assert_french(f'<p>{receipt["subject"]}</p>', "subject of the receipt")

    def test_invoice(self):
        block = self.invoice._pay_now_mail_block('fr_FR')
        self.assert_french(block, "invoice mail")
        content, _kind = self.env['ir.actions.report']._render_qweb_html(
            'account.account_invoices', self.invoice.ids
        )
        [printed] = html.fromstring(content).xpath("//div[@id='pay_now']")
        self.assert_french(html.tostring(printed), "printed invoice")
