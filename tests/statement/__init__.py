# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from . import test_customer_statement, test_customer_statement_screens, test_statement_sending
