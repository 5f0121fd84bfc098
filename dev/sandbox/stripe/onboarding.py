# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""Stripe Connect: a platform's accounts, links to their registration, and its page."""

from html import escape

from werkzeug.exceptions import NotFound
from werkzeug.wrappers import Response

from ..common import pages
from . import errors, objects, params

#: Seconds a link may be opened.
LIFETIME = 300
#: What a new account has to tell.
REQUIREMENTS = (
    'business_profile.url',
    'business_type',
    'external_account',
    'representative.first_name',
    'tos_acceptance.date',
)
#: What a visitor who does half of it leaves out.
LEFT_OUT = ('external_account', 'tos_acceptance.date')
WAYS = ('complete', 'partial', 'leave')
BUTTONS = {
    'complete': "Fill in everything and agree",
    'partial': "Save half of it and leave",
    'leave': "Leave without a word",
}
ROLES = {
    'fees': {'payer': 'account'},
    'losses': {'payments': 'stripe'},
    'requirement_collection': 'stripe',
    'stripe_dashboard': {'type': 'full'},
}


class Onboarding:
    """Registers merchants at Stripe. The caller holds the store's lock."""

    def __init__(self, store, webhooks):
        self.store = store
        self.webhooks = webhooks

    # === ACCOUNTS === #

    def create(self, platform, typed):
        """Make a connected account.

        :param StripeAccount platform: whose key was used.
        :param dict typed: checked parameters.
        """
        controller = typed.get('controller') or {}
        if controller != ROLES:
            # Other ways to share the work are not played.
            raise errors.invalid('controller', f"The sandbox knows the controller {ROLES} only.")
        params.check_email(typed, 'email')
        owner = self.store.make_account(self.store.new_id('acct'), '')
        owner.name = (typed.get('business_profile') or {}).get('name')
        owner.email = typed.get('email')
        owner.country = typed.get('country') or platform.country
        owner.metadata = typed.get('metadata') or {}
        owner.controller = {'type': 'application', 'is_controller': True, **controller}
        owner.platform = platform.id
        owner.charges_enabled = owner.submitted = False
        owner.missing = list(REQUIREMENTS)
        self.store.accounts[owner.id] = owner
        return owner

    def deauthorize(self, owner):
        """Take the platform's access away, which learns what it lost from the event alone."""
        application = {'id': 'ca_sandbox', 'object': 'application', 'name': "Sandbox platform"}
        self.webhooks.emit(owner, 'account.application.deauthorized', application)
        owner.platform = None

    # === LINKS === #

    def link(self, platform, typed):
        """Make a link to the registration of an account, for one visit."""
        owner = self.store.accounts.get(typed['account'])
        if not owner or owner.platform != platform.id:
            raise errors.StripeError(
                403,
                f"The account {typed['account']} is not connected to your platform or does not"
                " exist.",
                'account_invalid',
                'account',
            )
        if typed['type'] != 'account_onboarding':
            raise errors.invalid('type', "This account has a dashboard of its own.")
        link_id = self.store.new_id('setup')
        now = self.store.now()
        owner.note('links')[link_id] = {**typed, 'until': now + LIFETIME, 'opened': False}
        return {
            'object': 'account_link',
            'created': now,
            'expires_at': now + LIFETIME,
            'url': f'{self.store.base}/setup/{link_id}',
        }

    def page(self, request, link_id):
        """Answer a visit: the page once, then only what is pressed on it."""
        owner = next(
            (one for one in self.store.accounts.values() if link_id in one.note('links')), None
        )
        if not owner:
            raise NotFound()
        link = owner.note('links')[link_id]
        if request.method != 'POST':
            if link['opened'] or link['until'] < self.store.now():
                return Response(status=303, headers={'Location': link['refresh_url']})
            link['opened'] = True
            return Response(self._render(request, owner), mimetype='text/html')
        self.fill_in(owner, request.form.get('method', 'complete'))
        return Response(status=303, headers={'Location': link['return_url']})

    def _render(self, request, owner):
        lang = request.accept_languages.best_match(['en', 'fr']) or 'en'
        return pages.page(
            lang,
            f'<p class="merchant">{escape(owner.name or "")}</p>'
            f'<p class="label">{escape(owner.email or "")} · {escape(owner.country)}</p>'
            f'<form method="post">{pages.buttons(BUTTONS, "complete")}</form>',
            "Register with Stripe",
        )

    def fill_in(self, owner, how):
        """Do what a merchant does on the page.

        :param str how: one of `WAYS`.
        """
        if how == 'leave':
            return
        owner.missing = [] if how == 'complete' else list(LEFT_OUT)
        owner.charges_enabled = owner.submitted = how == 'complete'
        self.webhooks.emit(owner, 'account.updated', objects.account(owner))
