# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from werkzeug.exceptions import Forbidden, NotFound

from odoo import SUPERUSER_ID, http
from odoo.http import request

from odoo.addons.account_pay_now import const, public_values
from odoo.addons.account_pay_now.controllers import page
from odoo.addons.account_pay_now.gateways.errors import (
    CertificateNeeded,
    GatewayUnavailable,
    SignatureError,
)
from odoo.addons.payment.logging import get_payment_logger

_logger = get_payment_logger(__name__, sensitive_keys=const.SENSITIVE_KEYS)


def verify(gateway, providers):
    """Prove the origin of the notification that is posted.

    :param gateway: of whom it says to be for.
    :param payment.provider providers: whose ledger may know of it already.
    :return: the event; or an answer, as long as the certificate is not there that proves it.
    :rtype: tuple(gateways.base.Event | None, odoo.http.Response | None)
    :raise SignatureError: not proven.
    :raise GatewayError: it cannot be proven now.
    """
    body = request.httprequest.get_data()
    Certificate = providers.env['pay.now.certificate']
    try:
        return gateway.verify_event(body, request.httprequest.headers, Certificate._kept), None
    except CertificateNeeded as needed:
        # Committed, unlike what is raised.
        vouched = providers.env['pay.now.event']._is_known(providers, body)
        Certificate._ask(needed, vouched)
        pause = {'Retry-After': str(const.CERTIFICATES_RETRY_AFTER)}
        return None, request.make_response('', headers=pause, status=503)


class PayNowWebhook(http.Controller):
    """The two addresses that a provider calls for one provider record."""

    @http.route(
        [
            f'/pay_now/webhook/<{page.ID}:provider_id>',
            f'/pay_now/webhook/<{page.ID}:provider_id>/2',
        ],
        type='http',
        auth='none',
        # Whoever is nobody only reads, unless it is said.
        readonly=False,
        methods=['POST'],
        csrf=False,
        save_session=False,
        max_content_length=1 << 20,
    )
    @page.takes(provider_id=public_values.record_id)
    def webhook(self, provider_id):
        """Store a provider's event once its origin is proven on the raw bytes.

        Nothing is booked in this request, and nothing ever from the posted body: the workers ask
        the provider about the payment it names.

        :param int provider_id: the provider record, from the registered address.
        :return: an empty 200 once the event is stored; 503 while its certificate is fetched.
        """
        request.env['pay.now.event']._see_commits()
        env = request.env(user=SUPERUSER_ID)
        provider = env['payment.provider'].browse(provider_id)
        try:
            kept = provider._pay_now_kept_connection(provider.id)
        except LookupError:
            # Of the platform's: sent to its own address, where it is known whose event it is.
            raise NotFound() from None
        try:
            event, answer = verify(provider._pay_now_gateway(kept=kept), provider)
        except (SignatureError, GatewayUnavailable) as error:
            _logger.warning("Notification for provider %s refused: %s", provider_id, error.message)
            raise Forbidden() from None
        if event:
            env['pay.now.event']._receive(provider, event, request.httprequest.get_data())
        return answer or request.make_response('', status=200)
