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
    'plan': 'pay.now.plan',
    'reminder': 'pay.now.reminder',
    'statement': 'pay.now.customer.statement',
}
KIND = f'any({",".join(MODELS)})'
DOCUMENT = f'/pay_now/<{KIND}:kind>/<{page.ID}:document_id>/<string:token>'
#: What the address of a document says.
ADDRESS = {
    'kind': public_values.choice(*MODELS),
    'document_id': public_values.record_id,
    'token': public_values.token,
}
TX = f'<{page.ID}:tx_id>/<string:token>'
#: What the address of a payment says.
TX_ADDRESS = {'tx_id': public_values.record_id, 'token': public_values.token}
#: The language chosen on the page; what the form holds besides what is asked for: whatever is wrong
#: with it, nothing that was typed is lost.
CHOSEN = {'lang': public_values.lang}
FORM = {
    'item': public_values.record_ids,
    'amount': public_values.line,
    'email': public_values.line,
    'paid_on': public_values.line,
    'promised_on': public_values.line,
    'problem': public_values.text,
    'plan_parts': public_values.record_id,
    'plan_rhythm': public_values.choice(*dict(const.PLAN_RHYTHMS)),
    'plan_seen': public_values.token,
}
#: Bytes of a form: many ticked items, and a text.
FORM_LENGTH = 1 << 18
#: Of what says nothing but that it was sent.
NOTICE_LENGTH = 1 << 10


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
    @page.takes(**ADDRESS, **CHOSEN, noted=public_values.flag)
    def pay_page(self, kind, document_id, token, lang, noted):
        """Show what can be paid. A GET of a mailed link creates nothing, in Odoo or elsewhere."""
        document_sudo = self._get_document(kind, document_id, token, lang)
        return self._render_page(document_sudo, lang, noted=noted)

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
        **CHOSEN,
        **FORM,
        provider_id=public_values.record_id,
        update=public_values.flag,
    )
    def pay(self, kind, document_id, token, lang, provider_id, update, **typed):
        """Start the payment of the ticked items; amounts come from the books of this moment."""
        document_sudo = self._get_document(kind, document_id, token, lang)
        if update:
            # Without JavaScript: the total of what is ticked.
            problem = document_sudo._pay_now_choice_problem(typed['item'])
            return self._render_page(document_sudo, lang, typed, error=problem)
        try:
            tx_sudo = document_sudo._pay_now_start(
                typed['item'],
                provider_id,
                amount=document_sudo._pay_now_typed_amount(typed['amount']),
                email=document_sudo._pay_now_typed_email(typed['email']),
                lang=lang,
            )
        except PayerError as error:
            return self._refuse(document_sudo, lang, error, typed)
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
        **CHOSEN,
        **FORM,
        answer=public_values.choice(*dict(const.ANSWER_KINDS)),
    )
    def answer(self, kind, document_id, token, lang, answer, **typed):
        """Note what the customer says instead of paying online."""
        document_sudo = self._get_document(kind, document_id, token, lang)
        date = typed.get({'paid': 'paid_on', 'promise': 'promised_on'}.get(answer), '')
        try:
            document_sudo._pay_now_answer(answer, typed['item'], date, typed['problem'])
        except PayerError as error:
            return self._refuse(document_sudo, lang, error, typed, answer=answer)
        back = page.in_language(document_sudo._pay_now_path(), lang, noted=1)
        return request.redirect(back, code=303)

    @http.route(
        f'{DOCUMENT}/plan',
        type='http',
        auth='public',
        methods=['POST'],
        # The token of the address is asked instead, see doc/adr/011.
        csrf=False,
        save_session=False,
        max_content_length=FORM_LENGTH,
    )
    @page.takes(**ADDRESS, **CHOSEN, **FORM, plan=public_values.choice('show', 'send'))
    def plan(self, kind, document_id, token, lang, plan, **typed):
        """Show the parts of the ticked items, or ask for a plan of the parts that were shown."""
        document_sudo = self._get_document(kind, document_id, token, lang)
        try:
            if plan != 'send':
                shown = document_sudo._pay_now_plan_values(typed, show=True)
                return self._render_page(document_sudo, lang, typed, shown, plan_open=True)
            document_sudo._pay_now_ask_plan(
                typed['item'], typed['plan_parts'], typed['plan_rhythm'], typed['plan_seen']
            )
        except PayerError as error:
            return self._refuse(document_sudo, lang, error, typed, plan_open=True)
        back = page.in_language(document_sudo._pay_now_path(), lang, noted=1)
        return request.redirect(back, code=303)

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

    @http.route(
        f'{DOCUMENT}/print/<{page.ID}:move_id>',
        type='http',
        auth='public',
        methods=['POST'],
        # The token of the address is asked instead, see doc/adr/011.
        csrf=False,
        save_session=False,
        max_content_length=FORM_LENGTH,
    )
    @page.takes(**ADDRESS, **CHOSEN, move_id=public_values.record_id)
    def print_pdf(self, kind, document_id, token, lang, move_id):
        """Make the PDF of an invoice of the page that was never printed, and give it."""
        document_sudo = self._get_document(kind, document_id, token, lang)
        try:
            if not document_sudo._pay_now_print_pdf(move_id):
                raise page.not_found()
        except PayerError as error:
            return self._refuse(document_sudo, lang, error)
        return request.redirect(f'{document_sudo._pay_now_path()}/pdf/{move_id}', code=303)

    @http.route(
        f'{DOCUMENT}/transfer',
        type='http',
        auth='public',
        methods=['GET'],
        save_session=False,
        readonly=True,
    )
    @page.takes(**ADDRESS, **CHOSEN, items=public_values.record_list)
    def transfer(self, kind, document_id, token, lang, items):
        """Give the page's script the transfers of what is ticked now. Nothing is made."""
        document_sudo = self._get_document(kind, document_id, token, lang)
        transfers = document_sudo._pay_now_transfers_chosen(items or set())
        if transfers is None:
            raise page.not_found()
        return request.make_json_response(transfers)

    @http.route(
        f'{DOCUMENT}/qr',
        type='http',
        auth='public',
        methods=['GET'],
        save_session=False,
        readonly=True,
    )
    @page.takes(**ADDRESS, account=public_values.record_id, items=public_values.record_list)
    def transfer_qr(self, kind, document_id, token, account, items):
        """Draw the QR code of a transfer, of all that is left or of some of it. Nothing is kept."""
        document_sudo = self._get_document(kind, document_id, token)
        picture = document_sudo._pay_now_transfer_qr(account, items)
        if not picture:
            raise page.not_found()
        return request.make_response(picture, [('Content-Type', 'image/png')])

    @http.route(
        f'{DOCUMENT}/opened',
        type='http',
        auth='public',
        methods=['POST'],
        # The token of the address is asked instead, see doc/adr/011.
        csrf=False,
        save_session=False,
        max_content_length=NOTICE_LENGTH,
    )
    @page.takes(**ADDRESS)
    def opened(self, kind, document_id, token):
        """Note that somebody looked at the page: its script says so, see doc/adr/035.

        Of whoever asks no more is looked at than whether it is a colleague: that does not count.
        """
        is_colleague = request.env.user._is_internal()
        document_sudo = self._get_document(kind, document_id, token)
        if not is_colleague:
            document_sudo._pay_now_note_opened()
        return request.make_response('', status=204)

    def _get_document(self, kind, document_id, token, lang=''):
        """Return the document of an address, in the language chosen there or the customer's.

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
        page.set_language(document_sudo._pay_now_payer(), lang)
        return document_sudo.with_context(lang=request.env.lang)

    def _refuse(self, document_sudo, lang, error, typed=None, **values):
        """Say why something is not done, on the page with all that was typed."""
        if isinstance(error, TooOften):
            back = page.in_language(document_sudo._pay_now_path(), lang)
            return page.too_often(document_sudo.company_id, error, back)
        return self._render_page(document_sudo, lang, typed, error=str(error), **values)

    def _render_page(self, document_sudo, lang, typed=None, plans=None, **values):
        path = document_sudo._pay_now_path()
        typed = typed or {}
        shown = document_sudo._pay_now_page_values(typed.get('item'), typed.get('amount'))
        return page.render(
            document_sudo._pay_now_page_template(),
            document_sudo.company_id,
            action=page.in_language(f'{path}/pay', lang),
            answer_action=page.in_language(f'{path}/answer', lang),
            transfers_url=page.in_language(f'{path}/transfer', lang),
            plan_action=page.in_language(f'{path}/plan', lang),
            opened_url=document_sudo._pay_now_awaits_opening() and f'{path}/opened',
            # A form keeps what was ticked and typed; without one there is nothing to keep.
            languages=page.languages(path, '' if shown['all_paid'] else f'{path}/pay'),
            typed_answer=typed,
            email=typed.get('email'),
            text_length=const.ANSWER_TEXT_LENGTH,
            **values,
            **shown,
            **(plans or document_sudo._pay_now_plan_values(typed)),
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
                back_url=self._back_url(tx_sudo),
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
    @page.takes(**TX_ADDRESS, canceled=public_values.flag, lang=public_values.lang)
    def result(self, tx_id, token, canceled, lang):
        """Show what is known of the payment. Reading it changes nothing."""
        tx_sudo = self._get_transaction(tx_id, token, lang)
        path = tx_sudo._pay_now_path('result')
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
            languages=page.languages(path),
            back_url=self._back_url(tx_sudo, lang),
            **tx_sudo._pay_now_result_values(),
        )

    def _back_url(self, tx_sudo, lang=''):
        """Return where the payer came from, in the language chosen there."""
        back = tx_sudo.pay_now_page_url
        return back and page.in_language(back, lang or tx_sudo.pay_now_lang)

    def _get_transaction(self, tx_id, token, lang=''):
        """Return the transaction of an address, in the language chosen or the payer's.

        :raise NotFound: unknown, not ours, or a wrong token: all look the same from outside.
        """
        page.forget_session()
        tx_sudo = request.env['payment.transaction'].sudo().browse(tx_id).exists()
        if not tx_sudo._pay_now_check_token(token):
            raise page.not_found()
        page.set_language(tx_sudo.partner_id, lang, tx_sudo.pay_now_lang)
        return tx_sudo.with_context(lang=request.env.lang)
