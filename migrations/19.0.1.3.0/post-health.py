# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from odoo import SUPERUSER_ID, api

from odoo.addons.account_pay_now import const


def migrate(cr, version):
    """Take what is amber today for known: an update alarms nobody. Red is notified.

    :param cr: the database cursor.
    :param str version: the installed version, empty on a first installation.
    """
    if not version:
        return
    env = api.Environment(cr, SUPERUSER_ID, {})
    env['payment.provider'].search(
        [
            ('code', 'in', const.PROVIDER_CODES),
            ('pay_now_status', '=', 'connected'),
            ('pay_now_problem', '=', False),
        ]
    )._pay_now_acknowledge_health()
