# Part of Pay Now. See LICENSE file for full copyright and licensing details.


def migrate(cr, version):
    """Write no letters where the module is in use: that is for a person to tick.

    :param cr: the database cursor.
    :param str version: the installed version, empty on a first installation.
    """
    if not version:
        return
    # Reminders without a button need no sign-up; branches follow their company.
    cr.execute(
        """
        UPDATE res_company
           SET pay_now_letters = false
         WHERE pay_now_signup_date IS NOT NULL
            OR split_part(parent_path, '/', 1)::int IN (
                   SELECT root_company_id FROM pay_now_reminder
               )
        """
    )
