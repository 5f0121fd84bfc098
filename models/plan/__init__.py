# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from . import (
    account_move,
    account_move_line,
    pay_now_page_mixin,
    pay_now_plan,
    pay_now_plan_item,
    pay_now_plan_mail,
    pay_now_plan_page,
    pay_now_plan_part,
    res_company,
)
