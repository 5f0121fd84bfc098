# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from odoo.tools import SQL, sql

#: Table -> the text that was stored in the language of whoever made it, and what replaces it.
TEXTS = {
    'pay_now_reminder': ('reason', 'reason_codes'),
    'pay_now_reminder_run': ('problem', 'problem_codes'),
}


def migrate(cr, version):
    """Keep the reasons of before as the texts they are: what they were made of is not known.

    :param cr: the database cursor.
    :param str version: the installed version, empty on a first installation.
    """
    if not version:
        return
    for table, (text, codes) in TEXTS.items():
        if not sql.column_exists(cr, table, text):
            continue
        names = {'table': SQL.identifier(table), 'text': SQL.identifier(text)}
        cr.execute(
            SQL(
                """
                UPDATE %(table)s
                   SET %(codes)s = jsonb_build_array(
                           jsonb_build_array('text', jsonb_build_object('text', %(text)s))
                       )
                 WHERE %(text)s <> '' AND %(codes)s IS NULL
                """,
                codes=SQL.identifier(codes),
                **names,
            )
        )
        cr.execute(SQL("ALTER TABLE %(table)s DROP COLUMN %(text)s", **names))
