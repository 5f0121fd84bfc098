# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""The Stripe SDK, tamed: time-outs, retries, pinned version, plain dicts, our own errors."""

import functools
import logging
import os
import re
from datetime import datetime, timezone

import stripe

from .. import reading
from ..errors import GatewayAuthError, GatewayNotFound, GatewayRefused, GatewayUnavailable

#: The API version this gateway was written and tested for. An SDK upgrade changes nothing alone.
API_VERSION = '2026-10-28.endive'
#: Seconds to connect, and to wait for an answer: a page and a worker wait for it.
TIMEOUT = (3.05, 10)
#: The SDK repeats with the same idempotency key, so a repeated POST does nothing twice.
RETRIES = 1
UNREADABLE = "The answer did not come from Stripe or cannot be read."
SECRET = re.compile(r'\b((?:sk|rk|pk)_(?:live|test)_|whsec_)[A-Za-z0-9_*]+')

# At DEBUG it logs bodies, with personal data and webhook secrets in them.
logging.getLogger('stripe').setLevel(logging.WARNING)
# Otherwise the SDK writes an id into the home folder and sends measurements.
stripe.enable_telemetry = False


class ReplayedFailure(GatewayUnavailable):
    """Stripe repeats the failure it saved for an idempotency key: that key is used up."""


@functools.lru_cache(maxsize=64)
def _client(key, base, account, _pid):
    """Return the SDK client of one account; the process id keeps a fork from sharing sockets.

    The SDK keeps one connection pool per thread, so threads may share a client.
    """
    addresses = {'api': base, 'connect': base, 'files': base} if base else {}
    return stripe.StripeClient(
        key,
        stripe_version=API_VERSION,
        stripe_account=account,
        http_client=stripe.RequestsClient(timeout=TIMEOUT),
        max_network_retries=RETRIES,
        base_addresses=addresses,
    )


class StripeClient:
    """Calls of the SDK that give plain dicts and raise our errors.

    :param str key: secret or restricted key.
    :param str base: another API address (the sandbox).
    :param str account: the connected account to act for, with a platform's key.
    """

    def __init__(self, key, base=None, account=None):
        self._key = key
        self._base = base.rstrip('/') if base else None
        self._account = account or None

    @property
    def v1(self):
        """The services of the SDK, created in the process that uses them."""
        return _client(self._key, self._base, self._account, os.getpid()).v1

    def call(self, function, *args, idempotency_key=None, **kwargs):
        """Call one SDK method.

        :param function: takes the `v1` services and gives the bound method.
        :param str idempotency_key: ours, stable; the SDK makes one up otherwise.
        :return: the answer as plain dicts and lists.
        :raise GatewayUnavailable, GatewayRefused, GatewayAuthError, GatewayNotFound:
        """
        self._check_key()
        if idempotency_key:
            kwargs['options'] = {'idempotency_key': idempotency_key}
        with translated_errors():
            return reading.clean(function(self.v1)(*args, **kwargs).to_dict(for_json=True))

    def iterate(self, function, params):
        """Iterate over all pages of a list, newest first, as plain dicts."""
        self._check_key()
        with translated_errors():
            for item in function(self.v1)(params).auto_paging_iter():
                yield reading.clean(item.to_dict(for_json=True))

    def _check_key(self):
        if self._key.startswith('pk_'):
            raise GatewayAuthError(
                "This is a publishable key (pk_…). Please use the secret key (sk_…).",
                'secret_key_required',
            )
        # What cannot be part of a header would end in an error of the SDK that shows it.
        if not re.fullmatch(r'[!-~]+', self._key):
            raise GatewayAuthError("This is not a Stripe key.", 'not_a_key')


class translated_errors:  # noqa: N801 - reads as the function it is used as
    """Turn whatever the SDK raises into our errors; never with a key or a body in it."""

    def __enter__(self):
        return self

    def __exit__(self, _kind, error, _traceback):
        if isinstance(error, reading.Unreadable | RecursionError):
            raise GatewayUnavailable(UNREADABLE, 'malformed') from None
        if not isinstance(error, stripe.StripeError):
            return False
        # Not chained: the SDK's error carries the body of the answer.
        raise translate(error) from None


def translate(error):
    """Return our error for one of the SDK's.

    :param stripe.StripeError error: what the SDK raised.
    :rtype: GatewayError
    """
    # The SDK hands the code on for some kinds of errors only.
    body = _body(error) or {}
    code = body.get('code') or error.code or ''
    if isinstance(error, stripe.IdempotencyError):
        code = code or 'idempotency_error'
    details = (_message(error), code, error.request_id or '', str(body.get('param') or ''))
    status = error.http_status or 0
    if isinstance(error, stripe.RateLimitError) or status == 409:
        return GatewayUnavailable(*details)
    if status >= 500:
        replayed = error.headers.get('idempotent-replayed') == 'true'
        return (ReplayedFailure if replayed else GatewayUnavailable)(*details)
    if isinstance(error, stripe.APIConnectionError) or _body(error) is None:
        return GatewayUnavailable(*details)
    if isinstance(error, stripe.AuthenticationError | stripe.PermissionError):
        return GatewayAuthError(*details)
    if code == 'resource_missing' or status == 404:
        return GatewayNotFound(*details)
    return GatewayRefused(*details)


readable = functools.partial(reading.readable, "Stripe")


def instant(timestamp):
    """Return one of Stripe's timestamps in UTC, None for none."""
    return datetime.fromtimestamp(timestamp, timezone.utc) if timestamp else None


def object_id(value):
    """Return the id of something that may be expanded, absent, or an id."""
    return (value.get('id') if isinstance(value, dict) else value) or ''


def _body(error):
    """Return the error object of Stripe's answer; None when the answer is none of Stripe's."""
    body = error.json_body.get('error') if isinstance(error.json_body, dict) else None
    return body if isinstance(body, dict) else None


def _message(error):
    """Return Stripe's own message. The SDK's would show the address or a foreign body."""
    if isinstance(error, stripe.APIConnectionError):
        return "Stripe cannot be reached."
    if _body(error) is None:
        return UNREADABLE
    return SECRET.sub(r'\1***', error.user_message or "Stripe gave no reason.")
