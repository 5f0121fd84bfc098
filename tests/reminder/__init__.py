# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from . import (
    test_joined_customers,
    test_letters,
    test_letters_printing,
    test_letters_screens,
    test_mail_screens,
    test_merge,
    test_reminder,
    test_reminder_attachments,
    test_reminder_batch,
    test_reminder_calendar,
    test_reminder_contact,
    test_reminder_customer,
    test_reminder_history,
    test_reminder_levels,
    test_reminder_mail,
    test_reminder_reasons,
    test_reminder_sales,
    test_reminder_sales_access,
    test_reminder_sales_screens,
    test_reminder_screens,
)
