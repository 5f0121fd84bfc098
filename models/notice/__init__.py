# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from . import account_move, account_move_send, mail_mail, pay_now_invoice_notice, res_company
