# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from . import test_pay_notice, test_pay_notice_peppol, test_pay_notice_screens
