# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""PayPal's objects, with all the keys its answers have."""

import copy
from urllib.parse import urlencode

from ..common.store import clock
from .money import convert, minor, money
from .store import new_event_id, new_id, timestamp

#: Who pays in the sandbox.
PAYER = {
    'payer_id': 'QYR5Z8XDVJNXQ',
    'email_address': 'payer@example.com',
    'name': {'given_name': "Camille", 'surname': "Martin"},
    'address': {'country_code': 'FR'},
}
PROTECTION = {
    'status': 'ELIGIBLE',
    'dispute_categories': ['ITEM_NOT_RECEIVED', 'UNAUTHORIZED_TRANSACTION'],
}
#: type of event -> kind of its resource, how it is summed up
EVENTS = {
    'CHECKOUT.ORDER.APPROVED': ('checkout-order', "An order has been approved by buyer"),
    'CHECKOUT.ORDER.COMPLETED': ('checkout-order', "Checkout Order Completed"),
    'CHECKOUT.PAYMENT-APPROVAL.REVERSED': (
        'payment-approval',
        "A payment has been reversed after approval.",
    ),
    'PAYMENT.CAPTURE.COMPLETED': ('capture', "Payment completed for %s"),
    'PAYMENT.CAPTURE.PENDING': ('capture', "Payment pending for %s"),
    'PAYMENT.CAPTURE.DENIED': ('capture', "Payment denied for %s"),
    'PAYMENT.CAPTURE.DECLINED': ('capture', "Payment declined for %s"),
    'PAYMENT.CAPTURE.REFUNDED': ('refund', "A %s capture payment was refunded"),
    'PAYMENT.CAPTURE.REVERSED': ('refund', "A %s capture payment was reversed"),
    'CUSTOMER.DISPUTE.CREATED': ('dispute', "A new dispute opened with Case # %s"),
    'CUSTOMER.DISPUTE.UPDATED': ('dispute', "A dispute was updated with Case # %s"),
    'CUSTOMER.DISPUTE.RESOLVED': ('dispute', "A dispute was resolved with Case # %s"),
    'MERCHANT.ONBOARDING.COMPLETED': ('merchant-onboarding', "Merchant onboarding completed"),
    'MERCHANT.PARTNER-CONSENT.REVOKED': ('partner-consent', "Partner consent revoked"),
}


def link(href, rel='self', method='GET'):
    """A link to what can be done next."""
    return {'href': href, 'rel': rel, 'method': method}


def query(path, values):
    """Return an address with a query, if there is anything to ask."""
    return f'{path}?{urlencode(values)}' if values else path


# === ORDERS === #


def order(account, body):
    """A new order, as asked for.

    :param dict body: checked.
    """
    unit = copy.deepcopy(body['purchase_units'][0])
    unit['reference_id'] = unit.get('reference_id', 'default')
    # Written back with all its decimals.
    value, currency = unit['amount']['value'], unit['amount']['currency_code']
    unit['amount'].update(money(minor(value, currency), currency))
    unit['payee'] = {'email_address': account.email, 'merchant_id': account.id}
    source = body.get('payment_source')
    return {
        'id': new_id(),
        'intent': body['intent'],
        'status': 'PAYER_ACTION_REQUIRED' if source else 'CREATED',
        **({'payment_source': {'paypal': {}}} if source else {}),
        'purchase_units': [unit],
        'create_time': timestamp(),
    }


#: What else a payer can pay with.
SOURCES = {
    'card': {'last_digits': '1111', 'brand': 'VISA', 'type': 'CREDIT'},
    'mybank': {'name': "A Payer", 'country_code': 'IT', 'iban_last_chars': '3000'},
    'venmo': {'account_id': PAYER['payer_id'], 'email_address': PAYER['email_address']},
}


def approve(created, kind, source='paypal'):
    """Write into an order who has approved it.

    :param str kind: the new status.
    :param str source: what the payer pays with; the account itself for what is not in `SOURCES`.
    """
    created.update(
        status=kind,
        update_time=timestamp(),
        payer=copy.deepcopy(PAYER),
        payment_source={source: dict(SOURCES[source])}
        if source in SOURCES
        else {
            'paypal': {
                'email_address': PAYER['email_address'],
                'account_id': PAYER['payer_id'],
                'account_status': 'VERIFIED',
                'name': dict(PAYER['name']),
                'address': dict(PAYER['address']),
            }
        },
    )


def order_links(created, base, sourced):
    """The links of an order in its present state.

    :param bool sourced: it was created with a payment source.
    """
    url = f"{base}/v2/checkout/orders/{created['id']}"
    page = f"{base}/checkoutnow?token={created['id']}"
    to_page = link(page, 'payer-action' if sourced else 'approve')
    change = [link(url, 'update', 'PATCH'), link(f'{url}/capture', 'capture', 'POST')]
    if created['status'] == 'COMPLETED':
        return [link(url)]
    if created['status'] == 'APPROVED':
        return [link(url), *change]
    return [link(url), to_page, *([] if sourced else change)]


def order_view(account, created, base):
    """An order as PayPal shows it, with its captures and refunds."""
    note = account.order_note(created)
    shown = copy.deepcopy(created)
    payments = {
        f'{kind}s': [_inside(account.get(kind, one)) for one in note[f'{kind}s']]
        for kind in ('capture', 'refund')
        if note[f'{kind}s']
    }
    if payments:
        shown['purchase_units'][0]['payments'] = payments
    shown['links'] = order_links(created, base, note['sourced'])
    return shown


def _inside(obj):
    """A capture or refund as it stands in an order."""
    outside = ('supplementary_data', 'payee', 'payer')
    return {key: copy.deepcopy(value) for key, value in obj.items() if key not in outside}


# === MONEY === #


def capture(account, created, base):
    """A capture of an order, pending and without a breakdown."""
    unit = created['purchase_units'][0]
    capture_id = new_id()
    url = f'{base}/v2/payments/captures/{capture_id}'
    amount = {key: unit['amount'][key] for key in ('currency_code', 'value')}
    return {
        'id': capture_id,
        'status': 'PENDING',
        'amount': amount,
        'final_capture': True,
        'disbursement_mode': 'INSTANT',
        'seller_protection': copy.deepcopy(PROTECTION),
        **{key: unit[key] for key in ('invoice_id', 'custom_id') if key in unit},
        'create_time': timestamp(),
        'update_time': timestamp(),
        'links': [
            link(url),
            link(f'{url}/refund', 'refund', 'POST'),
            link(f"{base}/v2/checkout/orders/{created['id']}", 'up'),
        ],
        'supplementary_data': {'related_ids': {'order_id': created['id']}},
        'payee': {'email_address': account.email, 'merchant_id': account.id},
    }


def breakdown(gross, fee, currency, settlement, rates):
    """What the seller gets for a capture, and in which currency.

    :param int gross: minor units; so is the fee.
    """
    shown = {
        'gross_amount': money(gross, currency),
        'paypal_fee': money(fee, currency),
        'net_amount': money(gross - fee, currency),
    }
    settled, into, rate = convert(gross - fee, currency, settlement, rates)
    if rate:
        taken = convert(fee, currency, settlement, rates)[0]
        shown.update(
            paypal_fee_in_receivable_currency=money(taken, into),
            receivable_amount=money(settled, into),
            exchange_rate={'source_currency': currency, 'target_currency': into, 'value': rate},
        )
    return shown


def refund(account, captured, amount, total, body, base):
    """A refund of a capture.

    :param int amount: minor units.
    :param int total: what is refunded of the capture, this refund included.
    :param dict body: the request's.
    """
    refund_id = new_id()
    custom_id = body.get('custom_id') or captured.get('custom_id')
    currency = captured['amount']['currency_code']
    return {
        'id': refund_id,
        'status': 'COMPLETED',
        'amount': money(amount, currency),
        **{key: body[key] for key in ('invoice_id', 'note_to_payer') if key in body},
        **({'custom_id': custom_id} if custom_id else {}),
        'seller_payable_breakdown': {
            'gross_amount': money(amount, currency),
            # PayPal keeps what it took for the payment.
            'paypal_fee': money(0, currency),
            'net_amount': money(amount, currency),
            'total_refunded_amount': money(total, currency),
        },
        'payer': {'email_address': account.email, 'merchant_id': account.id},
        'create_time': timestamp(),
        'update_time': timestamp(),
        'links': [
            link(f'{base}/v2/payments/refunds/{refund_id}'),
            link(f"{base}/v2/payments/captures/{captured['id']}", 'up'),
        ],
    }


def movement(code, amount, fee, currency, source, reference):
    """A movement of the balance: not PayPal's object, but what its reports are made of.

    :param str code: PayPal's transaction event code.
    :param int amount: minor units, negative when money leaves; the fee is positive.
    :param dict source: the capture or refund it belongs to; empty for none.
    :param str reference: id of what it refers to.
    """
    own = new_id()
    return {
        'id': own,
        'type': code,
        'amount': amount,
        'fee': fee,
        'net': amount - fee,
        'currency': currency,
        'source': source.get('id', own),
        'reference': reference,
        'names': {key: source[key] for key in ('invoice_id', 'custom_id') if key in source},
        'created': clock.now(),
    }


# === NOTIFICATIONS === #


def event(kind, resource, base):
    """A notification, with the resource as it is now."""
    event_id = new_event_id()
    resource_type, summary = EVENTS[kind]
    url = f'{base}/v1/notifications/webhooks-events/{event_id}'
    amount = resource.get('amount', {})
    about = resource.get('dispute_id') or f"{amount.get('value')} {amount.get('currency_code')}"
    return {
        'id': event_id,
        'event_version': '1.0',
        'create_time': timestamp(style='%Y-%m-%dT%H:%M:%S.000Z'),
        'resource_type': resource_type,
        'resource_version': '1.0' if resource_type == 'dispute' else '2.0',
        'event_type': kind,
        'summary': summary % about if '%s' in summary else summary,
        'resource': copy.deepcopy(resource),
        'links': [link(url), link(f'{url}/resend', 'resend', 'POST')],
    }


def webhook(url, names, base):
    """An endpoint for notifications."""
    webhook_id = new_id()
    own = f'{base}/v1/notifications/webhooks/{webhook_id}'
    return {
        'id': webhook_id,
        'url': url,
        'event_types': [event_type(name) for name in names],
        'links': [link(own), link(own, 'update', 'PATCH'), link(own, 'delete', 'DELETE')],
    }


def event_type(name):
    """A type of notification."""
    if name == '*':
        return {'name': '*', 'description': "ALL"}
    kind, summary = EVENTS[name]
    return {
        'name': name,
        'description': summary.replace(' %s', '').replace(" for", '').replace(" with Case #", ''),
        'status': 'ENABLED',
        'resource_versions': ['1.0' if kind == 'dispute' else '2.0'],
    }
