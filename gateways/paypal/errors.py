# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""PayPal's refusals, and its silence, in our own terms."""

import re

import requests

from .. import reading
from ..errors import (
    GatewayAuthError,
    GatewayError,
    GatewayNotFound,
    GatewayRefused,
    GatewayUnavailable,
)

UNREACHABLE = "PayPal cannot be reached."
UNREADABLE = "The answer did not come from PayPal or cannot be read."
#: A code, where PayPal does not put a sentence into its place.
CODE = re.compile(r'[A-Z][A-Z0-9_]+')
#: Refused now, because another request has not ended yet.
IN_PROGRESS = ('ORDER_COMPLETION_IN_PROGRESS', 'PREVIOUS_REQUEST_IN_PROGRESS')
VALIDATION = ('INVALID_REQUEST', 'VALIDATION_ERROR')


def translate(error, secrets=()):
    """Return our error for one of the SDK's or of its transport.

    :param Exception error: what was raised.
    :param tuple secrets: what its text must not contain.
    :rtype: GatewayError
    """
    if isinstance(error, GatewayError):
        return type(error)(error.message, error.code, error.request_id, error.field)
    if isinstance(error, requests.RequestException):
        return GatewayUnavailable(UNREACHABLE)
    status, headers = error.response.status_code, error.response.headers
    body = _body(error.content)
    if body is None:
        return GatewayUnavailable(UNREADABLE, '', headers.get('PayPal-Debug-Id'))
    code = _code(body)
    message = _message(body)
    for secret in filter(None, secrets):
        message = message.replace(secret, '***')
    request_id = str(body.get('debug_id') or headers.get('PayPal-Debug-Id') or '')
    return _kind(status, code)(message[:500], code, request_id, _field(body))


def _kind(status, code):
    if code == 'invalid_client' or status in (401, 403):
        return GatewayAuthError
    if code == 'INVALID_RESOURCE_ID' or status == 404:
        return GatewayNotFound
    if code in IN_PROGRESS or status in (409, 429) or not 400 <= status < 500:
        return GatewayUnavailable
    return GatewayRefused


def _body(content):
    """Return the error object of PayPal's answer; None when the answer is none of PayPal's."""
    try:
        body = reading.parse(content or '')
    except reading.Unreadable:
        return None
    return body if isinstance(body.get('name') or body.get('error'), str) else None


def _details(body):
    """Return the details of an error object that are any."""
    details = body.get('details')
    return [part for part in details if isinstance(part, dict)] if isinstance(details, list) else []


def _code(body):
    """Return the most telling code: the issue, where it is not a sentence, before the name."""
    name = body.get('name') or body['error']
    for detail in _details(body):
        if name in VALIDATION and detail.get('field') in ('url', '/url'):
            return 'url_invalid'
        issue = detail.get('issue')
        if isinstance(issue, str) and CODE.fullmatch(issue):
            return issue
    return name


def _field(body):
    """Return which value of the request was not liked, the first of them."""
    fields = (detail.get('field') for detail in _details(body))
    return next((field for field in fields if field and isinstance(field, str)), '')


def _message(body):
    """Return PayPal's own message."""
    texts = [
        text
        for detail in _details(body)[:1]
        for text in (detail.get('description'), detail.get('issue'))
    ]
    texts += [body.get('message'), body.get('error_description')]
    given = (text for text in texts if text and isinstance(text, str))
    return next(given, "PayPal gave no reason.")
