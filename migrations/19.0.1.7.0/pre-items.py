# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from odoo.tools import sql

TABLE = 'pay_now_transaction_item'
#: What items of payments keep from now on of the open items they were made for.
COLUMNS = {
    'move_id': 'int4',
    'customer_id': 'int4',
    'move_name': 'varchar',
    'instalment': 'int4',
    'instalments': 'int4',
    'due_date': 'date',
    'line_amount': 'numeric',
}


def migrate(cr, version):
    """Keep of the open items in payments what they are today: what they were is not known.

    Before the fields are made: some of them may not be empty.

    :param cr: the database cursor.
    :param str version: the installed version, empty on a first installation.
    """
    if not version or sql.column_exists(cr, TABLE, 'move_id'):
        return
    for name, kind in COLUMNS.items():
        sql.create_column(cr, TABLE, name, kind)
    cr.execute(
        """
        WITH paid AS (
            SELECT DISTINCT line.move_id
              FROM pay_now_transaction_item item
              JOIN account_move_line line ON line.id = item.line_id
        ),
        sibling AS (
            SELECT line.id,
                   row_number() OVER (
                       PARTITION BY line.move_id
                       ORDER BY COALESCE(line.date_maturity, line.date), line.id
                   ) AS number,
                   count(*) OVER (PARTITION BY line.move_id) AS total
              FROM account_move_line line
              JOIN paid ON paid.move_id = line.move_id
             WHERE line.display_type = 'payment_term'
        )
        UPDATE pay_now_transaction_item item
           SET move_id = move.id,
               customer_id = COALESCE(move.commercial_partner_id, tx.partner_id),
               move_name = COALESCE(move.name, '/'),
               instalment = CASE WHEN sibling.total > 1 THEN sibling.number ELSE 0 END,
               instalments = CASE WHEN sibling.total > 1 THEN sibling.total ELSE 0 END,
               due_date = COALESCE(line.date_maturity, line.date),
               line_amount = line.amount_currency
          FROM account_move_line line
          JOIN account_move move ON move.id = line.move_id
          LEFT JOIN sibling ON sibling.id = line.id,
               payment_transaction tx
         WHERE line.id = item.line_id AND tx.id = item.transaction_id
        """
    )
