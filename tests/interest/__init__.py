# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from . import test_interest, test_interest_screens
