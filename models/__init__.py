# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from . import (
    account_journal,
    account_move,
    account_move_line,
    account_move_pdf,
    account_move_send,
    account_move_transfer,
    ir_actions_report,
    ir_attachment,
    ir_module_module,
    mail_mail,
    mail_template,
    mail_thread,
    pay_now_reason_mixin,
    pay_now_to_handle,
    res_company,
    res_company_branches,
    res_company_mail,
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
    reminder,
    setup,
)
