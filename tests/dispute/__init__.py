# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from . import (
    test_dispute,
    test_dispute_items,
    test_dispute_money,
    test_dispute_sandbox,
    test_received_meets,
    test_refused_books,
)
