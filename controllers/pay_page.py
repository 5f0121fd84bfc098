# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from odoo import http
from odoo.exceptions import MissingError
from odoo.http import request

from odoo.addons.account_pay_now import const, public_values
from odoo.addons.account_pay_now.controllers import page
from odoo.addons.account_pay_now.utils import PayerError, TooOften

MODELS = {
    'account': 'pay.now.account',
    'invoice': 'account.move',
    'reminder': 'pay.now.reminder',
}
DOCUMENT = f'/pay_now/<any(account,invoice,reminder):kind>/<{page.ID}:document_id>/<string:token>'
#: What the address of a document says.
ADDRESS = {
    'kind': public_values.choice(*MODELS),
    'document_id': public_values.record_id,
    'token': public_values.token,
}
TX = f'<{page.ID}:tx_id>/<string:token>'
#: What the address of a payment says.
TX_ADDRESS = {'tx_id': public_values.record_id, 'token': public_values.token}
#: Bytes of a form: many ticked items, and a text.
FORM_LENGTH = 1 << 18


class PayNowPage(http.Controller):
    """The public pay page of a document, opened by the token in its address."""

    @http.route(
        DOCUMENT,
        type='http',
        auth='public',
        methods=['GET'],
        save_session=False,
        readonly=True,
    )
    @page.takes(**ADDRESS, noted=public_values.flag)
    def pay_page(self, kind, document_id, token, noted):
        """Show what can be paid. A GET of a mailed link creates nothing, in Odoo or elsewhere."""
        document_sudo = self._get_document(kind, document_id, token)
        return self._render_page(document_sudo, noted=noted)

    @http.route(
        f'{DOCUMENT}/pay',
        type='http',
        auth='public',
        methods=['POST'],
        # The token of the address is asked instead, see doc/adr/011.
        csrf=False,
        save_session=False,
        max_content_length=FORM_LENGTH,
    )
    @page.takes(
        **ADDRESS,
        item=public_values.record_ids,
        provider_id=public_values.record_id,
        amount=public_values.line,
        email=public_values.line,
        update=public_values.flag,
    )
    def pay(self, kind, document_id, token, item, provider_id, amount, email, update):
        """Start the payment of the ticked items; amounts come from the books of this moment."""
        document_sudo = self._get_document(kind, document_id, token)
        typed = {'chosen': item, 'amount': amount, 'email': email}
        if update:
            # Without JavaScript: the total of what is ticked.
            problem = document_sudo._pay_now_choice_problem(item)
            return self._render_page(document_sudo, error=problem, **typed)
        try:
            tx_sudo = document_sudo._pay_now_start(
                item,
                provider_id,
                amount=document_sudo._pay_now_typed_amount(amount),
                email=document_sudo._pay_now_typed_email(email),
            )
        except TooOften as error:
            return page.too_often(document_sudo.company_id, error, document_sudo._pay_now_path())
        except PayerError as error:
            return self._render_page(document_sudo, error=str(error), **typed)
        return request.redirect(tx_sudo._pay_now_path('checkout'), code=303)

    @http.route(
        f'{DOCUMENT}/answer',
        type='http',
        auth='public',
        methods=['POST'],
        # The token of the address is asked instead, see doc/adr/011.
        csrf=False,
        save_session=False,
        max_content_length=FORM_LENGTH,
    )
    @page.takes(
        **ADDRESS,
        item=public_values.record_ids,
        answer=public_values.choice(*dict(const.ANSWER_KINDS)),
        paid_on=public_values.line,
        promised_on=public_values.line,
        problem=public_values.text,
    )
    def answer(self, kind, document_id, token, item, answer, **typed):
        """Note what the customer says instead of paying online."""
        document_sudo = self._get_document(kind, document_id, token)
        date = typed.get({'paid': 'paid_on', 'promise': 'promised_on'}.get(answer), '')
        try:
            document_sudo._pay_now_answer(answer, item, date, typed['problem'])
        except TooOften as error:
            return page.too_often(document_sudo.company_id, error, document_sudo._pay_now_path())
        except PayerError as error:
            return self._render_page(
                document_sudo, error=str(error), chosen=item, answer=answer, typed_answer=typed
            )
        return request.redirect(f'{document_sudo._pay_now_path()}?noted=1', code=303)

    @http.route(
        f'{DOCUMENT}/pdf/<{page.ID}:move_id>',
        type='http',
        auth='public',
        methods=['GET'],
        save_session=False,
        readonly=True,
    )
    @page.takes(**ADDRESS, move_id=public_values.record_id)
    def pdf(self, kind, document_id, token, move_id):
        """Give the stored PDF of one of the page's invoices or credit notes. Nothing is made."""
        document_sudo = self._get_document(kind, document_id, token)
        pdf_sudo = document_sudo._pay_now_pdf(move_id)
        if not pdf_sudo:
            raise page.not_found()
        stream = request.env['ir.binary']._get_stream_from(pdf_sudo)
        return stream.get_response(as_attachment=True)

    def _get_document(self, kind, document_id, token):
        """Return the document of an address, in the customer's language.

        :raise NotFound: unknown, revoked, lapsed or wrong: all look the same from outside.
        """
        page.forget_session()
        document_sudo = request.env[MODELS[kind]].sudo().browse(document_id)
        try:
            is_open = document_sudo._pay_now_check_token(token)
        except MissingError:
            is_open = False
        if not is_open:
            raise page.not_found()
        page.set_language(document_sudo._pay_now_payer())
        return document_sudo.with_context(lang=request.env.lang)

    def _render_page(self, document_sudo, chosen=None, amount='', typed_answer=None, **values):
        path = document_sudo._pay_now_path()
        return page.render(
            'account_pay_now.pay_page',
            document_sudo.company_id,
            action=f'{path}/pay',
            answer_action=f'{path}/answer',
            typed_answer=typed_answer or {},
            text_length=const.ANSWER_TEXT_LENGTH,
            **values,
            **document_sudo._pay_now_page_values(chosen, amount),
        )


class PayNowCheckout(http.Controller):
    """The way to the provider and back. The query string of a return is never believed."""

    @http.route(
        f'/pay_now/checkout/{TX}',
        type='http',
        auth='public',
        methods=['GET'],
        save_session=False,
    )
    @page.takes(**TX_ADDRESS)
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
    @page.takes(**TX_ADDRESS)
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
    @page.takes(**TX_ADDRESS, canceled=public_values.flag)
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
