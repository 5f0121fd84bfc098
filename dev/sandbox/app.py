# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""One web application: Stripe's API, its hosted page, and the control of the sandbox."""

from werkzeug.exceptions import HTTPException, NotFound
from werkzeug.wrappers import Request, Response

from . import checkout_page, control, errors, stripe_api, stripe_server
from .disputes import Disputes
from .payments import Payments
from .store import World
from .webhooks import Webhooks


class Application:
    """The WSGI application of the Stripe port."""

    def __init__(self):
        self.world = World()
        self.webhooks = Webhooks(self.world)
        self.payments = Payments(self.world, self.webhooks)
        self.disputes = Disputes(self.payments)
        self.api = stripe_api.StripeApi(self.world, self.payments, self.webhooks)
        self.server = stripe_server.StripeServer(self.world, self.api)
        self.control = control.Control(self)

    def __call__(self, environ, start_response):
        request = Request(environ)
        try:
            response = self.dispatch(request)
        except HTTPException as error:
            response = error.get_response(environ)
        except errors.StripeError as error:
            response = Response(f"{error}\n", status=error.status)
        return response(environ, start_response)

    def dispatch(self, request):
        """Answer one request."""
        if request.path.startswith('/_sandbox/'):
            return self.control.answer(request)
        if request.path.startswith('/c/pay/'):
            return self._hosted_page(request)
        if request.path == '/':
            return Response("Pay Now sandbox of Stripe. See /_sandbox/state.\n")
        return self.server.answer(request)

    def _hosted_page(self, request):
        """Show a checkout, and take what the payer presses."""
        with self.world.lock:
            self.payments.run_due()
            account, session = self.world.find(
                'checkout.session', request.path.removeprefix('/c/pay/')
            )
            if not session:
                raise NotFound()
            label = account.note('intent_data')[session['id']]['label']
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
