# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from . import account_bank_statement_line
