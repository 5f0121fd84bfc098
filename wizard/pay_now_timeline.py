# Part of Pay Now. See LICENSE file for full copyright and licensing details.

import re
from urllib.parse import parse_qsl, urlsplit

from odoo import api, fields, models
from odoo.fields import Domain
from odoo.tools import email_normalize

from odoo.addons.account_pay_now import const

#: An address of ours in what was pasted: the kind of page, and the id of its document.
PAGE = re.compile(r'/pay_now/([a-z]+)/([1-9][0-9]{0,8})(?:/|$)')
#: Ids of Stripe's, wherever they stand in what was pasted.
STRIPE_ID = re.compile(r'\b(?:cs|pi|ch|py|pyr|re|po|du|dp|evt|txn)_[A-Za-z0-9_]+')
#: Where pasted ids are looked for.
IDS = {
    'payment.transaction': (
        'reference',
        'provider_reference',
        'pay_now_payment_ref',
        'pay_now_charge_ref',
        'pay_now_refund_ref',
        'pay_now_movement_ref',
    ),
    'account.move': ('name', 'payment_reference'),
    'pay.now.payout': ('payout_ref', 'movement_ref', 'failure_movement_ref', 'bank_reference'),
    'pay.now.dispute': ('dispute_ref', 'reversal_ref'),
    'pay.now.movement': ('movement_ref', 'source_ref'),
    'pay.now.event': ('event_ref',),
}
#: What pages are of: the model of the document.
DOCUMENTS = {
    'invoice': 'account.move',
    'reminder': 'pay.now.reminder',
    'account': 'pay.now.account',
    'plan': 'pay.now.plan',
    **dict.fromkeys(('checkout', 'return', 'cancel', 'result'), 'payment.transaction'),
}
#: So many payments, and reminders, are told of at once; the latest ones.
MOST = 20
#: No id is longer; what is pasted may be.
LONGEST = 500


class PayNowTimeline(models.TransientModel):
    """What happened to a payment: whatever names it is pasted, and everything is told in order.

    Nothing is kept: it is read from the records, with the rights of whoever asks.
    """

    _name = 'pay.now.timeline'
    _inherit = ['pay.now.authority.mixin']
    _description = "What happened to a payment"
    _pay_now_written_by = dict.fromkeys(('query',), True)

    query = fields.Char(
        string="What to look for",
        size=LONGEST,
        help="A transaction reference, an invoice number, an id of Stripe's or PayPal's, an e-mail"
        " address, or the link of a pay page.",
    )
    story_html = fields.Html(string="Story", compute='_compute_story_html', sanitize=False)

    # === COMPUTE METHODS === #

    @api.depends('query')
    @api.depends_context('lang', 'tz', 'allowed_company_ids')
    def _compute_display_name(self):
        for one in self:
            one.display_name = self.env._("What happened to this payment?")

    @api.depends('query')
    @api.depends_context('lang', 'tz', 'uid', 'allowed_company_ids')
    def _compute_story_html(self):
        for one in self:
            one.story_html = one._render(one.query)

    # === ACTION METHODS === #

    def action_search(self):
        """Show what happened to what was typed: saving it is all there is to do."""
        self.ensure_one()
        self.check_access('read')

    @api.model
    def _open_of(self, query):
        """Show what happened to something.

        :param str query: what names it.
        :return: the action of the screen.
        :rtype: dict
        """
        action = self.env['ir.actions.act_window']._for_xml_id(
            'account_pay_now.action_pay_now_timeline'
        )
        return {**action, 'res_id': self.create({'query': query}).id}

    # === BUSINESS METHODS - SHOWING === #

    @api.model
    def _render(self, query):
        """Return the story of what was asked for, in the reader's language and time zone.

        :param str query: as it was typed or pasted.
        :rtype: markupsafe.Markup | bool
        """
        self.env['pay.now.timeline'].check_access('read')
        if not (query or '').strip():
            return False
        found = self._find(query)
        values = self.env['pay.now.story']._tell(found) if any(found.values()) else {}
        return self.env['ir.qweb']._render(
            'account_pay_now.timeline',
            {
                'zone': self.env._("Times in %s.", self.env.user.tz or 'UTC'),
                'nothing': self.env._("Nothing found for “%s”", query.strip()),
                'where': self.env._(
                    "Looked for in: %s. A payment of another company is only shown where that"
                    " company is switched on.",
                    ', '.join(self.env.companies.mapped('name')),
                ),
                'more': self.env._("There is more: only the latest %s are told.", MOST),
                'past': [],
                'now': [],
                'is_cut': False,
                **values,
            },
        )

    # === BUSINESS METHODS - FINDING === #

    @api.model
    def _find(self, query):
        """Return the records that something names, of those that the reader may see.

        :param str query: as it was typed or pasted.
        :return: `{model: records}`
        :rtype: dict
        """
        text = query.strip()[:LONGEST]
        if page := PAGE.search(text):
            return self._find_page(*page.groups())
        if '@' in text and (email := email_normalize(text)):
            return self._find_by_email(email)
        return self._find_by_ids(self._ids_in(text))

    @api.model
    def _ids_in(self, text):
        """Return what may be an id in a text: all of it, and the parts of an address.

        :param str text: what was pasted.
        :rtype: list of str
        """
        ids = [text, *STRIPE_ID.findall(text)]
        if text.startswith(('https://', 'http://')):
            url = urlsplit(text)
            ids += [part for part in url.path.split('/') if part]
            ids += [value for _name, value in parse_qsl(url.query)]
        return list(dict.fromkeys(ids))

    @api.model
    def _find_by_ids(self, ids):
        """Return the records that have one of these ids or names."""
        found = {}
        for model, names in IDS.items():
            domain = Domain.OR(Domain(name, 'in', ids) for name in names)
            found[model] = self._latest(model, domain)
        if not any(found.values()):
            # As somebody types it who reads it from paper.
            domain = Domain.OR(Domain('name', '=ilike', _literal(one)) for one in ids)
            found['account.move'] = self._latest('account.move', domain)
        if not any(found.values()):
            found['pay.now.event'] = self._find_waiting_events(ids)
        return found

    @api.model
    def _find_waiting_events(self, ids):
        """Return the notifications that wait, or failed, and name one of the ids: they are few."""
        names = ('checkout_ref', 'payment_ref', 'charge_ref', 'object_ref', 'reference')
        return self._latest(
            'pay.now.event',
            Domain('state', 'in', ('pending', 'failed', 'unreadable'))
            & Domain.OR(Domain(name, 'in', ids) for name in names),
        )

    @api.model
    def _find_page(self, kind, number):
        """Return the document of a page of ours, and what was paid from there."""
        model = DOCUMENTS.get(kind)
        if not model:
            return {}
        number = int(number)
        if model == 'pay.now.account':
            # Nobody reads these pages; what was paid there says whose it is.
            return {'payment.transaction': self._find_started_at(kind, number)}
        found = {model: self._latest(model, Domain('id', '=', number))}
        if model != 'payment.transaction' and found[model]:
            found['payment.transaction'] = self._find_started_at(kind, number)
        return found

    @api.model
    def _find_started_at(self, kind, number):
        """Return the payments that were started at a page, whatever its token is now."""
        return self._latest(
            'payment.transaction',
            Domain('pay_now_page_url', '=like', f'/pay\\_now/{kind}/{number}/%'),
        )

    @api.model
    def _find_by_email(self, email):
        """Return what was paid by, and asked of, whoever has an address."""
        payers = Domain('partner_email', '=ilike', _literal(email)) | Domain(
            'partner_id.email_normalized', '=', email
        )
        return {
            'payment.transaction': self._latest('payment.transaction', payers),
            'pay.now.reminder': self._latest(
                'pay.now.reminder', Domain('email', 'ilike', _literal(email))
            ),
        }

    @api.model
    def _latest(self, model, domain):
        """Return the latest records of a domain, by the rules of whoever asks."""
        if model == 'payment.transaction':
            domain &= Domain('provider_code', 'in', const.PROVIDER_CODES)
        domain &= self._in_companies(model)
        return self.env[model].search(domain, order='id desc', limit=MOST + 1)

    @api.model
    def _in_companies(self, model):
        """Return the domain of what belongs to the companies that are switched on.

        The rules say the same; a rule that was switched off is no reason to mix companies.
        """
        return Domain('company_id', 'in', self.env.companies.ids)


def _literal(text):
    """Return a text as a pattern that fits nothing else."""
    return re.sub(r'([\\%_])', r'\\\1', text)
