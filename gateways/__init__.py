# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""The payment providers' APIs in plain Python: no ORM, no Odoo import, relative imports only."""

from .paypal_gateway import PayPalGateway
from .stripe_gateway import StripeGateway

#: Provider code -> gateway. A third provider is one more file and one more line.
GATEWAYS = {'pay_now_stripe': StripeGateway, 'pay_now_paypal': PayPalGateway}
