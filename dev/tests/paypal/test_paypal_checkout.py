# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""What PayPal is asked for, and where the payer is sent."""

import base64
import json
from datetime import datetime, timedelta, timezone
from decimal import Decimal

import pytest

from dev.tests.paypal.objects import MERCHANT, ORDER, ORDERS, capture, error, money, order
from dev.tests.paypal.server import CLIENT_ID
from gateways import base
from gateways.errors import (
    GatewayRefused,
    GatewayUnavailable,
)
from gateways.paypal import order as paypal_order

PATH = f'{ORDERS}/{ORDER}'
BALANCES = '/v1/reporting/balances'
INVALID_CLIENT = (401, {'error': 'invalid_client', 'error_description': "Client Auth failed"})


def link(href, rel='payer-action'):
    return [{'rel': 'self', 'href': 'https://example.com'}, {'rel': rel, 'href': href}]


@pytest.fixture
def opened(paypal_server, make_request, paypal_gateway):
    """Open a checkout; the arguments are the request's. Return it and what was sent."""

    def opened(key='0123456789abcdef', links=None, gateway=None, **values):
        href = f'{paypal_server.base}/checkoutnow?token={ORDER}'
        made = order('PAYER_ACTION_REQUIRED', links=links or link(href))
        paypal_server.on('POST', ORDERS, (201, made))
        checkout = (gateway or paypal_gateway).open_checkout(make_request(**values), key)
        return checkout, paypal_server.requests(ORDERS)[-1]

    return opened


# === CHECKOUT === #


def test_order(paypal_server, opened):
    checkout, call = opened(metadata=(('odoo_company_name', "Boulangerie"), ('other', 'x')))
    assert call.json == {
        'intent': 'CAPTURE',
        'purchase_units': [
            {
                'amount': money('123.45'),
                'custom_id': 'INV-2026-00001',
                'invoice_id': 'INV-2026-00001-01234567',
                'description': 'INV/2026/00001',
            }
        ],
        'payment_source': {
            'paypal': {
                'email_address': 'payer@example.com',
                'experience_context': {
                    'brand_name': "Boulangerie",
                    'locale': 'fr-FR',
                    'shipping_preference': 'NO_SHIPPING',
                    'landing_page': 'NO_PREFERENCE',
                    'user_action': 'PAY_NOW',
                    'return_url': 'http://127.0.0.1:8069/pay_now/return/1/abc',
                    'cancel_url': 'http://127.0.0.1:8069/pay_now/cancel/1/abc',
                },
            }
        },
    }
    assert call.headers['PayPal-Request-Id'] == '0123456789abcdef'
    assert call.headers['Prefer'] == 'return=representation'
    assert checkout == base.Checkout(
        id=ORDER,
        url=f'{paypal_server.base}/checkoutnow?token={ORDER}',
        expires_at=datetime(2026, 3, 1, 13, tzinfo=timezone.utc),
    )


def test_same_request_is_the_same_to_the_letter(opened):
    """PayPal knows a key's request again, and refuses another one under it."""
    one, two = (opened()[1].body for _number in range(2))
    assert one == two
    other = opened(key='fedcba')[1].json
    assert other['purchase_units'][0]['invoice_id'] == 'INV-2026-00001-fedcba'


@pytest.mark.parametrize(
    ('reference', 'custom_id'),
    [
        ('INV/2026/00001', 'INV-2026-00001'),
        ('FAC 2026 é|<>&', 'FAC-2026------'),
        (' a_b.c,d-e ', 'a_b.c,d-e'),
        ('R' * 300, 'R' * 127),
    ],
)
def test_letters_of_paypals_ids(opened, reference, custom_id):
    """What the letters of refunds and reports leave out is altered there, or refused."""
    unit = opened(reference=reference)[1].json['purchase_units'][0]
    assert unit['custom_id'] == custom_id
    assert unit['invoice_id'] == f'{custom_id[:118]}-01234567'
    assert len(unit['invoice_id']) <= 127


@pytest.mark.parametrize(
    ('label', 'description'),
    [
        ("INV/1, INV/2", "INV/1, INV/2"),
        ("one\ntwo\tthree\x00", "one two three"),
        ('L' * 200, 'L' * 127),
        ('é' * 100, 'é' * 63),
        ('支払' * 100, ('支払' * 100)[:42]),
        ("  \n ", None),
        ('', None),
    ],
)
def test_one_line_that_fits(opened, label, description):
    """PayPal counts letters beyond ASCII as more than one, without saying how."""
    assert opened(label=label)[1].json['purchase_units'][0].get('description') == description


@pytest.mark.parametrize(
    ('code', 'locale'),
    [
        ('fr_BE', 'fr-BE'),
        ('en_US', 'en-US'),
        ('es_419', 'es-419'),
        ('zh_TW', 'zh-TW'),
        ('nb_NO', 'no-NO'),
        ('fr', 'fr'),
        ('sr@latin', None),
        ('sr@Cyrl', None),
        ('kab_DZ', None),
        ('fr_FR\n', None),
        ('', None),
        (None, None),
    ],
)
def test_locale(opened, code, locale):
    sent = opened(locale=code)[1].json['payment_source']['paypal']['experience_context']
    assert sent.get('locale') == locale


@pytest.mark.parametrize(
    ('email', 'fits'),
    [
        ("o'brien+x@mail.example.co.uk", True),
        ('a@b', False),
        ('nobody', False),
        ('a b@c.fr', False),
        ('a@b.fr, c@d.fr', False),
        ('é@example.com', False),
        ('a@example.com\n', False),
        (f'{"a" * 250}@b.fr', False),
        ('', False),
    ],
)
def test_email_that_does_not_fit_is_left_out(opened, email, fits):
    wallet = opened(payer_email=email)[1].json['payment_source']['paypal']
    assert wallet.get('email_address') == (email if fits else None)


@pytest.mark.parametrize(
    ('amount', 'currency', 'value'), [('1000', 'JPY', '1000'), ('5.5', 'USD', '5.50')]
)
def test_amounts(opened, amount, currency, value):
    sent = opened(amount=Decimal(amount), currency=currency)[1].json
    assert sent['purchase_units'][0]['amount'] == money(value, currency)


@pytest.mark.parametrize(
    ('amount', 'currency', 'code'),
    [
        ('5', 'TND', 'currency_not_supported'),
        ('1.001', 'EUR', 'amount_not_representable'),
        ('0.50', 'HUF', 'amount_not_representable'),
        ('NaN', 'EUR', 'amount_not_representable'),
    ],
)
def test_amounts_that_are_never_sent(paypal_server, opened, amount, currency, code):
    with pytest.raises(GatewayRefused) as failure:
        opened(amount=Decimal(amount), currency=currency)
    assert failure.value.code == code
    assert not paypal_server.calls


@pytest.mark.parametrize(
    ('issue', 'code'),
    [
        ('CANNOT_BE_ZERO_OR_NEGATIVE', 'amount_too_small'),
        ('MAX_VALUE_EXCEEDED', 'amount_too_large'),
        ('DECIMAL_PRECISION', 'amount_not_representable'),
        ('CURRENCY_NOT_SUPPORTED', 'currency_not_supported'),
        ('DUPLICATE_INVOICE_ID', 'DUPLICATE_INVOICE_ID'),
        ('PAYEE_ACCOUNT_RESTRICTED', 'PAYEE_ACCOUNT_RESTRICTED'),
    ],
)
def test_refused_orders(paypal_server, paypal_gateway, make_request, issue, code):
    paypal_server.on('POST', ORDERS, error(422, issue, "In PayPal's words."))
    with pytest.raises(GatewayRefused, match="In PayPal's words") as failure:
        paypal_gateway.open_checkout(make_request(), 'key')
    assert failure.value.code == code


@pytest.mark.parametrize(
    'url',
    [
        'https://www.paypal.com/checkoutnow?token=5O1',
        'https://www.sandbox.paypal.com/checkoutnow?token=5O1',
        'https://paypal.com/x#y',
        'https://www.paypal.com:443/x',
        'https://www.paypal.com',
    ],
)
@pytest.mark.parametrize('rel', ['payer-action', 'approve'])
def test_where_the_payer_is_sent(url, rel):
    assert paypal_order.payer_url({'links': link(url, rel)}) == url


@pytest.mark.parametrize(
    'url',
    [
        'http://www.paypal.com/x',
        'https://paypal.com.evil.example/x',
        'https://evil.example/paypal.com',
        'https://evilpaypal.com/x',
        'https://www.paypal.com@evil.example/x',
        'https://evil.example@www.paypal.com/x',
        'https://evil.example\\.paypal.com/x',
        'https://evil.example/\\@www.paypal.com',
        'https://evil.example#.paypal.com/',
        'https://evil.example?.paypal.com/',
        'https://www.paypal.com:8443/x',
        'https://www.paypal.com/x\r\nSet-Cookie: a=b',
        'https://www.paypal.com\t.evil.example/',
        ' https://www.paypal.com/x',
        'https://www.paypal.com/\u202e',
        'javascript:alert(1)//www.paypal.com',
        '//www.paypal.com/x',
        'https://[::1].paypal.com/',
        'http://127.0.0.1/x',
        '',
    ],
)
def test_where_the_payer_is_never_sent(url):
    for api_base in (None, 'http://127.0.0.1:1'):
        if api_base and url.startswith('http://127.0.0.1'):
            continue
        with pytest.raises(GatewayRefused) as failure:
            paypal_order.payer_url({'links': link(url)}, api_base)
        assert failure.value.code == 'no_link'


def test_an_order_that_leads_nowhere(opened):
    with pytest.raises(GatewayRefused) as failure:
        opened(links=link('https://www.sandbox.paypal.com/x'))
    assert failure.value.code == 'no_link', "the sandbox sends nobody to the real PayPal"
    with pytest.raises(GatewayRefused):
        opened(links=[{'rel': 'self', 'href': 'https://example.com'}])


def test_an_order_without_a_date_ends_three_hours_from_now(paypal_server, opened):
    href = f'{paypal_server.base}/checkoutnow'
    made = order(links=link(href), create_time=None)
    assert abs(
        paypal_order.expiry(made) - datetime.now(timezone.utc) - timedelta(hours=3)
    ) < timedelta(seconds=5)


@pytest.mark.parametrize(
    ('status', 'captures', 'closed'),
    [
        ('PAYER_ACTION_REQUIRED', [], True),
        ('APPROVED', [], True),
        ('VOIDED', [], True),
        ('COMPLETED', [capture('DECLINED')], True),
        ('COMPLETED', [capture('PENDING')], False),
        ('COMPLETED', [capture()], False),
        ('COMPLETED', [capture('DECLINED'), capture()], False),
    ],
)
def test_close(paypal_server, paypal_gateway, status, captures, closed):
    paypal_server.on('GET', PATH, order(status, captures))
    assert paypal_gateway.close_checkout(ORDER) is closed
    assert [call.method for call in paypal_server.requests()] == ['GET'], "nothing is changed"


def test_close_what_lapsed(paypal_gateway):
    assert paypal_gateway.close_checkout(ORDER) is True


def test_close_while_paypal_is_down(paypal_server, paypal_gateway):
    paypal_server.on('GET', PATH, error(503))
    with pytest.raises(GatewayUnavailable):
        paypal_gateway.close_checkout(ORDER)


def test_a_platform_acts_for_its_merchant(paypal_server, make_paypal_gateway, opened):
    gateway = make_paypal_gateway(account=MERCHANT)
    paypal_server.on('GET', '/v1/notifications/webhooks', {'webhooks': []})
    opened(gateway=gateway)
    gateway.check_account('EUR')
    gateway.find_webhook('https://example.com')
    *orders, webhooks = paypal_server.requests()
    for call in orders:
        assert call.json['purchase_units'][0]['payee'] == {'merchant_id': MERCHANT}
        head, claims, signature = call.headers['PayPal-Auth-Assertion'].split('.')
        read = [json.loads(base64.urlsafe_b64decode(part + '==')) for part in (head, claims)]
        assert read == [{'alg': 'none'}, {'iss': CLIENT_ID, 'payer_id': MERCHANT}]
        assert signature == ''
    assert 'PayPal-Auth-Assertion' not in webhooks.headers, "they are the platform's own"
