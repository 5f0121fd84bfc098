# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from odoo import SUPERUSER_ID, api


def migrate(cr, version):
    """Report the payments that have the provider's id of an earlier one.

    :param cr: the database cursor.
    :param str version: the installed version, empty on a first installation.
    """
    if not version:
        return
    cr.execute(
        """
        SELECT tx.id, first.reference
          FROM payment_transaction tx
          JOIN payment_transaction first ON first.provider_id = tx.provider_id
                                        AND first.pay_now_own_ref = tx.provider_reference
         WHERE tx.pay_now_own_ref IS NULL
        """
    )
    env = api.Environment(cr, SUPERUSER_ID, {})
    for tx_id, theirs in cr.fetchall():
        tx = env['payment.transaction'].browse(tx_id)
        env['pay.now.discrepancy']._report(
            tx, 'identity', 'shared_id', {'theirs': theirs}, amount=tx.amount
        )
