# Part of Pay Now. See LICENSE file for full copyright and licensing details.

# The mixins first: the models that inherit from them follow.
from . import pay_now_provider_object_mixin  # isort: skip
from . import (
    account_journal,
    account_payment_method_line,
    pay_now_certificate,
    pay_now_demo_object,
    pay_now_onboarding,
    payment_provider,
    payment_provider_accounting,
    payment_provider_amounts,
    payment_provider_books,
    payment_provider_clearing,
    payment_provider_commission,
    payment_provider_connection,
    payment_provider_demo,
    payment_provider_health,
    payment_provider_home,
    payment_provider_offer,
    payment_provider_platform,
    payment_provider_reconnect,
    payment_provider_removal,
    payment_provider_webhook,
    res_company,
)
