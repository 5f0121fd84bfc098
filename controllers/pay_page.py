# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from odoo import http
from odoo.exceptions import ValidationError
from odoo.http import request

from . import page

MODELS = {'invoice': 'account.move', 'reminder': 'pay.now.reminder'}


class PayNowPage(http.Controller):
    @http.route(
        '/pay_now/<any(invoice,reminder):kind>/<int:document_id>/<string:token>',
        type='http',
        auth='public',
        methods=['GET'],
    )
    def pay_page(self, kind, document_id, token):
        """Show what can be paid. A GET of a mailed link creates nothing, here or elsewhere."""
        document_sudo = self._get_document(kind, document_id, token)
        return self._render_page(document_sudo)

    @http.route(
        '/pay_now/<any(invoice,reminder):kind>/<int:document_id>/<string:token>/pay',
        type='http',
        auth='public',
        methods=['POST'],
    )
    def pay(self, kind, document_id, token, provider_id='', amount='', email='', **post):
        """Start the payment of the ticked items; amounts come from the books of this moment."""
        document_sudo = self._get_document(kind, document_id, token)
        chosen = {int(item) for item in request.httprequest.form.getlist('item') if item.isdigit()}
        typed = {'chosen': chosen, 'amount': amount, 'email': email}
        if 'update' in post:
            # Without JavaScript: the total of what is ticked.
            return self._render_page(document_sudo, **typed)
        try:
            tx_sudo = document_sudo._pay_now_start(
                chosen,
                int(provider_id) if provider_id.isdigit() else 0,
                amount=document_sudo._pay_now_typed_amount(amount),
                email=document_sudo._pay_now_typed_email(email),
            )
        except ValidationError as error:
            return self._render_page(document_sudo, error=str(error), **typed)
        return request.redirect(tx_sudo._pay_now_path('checkout'), code=303)

    @http.route(
        '/pay_now/<any(invoice,reminder):kind>/<int:document_id>/<string:token>/pdf/<int:move_id>',
        type='http',
        auth='public',
        methods=['GET'],
        readonly=True,
    )
    def pdf(self, kind, document_id, token, move_id):
        """Give the stored PDF of one of the page's invoices or credit notes. Nothing is made."""
        document_sudo = self._get_document(kind, document_id, token)
        pdf_sudo = document_sudo._pay_now_pdf(move_id)
        if not pdf_sudo:
            raise page.not_found()
        return request.env['ir.binary']._get_stream_from(pdf_sudo).get_response(as_attachment=True)

    def _get_document(self, kind, document_id, token):
        """Return the document of an address, in the customer's language.

        :raise NotFound: unknown, revoked, lapsed or wrong: all look the same from outside.
        """
        document_sudo = request.env[MODELS[kind]].sudo().browse(document_id).exists()
        if not document_sudo or not document_sudo._pay_now_check_token(token):
            raise page.not_found()
        page.set_language(document_sudo.partner_id)
        return document_sudo.with_context(lang=request.env.lang)

    def _render_page(self, document_sudo, error=None, chosen=None, amount='', email=''):
        return page.render(
            'account_pay_now.pay_page',
            document_sudo.company_id,
            no_store=True,
            error=error,
            email=email,
            action=f'{document_sudo._pay_now_path()}/pay',
            **document_sudo._pay_now_page_values(chosen, amount),
        )
