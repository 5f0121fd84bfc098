# Part of Pay Now. See LICENSE file for full copyright and licensing details.

# The mixins first: the models that inherit from them follow.
from . import pay_now_report_mixin  # isort: skip
from . import pay_now_customer_report_mixin  # isort: skip
from . import (
    pay_now_chase_report,
    pay_now_dso_report,
    pay_now_due_report,
    pay_now_item_report,
    pay_now_money_report,
    pay_now_paid_report,
    pay_now_reminder_report,
    report_customer_statement,
)
