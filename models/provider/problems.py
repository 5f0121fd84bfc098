# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""What keeps a provider from working, as data: noted once, and worded in each reader's language.

A problem is a dict that JSON can hold, with a `code` and the values of its sentence.
`payment.provider._pay_now_problem_label` gives the sentence.
"""

import re
import traceback

from odoo.exceptions import UserError

from odoo.addons.account_pay_now.gateways.errors import (
    GatewayAuthError,
    GatewayError,
    GatewayUnavailable,
)

#: What decides on the sentence of an error besides its code; the first that fits.
ERROR_CLASSES = {
    'auth': GatewayAuthError,
    'unavailable': GatewayUnavailable,
    'other': GatewayError,
}

#: What guards closed periods is called, in Odoo and in other modules.
LOCK_CHECK = re.compile(r'(^|_)lock_dates?(_|$)')


class BooksRefusal(UserError):
    """What our own code cannot book, and why, as it may be kept."""

    def __init__(self, provider, code, **values):
        """Say it in the language of the environment, too.

        :param payment.provider provider: whose books they are.
        :param str code: of `payment.provider._pay_now_books_labels`.
        :param values: of the sentence, plain JSON.
        """
        self.problem = {'code': code, **values}
        text = provider._pay_now_books_problem_label(self.problem)
        super().__init__(f'{text[:1].upper()}{text[1:]}')


def is_of_lock_date(error):
    """Tell whether an error was raised by whatever guards closed periods.

    :param Exception error: as it was caught.
    :rtype: bool
    """
    frames = traceback.walk_tb(error.__traceback__)
    return any(LOCK_CHECK.search(frame.f_code.co_name) for frame, _line in frames)


def of_error(code, error):
    """Return the problem that a gateway's error is.

    :param str code: of the problem.
    :param GatewayError error: what the gateway raised.
    :rtype: dict
    """
    kind = next(kind for kind, cls in ERROR_CLASSES.items() if isinstance(error, cls))
    return {'code': code, 'error': {'kind': kind, 'code': error.code, 'answer': error.message}}


def error_of(problem):
    """Return the gateway's error that a problem is, as it was raised.

    :param dict problem: see `of_error`.
    :rtype: GatewayError
    """
    error = problem['error']
    return ERROR_CLASSES[error['kind']](error['answer'], error['code'])


def values_of(field, problem):
    """Return the values that keep a problem in a record.

    :param str field: the name of the field of its code; another one of that name and `_values`
        keeps the rest.
    :param problem: False for none.
    :type problem: dict | bool
    :rtype: dict
    """
    rest = {name: value for name, value in (problem or {}).items() if name != 'code'}
    return {field: problem and problem['code'], f'{field}_values': rest or False}
