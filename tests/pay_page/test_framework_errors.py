# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from unittest.mock import patch
from urllib.parse import urlsplit

from lxml import html

from odoo.tests import HttpCase, new_test_user, tagged
from odoo.tools import mute_logger

from odoo.addons.account_pay_now.controllers.unknown import REST
from odoo.addons.account_pay_now.tests.browser import DESKTOP, PHONE, BrowserMixin
from odoo.addons.account_pay_now.tests.common import PayNowCommon

FRENCH = {'Accept-Language': 'fr-CA,fr;q=0.9,en;q=0.5'}
#: Addresses that somebody who is logged in opens: Odoo's protection of forms is theirs.
OF_A_LOG_IN = 'user'


@tagged('post_install', '-at_install')
class TestFrameworkErrors(BrowserMixin, PayNowCommon, HttpCase):
    """Whatever goes wrong at a public address: a page of ours, in the customer's language."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.load_language('fr_FR')
        cls.connect()
        cls.customer.lang = 'fr_FR'
        cls.invoice = cls.make_invoice(240)
        cls.page = urlsplit(cls.invoice._pay_now_url()).path
        cls.tx = cls.checkout(cls.lines(cls.make_invoice(100)))

    def ask(self, method, path, headers=None, **values):
        """Ask by a browser that has no cookies and takes none."""
        self.opener.cookies.clear()
        return self.opener.request(
            method,
            self.base_url() + path,
            headers=FRENCH if headers is None else headers,
            allow_redirects=False,
            timeout=30,
            **values,
        )

    def rules(self, *methods):
        """Return the addresses of ours that take these methods only, as in the routing map."""
        found = [
            rule
            for rule in self.env['ir.http'].routing_map().iter_rules()
            if rule.rule.startswith('/pay_now') and rule.rule not in REST
        ]
        self.assertTrue(found)
        return [
            rule
            for rule in found
            if not methods or (rule.methods or set()) - {'OPTIONS', 'HEAD'} == set(methods)
        ]

    def path_of(self, rule):
        """Return an address that a rule takes: of the invoice, where it is one of a document."""
        kind, record_id, token = self.page.split('/')[2:]
        values = {'kind': kind, 'document_id': record_id, 'token': token}
        path = ''
        for dynamic, data in rule._trace:
            if not dynamic:
                path += data.lstrip('|')
            elif data in values:
                path += values[data]
            else:
                path += '7'
        return path

    def assert_page(self, response, status, lang='fr'):
        """Check that it is a page of ours, of a status and in a language."""
        self.assertEqual(response.status_code, status, response.url)
        page = html.fromstring(response.content)
        self.assertEqual(page.get('lang')[:2], lang, response.url)
        self.assertTrue(page.xpath('//link[contains(@href, "account_pay_now")]'), response.url)
        self.assertIn('no-store', response.headers['Cache-Control'])
        self.assertNotIn('Set-Cookie', response.headers)
        return page

    # === THE FORM === #

    def test_pays_without_cookies(self):
        [line] = self.lines(self.invoice)
        page = self.ask('GET', self.page)
        self.assertNotIn('Set-Cookie', page.headers)
        self.assertNotIn('csrf_token', page.text)
        for value in (None, 'of a session that ended'):
            data = {'item': line.id, 'provider_id': self.provider.id}
            if value:
                data['csrf_token'] = value
            answer = self.ask('POST', f'{self.page}/pay', data=data)
            self.assertEqual(answer.status_code, 303)
            self.assertIn('/pay_now/checkout/', answer.headers['Location'])
            answer = self.ask('GET', urlsplit(answer.headers['Location']).path)
            self.assertIn('checkout?token=', answer.headers['Location'])

    def test_nothing_passes_an_address_on(self):
        """No referrer, no search engine, no cache: of a PDF neither."""
        self.invoice._pay_now_store_pdfs()
        result = self.tx._pay_now_path('result')
        for path in (self.page, f'{self.page}/pdf/{self.invoice.id}', result, f'{self.page}x'):
            with self.subTest(path=path):
                headers = self.ask('GET', path).headers
                self.assertEqual(headers['Referrer-Policy'], 'no-referrer')
                self.assertIn('noindex', headers['X-Robots-Tag'])
                self.assertEqual(headers['Cache-Control'], 'no-store')

    def test_answers_without_cookies(self):
        [line] = self.lines(self.invoice)
        data = {'item': line.id, 'answer': 'promise', 'promised_on': '', 'csrf_token': 'x'}
        answer = self.ask('POST', f'{self.page}/answer', data=data)
        page = html.fromstring(answer.content)
        self.assertEqual(page.xpath('//input[@name="item"][@checked]/@value'), [str(line.id)])
        data['promised_on'] = str(self.company._pay_now_today())
        answer = self.ask('POST', f'{self.page}/answer', data=data)
        self.assertEqual(answer.status_code, 303)
        self.assertEqual(line.pay_now_answer_ids.create_uid, self.env.ref('base.public_user'))

    def test_nobody_lends_a_name_or_a_language(self):
        """Who is logged in in the browser that sends the form does nothing by it."""
        new_test_user(self.env, 'clerk', 'account.group_account_manager', lang='en_US')
        self.authenticate('clerk', 'clerk')
        self.customer.lang = False
        [line] = self.lines(self.invoice)
        page = self.url_open(self.page, headers=FRENCH)
        self.assertEqual(html.fromstring(page.content).get('lang'), 'fr-FR')
        self.url_open(
            f'{self.page}/pay',
            data={'item': line.id, 'provider_id': self.provider.id},
            allow_redirects=False,
        )
        item = self.env['pay.now.transaction.item'].search([('line_id', '=', line.id)])
        self.assertEqual(item.create_uid, self.env.ref('base.public_user'))

    def test_each_form_rests_on_one_of_both(self):
        """A token in the address, or Odoo's own protection; webhooks are proven by their bytes."""
        for rule in self.rules():
            routing = rule.endpoint.routing
            if 'POST' not in (routing['methods'] or ['POST']) or '/webhook/' in rule.rule:
                continue
            with self.subTest(rule=rule.rule):
                self.assertEqual(not routing.get('csrf', True), '<string:token>' in rule.rule)
                self.assertEqual(routing['auth'] == OF_A_LOG_IN, routing.get('csrf', True))

    def test_ids_are_ids_of_the_database(self):
        for rule in self.rules():
            self.assertNotIn('<int', rule.rule)

    # === ADDRESSES === #

    def test_a_get_of_each_form_leads_to_its_page(self):
        pages = {rule.rule for rule in self.rules('GET')}
        # One that is sent to the address of its own page leads there as it is.
        rules = [rule for rule in self.rules('POST') if rule.rule not in pages]
        self.assertGreaterEqual(len(rules), 5)
        for rule in rules:
            with self.subTest(rule=rule.rule):
                path = self.path_of(rule)
                for method in ('GET', 'HEAD'):
                    response = self.ask(method, path)
                    if '/webhook/' in rule.rule:
                        self.assertEqual(response.status_code, 405)
                        continue
                    self.assertEqual(response.status_code, 303)
                    self.assertEqual(urlsplit(response.headers['Location']).path, self.page)
                if '/webhook/' in rule.rule:
                    self.assert_page(self.ask('GET', path), 405)

    def test_other_methods(self):
        for rule in self.rules():
            with self.subTest(rule=rule.rule):
                self.assert_page(self.ask('PUT', self.path_of(rule)), 405)

    def test_unknown_addresses(self):
        kind, record_id, token = self.page.split('/')[2:]
        for path in (
            '/pay_now',
            '/pay_now/',
            '/pay_now/invoice',
            '/pay_now/invoice/1',
            '/pay_now/other/1/abc',
            f'/pay_now/invoice/{10**12}/{token}',
            f'/pay_now/invoice/{"9" * 5000}/{token}',
            '/pay_now/nothing/of/this/kind',
        ):
            with self.subTest(path=path):
                self.assert_page(self.ask('GET', path), 404)
                self.assert_page(self.ask('POST', path, data={'a': 'b'}), 404)
                self.assert_page(self.ask('GET', path, {'Accept-Language': 'en'}), 404, 'en')
        for number in (f'x{record_id}', f'-{record_id}', '²', '0', f'{record_id}.0'):
            self.assert_page(self.ask('GET', f'/pay_now/invoice/{number}/{token}'), 404)
        # A dot or a word that was pasted along.
        for rest in ('nothing', 'pdf', 'pay/now', 'pay.'):
            response = self.ask('GET', f'{self.page}/{rest}')
            self.assertEqual(urlsplit(response.headers.get('Location', '')).path, self.page, rest)

    def test_addresses_of_others(self):
        """Which only begin with the same letters: their errors are Odoo's."""
        for path in ('/pay_nowhere', '/pay_now_elsewhere/1', '/pay_now.html'):
            response = self.ask('GET', path, {'Accept-Language': 'en'})
            self.assertEqual(response.status_code, 404)
            self.assertNotIn('pay_page.css', response.text, path)

    def test_wrong_tokens_look_the_same(self):
        """Whether there is such a document, whatever letters the token has."""
        kind, record_id, token = self.page.split('/')[2:]
        checkout = self.tx._pay_now_path('result')
        pages = set()
        for path in (
            f'/pay_now/{kind}/{record_id}/{token[::-1]}',
            f'/pay_now/{kind}/{record_id}/{token}é',
            f'/pay_now/{kind}/{record_id}/é%00',
            f'/pay_now/{kind}/2147483647/{token}',
            f'/pay_now/{kind}/2147483647/é',
            f'/pay_now/{kind}/{record_id}/é/pdf/1',
            f'{checkout}x',
            f'{checkout}é',
            '/pay_now/result/2147483647/é',
        ):
            with self.subTest(path=path):
                response = self.ask('GET', path)
                self.assert_page(response, 404)
                pages.add(response.content)
                self.assert_page(self.ask('GET', path, {'Accept-Language': 'en'}), 404, 'en')
        for path in ('pay', 'answer'):
            for number in (record_id, 2147483647):
                response = self.ask('POST', f'/pay_now/{kind}/{number}/é/{path}', data={'a': 'b'})
                self.assert_page(response, 404)
                pages.add(response.content)
        self.assertEqual(len(pages), 1)

    def test_the_language_of_the_document(self):
        english = {'Accept-Language': 'en'}
        for method, path, status in (
            ('GET', f'{self.page}/pdf/1', 404),
            ('PUT', self.page, 405),
            ('PUT', f'{self.page}/pay', 405),
            ('PUT', self.tx._pay_now_path('result'), 405),
        ):
            with self.subTest(path=path):
                self.assert_page(self.ask(method, path, english), status)

    # === WHAT IS SENT === #

    def test_nonsense_in_the_form(self):
        file = {'provider_id': ('a.txt', b'x'), 'amount': ('b.txt', b'y'), 'item': ('c', b'1')}
        for values in (
            {'data': {'provider_id': '²', 'item': '²'}},
            {'data': {'provider_id': '9' * 40, 'item': '9' * 40}},
            {'data': {'provider_id': '9' * 5000, 'item': ['1', '9' * 5000]}},
            {'data': {'provider_id': '1', 'amount': '1\0', 'email': 'a\0@b.example'}},
            {'data': {'answer': 'problem', 'problem': 'a\0b', 'item': '1'}},
            {'data': {'token': 'x', 'kind': 'reminder', 'document_id': 'x'}},
            {'data': {'self': 'x', 'endpoint': 'y', 'args': 'z', 'params': 'z'}},
            {'data': b'\xff\xfe=%zz', 'headers': {'Content-Type': 'multipart/form-data'}},
            {'files': file},
            {'json': {'item': [1]}},
        ):
            for path in ('pay', 'answer'):
                with self.subTest(values=str(values)[:60], path=path):
                    headers = {**FRENCH, **values.pop('headers', {})}
                    response = self.ask('POST', f'{self.page}/{path}', headers, **values)
                    self.assertEqual(response.status_code, 200)
                    page = html.fromstring(response.content)
                    self.assertEqual(page.get('lang'), 'fr-FR')
                    self.assertTrue(page.xpath('//*[@role="alert"]'))

    def test_nonsense_in_the_address(self):
        for query in ('noted=1&noted=2', 'noted=%00', 'token=x&kind=y&document_id=z', '%ff=%ff'):
            self.assertEqual(self.ask('GET', f'{self.page}?{query}').status_code, 200, query)
        for query in ('canceled=1&canceled=2', 'tx_id=x', '%00'):
            path = self.tx._pay_now_path('result')
            self.assertEqual(self.ask('GET', f'{path}?{query}').status_code, 200, query)

    def test_too_much_at_once(self):
        data = {'answer': 'problem', 'problem': 'x' * (1 << 19)}
        page = self.assert_page(self.ask('POST', f'{self.page}/answer', data=data), 400)
        self.assertIn("C’est trop à la fois", page.text_content())
        self.assertFalse(page.xpath('//form'))
        self.assert_page(self.ask('POST', '/pay_now/nothing', data=data), 400)

    def test_what_nobody_thought_of(self):
        with (
            patch.object(type(self.invoice), '_pay_now_page_values', side_effect=ZeroDivisionError),
            mute_logger('odoo.http'),
        ):
            self.assert_page(self.ask('GET', self.page, {'Accept-Language': 'en'}), 500)

    def test_it_can_be_read(self):
        heading = 'document.querySelector("h1")'
        with self.browser() as browser:
            for name, size in (('error_page', DESKTOP), ('error_page_phone', PHONE)):
                self.show(browser, f'{self.page}/pdf/1', heading, name, size)
                self.assert_fits(browser)
                self.assert_accessible(browser)

    def test_providers_get_a_status_only(self):
        for path in ('/pay_now/webhook/0', '/pay_now/webhook/x', '/pay_now/webhook/x/y/z'):
            response = self.ask('POST', path, data=b'{}')
            self.assertEqual(response.status_code, 404)
            self.assertNotIn('pay_page.css', response.text)

    def test_a_log_in_that_ended(self):
        """Of the pages in the portal."""
        path = f'/pay_now/overdue/{self.company.id}'
        answer = self.ask('POST', path, data={'csrf_token': 'x'})
        self.assertIn('/web/login', answer.headers['Location'])
        answer = self.ask('GET', path)
        self.assertIn('/web/login', answer.headers['Location'])
