# Part of Pay Now. See LICENSE file for full copyright and licensing details.

import functools
import re
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

import polib
from lxml import html

from odoo import fields
from odoo.fields import Command
from odoo.tests import HttpCase, new_test_user, tagged
from odoo.tools.misc import file_path

from odoo.addons.account_pay_now.tests.common import PayNowCommon

#: Attributes that are read out, or shown.
ATTRIBUTES = ('alt', 'title', 'placeholder', 'aria-label')
PLACE = re.compile(r'%(?:\(\w+\))?[sd]|\{\{.*?\}\}')
#: Addresses, and numbers of bank accounts.
OTHERS = re.compile(r'https?://\S+|\S+@\S+|\b[A-Z]{2}\d{2}[\dA-Z ]{10,}')
LETTERS = re.compile(r'[^\W\d_]{2,}')


#: The language that each file of translations is looked at in.
LANGUAGES = {
    'de': 'de_DE',
    'es': 'es_ES',
    'fr': 'fr_FR',
    'it': 'it_IT',
    'nl': 'nl_NL',
    'pt': 'pt_PT',
}


class LanguagesCommon(PayNowCommon):
    """A company whose customers read each of the languages."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        for lang in LANGUAGES.values():
            cls.env['res.lang']._activate_lang(lang)
        # Of the module alone: what Odoo itself translates is no matter of ours.
        cls.env['ir.module.module']._load_module_terms(['account_pay_now'], LANGUAGES.values())
        cls.env.registry.clear_all_caches()
        cls.connect()
        cls.connect_paypal()
        cls.company.write({'pay_now_partial': True, 'pay_now_print_qr': True})
        cls.company.pay_now_print_link = True
        # The same page is asked for in each language.
        for purpose in ('checkout', 'answer'):
            cls.env['ir.config_parameter'].sudo().set_param(f'account_pay_now.{purpose}_rate', '0')
        bank = cls.env['res.partner.bank'].create(
            {'acc_number': 'FR7630006000011234567890189', 'partner_id': cls.company.partner_id.id}
        )
        cls.company_data['default_journal_bank'].bank_account_id = bank
        cls.invoice = cls.make_invoice(100, days_late=30)
        cls.levels = cls.env['pay.now.reminder.level'].search([('company_id', '=', cls.company.id)])

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
        return (
            self.env['pay.now.reminder']
            .sudo()
            .create(
                {
                    'company_id': self.company.id,
                    'partner_id': self.customer.id,
                    'contact_id': self.customer.id,
                    'item_count': len(invoices),
                    'level_id': self.levels[0].id,
                    'item_ids': [Command.set(self.lines(*invoices).ids)],
                }
            )
        )


@tagged('post_install', '-at_install')
class TestUntranslated(LanguagesCommon, HttpCase):
    """Whatever a customer reads is in the language chosen: a translation of ours, or a name.

    Not a search for English words: what is not known to be translated fails, wherever it comes
    from. What is shown is made once, and read in each language.
    """

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.ours = {lang: cls.read_translations(po) for po, lang in LANGUAGES.items()}
        cls.theirs = {lang: cls.read_names(lang) for lang in LANGUAGES.values()}

    @classmethod
    def read_translations(cls, po):
        """Return what our texts of a language look like, piece by piece.

        :param str po: the file of translations.
        :return: a pattern with places for names and numbers.
        """
        patterns = set()
        for entry in polib.pofile(file_path(f'account_pay_now/i18n/{po}.po')):
            for piece in re.split(r'<[^>]*>', entry.msgstr):
                words = ' '.join(piece.split())
                if LETTERS.search(words):
                    parts = [re.escape(part) for part in PLACE.split(words)]
                    # Whole words: a short one stands within others.
                    first, last = (r'\b' if words[at].isalnum() else '' for at in (0, -1))
                    patterns.add(f'{first}{".+?".join(parts)}{last}')
        return re.compile('|'.join(sorted(patterns, key=len, reverse=True)))

    @classmethod
    def read_names(cls, lang):
        """Return what is shown as it is: names, and what Odoo itself translates."""
        company = cls.company.with_context(lang=lang)
        languages = cls.env['res.lang'].get_installed()
        return {
            *cls.env['payment.method'].with_context(lang=lang).search([]).mapped('name'),
            # Each language is offered by its own name.
            *(name.rpartition('/')[2].strip() for _code, name in languages),
            *(company.country_id.name, company.name, company.email, cls.customer.name),
            *('account_pay_now', 'Stripe', 'PayPal', 'BNP', 'EUR', 'USD', *LANGUAGES.values()),
        }

    def assert_translated(self, page, what, lang):
        """Nothing is left of a page once our texts of the language and the names are taken away."""
        moves = self.env['account.move'].search([('partner_id', '=', self.customer.id)])
        transactions = self.env['payment.transaction'].sudo().search([])
        names = {*self.theirs[lang], *moves.mapped('name'), *transactions.mapped('reference')}
        names = sorted(filter(None, names), key=len, reverse=True)
        known = re.compile('|'.join(map(re.escape, names)))
        # Patterns are searched for in vain in a long number, for long.
        for text in filter(LETTERS.search, self.texts(page)):
            left = self.without_ours(lang, text)
            left = known.sub(' ', OTHERS.sub(' ', left))
            self.assertFalse(LETTERS.search(left), f"{lang}, {what}: {text!r} leaves {left!r}")

    @classmethod
    @functools.cache
    def without_ours(cls, lang, text):
        """Return what is left of a text; most of them stand on each page."""
        return cls.ours[lang].sub(' ', ' '.join(text.split()))

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
        """Read a page in each language."""
        for lang in LANGUAGES.values():
            answer = self.url_open(
                f'{path}{"&" if "?" in path else "?"}lang={lang}',
                headers={'Accept-Language': lang.replace('_', '-')},
            )
            self.assertEqual(answer.status_code, status)
            self.assert_translated(answer.content, what, lang)

    def post(self, path, what, **data):
        """Send a form in each language."""
        for lang in LANGUAGES.values():
            answer = self.url_open(f'{path}?lang={lang}', data=data)
            self.assert_translated(answer.content, what, lang)

    def test_each_language_is_looked_at(self):
        folder = Path(file_path('account_pay_now/i18n/account_pay_now.pot')).parent
        self.assertEqual(set(LANGUAGES), {path.stem for path in folder.glob('*.po')})

    def test_it_finds_what_nobody_translated(self):
        view = self.env.ref('account_pay_now.pay_page')
        path = urlsplit(self.invoice._pay_now_url()).path
        self.open(path, "before")
        view.arch = view.arch.replace('</form>', '<p>Nobody has translated this</p></form>', 1)
        for lang in LANGUAGES.values():
            answer = self.url_open(f'{path}?lang={lang}')
            with self.assertRaisesRegex(AssertionError, f"{lang}.*Nobody has translated this"):
                self.assert_translated(answer.content, "after", lang)

    def test_it_finds_a_term_that_one_language_lacks(self):
        """As if one word of the file were missing."""
        [lang, *_others] = LANGUAGES.values()
        path = urlsplit(self.invoice._pay_now_url()).path
        self.open(path, "before")
        view = self.env.ref('account_pay_now.pay_page')
        terms = view.get_field_translations('arch_db')[0]
        [term] = [
            one for one in terms if one['lang'] == lang and one['source'] == "Choose what to pay"
        ]
        self.assertNotEqual(term['value'], term['source'])
        view.update_field_translations('arch_db', {lang: {term['source']: term['source']}})
        with self.assertRaisesRegex(AssertionError, f"{lang}.*Choose what to pay"):
            self.open(path, "after")

    def test_pay_page(self):
        self.customer.email = False
        reminder = self.reminder()
        path = urlsplit(reminder._pay_now_url()).path
        self.open(path, "pay page")
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
            self.post(f'{path}/pay', what, **data)
        self.env['ir.config_parameter'].sudo().set_param('account_pay_now.checkout_rate', '1')
        self.env['pay.now.rate']._hold(reminder, 'checkout').used = 1
        self.post(f'{path}/pay', "too often", item=item, provider_id=str(self.provider.id))

    def test_answers(self):
        path = urlsplit(self.reminder()._pay_now_url()).path
        item = str(self.lines(self.invoice).id)
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
            self.post(f'{path}/answer', str(data)[:60], item=item, **data)
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
        for lang in LANGUAGES.values():
            translated = tx.with_context(lang=lang)
            labels = translated._pay_now_failure_labels() | translated._pay_now_refusal_labels()
            for code, label in labels.items():
                self.assert_translated(f'<p>{label}</p>', code, lang)
        tx.sudo().state = 'draft'
        self.gateway.pay(tx)
        tx._synchronize()
        self.open(path, "paid")
        self.open(urlsplit(self.invoice._pay_now_url()).path, "already paid")
        self.open('/pay_now/invoice/1/nothing', "unknown", 404)

    def test_mails_and_letters(self):
        reminder = self.reminder()
        tx = self.checkout(self.lines(self.invoice))
        self.gateway.pay(tx)
        tx._synchronize()
        for lang in LANGUAGES.values():
            self.customer.lang = lang
            for level in self.levels:
                reminder.write({'level_id': level.id, 'channel': 'email'})
                subject, body = reminder._render_all()[reminder][:2]
                self.assert_translated(body, f"mail, {level.name}", lang)
                self.assert_translated(f'<p>{subject}</p>', f"subject, {level.name}", lang)
                reminder.channel = 'letter'
                title, letter = reminder._letter_values()[reminder.id]
                self.assert_translated(letter, f"letter, {level.name}", lang)
                self.assert_translated(f'<p>{title}</p>', f"title, {level.name}", lang)
            receipt = tx._pay_now_prepare_receipt()
            self.assert_translated(receipt['body_html'], "receipt", lang)
            self.assert_translated(f'<p>{receipt["subject"]}</p>', "subject of the receipt", lang)

    def test_invoice(self):
        notice = self.env['pay.now.invoice.notice'].sudo()
        notice = notice.create({'move_id': self.invoice.id, 'partner_id': self.customer.id})
        for lang in LANGUAGES.values():
            self.customer.lang = lang
            self.assert_translated(self.invoice._pay_now_mail_block(lang), "invoice mail", lang)
            mail = notice._prepare_mail()
            self.assert_translated(mail['body_html'], "pay notice", lang)
            self.assert_translated(f'<p>{mail["subject"]}</p>', "subject of the notice", lang)
            content, _kind = self.env['ir.actions.report']._render_qweb_html(
                'account.account_invoices', self.invoice.ids
            )
            [printed] = html.fromstring(content).xpath("//div[@id='pay_now']")
            self.assert_translated(html.tostring(printed), "printed invoice", lang)

    def test_portal(self):
        """Of the pages of the portal, which are Odoo's, what is ours in them."""
        user = new_test_user(self.env, 'pay_now_portal', groups='base.group_portal')
        user.partner_id.parent_id = self.customer
        self.make_invoice(50, days_late=1)
        reminder = self.reminder()
        reminder.write({'state': 'sent', 'sent_at': fields.Datetime.now(), 'asked_text': "777 €"})
        for lang in LANGUAGES.values():
            user.lang = lang
            self.authenticate('pay_now_portal', 'pay_now_portal')
            for path, ours in (
                ('/my/reminders', "//table | //li[contains(@class, 'active')]"),
                ('/my/invoices', "//section[contains(@class, 'o_pay_now_overdue')]"),
                ('/my/home', "//a[@href='/my/reminders']"),
            ):
                page = html.fromstring(self.url_open(path).content)
                found = page.xpath(ours)
                self.assertTrue(found, path)
                for node in found:
                    self.assert_translated(html.tostring(node), path, lang)
