# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""PayPal's part of the sandbox: REST APIs, approval page, signed notifications."""
