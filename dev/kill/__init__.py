# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""Real processes that are killed, and loaded: what is left of the money in the end."""
