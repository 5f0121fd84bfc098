# Part of Pay Now. See LICENSE file for full copyright and licensing details.

# The mixin first: the models that inherit from it follow.
from . import pay_now_link  # isort: skip
from . import (
    account_move,
    account_move_line,
    account_move_line_transfer,
    account_move_pdf,
    account_move_send,
    account_payment,
    mail_mail,
    pay_now_discrepancy,
    pay_now_event,
    pay_now_reminder,
    pay_now_reminder_attachments,
    pay_now_reminder_content,
    pay_now_reminder_level,
    pay_now_reminder_mail,
    pay_now_reminder_run,
    pay_now_transaction_item,
    payment_provider,
    payment_provider_accounting,
    payment_provider_connection,
    payment_transaction,
    payment_transaction_booking,
    payment_transaction_capture,
    payment_transaction_checkout,
    payment_transaction_words,
    res_company,
    res_company_mail,
    res_config_settings,
    res_partner,
)
