# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""Disputes: a payer asks PayPal, or the bank, for the money back."""

from ..common.refusals import Refusal
from ..common.store import clock
from . import money, objects
from .store import DAY, new_id, timestamp

#: What PayPal takes for a chargeback, in minor units of the account's currency.
FEE = 1600


class Disputes:
    """Opens and closes disputes. The caller holds the store's lock."""

    def __init__(self, payments):
        self.payments = payments
        self.store = payments.store
        self.emit = payments.emit

    def open(self, account, captured, inquiry=False):
        """A payer disputes a capture.

        :param bool inquiry: the payer only asks; no money moves.
        :rtype: dict
        """
        if captured['id'] in account.note('disputed') or captured['status'] not in (
            'COMPLETED',
            'PARTIALLY_REFUNDED',
        ):
            raise Refusal(400, "This capture cannot be disputed.")
        dispute = account.add(_dispute(account, captured, self.store.base), 'dispute', 'dispute_id')
        account.note('disputed')[captured['id']] = 'INQUIRY'
        if not inquiry:
            self._charge_back(account, dispute)
        self._emit(account, 'CREATED', dispute)
        return dispute

    def escalate(self, account, dispute):
        """The payer's bank takes the money of an inquiry back."""
        if dispute['dispute_life_cycle_stage'] != 'INQUIRY' or dispute['status'] == 'RESOLVED':
            raise Refusal(400, "This is no open inquiry.")
        if _capture(account, dispute)['status'] == 'REFUNDED':
            raise Refusal(400, "The merchant has given the money back.")
        self._charge_back(account, dispute)
        self._emit(account, 'UPDATED', dispute)

    def _charge_back(self, account, dispute):
        account.note('disputed')[_capture(account, dispute)['id']] = 'CHARGEBACK'
        dispute.update(
            dispute_life_cycle_stage='CHARGEBACK', dispute_channel='EXTERNAL', status='UNDER_REVIEW'
        )
        self._move(account, dispute, 'T1201', 'DEBIT')
        fee = money.money(FEE, account.currency)
        self._move(account, dispute, 'T0106', 'DEBIT', fee, 'CHARGEBACK_FEE')

    def close(self, account, dispute, won):
        """PayPal or the bank decides.

        :param bool won: the merchant keeps the money.
        """
        if dispute['status'] == 'RESOLVED':
            raise Refusal(400, "This dispute is closed already.")
        withdrawn = dispute['dispute_life_cycle_stage'] == 'CHARGEBACK'
        if won and withdrawn:
            self._move(account, dispute, 'T1202', 'CREDIT')
        captured = _capture(account, dispute)
        if not won and not withdrawn:
            if captured['status'] != 'REFUNDED':
                self._move(account, dispute, 'T1201', 'DEBIT')
            # Gone, one way or the other: nothing is left to give back.
            account.note('disputed')[captured['id']] = 'CHARGEBACK'
        if won:
            del account.note('disputed')[captured['id']]
        outcome = 'RESOLVED_SELLER_FAVOUR' if won else 'RESOLVED_BUYER_FAVOUR'
        dispute.update(status='RESOLVED', dispute_outcome={'outcome_code': outcome})
        if not won:
            dispute['dispute_outcome']['amount_refunded'] = dict(dispute['dispute_amount'])
        self._emit(account, 'RESOLVED', dispute)

    def reopen(self, account, dispute):
        """The merchant appeals against what was decided for the payer.

        :raise Refusal: nothing was.
        """
        outcome = dispute.get('dispute_outcome') or {}
        if outcome.get('outcome_code') != 'RESOLVED_BUYER_FAVOUR':
            raise Refusal(400, "This dispute is not lost.")
        del dispute['dispute_outcome']
        dispute['status'] = 'UNDER_REVIEW'
        # What moved stays away until it is decided again.
        dispute['dispute_life_cycle_stage'] = 'CHARGEBACK'
        self._emit(account, 'UPDATED', dispute)

    def _emit(self, account, what, dispute):
        dispute['update_time'] = timestamp()
        self.emit(account, f'CUSTOMER.DISPUTE.{what}', dispute)

    def _move(self, account, dispute, code, way, amount=None, reason='DISPUTE_SETTLEMENT'):
        """Move money, and write it into the dispute."""
        amount = amount or dict(dispute['dispute_amount'])
        currency = amount['currency_code']
        minor = money.minor(amount['value'], currency) * (1 if way == 'CREDIT' else -1)
        about = _capture(account, dispute)['id']
        self.payments.move(account, code, minor, currency, reference=about)
        dispute.setdefault('money_movements', []).append(
            {
                'affected_party': 'SELLER',
                'amount': amount,
                'initiated_time': timestamp(),
                'type': way,
                'reason': reason,
            }
        )


def _capture(account, dispute):
    """Return the capture that a dispute is about."""
    return account.get('capture', dispute['disputed_transactions'][0]['seller_transaction_id'])


def _dispute(account, captured, base):
    """A new inquiry about a capture."""
    dispute_id = f'PP-R-{new_id(3)}-{new_id(8)}'
    names = {'invoice_number': 'invoice_id', 'custom': 'custom_id'}
    return {
        'dispute_id': dispute_id,
        'create_time': timestamp(),
        'update_time': timestamp(),
        'disputed_transactions': [
            {
                'buyer_transaction_id': new_id(),
                'seller_transaction_id': captured['id'],
                'create_time': captured['create_time'],
                'transaction_status': captured['status'],
                'gross_amount': dict(captured['amount']),
                **{name: captured[key] for name, key in names.items() if key in captured},
                'buyer': {'name': ' '.join(objects.PAYER['name'].values())},
                'seller': {
                    'email': account.email,
                    'merchant_id': account.id,
                    'name': account.name,
                },
            }
        ],
        'reason': 'MERCHANDISE_OR_SERVICE_NOT_RECEIVED',
        'status': 'WAITING_FOR_SELLER_RESPONSE',
        'dispute_amount': dict(captured['amount']),
        'dispute_life_cycle_stage': 'INQUIRY',
        'dispute_channel': 'INTERNAL',
        'seller_response_due_date': timestamp(clock.now() + 10 * DAY),
        'links': [objects.link(f'{base}/v1/customer/disputes/{dispute_id}')],
    }
