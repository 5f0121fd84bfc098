# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""Stripe's port: its API, its hosted page, and the control of it."""

from werkzeug.exceptions import NotFound
from werkzeug.wrappers import Response

from ..common.serving import Application
from . import checkout_page, control
from .api import StripeApi
from .disputes import Disputes
from .onboarding import Onboarding
from .payments import Payments
from .payouts import Payouts
from .server import StripeServer
from .store import StripeStore
from .webhooks import Webhooks


class StripeApplication(Application):
    """The WSGI application of the Stripe port.

    :param Providers providers: all that runs in this process.
    """

    name = 'Stripe'
    pages = ('/c/pay/', '/setup/')

    def __init__(self, providers):
        self.providers = providers
        self.store = StripeStore(providers.lock)
        self.webhooks = Webhooks(self.store)
        self.payments = Payments(self.store, self.webhooks)
        self.disputes = Disputes(self.payments)
        self.payouts = Payouts(self.payments)
        self.onboarding = Onboarding(self.store, self.webhooks)
        self.api = StripeApi(self.store, self.payments, self.webhooks, self.onboarding)
        self.server = StripeServer(self.store, self.api)
        self.control = control.StripeControl(self)

    def hosted_page(self, request):
        checkouts, registrations = self.pages
        with self.store.lock:
            self.payments.run_due()
            if request.path.startswith(registrations):
                return self.onboarding.page(request, request.path.removeprefix(registrations))
            account, session = self.store.find(
                'checkout.session', request.path.removeprefix(checkouts)
            )
            if not session:
                raise NotFound()
            label = account.note('intent_data')[session['id']]['label']
            if session['status'] != 'open':
                return self.html(checkout_page.over(session))
            if request.method != 'POST':
                return self.html(checkout_page.render(account, session, label))
            if self.payments.confirm(account, session, request.form.get('method', 'card')):
                url = session['success_url'].replace('{CHECKOUT_SESSION_ID}', session['id'])
                return Response(status=303, headers={'Location': url})
            intent = account.get('payment_intent', session['payment_intent'])
            message = intent['last_payment_error']['message']
            return self.html(checkout_page.render(account, session, label, message))
