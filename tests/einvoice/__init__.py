# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from . import test_external_status
