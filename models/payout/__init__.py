# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from . import (
    account_bank_statement_line,
    account_journal,
    account_move,
    pay_now_discrepancy,
    pay_now_movement,
    pay_now_payout,
    pay_now_payout_bank,
    pay_now_payout_by_age,
    payment_provider,
)
