# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from . import (
    pay_now_connect,
    pay_now_generate_reminders,
    pay_now_setup,
    payment_refund_wizard,
)
