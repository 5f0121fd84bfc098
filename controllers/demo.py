# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from odoo import http
from odoo.http import request
from odoo.tools.misc import formatLang

from odoo.addons.account_pay_now import public_values
from odoo.addons.account_pay_now.controllers import page
from odoo.addons.account_pay_now.gateways import base

CHECKOUT = f'/pay_now/demo/<{page.ID}:provider_id>/<string:ref>/<string:token>'
ADDRESS = {
    'provider_id': public_values.record_id,
    'ref': public_values.token,
    'token': public_values.token,
    'lang': public_values.lang,
}
#: Bytes of a form with one button.
FORM_LENGTH = 1 << 12


class PayNowDemoPage(http.Controller):
    """The checkout of a provider that is played: what a payer would do on the provider's page.

    It knows what the provider knows, and nothing of the books. Where no provider is played, there
    is no such page.
    """

    @http.route(
        CHECKOUT,
        type='http',
        auth='public',
        methods=['GET'],
        save_session=False,
        readonly=True,
    )
    @page.takes(**ADDRESS)
    def demo_page(self, provider_id, ref, token, lang):
        """Show what is to be paid, and what a payer can do. Reading it changes nothing."""
        provider_sudo, values = self._find(provider_id, ref, token, lang)
        currency = request.env['res.currency'].sudo().search([('name', '=', values['currency'])])
        path = self._path(provider_id, ref, token)
        name = provider_sudo._pay_now_short_name()
        return page.render(
            'account_pay_now.demo_page',
            provider_sudo.company_id,
            title=request.env._("%s (demonstration)", name),
            notice=request.env._(
                "This page stands for the one of %s. Nothing is charged: no card, no account, no"
                " money.",
                name,
            ),
            label=values['label'],
            amount=formatLang(request.env, float(values['amount']), currency_obj=currency),
            is_open=values['state'] == base.OPEN,
            declined=bool(values.get('failure')),
            action=page.in_language(path, lang),
            languages=page.languages(path),
            return_url=values['return_url'],
            cancel_url=values['cancel_url'],
        )

    @http.route(
        CHECKOUT,
        type='http',
        auth='public',
        methods=['POST'],
        # The token of the address is asked instead, see doc/adr/011.
        csrf=False,
        save_session=False,
        max_content_length=FORM_LENGTH,
    )
    @page.takes(**ADDRESS, choice=public_values.choice('pay', 'slow', 'decline'))
    def demo_choose(self, provider_id, ref, token, lang, choice):
        """Do what the payer chose: the provider is told, it notifies, and the payer comes back."""
        provider_sudo, values = self._find(provider_id, ref, token, lang)
        path = self._path(provider_id, ref, token)
        if not choice:
            return request.redirect(page.in_language(path, lang), code=303)
        provider_sudo._pay_now_demo_choose(ref, choice)
        if choice == 'decline' and not provider_sudo._pay_now_gateway().captures:
            # Told on the provider's page, where the payer chooses another card.
            return request.redirect(page.in_language(path, lang), code=303)
        return request.redirect(values['return_url'], code=303, local=False)

    @staticmethod
    def _path(provider_id, ref, token):
        return f'/pay_now/demo/{provider_id}/{ref}/{token}'

    @staticmethod
    def _find(provider_id, ref, token, lang):
        """Return the provider and the checkout of an address.

        :return: the record (sudo), and what is known of the checkout.
        :raise NotFound: no provider is played there, or a wrong address: all look the same.
        """
        page.forget_session()
        provider_sudo = request.env['payment.provider'].sudo().browse(provider_id)
        values = provider_sudo._pay_now_demo_checkout(ref, token)
        if not values:
            raise page.not_found()
        page.set_language(provider_sudo.company_id.partner_id, lang, values['locale'])
        return provider_sudo.with_context(lang=request.env.lang), values
