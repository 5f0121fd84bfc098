# Part of Pay Now. See LICENSE file for full copyright and licensing details.


def migrate(cr, version):
    """Ask customers for no answers where the module is in use: that is for a person to tick.

    :param cr: the database cursor.
    :param str version: the installed version, empty on a first installation.
    """
    if not version:
        return
    cr.execute(
        """
        UPDATE res_company
           SET pay_now_answer_paid = false,
               pay_now_answer_promise = false,
               pay_now_answer_problem = false
         WHERE pay_now_signup_date IS NOT NULL
        """
    )
