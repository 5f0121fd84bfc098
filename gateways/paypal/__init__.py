# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""PayPal, as https://developer.paypal.com/api/rest describes it."""
