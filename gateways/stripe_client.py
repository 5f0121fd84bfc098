# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""The Stripe SDK, tamed: time-outs, retries, pinned version, plain dicts, our own errors."""

import functools
import logging
import os

import stripe

from .errors import GatewayAuthError, GatewayNotFound, GatewayRefused, GatewayUnavailable

#: The API version this gateway was written and tested for. An SDK upgrade changes nothing alone.
API_VERSION = '2026-10-28.endive'
#: Seconds to connect, and to wait for an answer: a page and a worker wait for it.
TIMEOUT = (3.05, 10)
#: The SDK repeats with the same idempotency key, so a repeated POST does nothing twice.
RETRIES = 1

# At DEBUG it logs bodies, with personal data and webhook secrets in them.
logging.getLogger('stripe').setLevel(logging.WARNING)
# Otherwise the SDK writes an id into the home folder and sends measurements.
stripe.enable_telemetry = False


@functools.lru_cache(maxsize=64)
def _client(key, base, pid):
    """Return the SDK client of one account; `pid` keeps a fork from sharing its sockets."""
    addresses = {'api': base, 'connect': base, 'files': base} if base else {}
    return stripe.StripeClient(
        key,
        stripe_version=API_VERSION,
        http_client=stripe.RequestsClient(timeout=TIMEOUT),
        max_network_retries=RETRIES,
        base_addresses=addresses,
    )


class StripeClient:
    """Calls of the SDK that give plain dicts and raise our errors.

    :param str key: secret or restricted key.
    :param str base: another API address (the sandbox), without a trailing slash.
    """

    def __init__(self, key, base=None):
        self._key = key
        self._base = base.rstrip('/') if base else None

    @property
    def v1(self):
        return _client(self._key, self._base, os.getpid()).v1

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
            return function(self.v1)(*args, **kwargs).to_dict(for_json=True)

    def iterate(self, function, params):
        """Iterate over all pages of a list, newest first, as plain dicts."""
        self._check_key()
        with translated_errors():
            for item in function(self.v1)(params).auto_paging_iter():
                yield item.to_dict(for_json=True)

    def _check_key(self):
        if self._key.startswith('pk_'):
            raise GatewayAuthError(
                "This is a publishable key (pk_…). Please use the secret key (sk_…).",
                'secret_key_required',
            )
        if not self._key.isascii() or not self._key.isprintable() or ' ' in self._key:
            raise GatewayAuthError("This is not a Stripe key.", 'not_a_key')


class translated_errors:  # noqa: N801 - reads as the function it is used as
    """Turn whatever the SDK raises into our errors; never with a key or a body in it."""

    def __enter__(self):
        return self

    def __exit__(self, _kind, error, _traceback):
        if not isinstance(error, stripe.StripeError):
            return False
        raise translate(error) from None


def translate(error):
    """Return our error for one of the SDK's.

    :param stripe.StripeError error: what the SDK raised.
    :rtype: GatewayError
    """
    message = error.user_message or "Stripe does not answer."
    details = (message, error.code or '', error.request_id or '')
    status = error.http_status or 0
    if isinstance(error, stripe.APIConnectionError):
        return GatewayUnavailable("Stripe cannot be reached.", *details[1:])
    if isinstance(error, stripe.RateLimitError) or status == 409 or status >= 500:
        return GatewayUnavailable(*details)
    if isinstance(error, stripe.AuthenticationError | stripe.PermissionError):
        return GatewayAuthError(*details)
    if error.code == 'resource_missing' or status == 404:
        return GatewayNotFound(*details)
    if isinstance(error, stripe.APIError) and not 400 <= status < 500:
        return GatewayUnavailable(*details)  # e.g. an answer that is no JSON
    return GatewayRefused(*details)
