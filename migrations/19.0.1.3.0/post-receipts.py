# Part of Pay Now. See LICENSE file for full copyright and licensing details.


def migrate(cr, version):
    """Send no receipts where the module is in use: customers get new mails by a person's choice.

    :param cr: the database cursor.
    :param str version: the installed version, empty on a first installation.
    """
    if not version:
        return
    cr.execute(
        "UPDATE res_company SET pay_now_receipts = false WHERE pay_now_signup_date IS NOT NULL"
    )
