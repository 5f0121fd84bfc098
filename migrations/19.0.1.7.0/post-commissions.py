# Part of Pay Now. See LICENSE file for full copyright and licensing details.


def migrate(cr, version):
    """Book commissions without tax as before, until somebody chooses otherwise.

    For new providers the default taxes of the commission account are the default.

    :param cr: the database cursor.
    :param str version: the installed version, empty on a first installation.
    """
    if not version:
        return
    cr.execute(
        """
        UPDATE payment_provider
           SET pay_now_commission_taxes = 'none'
         WHERE code IN ('pay_now_stripe', 'pay_now_paypal')
           AND pay_now_commission_account_id IS NOT NULL
        """
    )
