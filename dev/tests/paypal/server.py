# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""A PayPal that answers what a test tells it to, over real sockets, and remembers what it got."""

import dataclasses
import http.server
import json
import socket
import threading
import time
from urllib.parse import parse_qsl, urlsplit

import pytest

from dev.tests.paypal import contract as paypal_contract
from dev.tests.paypal.objects import error
from gateways.base import Credentials
from gateways.paypal import certificates as paypal_certificates
from gateways.paypal import client as paypal_client
from gateways.paypal.gateway import PayPalGateway

TOKEN = '/v1/oauth2/token'
CLIENT_ID, CLIENT_SECRET = 'client-id-of-the-tests', 'client-secret-of-the-tests'


@dataclasses.dataclass
class Call:
    """One request as it came in."""

    method: str
    path: str
    query: dict
    headers: dict
    body: bytes
    port: int  # of the client: the same one is the same connection
    status: int = 0

    @property
    def json(self):
        return json.loads(self.body)

    def logged(self):
        """Return the request as the sandbox logs its own."""
        return {
            'method': self.method,
            'path': self.path,
            'params': self.query,
            'headers': self.headers,
            'body': self.json if self.body else None,
        }


@dataclasses.dataclass
class Answer:
    """What to do about a request: `body` is sent as JSON unless it is bytes."""

    status: int = 200
    body: object = None
    headers: dict = dataclasses.field(default_factory=dict)
    wait: float = 0
    drop: bool = False  # the connection is closed without a word


class PayPalServer:
    """Answers by method and path; the last answer of a list is repeated."""

    def __init__(self):
        self.calls = []
        self.tokens = 0
        self._answers = {}
        self._lock = threading.Lock()
        handler = type('Handler', (_Handler,), {'paypal': self})
        self._server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), handler)
        self._server.daemon_threads = True
        self.base = f'http://127.0.0.1:{self._server.server_port}'
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def stop(self):
        self._server.shutdown()
        self._server.server_close()

    def on(self, method, path, *answers):
        """Set what is answered: `Answer`, a body, a status, or a function of the call."""
        self._answers[method, path] = list(answers)

    def requests(self, path=''):
        """Return what came in, the fetching of tokens only when asked for."""
        wanted = path or ''
        return [
            call
            for call in self.calls
            if (call.path.startswith(wanted) if wanted else call.path != TOKEN)
        ]

    def answer(self, call):
        with self._lock:
            self.calls.append(call)
            answers = self._answers.get((call.method, call.path))
            answer = (answers.pop(0) if len(answers) > 1 else answers[0]) if answers else None
        if answer is None:
            answer = self._token() if call.path == TOKEN else error(404, 'INVALID_RESOURCE_ID')
        if callable(answer):
            answer = answer(call)
        if isinstance(answer, int):
            answer = Answer(answer)
        if isinstance(answer, tuple):
            answer = Answer(*answer)
        return answer if isinstance(answer, Answer) else Answer(200, answer)

    def _token(self):
        with self._lock:
            self.tokens += 1
            number = self.tokens
        return Answer(
            200,
            {
                'scope': 'https://uri.paypal.com/services/payments/payment',
                'access_token': f'A21AA-token-{number}',
                'token_type': 'Bearer',
                'app_id': 'APP-80W284485P519543T',
                'expires_in': 32400,
                'nonce': '2026-01-01T00:00:00Zabc',
            },
        )


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'
    # One write for an answer, sent at once.
    wbufsize = -1
    disable_nagle_algorithm = True
    paypal = None

    def _serve(self):
        parts = urlsplit(self.path)
        call = Call(
            self.command,
            parts.path,
            dict(parse_qsl(parts.query)),
            dict(self.headers.items()),
            self.rfile.read(int(self.headers.get('Content-Length') or 0)),
            self.client_address[1],
        )
        answer = self.paypal.answer(call)
        call.status = answer.status
        if answer.wait:
            time.sleep(answer.wait)
        if answer.drop:
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)
            return
        body = answer.body
        if not isinstance(body, bytes):
            body = b'' if body is None else json.dumps(body).encode()
        headers = {
            'Content-Type': 'application/json',
            'PayPal-Debug-Id': 'f0debug1d',
            'Content-Length': str(len(body)),
            **answer.headers,
        }
        self.send_response(answer.status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        try:
            self.wfile.write(body)
            self.wfile.flush()
        except OSError:
            # Whoever asked did not wait for it.
            self.close_connection = True

    do_GET = do_POST = do_PATCH = do_DELETE = _serve

    def log_message(self, *_args):
        """Say nothing."""


def forget_everything():
    """Forget tokens, connections and certificates of the test before."""
    paypal_client._api.cache_clear()
    paypal_certificates._checked.cache_clear()


@pytest.fixture
def paypal_server():
    """A server of one's own; what we sent is held against PayPal's description afterwards."""
    forget_everything()
    server = PayPalServer()
    yield server
    server.stop()
    forget_everything()
    if paypal_contract.available():
        for call in server.requests():
            if 0 < call.status < 300:
                assert not call.body or call.method in ('POST', 'PATCH')
                paypal_contract.check_request(call.logged())


@pytest.fixture
def make_paypal_gateway(paypal_server):
    """Make a gateway to the server."""

    def make(key=CLIENT_ID, secret=CLIENT_SECRET, account=None, **values):
        credentials = Credentials(key=key, secret=secret, **values)
        return PayPalGateway(credentials, api_base=paypal_server.base, account=account)

    return make


@pytest.fixture
def paypal_gateway(make_paypal_gateway):
    return make_paypal_gateway(webhook_id='WH-1')
