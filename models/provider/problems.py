# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""What keeps a provider from working, as data: noted once, and worded in each reader's language.

A problem is a dict that JSON can hold, with a `code` and the values of its sentence.
`payment.provider._pay_now_problem_label` gives the sentence.
"""

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
