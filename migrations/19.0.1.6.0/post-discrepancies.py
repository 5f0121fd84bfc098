# Part of Pay Now. See LICENSE file for full copyright and licensing details.


def migrate(cr, version):
    """Write what was noted as it is noted now: what was dismissed is known by its sentence.

    :param cr: the database cursor.
    :param str version: the installed version, empty on a first installation.
    """
    if not version:
        return
    cr.execute(
        """
        UPDATE pay_now_discrepancy
           SET name = replace(name, %s, %s)
         WHERE kind = 'booking' AND state = 'dismissed'
        """,
        ["Le remboursement n'a pas pu", "Le remboursement n’a pas pu"],
    )
