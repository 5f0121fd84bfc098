# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""Stripe's error answers."""


class StripeError(Exception):
    """An error with the status and the body that Stripe would send."""

    def __init__(self, status, message, code=None, param=None, kind='invalid_request_error'):
        super().__init__(message)
        self.status = status
        self.body = {'type': kind, 'message': message}
        if code:
            self.body['code'] = code
        if param:
            self.body['param'] = param


def missing(param):
    return StripeError(400, f"Missing required param: {param}.", 'parameter_missing', param)


def unknown(param):
    return StripeError(400, f"Received unknown parameter: {param}", 'parameter_unknown', param)


def invalid(param, message):
    return StripeError(400, message, 'parameter_invalid', param)


def no_such(kind, object_id, param='id'):
    return StripeError(404, f"No such {kind}: '{object_id}'", 'resource_missing', param)


def api_error(status, message="An unknown error occurred."):
    kind = 'invalid_request_error' if status == 429 else 'api_error'
    return StripeError(status, message, 'rate_limit' if status == 429 else None, kind=kind)
