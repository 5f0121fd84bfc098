# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from . import (
    test_first_week_checks,
    test_first_week_forecast,
    test_first_week_options,
    test_first_week_screens,
    test_first_week_test_mode,
    test_first_week_trial,
    test_first_week_warnings,
    test_setup,
    test_setup_screen,
)
