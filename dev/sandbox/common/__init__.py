# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""What the providers of the sandbox have in common."""
