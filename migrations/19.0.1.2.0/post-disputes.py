# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from odoo import SUPERUSER_ID, api

from odoo.addons.account_pay_now import const


def migrate(cr, version):
    """Give connected providers the account of disputed payments, as connecting does.

    :param cr: the database cursor.
    :param str version: the installed version, empty on a first installation.
    """
    if not version:
        return
    env = api.Environment(cr, SUPERUSER_ID, {})
    providers = env['payment.provider'].search(
        [('code', 'in', const.PROVIDER_CODES), ('pay_now_clearing_account_id', '!=', False)]
    )
    for provider in providers:
        provider._pay_now_set_up_accounting()
