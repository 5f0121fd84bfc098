# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""Stripe's error answers."""

from ..common.refusals import Refusal


class StripeError(Refusal):
    """An error with the status and the body that Stripe would send."""

    def __init__(self, status, message, code=None, param=None, kind='invalid_request_error'):
        body = {'type': kind, 'message': message}
        if code:
            body['code'] = code
        if param:
            body['param'] = param
        super().__init__(status, message, body)


def missing(param):
    """A parameter that is needed."""
    return StripeError(400, f"Missing required param: {param}.", 'parameter_missing', param)


def unknown(param):
    """A parameter that the call does not have."""
    return StripeError(400, f"Received unknown parameter: {param}", 'parameter_unknown', param)


def empty(param):
    """An empty value, which means "unset" where something can be unset."""
    return StripeError(
        400,
        f"You passed an empty string for '{param}'. We assume empty values are an attempt to unset"
        f" a parameter; however '{param}' cannot be unset. You should remove '{param}' from your"
        " request or supply a non-empty value.",
        'parameter_invalid_empty',
        param,
    )


def invalid(param, message, code=None):
    """A value that cannot be."""
    return StripeError(400, message, code, param)


def no_such(kind, object_id, param='id'):
    """An object that this account does not have."""
    return StripeError(404, f"No such {kind}: '{object_id}'", 'resource_missing', param)


def api_error(status, message="An unknown error occurred."):
    """A failure on Stripe's side, or too many requests (429)."""
    if status == 429:
        return StripeError(429, "Request rate limit exceeded.", 'rate_limit')
    return StripeError(status, message, kind='api_error')
