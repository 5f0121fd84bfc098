# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""PayPal's API over HTTP: tokens, request ids, the log of requests."""

import base64
import copy
import json
import secrets

from werkzeug.exceptions import MethodNotAllowed, NotFound
from werkzeug.wrappers import Response

from ..common.refusals import Refusal
from ..common.serving import Server
from ..common.store import clock
from . import api, errors
from .call import URI, Call
from .store import timestamp
from .webhooks import CERTIFICATES

TOKEN = '/v1/oauth2/token'
#: What every token is good for, and what each feature adds.
SCOPES = (
    f'{URI}/payments/payment/authcapture',
    f'{URI}/payments/realtimepayment',
    f'{URI}/payments/refund',
    f'{URI}/applications/webhooks',
    'openid',
)
FEATURES = {
    'reporting': ('reporting/search/read', 'reporting/balances/read'),
    'disputes': ('disputes/read-seller', 'disputes/update-seller'),
    'partner': ('customer/partner', 'customer/partner-referrals/readwrite'),
}
#: Headers of a request that are remembered.
HEADERS = (
    'PayPal-Request-Id',
    'Prefer',
    'PayPal-Auth-Assertion',
    'PayPal-Partner-Attribution-Id',
    'PayPal-Client-Metadata-Id',
    'Content-Type',
    'Accept',
    'User-Agent',
)
LONGEST_ID = 108


class PayPalServer(Server):
    """Answers requests to the API, and hands out certificates.

    :param PayPalStore store: the provider's memory.
    :param PayPalApi api: does what is asked.
    """

    def __init__(self, store, paypal_api, webhooks):
        super().__init__(store)
        self.api = paypal_api
        self.webhooks = webhooks

    def respond(self, request, fault):
        debug_id = secrets.token_hex(7)[:13]
        entry = {
            'id': debug_id,
            'method': request.method,
            'path': request.path,
            'params': request.args.to_dict(),
            'body': None,
            'request_id': request.headers.get('PayPal-Request-Id'),
            'headers': {name: request.headers.get(name) for name in HEADERS},
            'replayed': False,
        }
        try:
            status, body = self._answer(request, entry, fault)
        except Refusal as error:
            status, body = error.status, dict(error.body)
            if 'name' in body:
                body['debug_id'] = debug_id
        text = fault.get('text') or (body if isinstance(body, str) else json.dumps(body))
        # None for what is no answer of PayPal's.
        answer = None if fault.get('text') or isinstance(body, str) else body
        with self.store.lock:
            self.store.requests.append({**entry, 'status': status, 'answer': copy.deepcopy(answer)})
        response = Response('' if body is None else text, status, mimetype='application/json')
        response.headers['PayPal-Debug-Id'] = debug_id
        return response

    def _answer(self, request, entry, fault):
        """Return status and body."""
        error = self._misbehaviour(fault)
        if error and not fault.get('executed'):
            raise error
        if request.path == TOKEN:
            answer = self._token(request, entry)
        elif request.path.startswith((CERTIFICATES, '/elsewhere/')):
            answer = self._certificate(request)
        else:
            answer = self._call(request, entry, fault)
        if error:
            raise error
        return answer

    @staticmethod
    def _misbehaviour(fault):
        """Return the error that was ordered, or None."""
        if fault.get('issue'):
            return errors.refused(fault['issue'])
        return errors.PayPalError(fault['status']) if fault.get('status') else None

    def _certificate(self, request):
        found = self.webhooks.authority.find(request.path.rpartition('/')[2])
        if not found:
            raise errors.not_found('certificate', request.path)
        return 200, found.pem()

    # === TOKENS === #

    def _token(self, request, entry):
        """Answer `POST /v1/oauth2/token`."""
        entry['body'] = request.form.to_dict()
        if request.method != 'POST':
            raise errors.TokenError(405, 'invalid_request', "Method not allowed")
        given = request.authorization
        given = given if given and given.type == 'basic' else None
        with self.store.lock:
            for account in self.store.accounts.values():
                if given and account.clients.get(given.username) == given.password:
                    return 200, self._issue(account, entry['body'].get('grant_type'))
        raise errors.TokenError(401, 'invalid_client', "Client Authentication failed")

    def _issue(self, account, grant):
        if grant != 'client_credentials':
            kind = 'unsupported_grant_type'
            raise errors.TokenError(400, kind, f"unsupported grant_type: {grant or 'NULL'}")
        scopes = list(SCOPES)
        for feature in account.features:
            scopes += [f'{URI}/{scope}' for scope in FEATURES[feature]]
        token = f'A21AA{secrets.token_urlsafe(60)}'
        seconds = self.store.token_seconds
        account.tokens[token] = {'until': clock.exact() + seconds, 'scopes': scopes}
        return {
            'scope': ' '.join(scopes),
            'access_token': token,
            'token_type': 'Bearer',
            'app_id': 'APP-80W284485P519543T',
            'expires_in': seconds,
            'nonce': f'{timestamp()}{secrets.token_urlsafe(24)}',
        }

    def _authenticate(self, request):
        """Return the account of a token and what it is good for.

        :raise Refusal: there is none, or it has ended.
        """
        kind, _space, token = request.headers.get('Authorization', '').partition(' ')
        if kind.lower() != 'bearer' or not token:
            raise errors.PayPalError(401)
        account, note = self.store.account_of(token.strip())
        if not account:
            raise errors.TokenError(401, 'invalid_token', "Token signature verification failed")
        if note['until'] <= clock.exact():
            raise errors.TokenError(401, 'invalid_token', "Access Token not found in cache")
        return account, note['scopes']

    def _acted_for(self, account, request):
        """Return the merchant that a platform's call is made for.

        :raise PayPalError: the assertion is none, another's, or the merchant has not agreed.
        """
        assertion = request.headers.get('PayPal-Auth-Assertion')
        if not assertion:
            return account
        try:
            head, body, signature = assertion.split('.')
            claims = json.loads(base64.urlsafe_b64decode(body + '=' * (-len(body) % 4)))
            merchant = self.store.accounts.get(claims['payer_id'])
            valid = json.loads(base64.urlsafe_b64decode(head + '=' * (-len(head) % 4)))
            valid = valid == {'alg': 'none'} and not signature and claims['iss'] in account.clients
        except (LookupError, TypeError, ValueError):
            raise errors.PayPalError(401) from None
        if not valid:
            raise errors.PayPalError(401)
        if not merchant or account.id not in merchant.partners:
            raise errors.refused('PERMISSION_DENIED')
        return merchant

    # === ONE CALL === #

    def _call(self, request, entry, fault):
        with self.store.lock:
            account, scopes = self._authenticate(request)
            endpoint, arguments = self._route(request)
            account = self._acted_for(account, request)
            call = Call(
                endpoint=endpoint,
                method=request.method,
                args=request.args.to_dict(),
                raw=request.get_data(),
                request_id=request.headers.get('PayPal-Request-Id', ''),
                whole=request.headers.get('Prefer') == 'return=representation',
                scopes=scopes,
            )
            entry['body'] = call.body = self._body(request)
            if len(call.request_id) > LONGEST_ID:
                raise errors.refused('INVALID_STRING_LENGTH', 'PayPal-Request-Id', call.request_id)
            working = self._working_on(account, request, call)
        try:
            # Others are let in meanwhile: they find the work under way.
            self.wait(fault.get('busy'))
            with self.store.lock:
                status, body = self.api.answer(account, call, **arguments)
                entry['replayed'] = call.replayed
                # Written while nobody changes it.
                return status, copy.deepcopy(body)
        finally:
            with self.store.lock:
                self.store.in_flight -= working

    def _working_on(self, account, request, call):
        """Note what a call works on, for those that come meanwhile.

        :raise PayPalError: somebody is at it already.
        """
        if request.method != 'POST' or not request.path.startswith('/v2/'):
            return set()
        working = {(account.id, call.endpoint, call.request_id)} if call.request_id else set()
        if request.path.count('/') > 3:
            working.add((account.id, request.path))
        if working & self.store.in_flight:
            raise errors.refused('PREVIOUS_REQUEST_IN_PROGRESS')
        self.store.in_flight |= working
        return working

    @staticmethod
    def _body(request):
        """Return the parsed body.

        :raise PayPalError: one where none belongs, or one that cannot be read.
        """
        raw = request.get_data()
        if request.method in ('GET', 'DELETE'):
            if raw:
                raise errors.refused('NOT_SUPPORTED', '/', raw.decode(errors='replace')[:40])
            return None
        if request.mimetype != 'application/json':
            raise errors.PayPalError(415)
        try:
            return json.loads(raw.decode() or '{}')
        except ValueError:
            raise errors.refused('MALFORMED_REQUEST_JSON', '/') from None

    @staticmethod
    def _route(request):
        adapter = api.ROUTES.bind('sandbox')
        try:
            return adapter.match(request.path, request.method)
        except MethodNotAllowed:
            raise errors.PayPalError(
                405,
                name='METHOD_NOT_SUPPORTED',
                message="The server does not implement the method.",
            ) from None
        except NotFound:
            raise errors.PayPalError(404, name='NOT_FOUND', message="Not found") from None
