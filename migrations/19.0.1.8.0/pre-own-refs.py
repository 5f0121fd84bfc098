# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from odoo.tools import sql

TABLE = 'payment_transaction'


def migrate(cr, version):
    """Give each id of a provider to the payment that had it first.

    Before the index is made that lets no other one have it. What is left without is reported
    afterwards.

    :param cr: the database cursor.
    :param str version: the installed version, empty on a first installation.
    """
    if not version or sql.column_exists(cr, TABLE, 'pay_now_own_ref'):
        return
    sql.create_column(cr, TABLE, 'pay_now_own_ref', 'varchar')
    cr.execute(
        """
        UPDATE payment_transaction tx
           SET pay_now_own_ref = tx.provider_reference
          FROM (
                SELECT DISTINCT ON (own.provider_id, own.provider_reference) own.id
                  FROM payment_transaction own
                  JOIN payment_provider provider ON provider.id = own.provider_id
                 WHERE provider.code IN ('pay_now_stripe', 'pay_now_paypal')
                   AND own.provider_reference <> ''
                 ORDER BY own.provider_id, own.provider_reference, own.id
               ) first
         WHERE first.id = tx.id
        """
    )
