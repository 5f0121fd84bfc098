# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from . import (
    test_credit_notes,
    test_discount_changes,
    test_refund,
    test_refund_books,
    test_refund_screens,
    test_refund_situations,
)
