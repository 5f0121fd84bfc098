# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from . import (
    test_transfer,
    test_transfer_bank,
    test_transfer_screens,
)
