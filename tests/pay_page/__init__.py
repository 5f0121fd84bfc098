# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from . import (
    test_answers,
    test_attack,
    test_core_page,
    test_core_progress,
    test_direction,
    test_framework_errors,
    test_groups,
    test_limits_of_pages,
    test_links,
    test_page_opened,
    test_pages,
    test_pay_page,
    test_pay_page_screens,
    test_payer,
    test_portal,
    test_portal_overdue,
    test_result_page,
    test_same_amount,
)
