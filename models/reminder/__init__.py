# Part of Pay Now. See LICENSE file for full copyright and licensing details.

# The mixins first: the models that inherit from them follow.
from . import pay_now_sales_mixin  # isort: skip
from . import (
    account_move,
    account_move_line,
    base_partner_merge_automatic_wizard,
    ir_websocket,
    mail_template,
    pay_now_reminder,
    pay_now_reminder_check,
    pay_now_reminder_failures,
    pay_now_reminder_interest,
    pay_now_reminder_letter,
    pay_now_reminder_level,
    pay_now_reminder_list,
    pay_now_reminder_mail,
    pay_now_reminder_reasons,
    pay_now_reminder_run,
    pay_now_reminder_run_daily,
    pay_now_reminder_run_forecast,
    pay_now_reminder_run_screen,
    pay_now_reminder_run_server,
    pay_now_reminder_sending,
    res_company,
    res_partner,
    res_users,
)
