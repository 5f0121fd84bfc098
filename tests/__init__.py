# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from . import (
    test_booking,
    test_capture,
    test_chain,
    test_checkout,
    test_eligibility,
    test_event,
    test_invoice_mail,
    test_mail_screens,
    test_pages,
    test_paypal_chain,
    test_paypal_pages,
    test_reminder,
    test_reminder_attachments,
    test_reminder_mail,
    test_same_amount,
    test_screens,
    test_setup,
    test_situations,
    test_webhook,
)
