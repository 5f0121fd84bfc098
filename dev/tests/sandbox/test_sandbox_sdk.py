# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""The sandbox through Stripe's own library, without our gateway."""

import concurrent.futures
import http.server
import json
import queue
import threading
import time

import pytest
import requests
import stripe

from dev.sandbox.client import SandboxProcess
from dev.sandbox.stripe import forms
from dev.tests.calls import SESSION

URL = 'http://127.0.0.1:9/hook'
EXPAND = ['payment_intent.latest_charge.balance_transaction']
PARAMS = forms.parse(SESSION.items())


@pytest.fixture
def make_client(sandbox):
    def make(key=sandbox.key, retries=0):
        return stripe.StripeClient(
            key,
            http_client=stripe.RequestsClient(timeout=(3, 10)),
            max_network_retries=retries,
            base_addresses={'api': sandbox.api_base},
        )

    return make


@pytest.fixture
def v1(make_client):
    return make_client().v1


@pytest.fixture
def paid(sandbox, v1):
    """Return a session paid by card, whose fee is known."""
    session = v1.checkout.sessions.create(PARAMS)
    sandbox.pay(session=session.id)
    sandbox.release_fees()
    return v1.checkout.sessions.retrieve(session.id, {'expand': EXPAND})


@pytest.fixture
def received():
    """Return the address of a receiver of notifications, and a queue of what it got."""
    events = queue.Queue()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            events.put(json.loads(self.rfile.read(int(self.headers['Content-Length']))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_args):
            """Say nothing."""

    server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f'http://127.0.0.1:{server.server_port}/hook', events
    server.shutdown()
    server.server_close()


# === OBJECTS === #


def test_account_and_balance(v1, paid):
    account = v1.accounts.retrieve_current()
    assert (account.id, account.country, account.default_currency) == ('acct_sandbox', 'FR', 'eur')
    assert account.charges_enabled and account.business_profile.name
    balance = v1.balance.retrieve()
    assert not balance.livemode
    assert sum(part.amount for part in balance.pending) == 1000 - 40


def test_expanded_payment(paid):
    charge = paid.payment_intent.latest_charge
    movement = charge.balance_transaction
    assert (movement.amount, movement.fee, movement.net) == (1000, 40, 960)
    assert [detail.type for detail in movement.fee_details] == ['stripe_fee']
    assert (movement.type, movement.source) == ('charge', charge.id)


def test_refunds(v1, paid):
    intent = paid.payment_intent.id
    refund = v1.refunds.create({'payment_intent': intent, 'amount': 300, 'metadata': {'a': 'b'}})
    assert (refund.status, refund.amount, refund.metadata.a) == ('succeeded', 300, 'b')
    assert v1.refunds.retrieve(refund.id).id == refund.id
    with pytest.raises(stripe.InvalidRequestError, match="greater than unrefunded"):
        v1.refunds.create({'payment_intent': intent, 'amount': 701})
    v1.refunds.create({'payment_intent': intent})
    with pytest.raises(stripe.InvalidRequestError) as error:
        v1.refunds.create({'payment_intent': intent})
    assert error.value.code == 'charge_already_refunded'
    listed = v1.refunds.list({'payment_intent': intent}).data
    assert [one.amount for one in listed] == [700, 300]


def test_payouts(sandbox, v1, paid):
    payout = sandbox.payout()
    assert v1.payouts.retrieve(payout['id']).amount == 960
    assert [one.id for one in v1.payouts.list().data] == [payout['id']]
    movements = v1.balance_transactions.list({'payout': payout['id']}).data
    assert sum(one.net for one in movements if one.type != 'payout') == payout['amount']
    assert sandbox.account_state()['balance'] == 0


def test_webhook_endpoints(v1):
    made = v1.webhook_endpoints.create({'url': URL, 'enabled_events': ['charge.updated']})
    assert made.secret.startswith('whsec_')
    changed = v1.webhook_endpoints.update(made.id, {'enabled_events': ['*'], 'disabled': True})
    assert (changed.status, changed.enabled_events) == ('disabled', ['*'])
    for one in (v1.webhook_endpoints.retrieve(made.id), *v1.webhook_endpoints.list().data, changed):
        assert 'secret' not in one
    assert v1.webhook_endpoints.delete(made.id).deleted
    with pytest.raises(stripe.InvalidRequestError) as error:
        v1.webhook_endpoints.retrieve(made.id)
    assert (error.value.http_status, error.value.code) == (404, 'resource_missing')


def test_sessions_by_payment(v1, paid):
    found = v1.checkout.sessions.list({'payment_intent': paid.payment_intent.id}).data
    assert [one.id for one in found] == [paid.id]


def test_pages_of_events(sandbox, v1):
    for _number in range(6):
        sandbox.pay(session=v1.checkout.sessions.create(PARAMS).id)
    wanted = {'types': ['charge.succeeded', 'checkout.session.*'], 'limit': 5}
    events = list(v1.events.list(wanted).auto_paging_iter())
    assert len(events) == 12 and len({event.id for event in events}) == 12
    assert v1.events.retrieve(events[0].id).type == 'checkout.session.completed'
    assert not v1.events.list({'created': {'gte': events[0].created + 60}}).data


# === REFUSALS, AS THE LIBRARY TELLS THEM === #


@pytest.mark.parametrize(
    ('key', 'kind'),
    [
        ('sk_test_wrong_key', stripe.AuthenticationError),
        ('pk_test_x', stripe.PermissionError),
        ('rk_test_r', stripe.PermissionError),
    ],
)
def test_keys(sandbox, make_client, key, kind):
    sandbox.account(account='acct_sandbox', keys={'rk_test_r': 'restricted'})
    with pytest.raises(kind) as error:
        make_client(key).v1.checkout.sessions.list()
    assert key.rpartition('_')[0] + '_wrong_key' not in str(error.value)


def test_key_as_user_name(sandbox):
    answer = requests.get(f'{sandbox.api_base}/v1/balance', auth=(sandbox.key, ''), timeout=5)
    assert answer.status_code == 200


def test_removed_parameter(v1):
    with pytest.raises(stripe.InvalidRequestError) as error:
        v1.checkout.sessions.create({**PARAMS, 'payment_method_types': ['card']})
    assert (error.value.code, error.value.param) == ('parameter_unknown', 'payment_method_types')


def test_key_used_again_with_other_parameters(v1):
    options = {'idempotency_key': 'once'}
    first = v1.checkout.sessions.create(PARAMS, options)
    again = v1.checkout.sessions.create(PARAMS, options)
    assert first.id == again.id
    assert again.last_response.headers['Idempotent-Replayed'] == 'true'
    with pytest.raises(stripe.IdempotencyError):
        v1.checkout.sessions.create({**PARAMS, 'client_reference_id': 'other'}, options)


def test_rate_limit_and_retries(sandbox, make_client):
    sandbox.misbehave(status=429)
    with pytest.raises(stripe.RateLimitError):
        make_client(retries=2).v1.balance.retrieve()
    sandbox.misbehave(status=503)
    sandbox.misbehave(drop=True)
    make_client(retries=2).v1.balance.retrieve()
    assert [call['status'] for call in sandbox.requests()] == [429, 503, 200]


# === CAPTURE AND DELAYS === #


def test_fee_known_at_once(sandbox, v1):
    """Whoever asks for synchronous capture has the fee in the first notification."""
    v1.webhook_endpoints.create({'url': URL, 'enabled_events': ['*']})
    params = {**PARAMS, 'payment_intent_data': {'capture_method': 'automatic'}}
    session = v1.checkout.sessions.create(params)
    sandbox.pay(session=session.id)
    sent = [json.loads(out['body']) for out in sandbox.outbox()]
    assert 'charge.updated' not in {event['type'] for event in sent}
    (charge,) = [e['data']['object'] for e in sent if e['type'] == 'charge.succeeded']
    assert charge['balance_transaction']
    intent = v1.checkout.sessions.retrieve(session.id, {'expand': EXPAND}).payment_intent
    assert intent.capture_method == 'automatic'
    assert intent.latest_charge.balance_transaction.fee == 40


def test_capture_by_hand_is_not_imitated(v1):
    params = {**PARAMS, 'payment_intent_data': {'capture_method': 'manual'}}
    with pytest.raises(stripe.InvalidRequestError, match="sandbox"):
        v1.checkout.sessions.create(params)


@pytest.mark.parametrize(('method', 'end'), [('sepa', 'succeeded'), ('sepa_fail', 'failed')])
def test_bank_answers_by_itself(sandbox, v1, method, end):
    sandbox.banks(delay=3600)
    session = v1.checkout.sessions.create(PARAMS)
    sandbox.pay(session=session.id, method=method)
    sandbox.advance(seconds=3500)
    assert v1.events.list({'type': 'checkout.session.async_payment_*'}).data == []
    sandbox.advance(seconds=200)
    (event,) = v1.events.list({'types': ['checkout.session.async_payment_' + end]}).data
    assert event.data.object.id == session.id
    with pytest.raises(requests.HTTPError):
        sandbox.settle(session=session.id)


# === NOTIFICATIONS === #


def test_rendered_for_the_endpoint(sandbox, v1):
    made = v1.webhook_endpoints.create(
        {'url': URL, 'enabled_events': ['*'], 'api_version': '2025-03-31.basil'}
    )
    session = v1.checkout.sessions.create(PARAMS)
    v1.checkout.sessions.expire(session.id, {}, {'idempotency_key': 'my-key'})
    (out,) = sandbox.outbox()
    event = stripe.Webhook.construct_event(
        out['body'], out['headers']['Stripe-Signature'], made.secret
    )
    assert event.api_version == '2025-03-31.basil'
    assert event.pending_webhooks == 1
    assert event.request.id.startswith('req_')
    assert event.request.idempotency_key == 'my-key'
    for body, secret in ((out['body'] + ' ', made.secret), (out['body'], 'whsec_other')):
        with pytest.raises(stripe.SignatureVerificationError):
            stripe.WebhookSignature.verify_header(body, out['headers']['Stripe-Signature'], secret)


def test_not_by_a_request(sandbox, v1):
    session = v1.checkout.sessions.create(PARAMS)
    sandbox.advance(seconds=2 * 86400)
    (event,) = v1.events.list({'type': 'checkout.session.expired'}).data
    assert event.data.object.id == session.id
    assert event.request.id is None


def test_undelivered(sandbox, v1):
    """Nobody listens: the event stays undelivered."""
    v1.webhook_endpoints.create({'url': URL, 'enabled_events': ['charge.succeeded']})
    sandbox.webhooks(mode='off')
    sandbox.pay(session=v1.checkout.sessions.create(PARAMS).id)
    (failed,) = v1.events.list({'delivery_success': False}).data
    assert (failed.type, failed.pending_webhooks) == ('charge.succeeded', 1)
    assert failed.id not in {one.id for one in v1.events.list({'delivery_success': True}).data}


def test_delivered(sandbox, v1, received):
    """Delivered several times, counted once for each address."""
    url, events = received
    sandbox.webhooks(mode='on', copies=3)
    for address in (url, URL):
        v1.webhook_endpoints.create({'url': address, 'enabled_events': ['charge.succeeded']})
    sandbox.pay(session=v1.checkout.sessions.create(PARAMS).id)
    copies = [events.get(timeout=10) for _copy in range(3)]
    assert len({event['id'] for event in copies}) == 1
    sandbox.wait_idle()
    assert v1.events.retrieve(copies[0]['id']).pending_webhooks == 1
    assert len(v1.events.list({'delivery_success': False}).data) == 1


def test_lapses_without_being_asked(sandbox, v1, received):
    url, events = received
    sandbox.webhooks(mode='on')
    v1.webhook_endpoints.create({'url': url, 'enabled_events': ['checkout.session.expired']})
    session = v1.checkout.sessions.create({**PARAMS, 'expires_at': int(time.time()) + 1860})
    sandbox.advance(seconds=1858)
    assert events.get(timeout=20)['data']['object']['id'] == session.id


def test_unknown_version(v1):
    with pytest.raises(stripe.InvalidRequestError, match="Invalid Stripe API version"):
        v1.webhook_endpoints.create(
            {'url': URL, 'enabled_events': ['*'], 'api_version': 'nonsense'}
        )


# === CONTROL === #


@pytest.mark.parametrize(
    ('name', 'values'),
    [
        ('misbehave', {'times': 'x'}),
        ('misbehave', {'times': -1}),
        ('misbehave', {'timeout': 'x'}),
        ('webhooks', {'copies': 'x'}),
        ('fees', {'delay': 'x'}),
        ('banks', {'delay': True}),
        ('advance', {'seconds': 'x'}),
    ],
)
def test_nonsense_changes_nothing(sandbox, v1, name, values):
    before = sandbox.webhooks()
    with pytest.raises(requests.HTTPError, match='400'):
        sandbox.control(name, **values)
    assert sandbox.webhooks() == before
    assert v1.balance.retrieve().object == 'balance'


def _press(url):
    answer = requests.post(url, data={'method': 'card'}, allow_redirects=False, timeout=30)
    return answer.status_code


def test_many_at_once(sandbox, make_client):
    """Every payment counts once, however many come together."""
    client = make_client()

    def play(number):
        session = client.v1.checkout.sessions.create(PARAMS, {'idempotency_key': f'k{number}'})
        return _press(session.url)

    with concurrent.futures.ThreadPoolExecutor(12) as threads:
        statuses = list(threads.map(play, range(20)))
        session = client.v1.checkout.sessions.create(PARAMS)
        pressed = list(threads.map(lambda _: _press(session.url), range(12)))
    assert set(statuses) == {303}
    assert sorted(pressed) == [200] * 11 + [303]
    sandbox.release_fees()
    state = sandbox.account_state()
    assert (state['balance'], state['fees']) == (21 * 960, 21 * 40)


def test_attached(sandbox):
    other = SandboxProcess.attach(sandbox.api_base)
    assert other.state() == sandbox.state()
