# Part of Pay Now. See LICENSE file for full copyright and licensing details.

# The mixins first: the models that inherit from them follow.
from . import (  # isort: skip
    pay_now_page_mixin,
    pay_now_page_mixin_answer,
    pay_now_page_mixin_transfer,
    pay_now_page_mixin_view,
)
from . import (
    account_move,
    account_move_line,
    ir_http,
    pay_now_account,
    pay_now_answer,
    pay_now_rate,
    payment_transaction,
    res_company,
)
