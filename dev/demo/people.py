# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""The two people of the play: the administrator in Odoo, and the customer with a mail."""

import io
import time
from collections import namedtuple
from urllib.parse import urldefrag, urljoin

import requests
from lxml import html

# As long as two of the idle rounds of Odoo's scheduler: whatever takes longer is a failure.
DEADLINE = 120


class Failure(Exception):
    """A step that did not end as it should."""


class Refused(Exception):
    """Odoo's answer to a button that may not be pressed, in the user's words."""


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
        time.sleep(0.2)
    return value


def expect(condition, message):
    """Fail the step unless something holds.

    :raise Failure: with the message.
    """
    if not condition:
        raise Failure(message)


def plain(text):
    """Return a text with ordinary spaces only: French amounts have others."""
    return ' '.join(str(text).split())


def browser():
    """Return a browser that has seen nothing yet."""
    session = requests.Session()
    session.trust_env = False
    return session


class Administrator:
    """Presses the buttons that the web client presses, over the same calls.

    :param str url: Odoo's address.
    :param str database: its database.
    """

    def __init__(self, url, database):
        self.url = url
        self._session = browser()
        answer = self._rpc(
            '/web/session/authenticate', db=database, login='admin', password='admin'
        )
        self.context = answer['user_context']

    @property
    def session_id(self):
        """The session, for a browser to go on with."""
        return self._session.cookies['session_id']

    def _rpc(self, path, **params):
        answer = self._session.post(
            f'{self.url}{path}', json={'jsonrpc': '2.0', 'params': params}, timeout=120
        ).json()
        if 'error' in answer:
            data = answer['error']['data']
            if data['name'].startswith('odoo.exceptions.'):
                raise Refused(data['message'])
            raise Failure(data['debug'])
        # Odoo leaves the result of a method without one out.
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

    def press(self, model, ids, button, context=None):
        """Press a button of a form or list, and return the action it gives."""
        return self._rpc(
            f'/web/dataset/call_button/{model}/{button}',
            model=model,
            method=button,
            args=[ids if isinstance(ids, list) else [ids]],
            kwargs={'context': {**self.context, **(context or {})}},
        )

    def download(self, action):
        """Return the file that an action downloads.

        :rtype: io.BytesIO
        """
        answer = self._session.get(f'{self.url}{action["url"]}', timeout=120)
        answer.raise_for_status()
        return io.BytesIO(answer.content)

    def open(self, xmlid):
        """Open a menu's action and return it."""
        return self._rpc('/web/action/load', action_id=xmlid)

    def create(self, model, context=None, **values):
        """Create a record and return its id."""
        return self.call(model, 'create', [values], context=context)[0]

    def write(self, model, record_id, **values):
        """Change a record."""
        self.call(model, 'write', [record_id], values)

    def read(self, model, record_id, *fields):
        """Return some fields of a record."""
        return self.call(model, 'read', [record_id], list(fields))[0]

    def get(self, model, record_id, field):
        """Return one field of a record."""
        return self.read(model, record_id, field)[field]

    def search(self, model, domain, *fields, **kwargs):
        """Return some fields of the records of a domain."""
        return self.call(model, 'search_read', domain, list(fields), **kwargs)

    def count(self, model, *domain):
        """Return how many records there are."""
        return self.call(model, 'search_count', list(domain))

    def ref(self, xmlid):
        """Return the id behind an XML id."""
        module, name = xmlid.split('.')
        domain = [('module', '=', module), ('name', '=', name)]
        return self.search('ir.model.data', domain, 'res_id')[0]['res_id']


PayLinks = namedtuple('PayLinks', ('buttons', 'addresses', 'all'))


def pay_links(mail):
    """Return where the Pay now addresses of a mail are: in buttons, and as plain addresses.

    A button is a link in a coloured table cell, the only kind that Outlook draws.
    """
    cell = 'ancestor::td[1][@bgcolor or contains(@style, "background-color")]'
    links = [
        link
        for link in html.fromstring(mail.html or '<p/>').iter('a')
        if '/pay_now/' in (link.get('href') or '')
    ]
    return PayLinks(
        buttons=[link.get('href') for link in links if link.xpath(cell)],
        addresses=[
            link.get('href') for link in links if link.text_content().strip() == link.get('href')
        ],
        all=[link.get('href') for link in links],
    )


class Customer:
    """Has a mail and a browser, and no log-in anywhere."""

    def __init__(self):
        self._session = browser()
        self.page = None

    def open(self, address):
        """Open an address and look at the page."""
        return self._look(self._session.get(address, timeout=60))

    def follow(self, mail):
        """Open what *Pay now* leads to: a button and its plain address, both the same.

        *Tell us* leads to another place of the same page.

        :raise Failure: when the mail is not like that.
        """
        links = pay_links(mail)
        pages = {urldefrag(link).url for link in links.all}
        expect(
            len(links.buttons) == len(links.addresses) == len(pages) == 1,
            f"in the mail there should be one button and its address, there are {links}",
        )
        return self.open(links.buttons[0])

    def _look(self, answer):
        expect(answer.status_code == 200, f"{answer.url} answered {answer.status_code}")
        self.page = answer
        return self

    @property
    def url(self):
        """The address of the page."""
        return self.page.url.partition('#')[0]

    @property
    def text(self):
        """What the page says."""
        return plain(self.tree.text_content())

    @property
    def title(self):
        """The page's heading."""
        return plain(''.join(self.tree.xpath('//h1[1]//text()')))

    @property
    def tree(self):
        """The parsed page."""
        return html.fromstring(self.page.content, base_url=self.page.url)

    def expect_text(self, *texts):
        """Fail the step unless the page says all this.

        :raise Failure: with what it says instead.
        """
        for text in texts:
            expect(text in self.text, f"“{text}” is not on the page: {self.text}")
        return self

    # === THE PAY PAGE === #

    def items(self):
        """Return the items of the pay page: `{label: may be ticked}`."""
        return {
            plain(label.xpath('string(.//strong)')): not label.xpath('.//input[@disabled]')
            for label in self.tree.xpath('//form//label[.//input[@name="item"]]')
        }

    def can_pay(self):
        """Tell whether the page offers to pay."""
        return bool(self.tree.xpath('//form//button[@name="provider_id"]'))

    def pay(self, side, untick=()):
        """Press the button of a provider, as the page is ticked.

        :param side: the provider.
        :param untick: leave out the items whose label holds one of these texts.
        :return: self, on the provider's page.
        """
        form = self.tree.xpath('//form[1]')[0]
        for label in form.xpath('.//label'):
            if any(text in label.text_content() for text in untick):
                label.xpath('.//input')[0].checked = False
        button = form.xpath('.//button[@value=$value]', value=str(side.provider_id))
        expect(button, f"the page has no button of {side.name}: {self.text}")
        pressed = [(button[0].get('name'), button[0].get('value'))]
        return self.post(form, form.form_values() + pressed)

    def picture(self, path):
        """Return the picture whose address is at a place of the page."""
        (source,) = self.tree.xpath(path)
        answer = self._session.get(urljoin(self.url, source), timeout=60)
        answer.raise_for_status()
        return answer.content

    def ask_for_plan(self, parts):
        """Ask to pay what is ticked in parts: they are shown first, and then asked for.

        :param int parts: how many.
        """
        for pressed in ('show', 'send'):
            form = self.tree.xpath('//form[1]')[0]
            form.fields['plan_parts'] = str(parts)
            (button,) = form.xpath('.//button[@name="plan"][@value=$value]', value=pressed)
            form.action = button.get('formaction')
            self.post(form, [*form.form_values(), ('plan', pressed)])
        return self

    def insist(self, provider_id, item_id):
        """Send the form of a page that has no button, as nobody should."""
        form = self.tree.xpath('//form[1]')[0]
        values = {'provider_id': provider_id, 'item': item_id}
        return self.post(form, list(values.items()))

    def post(self, form, values):
        """Send a form of the page."""
        form.make_links_absolute()
        return self._look(self._session.post(form.action or self.url, data=values, timeout=60))

    # === THE PROVIDER'S PAGE === #

    def press(self, method):
        """Choose a way of paying on the sandbox's hosted page."""
        button = self.tree.xpath('//form//button[@value=$method]', method=method)
        expect(button, f"the hosted page has no button {method}: {self.text}")
        form = button[0].xpath('ancestor::form')[0]
        return self.post(form, [*form.form_values(), (button[0].get('name'), method)])

    def settled(self):
        """Let the page refresh, as a browser does, and tell whether it asks for no more."""
        if not self.tree.xpath('//meta[@http-equiv="refresh"]'):
            return True
        self.open(self.url)
        return False
