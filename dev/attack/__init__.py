# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""Strangers and users who try everything: what they send, and what came of it."""
