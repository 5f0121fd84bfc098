# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""What we ask PayPal for, within what it takes, and where it may send the payer."""

import base64
import hashlib
import json
import re
from datetime import datetime, timedelta, timezone
from urllib.parse import urlsplit

from ..base import EMAIL
from ..errors import GatewayNotFound, GatewayRefused
from .money import to_money
from .payment import instant

#: How long an order waits for the payer, and for us once approved (PayPal's default).
LIFETIME = timedelta(hours=3)
#: Of a custom id, an invoice id, a description, and a brand name.
LONGEST = 127
LONGEST_REQUEST_ID = 108
LOCALE = re.compile(r'[a-z]{2}(-[A-Z][a-z]{3})?(-([A-Z]{2}|[0-9]{3}))?')
#: Odoo's code for Norwegian is not the one PayPal lists.
LOCALES = {'nb_NO': 'no-NO'}


# === WHAT WE SEND === #


def order_body(request, idempotency_key, merchant=''):
    """Return the body of a new order: one amount, and no items whose sum could differ.

    :param CheckoutRequest request: what the payer shall pay.
    :param str idempotency_key: distinguishes this attempt from another one for the same reference.
    :param str merchant: who is paid, with a platform's application.
    :rtype: dict
    """
    # PayPal may refuse an invoice id twice: one for each attempt, so that it is right then.
    attempt = identifier(idempotency_key)[:8]
    unit = {
        'amount': to_money(request.amount, request.currency),
        'custom_id': identifier(request.reference)[:LONGEST],
        'invoice_id': f'{identifier(request.reference)[: LONGEST - 9]}-{attempt}',
    }
    # PayPal refuses empty values.
    if description := line(request.label):
        unit['description'] = description
    if merchant:
        unit['payee'] = {'merchant_id': merchant}
    experience = {
        'shipping_preference': 'NO_SHIPPING',
        'landing_page': 'NO_PREFERENCE',
        'user_action': 'PAY_NOW',
        'return_url': request.return_url,
        'cancel_url': request.cancel_url or request.return_url,
    }
    if brand := line(dict(request.metadata).get('odoo_company_name', '')):
        experience['brand_name'] = brand
    if code := locale(request.locale):
        experience['locale'] = code
    wallet = {'experience_context': experience}
    if EMAIL.fullmatch(request.payer_email):
        wallet['email_address'] = request.payer_email
    return {
        'intent': 'CAPTURE',
        'purchase_units': [unit],
        'payment_source': {'paypal': wallet},
    }


def trial_body(amount, currency, merchant=''):
    """Return the body of an order that nobody will ever see: may this account be paid?"""
    unit = {'amount': to_money(amount, currency), 'description': "Pay Now: connection check"}
    if merchant:
        unit['payee'] = {'merchant_id': merchant}
    return {'intent': 'CAPTURE', 'purchase_units': [unit]}


def without_email(body, error):
    """Return a body once more, without the address that PayPal did not like in it.

    :param dict body: of an order, or of the referral of a merchant.
    :param GatewayRefused error: PayPal's answer.
    :return: None where it is not about the address, or none was given.
    :rtype: dict | None
    """
    if error.field.strip('/').rpartition('/')[2] not in ('email', 'email_address'):
        return None
    wallet = (body.get('payment_source') or {}).get('paypal') or {}
    if 'email_address' in wallet:
        wallet = {name: value for name, value in wallet.items() if name != 'email_address'}
        return {**body, 'payment_source': {'paypal': wallet}}
    if 'email' in body:
        return {name: value for name, value in body.items() if name != 'email'}
    return None


def identifier(text):
    """Return a text in the letters of PayPal's ids: its reports alter or refuse others."""
    return re.sub(r'[^A-Za-z0-9_.,-]', '-', text.strip())


def line(text):
    """Return one line of text that fits, however many bytes its letters take."""
    whole = ' '.join(re.sub(r'[\x00-\x1f\x7f]', ' ', text).split())
    return whole.encode()[:LONGEST].decode(errors='ignore').strip()


def locale(code):
    """Return PayPal's locale for one of Odoo's language codes, nothing for an odd one."""
    code = LOCALES.get(code) or (code or '').replace('_', '-')
    return code if LOCALE.fullmatch(code) else ''


def request_id(key):
    """Return our idempotency key as a header that PayPal takes."""
    if re.fullmatch(rf'[!-~]{{1,{LONGEST_REQUEST_ID}}}', key):
        return key
    return hashlib.sha256(key.encode()).hexdigest()


def object_id(value):
    """Return an id that may be part of an address.

    :raise GatewayNotFound: PayPal has no such ids, so it has no such object either.
    """
    if not re.fullmatch(r'[A-Za-z0-9-]{1,64}', value or ''):
        raise GatewayNotFound("PayPal does not know this id.", 'INVALID_RESOURCE_ID')
    return value


def assertion(client_id, merchant):
    """Return the `PayPal-Auth-Assertion` of a platform that acts for one of its merchants."""
    parts = ({'alg': 'none'}, {'iss': client_id, 'payer_id': merchant})
    encoded = (
        base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip('=') for part in parts
    )
    return '.'.join((*encoded, ''))


# === WHAT WE GET === #


def payer_url(order, api_base=None):
    """Return where to send the payer.

    :param dict order: a new order.
    :param str api_base: the sandbox's address, whose own pages are the only ones then.
    :raise GatewayRefused: there is no such link, or it leads to somebody else.
    """
    links = {link.get('rel'): link.get('href') for link in order.get('links') or ()}
    return own_url(links.get('payer-action') or links.get('approve') or '', api_base)


def own_url(url, api_base=None):
    """Return an address that is PayPal's own, so that people may be sent there.

    :param str api_base: the sandbox's address, whose own pages are the only ones then.
    :raise GatewayRefused: it leads to somebody else.
    """
    address = r'https://([a-z0-9-]+\.)*paypal\.com(:443)?'
    if api_base:
        address = rf'https?://{re.escape(urlsplit(api_base).hostname)}(:[0-9]+)?'
    # To the letter, so that no browser reads another host: no user, backslash or blank.
    if not re.fullmatch(rf'{address}([/?#][!-\[\]-~]*)?', url):
        raise GatewayRefused("PayPal gave no link of its own.", 'no_link')
    return url


def expiry(order):
    """Return until when a new order can be paid."""
    return (instant(order.get('create_time')) or datetime.now(timezone.utc)) + LIFETIME
