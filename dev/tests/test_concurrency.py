# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""The same moment, on real connections: a served Odoo, and everybody at once.

A test of Odoo's own has one connection; what two of them do to each other is only seen here.
"""

import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests
from lxml import html

from dev.demo.people import Customer, wait_for
from dev.demo.play import Play
from dev.env import databases, odoo, postgres

EVENT = 'pay.now.event'
NOTIFICATIONS, PAYERS = 24, 6
BASE_URL = "env['ir.config_parameter'].set_param('web.base.url', 'http://127.0.0.1:{port}')"


@pytest.fixture(scope='module')
def play(sandbox_process):
    """A company that takes both providers, in a served Odoo of its own."""
    sandbox_process.reset()
    sandbox_process.account(account=sandbox_process.account_id, currency='usd')
    sandbox_process.paypal.account(currency='USD')
    odoo.ensure()
    port = odoo.free_port()
    with postgres.server() as server, databases.temporary(server, databases.module(server)) as name:
        odoo.shell(server, name, BASE_URL.format(port=port))
        with odoo.serving(server, name, port, arguments=['--workers=0', '--max-cron-threads=3']):
            play = Play(f'http://127.0.0.1:{port}', name, sandbox_process, None)
            play.set_up()
            play.make_customers()
            for side in play.sides.values():
                side.client.webhooks(mode='held', copies=1, shuffle=False)
            yield play


@pytest.fixture
def sides(play):
    yield play.sides.values()
    for side in play.sides.values():
        side.client.behave()
        side.client.webhooks(mode='held', copies=1, shuffle=False)
        side.client.outbox()


def at_once(*actions):
    """Do everything at the same moment, and return what came of each."""
    barrier = threading.Barrier(len(actions))

    def do(action):
        barrier.wait(30)
        return action()

    with ThreadPoolExecutor(len(actions)) as pool:
        return list(pool.map(do, actions))


def page_of(play, who='pay', amount=120.00):
    """Return an invoice and the address of its pay page."""
    invoice, _name = play.invoice(who, amount)
    return invoice, play.admin.get('account.move', invoice, 'pay_now_url')


def open_at(play, page, side):
    """Return where a customer lands at the provider, and the transaction's own pages."""
    customer = Customer().open(page).pay(side)
    tx = play.admin.search(
        'payment.transaction',
        [('provider_id', '=', side.provider_id)],
        'id',
        'provider_reference',
        order='id desc',
        limit=1,
    )[0]
    return customer, tx


def payments_of(play, invoice):
    """Return how many payments an invoice has, and what is left to pay."""
    count = play.admin.count(
        'account.payment', ('invoice_ids', 'in', [invoice]), ('state', '!=', 'draft')
    )
    return count, play.admin.get('account.move', invoice, 'amount_residual')


def deliver(out):
    """Post a notification as the provider does: again, when it is asked to."""
    for _attempt in range(20):
        answer = requests.post(
            out['url'], data=out['body'].encode(), headers=out['headers'], timeout=60
        )
        if answer.status_code != 503:
            break
        # The certificate is being fetched.
        time.sleep(0.5)
    return answer.status_code


class TestNotifications:
    def test_different_ones_at_the_very_same_moment_are_all_stored(self, play, sides):
        for side in sides:
            for _payer in range(PAYERS):
                _invoice, page = page_of(play)
                customer, _tx = open_at(play, page, side)
                side.client.press(customer.url, side.agree)
        held = [out for side in sides for out in side.client.outbox()][:NOTIFICATIONS]
        assert len(held) >= 2 * PAYERS
        # Each one twice, and all of them together.
        answers = at_once(*(lambda out=out: deliver(out) for out in [*held, *held]))
        refs = [event['event_ref'] for event in play.admin.search(EVENT, [], 'event_ref')]
        assert len(refs) == len(set(refs))
        answered = {
            json.loads(out['body'])['id']
            for out, answer in zip([*held, *held], answers, strict=True)
            if answer == 200
        }
        # Any other answer makes the provider repeat it; this one promises that it is kept.
        assert answered <= set(refs)
        assert len(answered) == len(held), f"answers: {answers}"


class TestTaking:
    @pytest.fixture
    def approved(self, play, sides):
        """An order the payer approved: where the browser comes back, and what was notified."""
        _stripe, paypal = sides
        invoice, page = page_of(play)
        customer, tx = open_at(play, page, paypal)
        back = paypal.client.press(customer.url, paypal.agree)
        return invoice, tx, back, paypal

    def test_browser_notification_and_sweep_at_once_take_it_once(self, play, approved):
        invoice, tx, back, paypal = approved
        notifications = paypal.client.outbox()
        at_once(
            lambda: requests.get(back, timeout=60),
            lambda: requests.get(back, timeout=60),
            *(lambda out=out: deliver(out) for out in notifications),
            play.sweep,
        )
        wait_for("the payment to be booked", lambda: play.state(invoice) == 'paid')
        orders = {one['id']: one for one in paypal.client.account_state()['orders']}
        assert len(orders[tx['provider_reference']]['captures']) == 1
        assert payments_of(play, invoice) == (1, 0.0)

    def test_other_provider_opened_while_it_is_taken(self, play, approved):
        """The capture is slow; meanwhile the payer starts again at Stripe."""
        invoice, tx, back, paypal = approved
        stripe = next(iter(play.sides.values()))
        page = play.admin.get('account.move', invoice, 'pay_now_url')
        capture = f'/v2/checkout/orders/{tx["provider_reference"]}/capture'
        paypal.client.misbehave(path=capture, timeout=3, executed=True)

        def later():
            time.sleep(1)
            return Customer().open(page).pay(stripe)

        _returned, second = at_once(lambda: requests.get(back, timeout=60), later)
        assert second.url.startswith(play.url), "a second checkout was opened meanwhile"
        # Each of both may have found the other at the invoice: the rest follows in the background.
        wait_for(
            "the invoice to be paid",
            lambda: play.state(invoice) == 'paid' or play.sweep(),
        )
        assert payments_of(play, invoice) == (1, 0.0)

    def test_both_providers_opened_at_once_leave_one_that_can_be_paid(self, play, sides):
        stripe, paypal = sides
        invoice, page = page_of(play)
        customers = [Customer().open(page) for _side in sides]
        at_once(
            *(
                lambda customer=customer, side=side: customer.pay(side)
                for customer, side in zip(customers, sides, strict=True)
            )
        )
        for customer, side in zip(customers, sides, strict=True):
            if not customer.url.startswith(play.url):
                customer.press(side.agree)
        if payments_of(play, invoice)[0] == 0:
            # Each stood in the other's way: the payer tries again, and nothing was debited.
            customer = Customer().open(page).pay(stripe)
            customer.press(stripe.agree)
        wait_for(
            "the invoice to be paid",
            lambda: play.state(invoice) == 'paid' or play.sweep(),
        )
        assert payments_of(play, invoice) == (1, 0.0)


class TestClicks:
    """A double click, a page open twice, somebody who plays with the button."""

    PAIRS, AT_ONCE, BURST, MOST = 25, 4, 12, 3

    @pytest.fixture(scope='class')
    def pages(self, play):
        """Pages of an invoice each, with the items that can be ticked."""
        addresses = [page_of(play)[1] for _pair in range(self.PAIRS)]
        return [(address, items_of(address)) for address in addresses]

    def press(self, play, page, items, pause=0.0):
        """Post the form after a moment; return status, and the transaction's own page."""
        time.sleep(pause)
        stripe = next(iter(play.sides.values()))
        answer = requests.post(
            f'{page}/pay',
            data={'provider_id': stripe.provider_id, 'item': items},
            allow_redirects=False,
            timeout=120,
        )
        return answer.status_code, answer.headers.get('Location', answer.text)

    def open(self, play, path):
        """Follow to the provider; return where the payer is sent."""
        answer = requests.get(f'{play.url}{path}', allow_redirects=False, timeout=120)
        return answer.status_code, answer.headers.get('Location', answer.text)

    def pair(self, play, number, page, items):
        """Press twice, some milliseconds apart, and let both go on as the browsers do."""

        def click(pause):
            status, checkout = self.press(play, page, items, pause)
            return (
                (status, checkout, *self.open(play, checkout))
                if status == 303
                else (status, checkout)
            )

        apart = 0.005 + 0.075 * number / self.PAIRS
        return at_once(lambda: click(0), lambda: click(apart))

    def test_the_second_click_gets_the_checkout_of_the_first(self, play, pages):
        before = sessions(play)
        with ThreadPoolExecutor(self.AT_ONCE) as pool:
            pairs = list(pool.map(lambda one: self.pair(play, one[0], *one[1]), enumerate(pages)))
        for first, second in pairs:
            assert first == second and first[0] == 303, (first, second)
            assert first[2] == 303 and not first[3].startswith(play.url)
        assert len({first[3] for first, _second in pairs}) == self.PAIRS
        assert sessions(play) - before == self.PAIRS

    def test_other_items_are_another_checkout(self, play):
        page = instalments_page(play, 3)
        items = items_of(page)
        first, second = at_once(
            lambda: self.press(play, page, items[:1]),
            lambda: self.press(play, page, items[:2], 0.02),
        )
        assert (first[0], second[0]) == (303, 303), (first, second)
        assert first[1] != second[1]

    def test_a_burst_stays_within_the_limit(self, play):
        page = instalments_page(play, self.BURST)
        choices = items_of(page)
        assert len(choices) == self.BURST
        set_rate(play, str(self.MOST))
        try:
            answers = at_once(*(lambda one=one: self.press(play, page, [one]) for one in choices))
            # Those that were in the way come again, one after the other.
            answers += [self.press(play, page, [one]) for one in choices]
            assert {status for status, _text in answers} == {303, 429}, answers
            made = {path for status, path in answers if status == 303}
            assert len(made) == self.MOST
            # Who has begun goes on, whoever plays with the address.
            assert self.open(play, min(made))[0] == 303
        finally:
            set_rate(play, False)


def set_rate(play, value):
    """Say how many checkouts may be opened for a document in an hour."""
    play.admin.call('ir.config_parameter', 'set_param', 'account_pay_now.checkout_rate', value)


def instalments_page(play, count):
    """Return the page of an invoice that is paid in so many instalments."""
    share = 100 // count
    lines = [
        (0, 0, {'value': 'percent', 'value_amount': value, 'nb_days': 30 * number})
        for number, value in enumerate([share] * (count - 1) + [100 - share * (count - 1)])
    ]
    term = play.admin.create('account.payment.term', name=f"{count} times", line_ids=lines)
    invoice, _name = play.invoice(
        'pay', 1200.00, invoice_payment_term_id=term, invoice_date_due=False
    )
    return play.admin.get('account.move', invoice, 'pay_now_url')


def sessions(play):
    """Return how many checkouts there are at Stripe."""
    return len(next(iter(play.sides.values())).client.account_state()['sessions'])


def items_of(page):
    """Return the items that can be ticked on a page."""
    form = html.fromstring(requests.get(page, timeout=60).content)
    return form.xpath('//input[@name="item"][not(@disabled)]/@value')
