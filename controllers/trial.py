# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from odoo import http
from odoo.http import request

from odoo.addons.account_pay_now import public_values
from odoo.addons.account_pay_now.controllers import page


class PayNowTrialPage(http.Controller):
    """Where the button of a trial reminder leads: the customer's page, which takes no money."""

    @http.route(
        [
            f'/pay_now/trial/<{page.ID}:trial_id>/<string:token>',
            f'/pay_now/trial/<{page.ID}:trial_id>/<string:token>/<path:_rest>',
        ],
        type='http',
        auth='public',
        methods=['GET'],
        save_session=False,
    )
    @page.takes(trial_id=public_values.record_id, token=public_values.token)
    def trial_page(self, trial_id, token):
        """Show the pay page of the example. There is no way on from it.

        :raise NotFound: unknown, lapsed or wrong: all look the same from outside.
        """
        page.forget_session()
        trial_sudo = request.env['pay.now.trial'].sudo().browse(trial_id).exists()
        if not trial_sudo or not trial_sudo._pay_now_check_token(token):
            raise page.not_found()
        request.update_context(lang=trial_sudo.lang)
        trial_sudo = trial_sudo.with_context(lang=trial_sudo.lang, pay_now_trial=trial_sudo)
        return page.render(
            'account_pay_now.pay_page',
            trial_sudo.company_id,
            trial=True,
            **trial_sudo._pay_now_page_values(),
        )
