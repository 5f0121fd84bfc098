# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""The payment providers' APIs in plain Python: no ORM, no Odoo import, relative imports only."""

from .demo.gateway import DemoPayPal, DemoStripe
from .paypal.gateway import PayPalGateway
from .paypal.onboarding import PayPalPlatform
from .stripe.gateway import StripeGateway
from .stripe.onboarding import StripePlatform

#: Provider code -> gateway. A third provider is one more file and one more line.
GATEWAYS = {'pay_now_stripe': StripeGateway, 'pay_now_paypal': PayPalGateway}

#: The same with the credentials of a platform that acts for many merchants.
PLATFORM_GATEWAYS = {'pay_now_stripe': StripePlatform, 'pay_now_paypal': PayPalPlatform}

#: The same without a provider: it is played, in databases with demo data.
DEMO_GATEWAYS = {'pay_now_stripe': DemoStripe, 'pay_now_paypal': DemoPayPal}
