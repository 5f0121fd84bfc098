# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""What a transaction sees of what others commit meanwhile (see `doc/adr/020`).

Odoo's transactions see the database as it was at their first query. Two of them that store the same
row end in a serialization failure, and the second one is done again after a pause. Where a
transaction does nothing but store what came, once, it rather waits for the other one, and sees.
"""

from psycopg2.extensions import (
    ISOLATION_LEVEL_READ_COMMITTED,
    STATUS_READY,
)


def see_commits(cr):
    """Let a transaction see what others commit while it lasts, if it has not begun yet.

    Odoo's own level comes back with the next cursor. In tests there is but one transaction, which
    began long ago.

    :param odoo.sql_db.BaseCursor cr: of a request that has written nothing.
    """
    connection = cr.connection
    if connection.status == STATUS_READY:
        connection.set_isolation_level(ISOLATION_LEVEL_READ_COMMITTED)


def sees_commits(cr):
    """Tell whether a transaction sees what others commit while it lasts.

    :param odoo.sql_db.BaseCursor cr: of the transaction.
    :rtype: bool
    """
    return cr.connection.isolation_level == ISOLATION_LEVEL_READ_COMMITTED
