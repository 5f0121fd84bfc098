# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from werkzeug.exceptions import Forbidden, NotFound

from odoo import http
from odoo.http import request

from odoo.addons.account_pay_now import const, public_values
from odoo.addons.account_pay_now.controllers import page
from odoo.addons.account_pay_now.gateways.errors import GatewayUnavailable, SignatureError
from odoo.addons.payment.logging import get_payment_logger

_logger = get_payment_logger(__name__, sensitive_keys=const.SENSITIVE_KEYS)


class PayNowWebhook(http.Controller):
    """The two addresses that a provider calls for one provider record."""

    @http.route(
        [
            f'/pay_now/webhook/<{page.ID}:provider_id>',
            f'/pay_now/webhook/<{page.ID}:provider_id>/2',
        ],
        type='http',
        auth='public',
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
        :return: an empty 200 once the event is stored.
        """
        provider_sudo = request.env['payment.provider'].sudo().browse(provider_id).exists()
        if not provider_sudo or provider_sudo.code not in const.PROVIDER_CODES:
            raise NotFound()
        if provider_sudo._pay_now_on_platform():
            # Sent to the platform's own address, where it is known whose event it is.
            raise NotFound()
        body = request.httprequest.get_data()
        try:
            event = provider_sudo._pay_now_gateway().verify_event(body, request.httprequest.headers)
        except (SignatureError, GatewayUnavailable) as error:
            _logger.warning("Notification for provider %s refused: %s", provider_id, error.message)
            raise Forbidden() from None
        Event = request.env['pay.now.event'].sudo()
        if Event._store(provider_sudo, event, 'webhook', body.decode()):
            Event._wake_workers()
            provider_sudo._pay_now_note_event()
        return request.make_response('', status=200)
