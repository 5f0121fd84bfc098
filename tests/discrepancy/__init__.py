# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from . import (
    test_comparison,
    test_comparison_days,
    test_comparison_sandbox,
    test_comparison_screens,
    test_fec,
    test_review,
    test_storno,
)
