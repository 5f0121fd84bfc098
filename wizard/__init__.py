# Part of Pay Now. See LICENSE file for full copyright and licensing details.

# The mixins first: the models that inherit from them follow.
from . import pay_now_figure_mixin, pay_now_sheet_mixin  # isort: skip
from . import (
    pay_now_balance,
    pay_now_balance_line,
    pay_now_book_interest,
    pay_now_book_interest_line,
    pay_now_choose_level,
    pay_now_connect,
    pay_now_dismiss,
    pay_now_forecast_line,
    pay_now_forget,
    pay_now_generate_reminders,
    pay_now_options,
    pay_now_options_line,
    pay_now_prepare_statement,
    pay_now_proof,
    pay_now_setup,
    pay_now_setup_mending,
    pay_now_setup_trial,
    pay_now_statement,
    pay_now_statement_line,
    pay_now_story,
    pay_now_story_money,
    pay_now_timeline,
    pay_now_trial,
    payment_link_wizard,
    payment_refund_wizard,
)
