# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""The approval page of the sandbox's PayPal."""

import pytest
import requests

from dev.tests.calls import paypal_links as links
from dev.tests.calls import paypal_order


@pytest.fixture
def open_order(ask):
    """Create an order for a payer; the arguments are its experience."""

    def open_order(description="Facture <1> & Co", **experience):
        body = paypal_order('1234.50', custom_id='INV-1', description=description)
        body['payment_source']['paypal']['experience_context'].update(experience)
        order = ask('POST', '/v2/checkout/orders', body, PayPal_Request_Id=str(experience)).json()
        return order, links(order)['payer-action']

    return open_order


def test_page(open_order):
    _order, url = open_order(brand_name="Pain & Co")
    page = requests.get(url, timeout=5).text
    assert '<html lang="fr">' in page and "MODE TEST" in page and 'width=device-width' in page
    assert "Se connecter et payer" in page and '1&#8239;234,50&nbsp;EUR' in page
    assert 'Facture &lt;1&gt; &amp; Co' in page and 'Pain &amp; Co' in page
    _order, url = open_order(locale='en-GB')
    page = requests.get(url, timeout=5).text
    assert '<html lang="en">' in page and "TEST MODE" in page and "Log in and pay" in page
    assert '1,234.50&nbsp;EUR' in page


def test_there_and_back(paypal, open_order):
    order, url = open_order(return_url='http://127.0.0.1/back?a=1')
    back = paypal.press(url)
    assert back == f"http://127.0.0.1/back?a=1&token={order['id']}&PayerID=QYR5Z8XDVJNXQ"
    page = requests.get(url, timeout=5).text
    assert "déjà été approuvé" in page and 'name="method"' not in page
    assert paypal.press(url) is None


def test_given_up(paypal, open_order):
    order, url = open_order()
    assert paypal.press(url, 'cancel') == f"http://127.0.0.1/cancel?token={order['id']}"
    assert paypal.account_state()['orders'][0]['status'] == 'PAYER_ACTION_REQUIRED'
    assert paypal.press(url, 'paypal'), "one can come back"


def test_after_a_refusal(paypal, open_order, capture):
    order, url = open_order()
    assert paypal.press(url, 'declined')
    assert capture(order).status_code == 422
    page = requests.get(url, timeout=5).text
    assert 'role="alert">Votre banque a refusé ce paiement.' in page
    assert paypal.press(url, 'echeck')
    assert capture(order, 'again').status_code == 201


def test_without_anywhere_to_go(paypal, ask):
    body = paypal_order()
    del body['payment_source']
    order = ask('POST', '/v2/checkout/orders', body).json()
    assert paypal.press(links(order)['approve']) is None
    assert paypal.account_state()['orders'][0]['status'] == 'APPROVED'


def test_the_older_place_for_addresses(paypal, ask):
    body = paypal_order()
    del body['payment_source']
    body['application_context'] = {'return_url': 'http://127.0.0.1/old', 'locale': 'en-US'}
    order = ask('POST', '/v2/checkout/orders', body).json()
    assert paypal.press(links(order)['approve']).startswith('http://127.0.0.1/old?token=')


def test_too_late(paypal, open_order):
    _order, url = open_order()
    paypal.advance(seconds=4 * 3600)
    assert 'name="method"' not in requests.get(url, timeout=5).text
    assert paypal.press(url) is None


def test_no_page_and_nonsense(paypal, open_order):
    assert requests.get(f'{paypal.api_base}/checkoutnow?token=X', timeout=5).status_code == 404
    assert requests.get(f'{paypal.api_base}/checkoutnow', timeout=5).status_code == 404
    _order, url = open_order()
    assert requests.post(url, data={'method': 'gold'}, timeout=5).status_code == 400
