# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from odoo import http
from odoo.http import request

from odoo.addons.account_pay_now import public_values
from odoo.addons.account_pay_now.controllers import page

SETUP = '/odoo/action-account_pay_now.action_pay_now_setup'
#: What the address says.
ADDRESS = {'visit_id': public_values.record_id, 'token': public_values.token}


class PayNowOnboarding(http.Controller):
    """Where the providers' registrations send their visitors back to."""

    @http.route(
        f'/pay_now/onboarding/<{page.ID}:visit_id>/<string:token>/return',
        type='http',
        auth='user',
        methods=['GET'],
        readonly=False,
    )
    @page.takes(**ADDRESS)
    def onboarding_return(self, visit_id, token):
        """Show the set-up with what the provider says now; what the address says counts for
        nothing.
        """
        provider = request.env['pay.now.onboarding']._claim(visit_id, token)
        if not provider:
            return self._refuse()
        provider._pay_now_come_back()
        return request.redirect(SETUP)

    @http.route(
        f'/pay_now/onboarding/<{page.ID}:visit_id>/<string:token>/refresh',
        type='http',
        auth='user',
        methods=['GET'],
        readonly=False,
    )
    @page.takes(**ADDRESS)
    def onboarding_refresh(self, visit_id, token):
        """Send somebody on by a new link whose link was used, or has lapsed."""
        provider = request.env['pay.now.onboarding']._claim(visit_id, token)
        if not provider:
            return self._refuse()
        url = provider._pay_now_come_for_link()
        return request.redirect(url, local=False) if url else request.redirect(SETUP)

    def _refuse(self):
        """Say that nothing was changed, without saying why: unknown, used, lapsed, another's."""
        response = request.render(
            'account_pay_now.onboarding_refused',
            {'setup_url': SETUP, **page.language()},
        )
        response.status_code = 403
        return response
