# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""Stripe's API over HTTP: keys, idempotency, the log of requests."""

import json

from werkzeug.exceptions import MethodNotAllowed, NotFound
from werkzeug.wrappers import Response

from ..common.serving import Server
from . import errors, forms
from .api import ROUTES

#: Headers of a request that are remembered.
HEADERS = ('Idempotency-Key', 'Stripe-Version', 'Stripe-Account', 'User-Agent')


class StripeServer(Server):
    """Answers requests to `/v1/…`.

    :param StripeStore store: the provider's memory.
    :param StripeApi api: does what is asked.
    """

    def __init__(self, store, api):
        super().__init__(store)
        self.api = api

    def respond(self, request, fault):
        pairs = request.form if request.method == 'POST' else request.args
        request_id = self.store.new_id('req')
        status, body, replayed = self._answer(
            request, request_id, list(pairs.items(multi=True)), fault
        )
        response = Response(
            fault.get('text') or json.dumps(body), status=status, mimetype='application/json'
        )
        response.headers['Request-Id'] = request_id
        response.headers['Stripe-Version'] = request.headers.get('Stripe-Version', '')
        if replayed:
            response.headers['Idempotent-Replayed'] = 'true'
        return response

    # === ONE CALL === #

    def _answer(self, request, request_id, pairs, fault):
        """Return status, body, and whether it is the answer of an earlier call."""
        values = {}
        try:
            values = forms.parse(pairs)
            if fault.get('status') and not fault.get('executed'):
                raise errors.api_error(fault['status'])
            status, body, replayed = self._call(request, request_id, values, fault)
        except errors.StripeError as error:
            status, body, replayed = error.status, {'error': error.body}, False
        with self.store.lock:
            self.store.requests.append(
                {
                    'id': request_id,
                    'method': request.method,
                    'path': request.path,
                    'params': values,
                    'idempotency_key': request.headers.get('Idempotency-Key'),
                    'version': request.headers.get('Stripe-Version'),
                    'headers': {name: request.headers.get(name) for name in HEADERS},
                    'status': status,
                    'replayed': replayed,
                    # None for what is no answer of Stripe's.
                    'answer': None if fault.get('text') else body,
                }
            )
        return status, body, replayed

    def _call(self, request, request_id, values, fault):
        key = request.headers.get('Idempotency-Key') if request.method == 'POST' else None
        with self.store.lock:
            account = self._authenticate(request)
            endpoint, arguments = self._route(request)
            asked = [request.path, json.dumps(values, sort_keys=True)]
            if key:
                if answer := self._earlier(account, key, asked):
                    return *answer, True
                self.store.in_flight.add((account.id, key))
        try:
            # Others are let in meanwhile: they find the key in use.
            self.wait(fault.get('busy'))
            with self.store.lock:
                # What time has brought is not caused by this request.
                self.api.payments.run_due()
                with self.store.caused_by(request_id, key):
                    body = self.api.call(account, endpoint, request.path, values, **arguments)
                status = 200
                if fault.get('executed') and fault.get('status'):
                    status = fault['status']
                    body = {'error': errors.api_error(status).body}
                # From here on: what was refused before it was executed is not kept.
                if key:
                    account.answers[key] = [asked, status, json.dumps(body)]
                return status, body, False
        finally:
            with self.store.lock:
                self.store.in_flight.discard((account.id, key))

    def _earlier(self, account, key, asked):
        """Return status and body that are kept for an idempotency key, None for a new one."""
        if (account.id, key) in self.store.in_flight:
            raise errors.StripeError(
                409,
                "There is currently another in-progress request using this Stripe Idempotent Key.",
                'idempotency_key_in_use',
                kind='idempotency_error',
            )
        if key not in account.answers:
            return None
        before, status, body = account.answers[key]
        if before != asked:
            raise errors.StripeError(
                400,
                "Keys for idempotent requests can only be used with the same parameters they were"
                " first used with.",
                kind='idempotency_error',
            )
        return status, json.loads(body)

    def _authenticate(self, request):
        """Return the account a request acts for.

        :raise StripeError: no key, a wrong or revoked one, one without the right.
        """
        given = request.authorization
        key = (given.username if given and given.type == 'basic' else '') or ''
        key = key or request.headers.get('Authorization', '').removeprefix('Bearer ').strip()
        if not key:
            raise errors.StripeError(401, "You did not provide an API key.")
        if key.startswith('pk_'):
            raise errors.StripeError(
                403,
                "This API call cannot be made with a publishable API key. Please use a secret API"
                " key.",
                'secret_key_required',
            )
        account, rights = self.store.account_of(key)
        if not account or rights == 'revoked':
            shown = f"{key[:8]}{'*' * max(len(key) - 12, 4)}{key[-4:]}"
            raise errors.StripeError(401, f"Invalid API Key provided: {shown}")
        if rights == 'restricted' and not request.path.startswith('/v1/account'):
            raise errors.StripeError(
                403,
                "The provided key does not have the required permissions for this endpoint.",
            )
        return self._acted_for(account, request.headers.get('Stripe-Account') or account.id)

    def _acted_for(self, account, account_id):
        if account_id == account.id:
            return account
        other = self.store.accounts.get(account_id)
        if not other or other.platform != account.id:
            raise errors.StripeError(
                403,
                "The provided key does not have access to account"
                f" '{account_id}' (or that account does not exist). Application access may have"
                " been revoked.",
                'account_invalid',
            )
        return other

    @staticmethod
    def _route(request):
        adapter = ROUTES.bind('sandbox')
        try:
            return adapter.match(request.path, request.method)
        except (NotFound, MethodNotAllowed):
            raise errors.StripeError(
                404,
                f"Unrecognized request URL ({request.method}: {request.path}). Please see"
                " https://stripe.com/docs or we can help at https://support.stripe.com/.",
            ) from None
