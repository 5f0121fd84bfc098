# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from odoo import http
from odoo.http import request

from odoo.addons.account_pay_now import const, public_values
from odoo.addons.account_pay_now.controllers import page
from odoo.addons.account_pay_now.utils import PayerError
from odoo.addons.payment.logging import get_payment_logger

_logger = get_payment_logger(__name__, sensitive_keys=const.SENSITIVE_KEYS)

TX = f'<{page.ID}:tx_id>/<string:token>'
#: What the address says.
ADDRESS = {'tx_id': public_values.record_id, 'token': public_values.token}


class PayNowCheckout(http.Controller):
    """The way to the provider and back. The query string of a return is never believed."""

    @http.route(
        f'/pay_now/checkout/{TX}',
        type='http',
        auth='public',
        methods=['GET'],
        save_session=False,
    )
    @page.takes(**ADDRESS)
    def checkout(self, tx_id, token):
        """Open the checkout, or find the one opened before, and send the payer there."""
        tx_sudo = self._get_transaction(tx_id, token)
        if tx_sudo.state != 'draft':
            return request.redirect(tx_sudo._pay_now_path('result'))
        try:
            url = tx_sudo._pay_now_open()
        except PayerError as error:
            return page.render(
                'account_pay_now.message_page',
                tx_sudo.company_id,
                title=request.env._("Nothing was debited"),
                message=str(error),
                back_url=tx_sudo.pay_now_page_url,
            )
        return request.redirect(url, local=False)

    @http.route(
        [
            f'/pay_now/return/{TX}',
            f'/pay_now/cancel/{TX}',
        ],
        type='http',
        auth='public',
        methods=['GET'],
        save_session=False,
    )
    @page.takes(**ADDRESS)
    def payment_return(self, tx_id, token):
        """Ask the provider what came of it, then show the result.

        A payer who comes back by *cancel* keeps an open checkout: pressing Back and paying after
        all still works.
        """
        tx_sudo = self._get_transaction(tx_id, token)
        canceled = request.httprequest.path.startswith('/pay_now/cancel/')
        tx_sudo._pay_now_synchronize_for_payer(payer_returned=not canceled)
        if not canceled and tx_sudo._pay_now_needs_payer():
            # The source the payer chose was refused: back to the provider, to choose another.
            return request.redirect(tx_sudo._pay_now_path('checkout'))
        query = '?canceled=1' if canceled else ''
        return request.redirect(f'{tx_sudo._pay_now_path("result")}{query}')

    @http.route(
        f'/pay_now/result/{TX}',
        type='http',
        auth='public',
        methods=['GET'],
        save_session=False,
        readonly=True,
    )
    @page.takes(**ADDRESS, canceled=public_values.flag)
    def result(self, tx_id, token, canceled):
        """Show what is known of the payment. Reading it changes nothing."""
        tx_sudo = self._get_transaction(tx_id, token)
        # An open payment is asked about again by itself.
        waiting = tx_sudo.state == 'draft' and not canceled and not tx_sudo._pay_now_needs_payer()
        ask_url = waiting and tx_sudo._pay_now_path('return')
        return page.render(
            'account_pay_now.result_page',
            tx_sudo.company_id,
            tx=tx_sudo,
            failure=tx_sudo._pay_now_failure_label(),
            canceled=canceled and tx_sudo.state == 'draft',
            ask_url=ask_url,
            refresh=ask_url and f'8;url={ask_url}',
            back_url=tx_sudo.pay_now_page_url,
        )

    def _get_transaction(self, tx_id, token):
        """Return the transaction of an address, in the payer's language.

        :raise NotFound: unknown, not ours, or a wrong token: all look the same from outside.
        """
        page.forget_session()
        tx_sudo = request.env['payment.transaction'].sudo().browse(tx_id).exists()
        if not tx_sudo._pay_now_check_token(token):
            raise page.not_found()
        page.set_language(tx_sudo.partner_id)
        return tx_sudo.with_context(lang=request.env.lang)
