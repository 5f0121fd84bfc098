# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from . import (
    account_move,
    account_move_line,
    account_payment,
    digest_digest,
    payment_transaction,
    res_partner,
)
