# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""Stripe, as https://docs.stripe.com/api describes it."""
