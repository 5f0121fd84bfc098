# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""What PayPal's orders and captures say about one payment: plain dicts in, our dataclasses out."""

import functools
import re
from datetime import datetime, timezone
from decimal import Decimal

from .. import base, reading
from .money import CURRENCIES, exponent, from_money

ORDER_STATES = {
    'CREATED': base.OPEN,
    'SAVED': base.OPEN,
    'PAYER_ACTION_REQUIRED': base.OPEN,
    'APPROVED': base.APPROVED,
    'VOIDED': base.CANCELED,
    # Until its capture is there to be read.
    'COMPLETED': base.PENDING,
}
CAPTURE_STATES = {
    'COMPLETED': base.PAID,
    'PARTIALLY_REFUNDED': base.PAID,
    'REFUNDED': base.PAID,
    'PENDING': base.PENDING,
    'DECLINED': base.FAILED,
    'DENIED': base.FAILED,
    'FAILED': base.FAILED,
}
REFUND_STATES = {'COMPLETED': 'paid', 'FAILED': 'failed', 'CANCELLED': 'canceled'}
#: Of several captures of one order: a refused one before the good one, the best one counts.
BEST_FIRST = (base.PAID, base.PENDING, base.FAILED)
#: Reasons of a capture that a payer's complaint is behind.
DISPUTED = ('BUYER_COMPLAINT', 'CHARGEBACK')
STAMP = re.compile(
    r'([0-9]{4}-[0-9]{2}-[0-9]{2})[Tt ]([0-9:]{8})(?:[.,]([0-9]+))?\s?(Z|z|[+-][0-9]{2}:?[0-9]{2})?'
)


readable = functools.partial(reading.readable, "PayPal")


def payment(order, test_mode, capture=None):
    """Return what is known about a payment.

    :param dict order: the order; empty for a capture whose order is gone.
    :param bool test_mode: whether it was read in PayPal's sandbox.
    :param dict capture: the capture, where there is no order to find it in.
    :rtype: base.Payment
    """
    unit = order['purchase_units'][0] if order else {}
    payments = unit.get('payments') or {}
    capture = capture or best_capture(payments.get('captures') or ())
    refunds = tuple(map(refund, payments.get('refunds') or ()))
    current = state(order, capture)
    taken = current in (base.PAID, base.PENDING) and capture
    amount, currency = from_money(capture['amount'] if taken or not unit else unit['amount'])
    paid_at = _paid_at(capture, refunds) if current == base.PAID else None
    commission, net, settled = _settlement(capture, current, amount, currency)
    source = order.get('payment_source') or {}
    return base.Payment(
        checkout_id=order.get('id') or order_id(capture),
        state=current,
        reference=unit.get('custom_id') or capture.get('custom_id') or '',
        amount=amount,
        currency=currency,
        payment_id=capture.get('id') or '',
        paid_at=paid_at,
        method=next(iter(source), ''),
        payer_email=_email(order, source),
        **_reasons(capture, current),
        commission=commission,
        net=net,
        settlement_currency=settled,
        commission_at=paid_at if settled else None,
        movement_id=capture['id'] if settled else '',
        refunds=refunds,
        test_mode=test_mode,
    )


def state(order, capture):
    """Return the state of a payment from its order and its best capture.

    A refused capture says nothing while its order is open or approved again: the payer was sent
    back to choose another way of paying.
    """
    taken, status = capture_state(capture), order.get('status')
    if taken == base.FAILED and status in ORDER_STATES and status != 'COMPLETED':
        taken = None
    return taken or ORDER_STATES.get(status, base.OPEN)


def capture_state(capture):
    """Return the state of a capture; an unknown one is awaited, None is the state of none."""
    return CAPTURE_STATES.get(capture['status'], base.PENDING) if capture else None


def best_capture(captures):
    """Return the capture that decides what became of the order, an empty one for none."""
    return min(captures, key=lambda one: BEST_FIRST.index(capture_state(one)), default={})


def is_complete(order):
    """Tell whether an answer holds all that a payment is read from."""
    units = order.get('purchase_units') or [{}]
    captures = (units[0].get('payments') or {}).get('captures') or ()
    return bool(
        captures
        and units[0].get('amount')
        and units[0].get('custom_id')
        and order.get('payment_source')
        and all(capture.get('amount') and capture.get('create_time') for capture in captures)
    )


def order_id(capture):
    """Return the id of the order a capture belongs to, where it says so."""
    related = (capture.get('supplementary_data') or {}).get('related_ids') or {}
    return related.get('order_id') or linked(capture, 'orders')


def linked(resource, kind):
    """Return the id that a link of a resource leads up to.

    :param str kind: `orders` or `captures`.
    """
    for link in resource.get('links') or ():
        if link.get('rel') == 'up':
            found = re.search(rf'/{kind}/([A-Za-z0-9-]+)/?$', link.get('href') or '')
            if found:
                return found[1]
    return ''


def refund(values):
    """Return a refund object as a `base.Refund`.

    Nothing leaves the balance before a refund is completed; PayPal dates its last change.
    """
    amount, currency = from_money(values['amount'])
    current = REFUND_STATES.get(values['status'], 'pending')
    created_at = instant(values.get('create_time'))
    changed_at = instant(values.get('update_time')) or created_at
    moved = current == 'paid'
    commission, settled = refund_commission(values, currency) if moved else (None, '')
    return base.Refund(
        id=values['id'],
        amount=amount,
        currency=currency,
        state=current,
        created_at=created_at,
        reason=(values.get('status_details') or {}).get('reason') or '',
        reference=values.get('invoice_id') or '',
        moved_at=changed_at if moved else None,
        commission=commission,
        settlement_currency=settled,
        movement_id=values['id'] if moved else '',
        returned_at=changed_at if current in ('failed', 'canceled') else None,
    )


def refund_commission(values, currency):
    """Return what a refund costs beyond its amount, and the currency the account is debited in.

    Negative when PayPal gives some of the payment's fee back; None until PayPal says so.
    """
    breakdown = values.get('seller_payable_breakdown') or {}
    gross, net = _part(breakdown, 'gross_amount'), _part(breakdown, 'net_amount')
    if not gross or not net:
        return None, ''
    _amount, settled = _part(breakdown, 'net_amount_in_receivable_currency') or net
    return net[0] - gross[0], settled


def instant(text):
    """Return one of PayPal's timestamps in UTC, None for none.

    Real ones come with and without fractions, and with `Z`, `+0000` or `+00:00`.
    """
    found = STAMP.fullmatch(text) if isinstance(text, str) else None
    if not found:
        return None
    day, clock, fraction, zone = found.groups()
    try:
        moment = datetime.strptime(f'{day}T{clock}{(zone or "Z").upper()}', '%Y-%m-%dT%H:%M:%S%z')
        moment = moment.astimezone(timezone.utc)
    except (ValueError, OverflowError):
        return None
    return moment.replace(microsecond=int((fraction or '0')[:6].ljust(6, '0')))


def _paid_at(capture, refunds):
    """Return when the money arrived: PayPal dates nothing but a capture's last change."""
    unchanged = capture['status'] == 'COMPLETED' and not refunds
    dates = [capture.get('create_time')]
    return next(
        filter(None, map(instant, [capture.get('update_time'), *dates] if unchanged else dates)),
        None,
    )


def _reasons(capture, current):
    """Return the values of a `base.Payment` that say why it is as it is.

    The code of a payment that is pending is what it waits for.
    """
    reason = (capture.get('status_details') or {}).get('reason') or ''
    failure = reason or capture['status'] if capture_state(capture) == base.FAILED else ''
    return {
        'failure': failure,
        'failure_code': '' if current == base.PAID else reason or failure,
        'disputed': reason in DISPUTED,
    }


def _settlement(capture, current, amount, currency):
    """Return the commission, what is left, and the currency the account is credited in.

    Until PayPal says so: None, None and an empty currency.
    """
    breakdown = capture.get('seller_receivable_breakdown')
    if current != base.PAID or not breakdown:
        return None, None, ''
    fee, _code = _part(breakdown, 'paypal_fee') or (Decimal(0), currency)
    net, _code = _part(breakdown, 'net_amount') or (amount - fee, currency)
    credited, settled = _part(breakdown, 'receivable_amount') or (net, currency)
    if settled == currency:
        return fee, net, currency
    # Converted: the fee is given in the payer's currency, and seldom in the account's too.
    if charged := _part(breakdown, 'paypal_fee_in_receivable_currency'):
        return charged[0], credited, settled
    rate = (breakdown.get('exchange_rate') or {}).get('value')
    rate = Decimal(rate) if rate else credited / (net or 1)
    digits = exponent(settled) if settled in CURRENCIES else 2
    return (fee * rate).quantize(Decimal(1).scaleb(-digits)), credited, settled


def _part(breakdown, name):
    return from_money(breakdown[name]) if breakdown.get(name) else None


def _email(order, source):
    for payer in (*source.values(), order.get('payer')):
        if email := (payer or {}).get('email_address'):
            return email
    return ''
