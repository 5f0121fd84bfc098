# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from odoo import SUPERUSER_ID, api


def migrate(cr, version):
    """Read what buyers' platforms said before, of the invoices to be paid.

    At the end: the modules that keep it are loaded after this one.

    :param cr: the database cursor.
    :param str version: the installed version, empty on a first installation.
    """
    if not version:
        return
    env = api.Environment(cr, SUPERUSER_ID, {})
    env['account.move']._pay_now_read_external()
    env.flush_all()
