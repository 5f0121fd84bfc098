# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""Disputes: a payer asks the bank for the money back."""

from ..common.store import Store
from . import errors

#: What Stripe takes for a dispute, in minor units.
FEE = 2000
#: What a merchant may hand in; nothing is.
EVIDENCE = (
    'access_activity_log billing_address cancellation_policy cancellation_policy_disclosure'
    ' cancellation_rebuttal customer_communication customer_email_address customer_name'
    ' customer_purchase_ip customer_signature duplicate_charge_documentation'
    ' duplicate_charge_explanation duplicate_charge_id product_description receipt refund_policy'
    ' refund_policy_disclosure refund_refusal_explanation service_date service_documentation'
    ' shipping_address shipping_carrier shipping_date shipping_documentation'
    ' shipping_tracking_number uncategorized_file uncategorized_text'
)


class Disputes:
    """Opens and closes disputes. The caller holds the store's lock."""

    def __init__(self, payments):
        self.payments = payments
        self.emit = payments.emit

    def open(self, account, charge, inquiry=False):
        """A payer disputes a charge.

        :param bool inquiry: the bank only asks; no money moves.
        :rtype: dict
        """
        if charge['disputed'] or charge['status'] != 'succeeded':
            raise errors.StripeError(400, "This charge cannot be disputed.")
        charge['disputed'] = True
        dispute = account.add(_dispute(charge, inquiry))
        self.emit(account, 'charge.dispute.created', dispute)
        if not inquiry:
            self._move(account, dispute, -charge['amount'], FEE)
            self.emit(account, 'charge.dispute.funds_withdrawn', dispute)
        return dispute

    def close(self, account, dispute, won):
        """The bank decides.

        :param bool won: the merchant keeps the money.
        """
        if dispute['status'] in ('won', 'lost', 'warning_closed'):
            raise errors.StripeError(400, "This dispute is closed already.")
        if not dispute['balance_transactions']:
            dispute['status'] = 'warning_closed'
        elif won:
            dispute['status'] = 'won'
            self._move(account, dispute, dispute['amount'], 0)
            self.emit(account, 'charge.dispute.funds_reinstated', dispute)
        else:
            dispute['status'] = 'lost'
        self.emit(account, 'charge.dispute.closed', dispute)

    def reopen(self, account, dispute):
        """The bank looks again at what it decided against the merchant.

        :raise StripeError: it did not.
        """
        if dispute['status'] != 'lost':
            raise errors.StripeError(400, "This dispute is not lost.")
        dispute['status'] = 'under_review'
        self.emit(account, 'charge.dispute.updated', dispute)

    def _move(self, account, dispute, amount, fee):
        movement = self.payments.move(
            account, 'adjustment', amount, dispute['currency'], dispute['id'], fee=fee
        )
        dispute['balance_transactions'].append(dict(movement))


def _dispute(paid, inquiry):
    """A dispute of a charge, before any money moved."""
    return {
        'id': Store.new_id('du'),
        'object': 'dispute',
        'amount': paid['amount'],
        'balance_transactions': [],
        'charge': paid['id'],
        'created': Store.now(),
        'currency': paid['currency'],
        'enhanced_eligibility_types': [],
        'evidence': {**dict.fromkeys(EVIDENCE.split()), 'enhanced_evidence': {}},
        'evidence_details': {
            'due_by': Store.now() + 10 * 86400,
            'enhanced_eligibility': {},
            'has_evidence': False,
            'past_due': False,
            'submission_count': 0,
            'submission_method': 'not_submitted',
        },
        'intended_submission_method': None,
        'is_charge_refundable': inquiry,
        'livemode': False,
        'metadata': {},
        'payment_intent': paid['payment_intent'],
        'reason': 'fraudulent',
        'status': 'warning_needs_response' if inquiry else 'needs_response',
    }
