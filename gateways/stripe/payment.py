# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""What Stripe's objects say about one payment: plain dicts in, our dataclasses out."""

from decimal import Decimal

from .. import base
from .client import instant, readable
from .money import from_minor

#: `charge.refunds` and the balance transaction are only there when asked for.
CHARGE_EXPAND = ('latest_charge.balance_transaction', 'latest_charge.refunds')
#: What says how the balance moved with a refund.
REFUND_EXPAND = ('balance_transaction', 'failure_balance_transaction')
#: Metadata of a refund: the idempotency key it was asked for with.
REFUND_KEY = 'odoo_refund'
REFUND_STATES = {'succeeded': 'paid', 'failed': 'failed', 'canceled': 'canceled'}


@readable()
def payment(session, intent, refunds=()):
    """Return what is known about a payment.

    :param dict session: the Checkout Session; empty for a payment that had none.
    :param dict intent: its PaymentIntent with the expanded charge; empty before the payer confirms.
    :param refunds: its refund objects.
    :rtype: base.Payment
    """
    charge = intent.get('latest_charge') or {}
    movement = charge.get('balance_transaction') or {}
    refusal = intent.get('last_payment_error') or {}
    details = charge.get('payment_method_details') or {}
    current = state(session, intent)
    amount, currency = _amount(session, intent, current)
    settled = (movement.get('currency') or '').upper()
    return base.Payment(
        checkout_id=session.get('id') or '',
        state=current,
        reference=_reference(session, intent),
        amount=amount,
        currency=currency,
        payment_id=intent.get('id') or '',
        charge_id=charge.get('id') or '',
        paid_at=instant(charge.get('created')) if current == base.PAID else None,
        method=details.get('type') or '',
        wallet=((details.get('card') or {}).get('wallet') or {}).get('type') or '',
        payer_email=_email(session, charge),
        failure=refusal.get('message') or '',
        failure_code=_failure_code(refusal),
        commission=from_minor(movement['fee'], settled) if movement else None,
        net=from_minor(movement['net'], settled) if movement else None,
        settlement_currency=settled,
        commission_at=instant(movement.get('created')),
        movement_id=movement.get('id') or '',
        refunds=tuple(refund(values) for values in refunds),
        disputed=bool(charge.get('disputed')),
        test_mode=not (session or intent).get('livemode'),
    )


def state(session, intent):
    """Return the state of a payment from its session and its PaymentIntent."""
    status, intent_status = session.get('status'), intent.get('status')
    if intent_status == 'succeeded' or session.get('payment_status') == 'paid':
        return base.PAID
    if intent_status in ('processing', 'requires_capture'):
        return base.PENDING
    if status == 'expired' or intent_status == 'canceled':
        return base.CANCELED
    if status == 'complete':
        # No longer processing: the delayed method failed. Otherwise the money is still awaited,
        # e.g. a bank transfer or a voucher, whose PaymentIntent is `requires_action` until then.
        return base.FAILED if intent_status == 'requires_payment_method' else base.PENDING
    return base.OPEN


@readable()
def refund(values):
    """Return a refund object, its movements expanded, as a `base.Refund`."""
    current = REFUND_STATES.get(values.get('status'), 'pending')
    created_at = instant(values.get('created'))
    out = values.get('balance_transaction') or {}
    back = values.get('failure_balance_transaction') or {}
    settled = (out.get('currency') or '').upper()
    return base.Refund(
        id=values['id'],
        amount=from_minor(values['amount'], values['currency']),
        currency=values['currency'].upper(),
        state=current,
        created_at=created_at,
        reason=values.get('failure_reason') or values.get('reason') or '',
        reference=(values.get('metadata') or {}).get(REFUND_KEY) or '',
        moved_at=instant(out.get('created')) or (created_at if current == 'paid' else None),
        commission=from_minor(out['fee'], settled) if out else None,
        settlement_currency=settled,
        movement_id=out.get('id') or '',
        returned_at=instant(back.get('created')),
        returned_commission=from_minor(back.get('fee') or 0, back.get('currency') or settled)
        if back
        else Decimal(0),
    )


def _failure_code(refusal):
    """Return the most telling code of a refusal; a generic decline says nothing."""
    decline = refusal.get('decline_code') or ''
    return refusal.get('code') or '' if decline in ('', 'generic_decline') else decline


def _amount(session, intent, current):
    """Return what was received, else what is asked for, and its currency."""
    currency = (intent.get('currency') or session['currency']).upper()
    received = intent.get('amount_received') if current == base.PAID else None
    asked = session['amount_total'] if session else intent['amount']
    return from_minor(asked if received is None else received, currency), currency


def _reference(session, intent):
    metadata = session.get('metadata') or intent.get('metadata') or {}
    return metadata.get('odoo_reference') or session.get('client_reference_id') or ''


def _email(session, charge):
    for details in (session.get('customer_details'), charge.get('billing_details')):
        if email := (details or {}).get('email'):
            return email
    return ''
