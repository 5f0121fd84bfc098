# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from . import (
    account_move,
    account_payment,
    payment_transaction,
    payment_transaction_booking,
)
