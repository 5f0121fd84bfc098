# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""What is run to see whether the module is right: checks of the source, tests, translations."""
