# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""One web application: Stripe's API, its hosted page, and the control of the sandbox."""

import json
import time

from werkzeug.exceptions import HTTPException, MethodNotAllowed, NotFound
from werkzeug.wrappers import Request, Response

from . import checkout_page, control, errors, forms, stripe_api
from .payments import Payments
from .store import World
from .webhooks import Webhooks


class Application:
    """The WSGI application of the Stripe port."""

    def __init__(self):
        self.world = World()
        self.webhooks = Webhooks(self.world)
        self.payments = Payments(self.world, self.webhooks)
        self.api = stripe_api.StripeApi(self.world, self.payments, self.webhooks)
        self.control = control.Control(self)

    def __call__(self, environ, start_response):
        request = Request(environ)
        try:
            response = self.dispatch(request)
        except HTTPException as error:
            response = error.get_response(environ)
        return response(environ, start_response)

    def dispatch(self, request):
        """Answer one request."""
        if request.path.startswith('/_sandbox/'):
            return self.control.answer(request)
        if request.path.startswith('/c/pay/'):
            return self._hosted_page(request)
        if request.path == '/':
            return Response("Pay Now sandbox of Stripe. See /_sandbox/state.\n")
        return self._api(request)

    # === THE HOSTED PAGE === #

    def _hosted_page(self, request):
        with self.world.lock:
            account, session = self.world.find(
                'checkout.session', request.path.removeprefix('/c/pay/')
            )
            if not session:
                raise NotFound()
            self.payments.expire_due(account)
            label = self.payments.intent_data[session['id']]['label']
            if session['status'] != 'open':
                return self._html(checkout_page.over(session))
            if request.method != 'POST':
                return self._html(checkout_page.render(account, session, label))
            if self.payments.confirm(account, session, request.form.get('method', 'card')):
                url = session['success_url'].replace('{CHECKOUT_SESSION_ID}', session['id'])
                return Response(status=303, headers={'Location': url})
            intent = account.get('payment_intent', session['payment_intent'])
            message = intent['last_payment_error']['message']
            return self._html(checkout_page.render(account, session, label, message))

    @staticmethod
    def _html(text):
        return Response(text, mimetype='text/html')

    # === THE API === #

    def _api(self, request):
        pairs = request.args.items(multi=True)
        if request.method == 'POST':
            pairs = request.form.items(multi=True)
        values = forms.parse(pairs)
        fault = self._take_fault(request)
        if fault and fault.get('timeout'):
            time.sleep(fault['timeout'])
        if fault and fault.get('drop'):
            # An answer cut off in the middle, for the client a lost connection.
            return Response('{"id":', headers={'Content-Length': '1000'}, direct_passthrough=True)
        with self.world.lock:
            status, body, replayed = self._answer(request, values, fault)
            request_id = self.world.new_id('req')
            self.world.requests.append(
                {
                    'method': request.method,
                    'path': request.path,
                    'params': values,
                    'idempotency_key': request.headers.get('Idempotency-Key'),
                    'version': request.headers.get('Stripe-Version'),
                    'status': status,
                    'answer': body,
                }
            )
        response = Response(json.dumps(body), status=status, mimetype='application/json')
        response.headers['Request-Id'] = request_id
        response.headers['Stripe-Version'] = request.headers.get('Stripe-Version', '')
        if replayed:
            response.headers['Idempotent-Replayed'] = 'true'
        return response

    def _take_fault(self, request):
        """Return how this request is to go wrong, if it is."""
        with self.world.lock:
            for fault in self.world.faults:
                if fault['left'] > 0 and request.path.startswith(fault.get('path', '/')):
                    if fault.get('method') in (None, request.method):
                        fault['left'] -= 1
                        return fault
        return None

    def _answer(self, request, values, fault):
        """Return status, body, and whether it is the answer of an earlier call."""
        try:
            if fault and fault.get('status') and not fault.get('executed'):
                raise errors.api_error(fault['status'])
            account = self._authenticate(request)
            endpoint, arguments = self._route(request)
            key = request.headers.get('Idempotency-Key') if request.method == 'POST' else None
            if key:
                return self._once(account, key, request, endpoint, values, arguments, fault)
            return 200, self.api.call(account, endpoint, request.path, values, **arguments), False
        except errors.StripeError as error:
            return error.status, {'error': error.body}, False

    def _once(self, account, key, request, endpoint, values, arguments, fault):
        """Execute a call once per idempotency key, and give its answer again."""
        asked = (request.path, json.dumps(values, sort_keys=True))
        if key in account.answers:
            before, status, body = account.answers[key]
            if before != asked:
                raise errors.StripeError(
                    400,
                    "Keys for idempotent requests can only be used with the same parameters they"
                    " were first used with.",
                    kind='idempotency_error',
                )
            return status, body, True
        body = self.api.call(account, endpoint, request.path, values, **arguments)
        status = 200
        if fault and fault.get('executed'):
            status, body = fault['status'], {'error': errors.api_error(fault['status']).body}
        account.answers[key] = (asked, status, body)
        return status, body, False

    def _authenticate(self, request):
        header = request.headers.get('Authorization', '')
        key = header.removeprefix('Bearer ').strip()
        if not key:
            raise errors.StripeError(401, "You did not provide an API key.")
        account, rights = self.world.account_of(key)
        if key.startswith('pk_'):
            raise errors.StripeError(
                403,
                "This API call cannot be made with a publishable API key.",
                'secret_key_required',
            )
        if not account or rights == 'revoked':
            raise errors.StripeError(401, f"Invalid API Key provided: {key[:8]}{'*' * 8}{key[-4:]}")
        if rights == 'restricted' and not request.path.startswith('/v1/account'):
            raise errors.StripeError(
                403, "The provided key does not have the required permissions for this endpoint."
            )
        return account

    def _route(self, request):
        adapter = stripe_api.ROUTES.bind('sandbox')
        try:
            return adapter.match(request.path, request.method)
        except (NotFound, MethodNotAllowed):
            raise errors.StripeError(
                404, f"Unrecognized request URL ({request.method}: {request.path})."
            ) from None
