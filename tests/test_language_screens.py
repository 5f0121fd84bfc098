# Part of Pay Now. See LICENSE file for full copyright and licensing details.

import base64
from urllib.parse import urlsplit

from odoo.tests import HttpCase, tagged

from odoo.addons.account_pay_now.tests.browser import PHONE, BrowserMixin
from odoo.addons.account_pay_now.tests.test_untranslated import LANGUAGES, LanguagesCommon

SIZES = (('', (1440, 900)), ('_phone', PHONE))
HEAD = '<meta charset="utf-8"><meta name="viewport" content="width=device-width">'


@tagged('post_install', '-at_install')
class TestLanguageScreens(BrowserMixin, LanguagesCommon, HttpCase):
    """Longer words fit, on a desk and on a phone: what customers read, in each language."""

    def fits(self, browser, path, ready, name, what):
        for suffix, size in SIZES:
            self.show(browser, path, ready, f'{name}_{what}{suffix}', size)
            # A phone would zoom out rather than scroll.
            width = self.run_js(browser, 'document.documentElement.scrollWidth')
            self.assertLessEqual(width, size[0], f"{name}, {what}: wider than the screen")

    def written(self, body):
        page = base64.b64encode(f'{HEAD}<body>{body}</body>'.encode()).decode()
        return f'data:text/html;base64,{page}'

    def test_what_customers_read(self):
        reminder = self.reminder()
        reminder.level_id = self.levels[-1]
        tx = self.checkout(self.lines(self.invoice))
        heading = "document.querySelector('h1')"
        addresses = {
            'page': urlsplit(reminder._pay_now_url()).path,
            'waiting': tx._pay_now_path('result'),
        }
        mails, letters = {}, {}
        for lang in LANGUAGES.values():
            self.customer.lang = lang
            reminder.channel = 'email'
            mails[lang] = reminder._render_all()[reminder][1]
            reminder.channel = 'letter'
            letters[lang] = reminder._letter_values()[reminder.id][1]
        reminder.channel = 'email'
        with self.browser() as browser:
            for lang in LANGUAGES.values():
                for what, path in addresses.items():
                    self.fits(browser, f'{path}?lang={lang}', heading, lang, what)
                for what, texts in (('mail', mails), ('letter', letters)):
                    path = self.written(texts[lang])
                    self.fits(browser, path, "document.querySelector('table')", lang, what)
