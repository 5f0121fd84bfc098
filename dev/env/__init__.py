# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""What the tools stand on: a Python, an Odoo and a PostgreSQL of their own in the cache."""
