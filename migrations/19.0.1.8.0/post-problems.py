# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from odoo.tools import sql


def migrate(cr, version):
    """Keep the problems of payouts and disputes as they were written, until looked at again.

    :param cr: the database cursor.
    :param str version: the installed version, empty on a first installation.
    """
    if not version:
        return
    for table in ('pay_now_payout', 'pay_now_dispute'):
        if not sql.column_exists(cr, table, 'problem'):
            continue
        cr.execute(
            f"""
            UPDATE {table}
               SET problem_codes = jsonb_build_array(
                       jsonb_build_array('text', jsonb_build_object('text', problem))
                   )
             WHERE problem IS NOT NULL
               AND problem_codes IS NULL
            """
        )
        cr.execute(f"ALTER TABLE {table} DROP COLUMN problem")
