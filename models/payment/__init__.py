# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from . import (
    account_move,
    account_payment,
    pay_now_discrepancy,
    pay_now_event,
    pay_now_transaction_item,
    payment_provider,
    payment_transaction,
    payment_transaction_again,
    payment_transaction_allocation,
    payment_transaction_booking,
    payment_transaction_capture,
    payment_transaction_checkout,
    payment_transaction_ending,
    payment_transaction_receipt,
    payment_transaction_received,
    payment_transaction_sweep,
)
