# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from odoo import SUPERUSER_ID, api

from odoo.addons.account_pay_now import const


def migrate(cr, version):
    """Offer the further ready levels to companies that have only one, without using them.

    :param cr: the database cursor.
    :param str version: the installed version, empty on a first installation.
    """
    if not version:
        return
    # The chatter says already what was sent before.
    cr.execute("UPDATE pay_now_reminder SET is_noted = true WHERE state = 'sent'")
    env = api.Environment(cr, SUPERUSER_ID, {})
    Level = env['pay.now.reminder.level'].with_context(active_test=False)
    for company, levels in Level.search([]).grouped('company_id').items():
        if len(levels) == 1:
            company._pay_now_create_ready_levels(const.READY_LEVELS[1:], active=False)
