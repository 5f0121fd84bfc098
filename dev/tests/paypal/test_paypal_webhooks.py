# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""Registering for PayPal's notifications, and listing those that never arrived."""

from datetime import datetime, timedelta, timezone

import pytest

from dev.tests.paypal.objects import API, capture, error, event
from dev.tests.paypal.server import Answer
from gateways.base import UNREADABLE, Webhook
from gateways.errors import GatewayAuthError, GatewayRefused, GatewayUnavailable
from gateways.paypal import events as paypal_events
from gateways.paypal import webhooks as paypal_webhooks

URL = 'https://odoo.example.com/pay_now/webhook/1'
WEBHOOKS = '/v1/notifications/webhooks'
TYPES = '/v1/notifications/webhooks-event-types'
EVENTS = '/v1/notifications/webhooks-events'


# === REGISTRATION === #


def names(*kinds):
    return [{'name': kind} for kind in kinds or paypal_events.EVENT_TYPES]


@pytest.fixture
def registered(paypal_server):
    """Let there be webhooks; each is an address and its event types."""

    def registered(*webhooks):
        listed = [
            {'id': f'WH-{number}', 'url': url, 'event_types': types}
            for number, (url, types) in enumerate(webhooks)
        ]
        paypal_server.on('GET', WEBHOOKS, {'webhooks': listed})
        paypal_server.on('GET', TYPES, {'event_types': names()})
        created = {'id': 'WH-NEW', 'url': URL, 'event_types': names()}
        paypal_server.on('POST', WEBHOOKS, (201, created))
        for webhook in listed:
            paypal_server.on('PATCH', f'{WEBHOOKS}/{webhook["id"]}', {**webhook})

    return registered


def changes(paypal_server):
    return [call for call in paypal_server.requests() if call.method != 'GET']


def test_new_webhook(paypal_server, paypal_gateway, registered):
    registered(('https://odoo.example.com/other', names()))
    assert paypal_gateway.find_webhook(URL) is None
    assert paypal_gateway.register_webhook(URL) == Webhook(id='WH-NEW', url=URL)
    (created,) = changes(paypal_server)
    assert created.json == {'url': URL, 'event_types': names()}
    assert paypal_server.requests(WEBHOOKS)[0].query == {'anchor_type': 'APPLICATION'}


def test_only_events_that_paypal_knows(paypal_server, paypal_gateway, registered):
    registered()
    known = names('PAYMENT.CAPTURE.DENIED', 'PAYMENT.SALE.COMPLETED', 'CHECKOUT.ORDER.APPROVED')
    paypal_server.on('GET', TYPES, {'event_types': known})
    paypal_gateway.register_webhook(URL)
    (created,) = changes(paypal_server)
    wanted = names('CHECKOUT.ORDER.APPROVED', 'PAYMENT.CAPTURE.DENIED')
    assert created.json['event_types'] == wanted


@pytest.mark.parametrize('answer', [error(403), {'event_types': []}, {}])
def test_all_events_where_paypal_does_not_say(paypal_server, paypal_gateway, registered, answer):
    registered()
    paypal_server.on('GET', TYPES, answer)
    paypal_gateway.register_webhook(URL)
    assert changes(paypal_server)[0].json['event_types'] == names()


def test_webhook_that_is_there_is_kept(paypal_server, paypal_gateway, registered):
    registered((URL, list(reversed(names()))))
    assert paypal_gateway.find_webhook(URL) == Webhook(id='WH-0', url=URL)
    assert paypal_gateway.register_webhook(URL) == Webhook(id='WH-0', url=URL)
    assert not changes(paypal_server)


@pytest.mark.parametrize('types', [names('CHECKOUT.ORDER.APPROVED'), names('*'), [], None])
def test_webhook_that_is_notified_of_other_events(paypal_server, paypal_gateway, registered, types):
    registered(('https://odoo.example.com/other', names()), (URL, types))
    assert paypal_gateway.register_webhook(URL).id == 'WH-1'
    (changed,) = changes(paypal_server)
    assert (changed.method, changed.path) == ('PATCH', f'{WEBHOOKS}/WH-1')
    assert changed.json == [{'op': 'replace', 'path': '/event_types', 'value': names()}]


@pytest.mark.parametrize(
    ('types', 'complete'),
    [(names('CHECKOUT.ORDER.APPROVED'), False), (names('*'), True), ([], False), (names(), True)],
)
def test_webhook_says_whether_it_is_notified_of_all(paypal_gateway, registered, types, complete):
    registered((URL, types))
    assert paypal_gateway.find_webhook(URL).complete is complete


def test_webhook_that_somebody_registers_meanwhile(paypal_server, paypal_gateway, registered):
    registered()
    found = {'webhooks': [{'id': 'WH-7', 'url': URL, 'event_types': names()}]}
    paypal_server.on('GET', WEBHOOKS, {'webhooks': []}, found)
    exists = {'name': 'WEBHOOK_URL_ALREADY_EXISTS', 'message': "Exists.", 'debug_id': 'd'}
    paypal_server.on('POST', WEBHOOKS, (400, exists))
    assert paypal_gateway.register_webhook(URL).id == 'WH-7'
    paypal_server.on('GET', WEBHOOKS, {'webhooks': []})
    with pytest.raises(GatewayRefused) as failure:
        paypal_gateway.register_webhook(URL)
    assert failure.value.code == 'WEBHOOK_URL_ALREADY_EXISTS', "another application's"


def test_address_that_paypal_refuses(paypal_server, paypal_gateway, registered):
    registered()
    detail = {'field': 'url', 'issue': "Not a valid webhook URL"}
    refusal = {'name': 'VALIDATION_ERROR', 'message': "Invalid.", 'details': [detail]}
    paypal_server.on('POST', WEBHOOKS, (400, {**refusal, 'debug_id': 'd'}))
    with pytest.raises(GatewayRefused, match="Not a valid webhook URL") as failure:
        paypal_gateway.register_webhook('http://127.0.0.1:8069/pay_now/webhook/1')
    assert failure.value.code == 'url_invalid'


@pytest.mark.parametrize(
    ('name', 'field'),
    [('WEBHOOK_NUMBER_LIMIT_EXCEEDED', 'url'), ('VALIDATION_ERROR', 'event_types[0].name')],
)
def test_other_refusals_keep_their_name(paypal_server, paypal_gateway, registered, name, field):
    registered()
    refusal = {'name': name, 'message': "No.", 'details': [{'field': field, 'issue': "Why not"}]}
    paypal_server.on('POST', WEBHOOKS, (400, {**refusal, 'debug_id': 'd'}))
    with pytest.raises(GatewayRefused) as failure:
        paypal_gateway.register_webhook(URL)
    assert failure.value.code == name


@pytest.mark.parametrize(
    'url',
    [
        'http://odoo.example.com/pay_now/webhook/1',
        'https://odoo.example.com:8069/pay_now/webhook/1',
        'https:///pay_now/webhook/1',
        'https://odoo.example.com:port/',
        f'https://odoo.example.com/{"a" * 2048}',
        'nonsense',
        '',
    ],
)
def test_addresses_that_paypal_never_calls(url):
    with pytest.raises(GatewayRefused) as failure:
        paypal_webhooks.check_url(url)
    assert failure.value.code == 'url_invalid'


@pytest.mark.parametrize('port', ['', ':443'])
def test_addresses_that_paypal_calls(port):
    paypal_webhooks.check_url(f'https://odoo.example.com{port}/pay_now/webhook/1')


def test_removed_webhook_may_be_gone(paypal_server, paypal_gateway):
    paypal_server.on('DELETE', f'{WEBHOOKS}/WH-1', 204, error(404, 'INVALID_RESOURCE_ID'))
    paypal_gateway.remove_webhook('WH-1')
    paypal_gateway.remove_webhook('WH-1')
    paypal_server.on('DELETE', f'{WEBHOOKS}/WH-1', error(403))
    with pytest.raises(GatewayAuthError):
        paypal_gateway.remove_webhook('WH-1')


def test_webhooks_that_cannot_be_read(paypal_server, paypal_gateway, registered):
    registered()
    for answer in ({'webhooks': [{}]}, {'webhooks': 'x'}, {'webhooks': [{'url': URL}]}):
        paypal_server.on('GET', WEBHOOKS, answer)
        with pytest.raises(GatewayUnavailable):
            paypal_gateway.find_webhook(URL)


def test_types_are_asked_for_once():
    assert len(set(paypal_events.EVENT_TYPES)) == len(paypal_events.EVENT_TYPES)


# === LISTING === #


def listed(number, minutes=0, kind='PAYMENT.CAPTURE.COMPLETED'):
    moment = datetime(2026, 3, 1, 12, tzinfo=timezone.utc) + timedelta(minutes=minutes)
    return event(kind, capture(), id=f'WH-{number}', create_time=moment.isoformat())


@pytest.fixture
def since():
    return datetime.now(timezone.utc) - timedelta(hours=1)


def ids(events):
    return [one.id for one in events]


def test_oldest_first_over_all_pages(paypal_server, paypal_gateway, since):
    def page(call):
        number = int(call.query.get('page', 1))
        following = f'{API}{EVENTS}?page={number + 1}&page_size=100'
        links = [{'rel': 'next', 'href': following}] if number < 3 else []
        made = [listed(f'{number}-{n}', minutes=-10 * number - n) for n in range(3)]
        return {'events': made, 'count': 3, 'links': [{'rel': 'self', 'href': API}, *links]}

    paypal_server.on('GET', EVENTS, page)
    events = list(paypal_gateway.list_events(since))
    assert len(events) == 9 and events[0].id == 'WH-3-2' and events[-1].id == 'WH-1-0'
    assert [one.created_at for one in events] == sorted(one.created_at for one in events)
    first, *others = paypal_server.requests()
    assert first.query['page_size'] == '100'
    assert first.query['start_time'] == since.strftime('%Y-%m-%dT%H:%M:%SZ')
    assert first.query['start_time'] < first.query['end_time']
    assert [call.query['page'] for call in others] == ['2', '3']
    # It is not part of PayPal's description, but of its links.
    paypal_server.calls[:] = []


def test_at_the_same_moment_the_later_listed_came_first(paypal_server, paypal_gateway, since):
    paypal_server.on('GET', EVENTS, {'events': [listed('b'), listed('a')]})
    assert ids(paypal_gateway.list_events(since)) == ['WH-a', 'WH-b']


def test_listed_twice_is_one_event(paypal_server, paypal_gateway, since):
    paypal_server.on('GET', EVENTS, {'events': [listed(1), listed(1)]})
    assert ids(paypal_gateway.list_events(since)) == ['WH-1']


def test_a_listing_that_leads_to_itself_ends(paypal_server, paypal_gateway, since):
    links = [{'rel': 'next', 'href': f'{API}{EVENTS}?page_size=10'}]
    paypal_server.on('GET', EVENTS, {'events': [listed(1)], 'links': links})
    assert ids(paypal_gateway.list_events(since)) == ['WH-1']
    assert len(paypal_server.requests()) == 2


def test_a_listing_leads_nowhere_else(paypal_server, paypal_gateway, since):
    for href in (f'{API}/v1/oauth2/token?a=b', 'https://evil.example/?a=b', None):
        links = [{'rel': 'next', 'href': href}]
        paypal_server.on('GET', EVENTS, {'events': [listed(1)], 'links': links})
        list(paypal_gateway.list_events(since))
    assert len(paypal_server.requests()) == 3


@pytest.mark.parametrize('days', [31, 4000])
def test_no_further_back_than_paypal_remembers(paypal_server, paypal_gateway, days):
    paypal_server.on('GET', EVENTS, {'events': []})
    list(paypal_gateway.list_events(datetime.now(timezone.utc) - timedelta(days=days)))
    (call,) = paypal_server.requests()
    start = datetime.fromisoformat(call.query['start_time'].replace('Z', '+00:00'))
    assert abs(datetime.now(timezone.utc) - start - timedelta(days=30)) < timedelta(minutes=1)


def test_nothing_happened_yet(paypal_server, paypal_gateway, since):
    for answer in ({'events': [], 'count': 0}, {}):
        paypal_server.on('GET', EVENTS, answer)
        assert not list(paypal_gateway.list_events(since))
    later = datetime.now(timezone.utc) + timedelta(hours=1)
    assert not list(paypal_gateway.list_events(later))
    assert len(paypal_server.requests()) == 2, "the future is not asked about"


def test_one_that_cannot_be_read_hides_no_other(paypal_server, paypal_gateway, since):
    odd = [{}, event('PAYMENT.CAPTURE.COMPLETED', [1]), {**listed(3), 'create_time': None}, None]
    other = listed(4, kind='BILLING.PLAN.CREATED')
    paypal_server.on('GET', EVENTS, {'events': [*odd, other, listed(5)]})
    seen = {event.id: event.subject for event in paypal_gateway.list_events(since)}
    assert seen.pop('WH-5') == 'payment'
    # Kept, for whoever wonders.
    assert set(seen.values()) == {UNREADABLE}
    assert 'WH-3' in seen
    assert 'WH-4' not in seen


def test_listing_while_paypal_is_down(paypal_server, paypal_gateway, since):
    paypal_server.on('GET', EVENTS, {'events': [listed(1)]}, Answer(503))
    assert list(paypal_gateway.list_events(since))
    with pytest.raises(GatewayUnavailable):
        list(paypal_gateway.list_events(since))
