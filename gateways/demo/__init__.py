# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""A provider that is played: no network, no money, for databases with demo data."""
