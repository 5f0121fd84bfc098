# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""PayPal's port: its APIs, its approval page, and the control of it."""

from urllib.parse import urlencode

from werkzeug.exceptions import NotFound
from werkzeug.wrappers import Response

from ..common.serving import Application
from . import approval_page
from .api import PayPalApi
from .control import PayPalControl
from .disputes import Disputes
from .onboarding import PAGES, Onboarding
from .payments import Payments
from .refunds import Refunds
from .server import PayPalServer
from .store import PayPalStore
from .webhooks import Webhooks


class PayPalApplication(Application):
    """The WSGI application of the PayPal port.

    :param Providers providers: all that runs in this process.
    """

    name = 'PayPal'
    pages = ('/checkoutnow', PAGES)

    def __init__(self, providers):
        self.providers = providers
        self.store = PayPalStore(providers.lock)
        self.webhooks = Webhooks(self.store)
        self.payments = Payments(self.store, self.webhooks)
        self.refunds = Refunds(self.payments)
        self.disputes = Disputes(self.payments)
        self.onboarding = Onboarding(self.store, self.webhooks)
        self.server = PayPalServer(self.store, PayPalApi(self), self.webhooks)
        self.control = PayPalControl(self)

    def hosted_page(self, request):
        with self.store.lock:
            self.payments.run_due()
            if request.path.startswith(PAGES):
                return self.onboarding.page(request)
            account, order = self.store.find('order', request.args.get('token'))
            if not order:
                raise NotFound()
            note = account.order_note(order)
            if not self.payments.payable(account, order):
                return self.html(approval_page.over(note['locale']))
            if request.method != 'POST':
                return self.html(approval_page.render(account, order, note))
            url = self.pay(account, order, request.form.get('method', 'paypal'))
            if not url:
                return self.html(approval_page.over(note['locale']))
            return Response(status=303, headers={'Location': url})

    def pay(self, account, order, how):
        """Do what a payer has chosen.

        :return: where the payer is sent to; '' when the merchant has not said where.
        """
        note = account.order_note(order)
        query = {'token': order['id']}
        url = note['cancel_url']
        if how != 'cancel':
            self.payments.approve(account, order, how)
            query['PayerID'] = order['payer']['payer_id']
            url = note['return_url']
        return url and f"{url}{'&' if '?' in url else '?'}{urlencode(query)}"
