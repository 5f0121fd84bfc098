# Part of Pay Now. See LICENSE file for full copyright and licensing details.

# The mixins first: models that inherit from them follow.
from . import pay_now_authority_mixin, pay_now_history_mixin  # isort: skip
from . import (
    account_move,
    account_move_line,
    account_move_send,
    account_partial_reconcile,
    ir_actions_report,
    ir_attachment,
    ir_module_module,
    mail_mail,
    mail_thread,
    pay_now_booked_mixin,
    pay_now_reason_mixin,
    pay_now_to_handle,
    pay_now_undone,
    res_company,
    res_company_people,
    res_partner_bank,
)

# In the order of their dependence: none imports from one that comes after it.
from . import (  # isort: skip
    provider,
    payment,
    refund,
    payout,
    dispute,
    discrepancy,
    pay_page,
    notice,
    einvoice,
    interest,
    plan,
    reminder,
    transfer,
    statement,
    collection,
    setup,
    demo,
)
