# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""paypalrestsdk's transport, tamed: time-outs, one token for all, retries, our own errors."""

import functools
import json
import logging
import os
import re
import threading
import time
from http.cookiejar import DefaultCookiePolicy
from urllib.parse import parse_qsl, urlencode, urlsplit

import paypalrestsdk
import requests
from paypalrestsdk import exceptions

from .. import reading
from ..errors import GatewayAuthError, GatewayError, GatewayUnavailable
from .errors import UNREADABLE, translate

_logger = logging.getLogger(__name__)

#: Seconds to connect, and to wait for an answer: a page and a worker wait for it.
TIMEOUT = (3.05, 10)
#: How often a request that does nothing twice is repeated.
RETRIES = 1
#: Seconds we wait at most when PayPal asks to come back later.
LONGEST_PAUSE = 2
#: Seconds before its end that a token is no longer used.
TOKEN_MARGIN = 120
#: Of seconds a token may be said to live.
LONGEST_TOKEN = 7 * 24 * 3600
VISIBLE = re.compile(r'[!-~]+')
#: What a platform does in its own name: its webhooks, its merchants.
OWN_PATHS = (
    '/v1/notifications/',
    '/v1/customer/partners/',
    '/v2/customer/partner-referrals',
)


def new_session():
    """Return a `requests.Session` that sends what it is given and nothing else."""
    session = requests.Session()
    # Otherwise a .netrc would replace our Authorization header.
    session.auth = lambda request: request
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=()))
    return session


class PayPalApi(paypalrestsdk.Api):
    """The SDK as transport, without what it does badly in a server.

    Its credentials, statuses and exceptions are kept. One object serves all threads of a process.

    :param str client_id: of the REST application.
    :param str client_secret: of the same.
    :param str base: the host's address, without a slash at its end.
    """

    def __init__(self, client_id, client_secret, base):
        # In any other mode it logs credentials, tokens and bodies. The host says which environment.
        super().__init__(
            mode='live',
            client_id=client_id,
            client_secret=client_secret,
            endpoint=base,
            token_endpoint=base,
        )
        self._lock = threading.Lock()
        self._threads = threading.local()
        self._token_until = 0.0
        self._failed_at, self._failure = 0.0, None

    # === TOKEN === #

    def get_token_hash(self, authorization_code=None, refresh_token=None, headers=None):
        """Override of `Api` to fetch one token for all threads, in time, with our headers only.

        Whoever waited for a fetch that failed gets its error instead of waiting for one more.
        """
        asked_at = time.monotonic()
        with self._lock:
            if self.token_hash is None or time.monotonic() >= self._token_until:
                if self._failure and self._failed_at > asked_at:
                    raise translate(self._failure)
                self._fetch_token()
            return self.token_hash

    def renew_token(self):
        """Fetch a token although there may be one: it proves the credentials now."""
        with self._lock:
            self._fetch_token()
            return self.token_hash

    def _fetch_token(self):
        self.token_hash = None
        started_at = time.monotonic()
        try:
            values = self.http_call(
                f'{self.token_endpoint}/v1/oauth2/token',
                'POST',
                data='grant_type=client_credentials',
                headers={
                    'Authorization': f'Basic {self.basic_auth()}',
                    'Content-Type': 'application/x-www-form-urlencoded',
                    'Accept': 'application/json',
                    'User-Agent': self.user_agent,
                },
            )
        except (requests.RequestException, exceptions.ConnectionError) as error:
            # Kept without what led to it, where the headers are.
            self._failed_at, self._failure = time.monotonic(), translate(error, self.secrets())
            raise
        token, seconds = values.get('access_token'), values.get('expires_in')
        if not isinstance(token, str) or not VISIBLE.fullmatch(token):
            raise GatewayUnavailable(UNREADABLE, 'malformed')
        plausible = isinstance(seconds, int | float) and 0 < seconds <= LONGEST_TOKEN
        self._token_until = started_at + (seconds if plausible else 0) - TOKEN_MARGIN
        self.token_hash = {
            'token_type': 'Bearer',
            'access_token': token,
            'scope': str(values.get('scope') or ''),
        }

    def _forget_token(self, token):
        with self._lock:
            # Another thread may have fetched a better one meanwhile.
            if self.token_hash is token:
                self.token_hash = None

    def secrets(self):
        """Return what no text for people may contain."""
        token = self.token_hash
        return (self.client_id, self.client_secret, token['access_token'] if token else '')

    # === REQUESTS === #

    def request(self, url, method, body=None, headers=None, refresh_token=None):
        """Override of `Api` to send a body only where there is one, and to raise every refusal.

        A token that is refused is replaced once.
        """
        sent = {**(headers or {}), 'Accept': 'application/json', 'User-Agent': self.user_agent}
        data = None
        if method in ('POST', 'PATCH'):
            data = json.dumps({} if body is None else body).encode()
            sent['Content-Type'] = 'application/json'
        token = self.get_token_hash()
        try:
            return self._send(url, method, data, sent, token)
        except exceptions.UnauthorizedAccess:
            self._forget_token(token)
        return self._send(url, method, data, sent, self.get_token_hash())

    def _send(self, url, method, data, headers, token):
        authorization = f'Bearer {token["access_token"]}'
        return self.http_call(
            url, method, data=data, headers={**headers, 'Authorization': authorization}
        )

    def http_call(self, url, method, **kwargs):
        """Override of `Api` for time-outs, pooled connections, and a log without secrets.

        :return: the answer's JSON object.
        :rtype: dict
        """
        response = self._session().request(
            method, url, timeout=TIMEOUT, allow_redirects=False, **kwargs
        )
        _logger.log(
            logging.INFO if response.status_code >= 400 else logging.DEBUG,
            "PayPal: %s %s: %s (debug id %s)",
            method,
            urlsplit(url).path,
            response.status_code,
            response.headers.get('PayPal-Debug-Id'),
        )
        if not 200 <= response.status_code < 300:
            # Raises what the SDK calls this status; it reads nothing of it.
            self.handle_response(response, response.content.decode('utf-8', 'replace'))
        try:
            return reading.parse(response.content or b'{}')
        except reading.Unreadable:
            raise exceptions.ConnectionError(response, '') from None

    def _session(self):
        """Return the calling thread's own connections."""
        if not hasattr(self._threads, 'session'):
            self._threads.session = new_session()
        return self._threads.session


@functools.lru_cache(maxsize=64)
def _api(client_id, client_secret, base, _pid):
    """Return the transport of one application; the process id keeps a fork from sharing sockets."""
    return PayPalApi(client_id, client_secret, base)


class PayPalClient:
    """Calls of the API that give plain dicts and raise our errors.

    :param str client_id: of the REST application.
    :param str client_secret: of the same.
    :param str base: the host's address, without a slash at its end.
    :param str assertion: names the merchant acted for, with a platform's application.
    :param str partner_code: names the platform, which PayPal attributes the payments to.
    """

    def __init__(self, client_id, client_secret, base, assertion='', partner_code=''):
        self._client_id = client_id
        self._client_secret = client_secret
        self._base = base
        self._assertion = assertion
        self._partner_code = partner_code

    @property
    def _transport(self):
        """The transport, created in the process that uses it."""
        return _api(self._client_id, self._client_secret, self._base, os.getpid())

    def call(self, method, path, *, query=None, body=None, request_id=''):
        """Call one operation.

        :param str path: from the root, its ids already checked.
        :param dict query: parameters of the address.
        :param body: what is sent as JSON.
        :param str request_id: ours, stable: PayPal does nothing twice under it.
        :return: the answer as plain dicts and lists.
        :rtype: dict
        :raise GatewayUnavailable, GatewayRefused, GatewayAuthError, GatewayNotFound:
        """
        url = f'{self._base}{path}' + (f'?{urlencode(query)}' if query else '')
        headers = {}
        if method == 'POST':
            headers['Prefer'] = 'return=representation'
        if request_id:
            headers['PayPal-Request-Id'] = request_id
        if self._partner_code:
            headers['PayPal-Partner-Attribution-Id'] = self._partner_code
        if self._assertion and not path.startswith(OWN_PATHS):
            headers['PayPal-Auth-Assertion'] = self._assertion
        repeatable = method == 'GET' or bool(request_id)
        return self._try(
            lambda: self._transport.request(url, method, body, headers), repeatable=repeatable
        )

    def scopes(self):
        """Return what a token fetched now allows, which proves the credentials.

        :rtype: frozenset(str)
        """
        token = self._try(self._transport.renew_token, repeatable=True)
        return frozenset(token['scope'].split())

    def _try(self, function, repeatable):
        """Call a function, once more when it does no harm and may help."""
        self._check_credentials()
        for left in reversed(range(1 + RETRIES)):
            try:
                return function()
            except (GatewayError, requests.RequestException, exceptions.ConnectionError) as error:
                pause = _pause(error)
                failure = translate(error, self._transport.secrets())
            if not repeatable or not left or pause is None:
                break
            time.sleep(pause)
        # Out here it is not chained: the SDK's error carries the whole request and answer.
        raise failure

    def _check_credentials(self):
        # RFC 6749, appendix A. A colon would end the client id.
        if ':' in self._client_id or not all(
            map(VISIBLE.fullmatch, (self._client_id, self._client_secret))
        ):
            raise GatewayAuthError("These are not PayPal's client id and secret.", 'not_a_key')


def next_query(page, path):
    """Return the parameters of the next page: PayPal gives its address, of which we use no more.

    :param dict page: an answer with a part of a list.
    :param str path: of the list.
    :rtype: dict | None
    """
    for link in page.get('links') or ():
        parts = urlsplit(link.get('href') or '')
        if link.get('rel') == 'next' and parts.path.rstrip('/').endswith(path):
            return dict(parse_qsl(parts.query))
    return None


def _pause(error):
    """Return the seconds to wait before trying again, None where it does not help."""
    if isinstance(error, requests.RequestException | exceptions.ServerError):
        return 0
    response = getattr(error, 'response', None)
    if response is not None and response.status_code == 429:
        seconds = response.headers.get('Retry-After') or ''
        if re.fullmatch(r'[0-9]{1,3}', seconds) and int(seconds) <= LONGEST_PAUSE:
            return int(seconds)
    return None
