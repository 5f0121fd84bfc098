# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from . import (
    account_move,
    account_move_line,
    pay_now_interest,
    pay_now_interest_rate,
    res_company,
    res_partner,
)
