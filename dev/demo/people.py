# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""The two people of the play: the administrator in Odoo, and the customer with a mail."""

import time
from html import unescape

import requests
from lxml import html

DEADLINE = 60


class Failure(Exception):
    """A step that did not end as it should."""


def wait_for(what, check, seconds=DEADLINE):
    """Ask again and again until something is there; nobody clicks anything meanwhile.

    :param str what: what is waited for, for the message.
    :param check: gives something true once it is there.
    :return: what it gave.
    :raise Failure: when the time is over.
    """
    end = time.monotonic() + seconds
    while not (value := check()):
        if time.monotonic() > end:
            raise Failure(f"waited {seconds} s for {what}")
        time.sleep(0.25)
    return value


def expect(condition, message):
    """Fail the step unless something holds.

    :raise Failure: with the message.
    """
    if not condition:
        raise Failure(message)


class Refused(Exception):
    """Odoo's answer to a button that may not be pressed, in the user's words."""


class Administrator:
    """Presses the buttons that the web client presses, over the same calls.

    :param str url: Odoo's address.
    :param str database: its database.
    """

    def __init__(self, url, database):
        self.url = url
        self._session = requests.Session()
        self._session.trust_env = False
        answer = self._rpc(
            '/web/session/authenticate', db=database, login='admin', password='admin'
        )
        self.context = answer['user_context']

    def _rpc(self, path, **params):
        answer = self._session.post(
            f'{self.url}{path}', json={'jsonrpc': '2.0', 'params': params}, timeout=120
        ).json()
        if 'error' in answer:
            raise Refused(answer['error']['data']['message'])
        return answer.get('result')

    def call(self, model, method, *args, context=None, **kwargs):
        """Call a method of a model, as the web client does."""
        return self._rpc(
            f'/web/dataset/call_kw/{model}/{method}',
            model=model,
            method=method,
            args=list(args),
            kwargs={**kwargs, 'context': {**self.context, **(context or {})}},
        )

    def create(self, model, context=None, **values):
        """Create a record and return its id."""
        return self.call(model, 'create', [values], context=context)[0]

    def press(self, model, record_id, button, context=None):
        """Press a button of a form and return the action it gives."""
        return self.call(model, button, [record_id], context=context)

    def read(self, model, record_id, *fields):
        """Return some fields of a record."""
        return self.call(model, 'read', [record_id], list(fields))[0]

    def search(self, model, domain, *fields, **kwargs):
        """Return some fields of the records of a domain."""
        return self.call(model, 'search_read', domain, list(fields), **kwargs)

    def ref(self, xmlid):
        """Return the id behind an XML id."""
        module, name = xmlid.split('.')
        return self.search(
            'ir.model.data', [('module', '=', module), ('name', '=', name)], 'res_id'
        )[0]['res_id']


class Customer:
    """Has a mail and a browser without any log-in."""

    def __init__(self):
        self._session = requests.Session()
        self._session.trust_env = False
        self.page = None

    def open(self, address):
        """Open an address and return the page."""
        self.page = self._session.get(address, timeout=60)
        return self

    @property
    def text(self):
        """What the page says."""
        return ' '.join(html.fromstring(self.page.content).text_content().split())

    def tree(self):
        """Return the parsed page."""
        return html.fromstring(self.page.content, base_url=self.page.url)

    def pay(self, untick=()):
        """Press *Pay now* on the pay page, without the items whose label holds one of `untick`.

        :return: self, on the provider's page.
        """
        form = self.tree().xpath('//form')[0]
        form.make_links_absolute()
        items = [
            box.xpath('./input/@value')[0]
            for box in form.xpath('.//label[.//input[not(@disabled)]]')
            if not any(text in box.text_content() for text in untick)
        ]
        data = {
            'csrf_token': form.xpath('.//input[@name="csrf_token"]/@value')[0],
            'provider_id': form.xpath('.//button/@value')[0],
            'item': items,
        }
        self.page = self._session.post(form.get('action'), data=data, timeout=60)
        return self

    def press(self, method):
        """Choose a way of paying on the sandbox's hosted page."""
        self.page = self._session.post(
            self.page.url.partition('#')[0], data={'method': method}, timeout=60
        )
        return self


def pay_links(body):
    """Return the Pay now addresses of a mail's HTML."""
    return [
        unescape(link) for link in html.fromstring(body).xpath('//a/@href') if '/pay_now/' in link
    ]
