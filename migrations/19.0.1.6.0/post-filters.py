# Part of Pay Now. See LICENSE file for full copyright and licensing details.

import ast
import json

#: Model -> its text that is computed for the reader now: one searches it, but cannot group or sort.
COMPUTED = {'pay.now.reminder': 'reason', 'pay.now.reminder.run': 'problem'}


def migrate(cr, version):
    """Take out of people's own filters what would keep their lists from opening.

    :param cr: the database cursor.
    :param str version: the installed version, empty on a first installation.
    """
    if not version:
        return
    for model, field in COMPUTED.items():
        cr.execute("SELECT id, context, sort FROM ir_filters WHERE model_id = %s", [model])
        for filter_id, context, sort in cr.fetchall():
            values = (_context_without(context, field), _sort_without(sort, field), filter_id)
            if values != (context, sort, filter_id):
                cr.execute("UPDATE ir_filters SET context = %s, sort = %s WHERE id = %s", values)


def _context_without(context, field):
    """Return the context of a filter without what groups by a field.

    :param str context: as it is stored; one that is no plain dict is left as it is.
    :param str field: the name of the field.
    :rtype: str
    """
    try:
        known = ast.literal_eval(context or '{}')
    except (SyntaxError, ValueError):
        return context
    if not isinstance(known, dict):
        return context
    kept = {
        name: [one for one in value if one != field] if isinstance(value, list) else value
        for name, value in known.items()
        if value != field
    }
    return context if kept == known else repr(kept)


def _sort_without(sort, field):
    """Return the order of a filter without a field.

    :param str sort: JSON, a list of fields with their directions; another one is left as it is.
    :param str field: the name of the field.
    :rtype: str
    """
    try:
        known = json.loads(sort or '[]')
    except ValueError:
        return sort
    if not isinstance(known, list):
        return sort
    kept = [one for one in known if not isinstance(one, str) or one.split()[:1] != [field]]
    return sort if kept == known else json.dumps(kept)
