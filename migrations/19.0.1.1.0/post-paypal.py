# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from odoo import SUPERUSER_ID, api

from odoo.addons.payment import setup_provider


def migrate(cr, version):
    """Give each company its PayPal, and PayPal its payment method, as an installation does.

    :param cr: the database cursor.
    :param str version: the installed version, empty on a first installation.
    """
    if version:
        setup_provider(api.Environment(cr, SUPERUSER_ID, {}), 'pay_now_paypal')
