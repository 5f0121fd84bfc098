# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from . import (
    test_accounts,
    test_branches,
    test_charts,
    test_clearing,
    test_companies,
    test_connection,
    test_connection_screens,
    test_health,
    test_health_daily,
    test_keys,
    test_limits,
    test_methods,
    test_onboarding,
    test_onboarding_return,
    test_onboarding_screens,
    test_platform,
    test_platform_credentials,
    test_platform_health,
    test_removal,
    test_webhook_renewal,
)
