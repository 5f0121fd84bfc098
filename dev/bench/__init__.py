# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""How long things take, and what happens to workers that are killed meanwhile."""
