# Part of Pay Now. See LICENSE file for full copyright and licensing details.


def migrate(cr, version):
    """Let the addresses mailed so far be of the customers that the invoices have today.

    From now on an address ends where the invoice is given to another customer.

    :param cr: the database cursor.
    :param str version: the installed version, empty on a first installation.
    """
    if not version:
        return
    cr.execute(
        """
        UPDATE account_move
           SET pay_now_token_partner_id = commercial_partner_id,
               pay_now_token_company_id = company_id
         WHERE pay_now_token IS NOT NULL
           AND pay_now_token_partner_id IS NULL
        """
    )
