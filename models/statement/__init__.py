# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from . import (
    pay_now_customer_ledger,
    pay_now_customer_statement,
    pay_now_customer_statement_mail,
    res_company,
    res_partner,
)
