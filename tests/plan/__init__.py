# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from . import (
    test_plan_screens,
    test_plans,
    test_plans_asked,
    test_plans_changed,
)
