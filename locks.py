# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""Rows locked for somebody who waits at a screen."""

import psycopg2

from odoo.exceptions import ConcurrencyError
from odoo.tools import SQL, mute_logger


def lock_fresh(records, seconds):
    """Lock rows, waiting for whoever has them; what follows knows what the others did.

    A database transaction goes on seeing what there was as it began. So whoever had to wait begins
    again: Odoo does the whole request once more (`service.model.retrying`).

    :param records: of one model.
    :param int seconds: how long others are waited for.
    :return: whether all of them are locked.
    :rtype: bool
    :raise ConcurrencyError: others had them, and are done now.
    """
    if records.try_lock_for_update() == records:
        return True
    cr = records.env.cr
    try:
        with cr.savepoint(flush=False), mute_logger('odoo.sql_db'):
            cr.execute(SQL("SET LOCAL lock_timeout = %s", f'{seconds}s'))
            cr.execute(
                SQL(
                    "SELECT id FROM %s WHERE id IN %s ORDER BY id FOR UPDATE",
                    SQL.identifier(records._table),
                    tuple(records.ids),
                )
            )
    except psycopg2.errors.LockNotAvailable:
        return False
    raise ConcurrencyError("others had the records until now")
