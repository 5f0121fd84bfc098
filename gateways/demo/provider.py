# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""The provider that is played: what payers and its own people do there.

`gateway` is how the module asks it. Everything is kept in a store; what is notified of is gathered
in `told`, for whoever delivers it.
"""

import hashlib
import hmac
import json
import secrets
from datetime import datetime, timedelta, timezone
from decimal import ROUND_HALF_UP, Decimal

from .. import base
from ..errors import GatewayNotFound, GatewayRefused, PayerActionNeeded

#: Of a header with the instant and the proof of a notification.
SIGNATURE = 'Pay-Now-Demo-Signature'
#: How often a payer may be refused at one checkout.
MAX_DECLINES = 8
#: Days that a payout is on its way to the bank, and that the merchant has to answer a dispute.
PAYOUT_DAYS = 2
ANSWER_DAYS = 14


def now():
    """Return this moment, to the second, as providers tell it.

    :rtype: datetime
    """
    return datetime.now(timezone.utc).replace(microsecond=0)


def signature(secret, at, body):
    """Return what proves a notification.

    :param str secret: of the webhook.
    :param str at: seconds since 1970, as sent.
    :param bytes body: of the notification.
    :rtype: str
    """
    return hmac.new(secret.encode(), at.encode() + b'.' + body, hashlib.sha256).hexdigest()


class DemoProvider:
    """One account at a provider that is played.

    :param brands.Brand brand: which provider.
    :param store.Store store: what it knows.
    """

    def __init__(self, brand, store):
        self.brand = brand
        self.store = store
        #: What was notified of, as values of events.
        self.told = []

    # === PAYER === #

    def open(self, request, step, at=None):
        """Open a checkout.

        :param base.CheckoutRequest request: as the module asks.
        :param decimal.Decimal step: what amounts of the currency are a multiple of.
        :param datetime at: when; now by default.
        :return: its id.
        :rtype: str
        """
        ref = self.brand.new_id('checkout')
        at = at or now()
        expires_at = request.expires_at or at + timedelta(hours=24)
        values = {
            'state': base.OPEN,
            'created_at': at.isoformat(),
            'expires_at': expires_at.isoformat(),
            'amount': str(request.amount),
            'step': str(step),
            'database': dict(request.metadata).get('odoo_database', ''),
            # What opens its page: nothing else does.
            'token': secrets.token_urlsafe(24),
            'declines': 0,
            'refunds': [],
        }
        for name in ('reference', 'currency', 'label', 'return_url', 'cancel_url', 'locale'):
            values[name] = getattr(request, name)
        values['payer_email'] = request.payer_email
        self.store.put('checkout', ref, values)
        return ref

    def checkout(self, ref):
        """Return what is known of a checkout; one whose time is over can no longer be paid.

        :param str ref: its id.
        :rtype: dict
        :raise GatewayNotFound: there is none.
        """
        values = self.store.get('checkout', ref)
        if not values:
            raise GatewayNotFound("No such checkout.", 'not_found')
        lapsed = datetime.fromisoformat(values['expires_at']) <= now()
        if lapsed and values['state'] in (base.OPEN, base.APPROVED):
            values['state'] = base.CANCELED
        return values

    def checkout_of(self, payment_id):
        """Return the id of the checkout of a payment.

        :param str payment_id: the provider's.
        :rtype: str
        :raise GatewayNotFound: there is none.
        """
        found = self.store.get('payment', payment_id)
        if not found:
            raise GatewayNotFound("No such payment.", 'not_found')
        return found['checkout']

    def pay(self, ref, slow=False, at=None):
        """The payer pays, or approves where the money has to be captured.

        A second time changes nothing: neither does a checkout that is over.

        :param str ref: of the checkout.
        :param bool slow: by a method whose money takes days.
        :param datetime at: when; now by default.
        """
        at = at or now()
        values = self.checkout(ref)
        if values['state'] != base.OPEN:
            return
        values.update(slow=slow, refuse=False, failure='', failure_code='')
        if self.brand.captures:
            values['state'] = base.APPROVED
            self._put_and_tell(ref, values, 'approved', at)
        else:
            self._receive(ref, values, at)

    def decline(self, ref, at=None):
        """The payer's bank refuses; the payer may choose again, a few times.

        :param str ref: of the checkout.
        :param datetime at: when; now by default.
        """
        at = at or now()
        values = self.checkout(ref)
        if values['state'] != base.OPEN:
            return
        values['declines'] += 1
        if self.brand.captures:
            # Found out as the money is taken.
            values.update(state=base.APPROVED, slow=False, refuse=True)
            self._put_and_tell(ref, values, 'approved', at)
            return
        values['failure_code'], values['failure'] = self.brand.declined
        if values['declines'] >= MAX_DECLINES:
            values['state'] = base.CANCELED
        self._put_and_tell(ref, values, 'declined', at)

    def capture(self, ref, key, at=None):
        """Take the money of an approved checkout; of another one nothing changes.

        :param str ref: of the checkout.
        :param str key: the same one takes it once, and is refused again where it was.
        :param datetime at: when; now by default.
        :raise PayerActionNeeded: the payer has to choose again.
        """
        values = self.checkout(ref)
        known = self.store.get('key', key) or {}
        if known.get('refused') or (values['state'] == base.APPROVED and values.get('refuse')):
            if not known:
                self.store.put('key', key, {'checkout': ref, 'refused': True})
                over = values['declines'] >= MAX_DECLINES
                values.update(state=base.CANCELED if over else base.OPEN, refuse=False)
                values['failure_code'], values['failure'] = self.brand.declined
                self.store.put('checkout', ref, values)
            raise PayerActionNeeded(self.brand.declined[1], self.brand.declined[0])
        if values['state'] == base.APPROVED:
            self.store.put('key', key, {'checkout': ref})
            self._receive(ref, values, at or self._approved_at(values))

    def settle(self, ref, at=None):
        """The money of a slow payment arrives.

        :param str ref: of the checkout.
        :param datetime at: when; now by default.
        """
        values = self.checkout(ref)
        if values['state'] == base.PENDING:
            self._book(ref, values, at or now(), 'settled')

    def bounce(self, ref, at=None):
        """The money of a slow payment does not arrive.

        :param str ref: of the checkout.
        :param datetime at: when; now by default.
        """
        values = self.checkout(ref)
        if values['state'] == base.PENDING:
            values['state'] = base.FAILED
            values['failure_code'], values['failure'] = self.brand.bounced
            self._put_and_tell(ref, values, 'bounced', at or now())

    def close(self, ref):
        """Close a checkout to the payer.

        :param str ref: of the checkout.
        :return: whether nothing was, or is being, paid.
        :rtype: bool
        """
        try:
            values = self.checkout(ref)
        except GatewayNotFound:
            return True
        if values['state'] in (base.PAID, base.PENDING):
            return False
        values['state'] = base.CANCELED
        self.store.put('checkout', ref, values)
        return True

    def _approved_at(self, values):
        return datetime.fromisoformat(values['told_at'])

    def _receive(self, ref, values, at):
        """Note the payment of a checkout: its ids, and its money unless that takes days."""
        payment_id = self.brand.new_id('payment')
        charge_id = '' if self.brand.captures else self.brand.new_id('charge')
        slow = values['slow']
        values.update(
            payment_id=payment_id,
            charge_id=charge_id,
            method=self.brand.slow_method if slow else self.brand.method,
            failure='',
            failure_code=self.brand.slow_code if slow else '',
        )
        self.store.put('payment', payment_id, {'checkout': ref})
        if slow:
            values['state'] = base.PENDING
            self._put_and_tell(ref, values, 'pending', at)
        else:
            self._book(ref, values, at, 'paid')

    def _book(self, ref, values, at, what):
        """Put the money of a payment on the balance, and keep the commission."""
        amount, brand = Decimal(values['amount']), self.brand
        fee = (amount * brand.rate + brand.fixed).quantize(Decimal(values['step']), ROUND_HALF_UP)
        fee = min(fee, amount)
        movement = self._move(
            'payment',
            amount,
            at,
            fee,
            values,
            source_id=values['charge_id'] or values['payment_id'],
        )
        values.update(
            state=base.PAID,
            paid_at=at.isoformat(),
            commission=str(fee),
            movement_id=movement,
            failure_code='',
        )
        self._put_and_tell(ref, values, what, at)

    # === REFUNDS === #

    def refund(self, ref, amount, key='', at=None):
        """Give back a part or all of a payment.

        :param str ref: of the checkout.
        :param decimal.Decimal amount: in major units.
        :param str key: the same one gives back once; kept with the refund.
        :param datetime at: when; now by default.
        :return: the id of the refund.
        :rtype: str
        :raise GatewayRefused: no more than that is left, or the money is disputed.
        """
        if key and (known := self.store.get('key', key)):
            return known['refund']
        values, at = self.checkout(ref), at or now()
        if values['state'] != base.PAID:
            raise GatewayRefused("This payment cannot be refunded.", 'charge_not_paid')
        if values.get('disputed'):
            raise GatewayRefused("This payment is disputed.", 'charge_disputed')
        if amount > self._left(values):
            raise GatewayRefused("No more than that is left.", 'amount_too_large')
        refund = self.brand.new_id('refund')
        movement = self._move('refund', -amount, at, Decimal(0), values, source_id=refund)
        self.store.put(
            'refund',
            refund,
            {
                'amount': str(amount),
                'currency': values['currency'],
                'created_at': at.isoformat(),
                'reference': key,
                'movement_id': movement,
            },
        )
        if key:
            self.store.put('key', key, {'refund': refund})
        values['refunds'].append(refund)
        self._put_and_tell(ref, values, 'refunded', at)
        return refund

    def _left(self, values):
        given = sum(
            (Decimal(self.store.get('refund', one)['amount']) for one in values['refunds']),
            Decimal(0),
        )
        return Decimal(values['amount']) - given

    # === BALANCE AND PAYOUTS === #

    def _move(self, kind, amount, at, fee, values, **more):
        """Move the balance; return the id of the movement.

        :param str kind: as of `base.Movement`.
        :param decimal.Decimal amount: negative when money leaves.
        :param datetime at: when.
        :param decimal.Decimal fee: what the provider keeps of it.
        :param dict values: of the checkout it is about, empty for none.
        """
        ref = more.pop('id', '') or self.brand.new_id('movement')
        self.store.put(
            'movement',
            ref,
            {
                'kind': kind,
                'amount': str(amount),
                'fee': str(fee),
                'net': str(amount - fee),
                'currency': values.get('currency', 'EUR'),
                'created_at': at.isoformat(),
                'payment_id': values.get('payment_id', ''),
                'charge_id': values.get('charge_id', ''),
                'reference': values.get('reference', ''),
                'database': values.get('database', ''),
                'label': values.get('label', ''),
                **more,
            },
        )
        return ref

    def balance(self):
        """Return what is owed, by currency.

        :rtype: dict
        """
        totals = {}
        for _ref, line in self.store.all('movement'):
            totals[line['currency']] = totals.get(line['currency'], 0) + Decimal(line['net'])
        return totals

    def pay_out(self, currency, at=None):
        """Transfer all that is owed to the merchant's bank.

        :param str currency: ISO code.
        :param datetime at: when; what moved later stays. Now by default.
        :return: the id of the payout; empty where nothing is owed.
        :rtype: str
        """
        at = at or now()
        lines = self._to_pay_out(currency, at)
        amount = sum((Decimal(line['net']) for _ref, line in lines), Decimal(0))
        if amount <= 0:
            return ''
        payout = self.brand.new_id('payout')
        for ref, line in lines:
            self.store.put('movement', ref, {**line, 'payout': payout})
        movement = self._move(
            'payout',
            -amount,
            at,
            Decimal(0),
            {'currency': currency},
            source_id=payout,
            # A withdrawal and its movement are one and the same.
            id='' if self.brand.lists_payouts else payout,
        )
        values = {
            'amount': str(amount),
            'currency': currency,
            'created_at': at.isoformat(),
            'arrives_at': (at + timedelta(days=PAYOUT_DAYS)).isoformat(),
            'movement_id': movement,
            'bank_reference': f'ST-{payout[-12:].upper()}' if self.brand.lists_payouts else '',
            'lines': [ref for ref, _line in lines],
        }
        self.store.put('payout', payout, values)
        self._tell('payout', at, subject='payout', object_type='payout', object_id=payout)
        return payout

    def _to_pay_out(self, currency, until):
        """Return what moved until an instant, and was not paid out yet.

        :param str currency: ISO code.
        :param datetime until: the last instant.
        :return: pairs of id and values.
        :rtype: list
        """
        return [
            (ref, line)
            for ref, line in self.store.all('movement')
            if line['currency'] == currency
            and line['kind'] != 'payout'
            and not line.get('payout')
            and datetime.fromisoformat(line['created_at']) <= until
        ]

    # === DISPUTES === #

    def dispute(self, ref, reason='fraudulent', at=None):
        """The payer asks for the money back; it is taken from the balance meanwhile.

        :param str ref: of the checkout.
        :param str reason: the provider's code.
        :param datetime at: when; now by default.
        :return: the id of the dispute.
        :rtype: str
        :raise GatewayRefused: there is nothing to dispute.
        """
        values, at = self.checkout(ref), at or now()
        amount = self._left(values)
        if values['state'] != base.PAID or values.get('disputed') or amount <= 0:
            raise GatewayRefused("There is nothing to dispute.", 'not_disputable')
        dispute = self.brand.new_id('dispute')
        values['disputed'] = True
        self.store.put(
            'dispute',
            dispute,
            {
                'checkout': ref,
                'state': 'open',
                'amount': str(amount),
                'created_at': at.isoformat(),
                'due_at': (at + timedelta(days=ANSWER_DAYS)).isoformat(),
                'reason': reason,
                'movements': [self._dispute_move(dispute, -amount, values, at)],
            },
        )
        self.store.put('checkout', ref, values)
        self._tell_dispute('dispute', dispute, values, at)
        return dispute

    def decide(self, dispute, won, at=None):
        """The bank decides a dispute; what was decided stays.

        :param str dispute: its id.
        :param bool won: whether the merchant keeps the money.
        :param datetime at: when; now by default.
        """
        found, at = self.store.get('dispute', dispute), at or now()
        if not found or found['state'] != 'open':
            return
        values = self.checkout(found['checkout'])
        found['state'] = 'won' if won else 'lost'
        if won:
            amount = Decimal(found['amount'])
            found['movements'].append(self._dispute_move(dispute, amount, values, at))
        self.store.put('dispute', dispute, found)
        self._tell_dispute('decided', dispute, values, at)

    def _dispute_move(self, dispute, amount, values, at):
        """Move the money of a dispute; return the movement as the dispute names it."""
        fee = self.brand.dispute_fee if amount < 0 else Decimal(0)
        ref = self._move('dispute', amount, at, fee, values, source_id=dispute)
        own = ref if self.brand.same_ids else f'{dispute}-{"out" if amount < 0 else "back"}'
        return {'id': own, 'movement': ref}

    def _tell_dispute(self, what, dispute, values, at):
        self._tell(
            what,
            at,
            subject='dispute',
            object_type='dispute',
            object_id=dispute,
            **self._named(values),
        )

    # === NOTIFICATIONS === #

    def _put_and_tell(self, ref, values, what, at):
        """Keep a checkout, and notify of what happened to it."""
        values['told_at'] = at.isoformat()
        self.store.put('checkout', ref, values)
        self._tell(what, at, checkout_id=ref, object_type='payment', **self._named(values))

    @staticmethod
    def _named(values):
        return {
            'payment_id': values.get('payment_id', ''),
            'charge_id': values.get('charge_id', ''),
            'reference': values['reference'],
        }

    def _tell(self, what, at, **values):
        """Notify of something, where the provider notifies of it at all."""
        if not (kind := self.brand.events.get(what)):
            return
        event = {
            'id': self.brand.new_id('event'),
            'type': kind,
            'created': int(at.timestamp()),
            'subject': 'payment',
            **values,
        }
        self.store.put('event', event['id'], event)
        self.told.append(event)

    def notification(self, event):
        """Return a notification as it is posted.

        :param dict event: one of `told`.
        :return: the body and the headers; nothing where no webhook is registered.
        :rtype: tuple(bytes, dict) | None
        """
        webhooks = self.store.all('webhook')
        if not webhooks:
            return None
        body = json.dumps(event).encode()
        at = str(int(now().timestamp()))
        proof = signature(webhooks[-1][1]['secret'], at, body)
        return body, {SIGNATURE: f't={at},v1={proof}'}
