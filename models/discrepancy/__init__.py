# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from . import (
    pay_now_discrepancy,
    pay_now_discrepancy_comparison,
    payment_provider,
)
