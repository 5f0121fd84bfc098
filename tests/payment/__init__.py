# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from . import (
    test_booking,
    test_books_history,
    test_capture,
    test_chain,
    test_checkout,
    test_event,
    test_identification,
    test_payment_states,
    test_paypal_chain,
    test_paypal_pages,
    test_receipt,
    test_recut,
    test_recut_draft,
    test_refusals,
    test_requests,
    test_situations,
    test_situations_money,
    test_stories,
    test_webhook,
)
