# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""Development environment of the module: never loaded by Odoo."""
