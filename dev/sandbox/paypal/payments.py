# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""What happens when a payer pays with PayPal: approvals, captures, refunds, withdrawals."""

from ..common.ledger import Ledger, due
from ..common.refusals import Refusal, one_of
from ..common.store import clock
from . import errors, money, objects
from .store import timestamp

#: What a payer can choose on the approval page.
WAYS = ('paypal', 'venmo', 'mybank', 'card', 'declined', 'echeck', 'cancel')
DECLINED = "Your bank declined this payment. Please choose another way to pay."


class Payments(Ledger):
    """Everything that moves money at PayPal. The caller holds the store's lock."""

    # === A PAYER ON THE APPROVAL PAGE === #

    def payable(self, account, order):
        """Tell whether a payer can approve an order now."""
        note = account.order_note(order)
        if note['lapsed']:
            return False
        return order['status'] in ('CREATED', 'PAYER_ACTION_REQUIRED') or bool(note['failure'])

    def approve(self, account, order, how):
        """The payer approves.

        :param str how: one of `WAYS` but the last; `declined` is so at the capture, `echeck`
            pending for days, the others say what the payer pays with.
        :raise Refusal: the order can no longer be approved.
        """
        one_of('how', how, WAYS[:-1])
        if not self.payable(account, order):
            raise Refusal(400, "This order can no longer be approved.")
        note = account.order_note(order)
        note.update(how=how, failure='', approved=clock.exact())
        objects.approve(order, 'APPROVED', how)
        self._emit_order(account, 'CHECKOUT.ORDER.APPROVED', order)

    def _emit_order(self, account, kind, order):
        self.emit(account, kind, objects.order_view(account, order, self.store.base))

    # === CAPTURES === #

    def capture(self, account, order):
        """Take the money of an approved order.

        :raise PayPalError: it cannot be taken, or not like this.
        """
        note = account.order_note(order)
        if order['status'] == 'COMPLETED':
            raise errors.refused('ORDER_ALREADY_CAPTURED')
        if order['status'] != 'APPROVED':
            issue = 'PAYER_ACTION_REQUIRED' if note['failure'] else 'ORDER_NOT_APPROVED'
            raise errors.refused(issue, links=[self._way_back(order)])
        self.check_invoice(account, order['purchase_units'][0])
        if note['how'] == 'declined':
            raise self._decline(note, order)
        captured = account.add(objects.capture(account, order, self.store.base), 'capture')
        note['captures'].append(captured['id'])
        if invoice := captured.get('invoice_id'):
            account.note('invoices').setdefault(invoice, []).append(captured['id'])
        account.note('open').pop(order['id'])
        order.update(status='COMPLETED', update_time=timestamp())
        reason = 'ECHECK' if note['how'] == 'echeck' else account.pending_reason
        if reason:
            captured['status_details'] = {'reason': reason}
            if self.store.bank_delay is not None:
                account.note('banks')[captured['id']] = clock.exact() + self.store.bank_delay
            self.emit(account, 'PAYMENT.CAPTURE.PENDING', captured)
        else:
            self._receive(account, captured)
        self._emit_order(account, 'CHECKOUT.ORDER.COMPLETED', order)
        return captured

    def check_invoice(self, account, unit, field=''):
        """Refuse a second payment with the same invoice id, where the account wants it so.

        :raise PayPalError: there is one already.
        """
        invoice = unit.get('invoice_id')
        if not invoice or not account.block_duplicates:
            return
        for capture_id in account.note('invoices').get(invoice, ()):
            if account.get('capture', capture_id)['status'] != 'DECLINED':
                raise errors.refused('DUPLICATE_INVOICE_ID', field, invoice)

    def _decline(self, note, order):
        """The payer's bank says no: the payer has to choose again."""
        note['failure'] = DECLINED
        if not self.store.stays_approved:
            order['status'] = 'PAYER_ACTION_REQUIRED' if note['sourced'] else 'CREATED'
        return errors.refused('INSTRUMENT_DECLINED', links=[self._way_back(order)])

    def _way_back(self, order):
        page = f"{self.store.base}/checkoutnow?token={order['id']}"
        return objects.link(page, 'redirect')

    def _receive(self, account, captured):
        """The money of a capture arrives."""
        currency = captured['amount']['currency_code']
        gross = money.minor(captured['amount']['value'], currency)
        fee = money.fee(gross, currency, self.store.percent)
        captured.pop('status_details', None)
        captured.update(
            status='COMPLETED',
            update_time=timestamp(),
            seller_receivable_breakdown=objects.breakdown(
                gross, fee, currency, account.currency, self.store.rates
            ),
        )
        order_id = captured['supplementary_data']['related_ids']['order_id']
        self.move(account, 'T0006', gross, currency, captured, order_id, fee)
        self.emit(account, 'PAYMENT.CAPTURE.COMPLETED', captured)

    def settle(self, account, captured, succeed=True):
        """A pending capture comes to its end."""
        if captured['status'] != 'PENDING':
            raise Refusal(400, f"This capture is {captured['status']}.")
        account.note('banks').pop(captured['id'], None)
        if succeed:
            self._receive(account, captured)
            return
        captured.pop('status_details', None)
        captured.update(status='DECLINED', update_time=timestamp())
        self.emit(account, self.store.denied_event, captured)

    # === LATER === #

    def run_due_of(self, account, now):
        """Banks answer, orders lapse."""
        for capture_id in due(account.note('banks'), now):
            self.settle(account, account.get('capture', capture_id))
        for order_id in list(account.note('open')):
            self._lapse(account, account.get('order', order_id), now)

    def _lapse(self, account, order, now):
        note = account.order_note(order)
        if order['status'] == 'APPROVED':
            end = note['approved'] + self.store.approval_seconds
        else:
            end = note['created'] + self.store.order_seconds
        if end <= now:
            self.lapse(account, order)

    def lapse(self, account, order):
        """An order ends: nobody finds it any more, and what was approved is given back."""
        account.order_note(order)['lapsed'] = True
        account.note('open').pop(order['id'])
        if order['status'] == 'APPROVED':
            unit = order['purchase_units'][0]
            keys = ('reference_id', 'custom_id', 'invoice_id')
            resource = {
                'order_id': order['id'],
                'purchase_units': [{key: unit[key] for key in keys if key in unit}],
                'payment_source': order['payment_source'],
            }
            self.emit(account, 'CHECKOUT.PAYMENT-APPROVAL.REVERSED', resource)

    def move(self, account, code, amount, currency, source=None, reference='', fee=0):
        """Add a movement of the balance, in the currency the account keeps it in.

        :param str code: PayPal's transaction event code.
        :param int amount: minor units, negative when money leaves.
        :param dict source: the capture or refund it belongs to, if it is one.
        :param str reference: id of what it refers to.
        """
        gross, kept, rate = money.convert(amount, currency, account.currency, self.store.rates)
        if rate:
            net = money.convert(amount - fee, currency, account.currency, self.store.rates)[0]
            fee = gross - net
        moved = objects.movement(code, gross, fee, kept, source or {}, reference)
        return account.add(moved, 'movement')

    @staticmethod
    def balances(account, until=None):
        """Return the balance in each currency, in minor units.

        :param float until: instant in seconds; now without one.
        """
        held = {account.currency: 0}
        for one in account.all('movement'):
            if until is None or one['created'] <= until:
                held[one['currency']] = held.get(one['currency'], 0) + one['net']
        return held
