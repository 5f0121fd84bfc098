# Part of Pay Now. See LICENSE file for full copyright and licensing details.

import base64
import functools
import itertools
from datetime import timedelta

from odoo import api, fields, models
from odoo.exceptions import AccessError
from odoo.fields import Domain
from odoo.tools.image import image_data_uri

from odoo.addons.account_pay_now import utils
from odoo.addons.account_pay_now.models.reminder import transfer_reference
from odoo.addons.account_pay_now.models.reminder.pay_now_sales_mixin import by_engine

#: What a person in Sales changes of a reminder.
SALES_FIELDS = {'level_id', 'own_subject', 'own_body'}

#: Not sent yet, and nobody is handing it over.
WAITING = ('draft', 'queued', 'to_print')

#: With the customer, or perhaps.
ARRIVED = ('sent', 'uncertain')

#: Credit notes that a transfer may have deducted, of which every choice is tried.
CREDITS_TRIED = 8

#: What a text has where it states interest, see the template `mail_reminder_interest`.
INTEREST_MARK = 'o_pay_now_interest'


class PayNowReminder(models.Model):
    """One message to one customer about all its due items: its record, and where it is shown.

    How it is paid by transfer, what the customer portal says of it, and what test mode, trials and
    forecasts do otherwise.
    """

    _name = 'pay.now.reminder'
    _description = "Customer reminder"
    _inherit = [
        'pay.now.authority.mixin',
        'pay.now.page.mixin',
        'pay.now.sales.mixin',
        'pay.now.reason.mixin',
        'pay.now.history.mixin',
    ]
    _order = 'id desc'
    _check_company_auto = True
    _pay_now_kind = 'reminder'
    _pay_now_written_by = dict.fromkeys(('level_id',), True)

    run_id = fields.Many2one(
        comodel_name='pay.now.reminder.run',
        readonly=True,
        index=True,
        ondelete='cascade',
    )
    company_id = fields.Many2one(
        comodel_name='res.company', required=True, readonly=True, index=True
    )
    root_company_id = fields.Many2one(related='company_id.root_id', store=True, precompute=True)
    currency_id = fields.Many2one(related='company_id.currency_id')
    partner_id = fields.Many2one(
        string="Customer", comodel_name='res.partner', required=True, readonly=True, index=True
    )
    contact_id = fields.Many2one(string="Written to", comodel_name='res.partner', readonly=True)
    email = fields.Char(string="E-mail", readonly=True)
    level_id = fields.Many2one(
        comodel_name='pay.now.reminder.level', check_company=True, readonly=True
    )
    is_level_chosen = fields.Boolean(
        string="Level chosen by a person", readonly=True, help="It is kept as the mail leaves."
    )
    is_manual = fields.Boolean(
        string="Customer reminded by hand", readonly=True, help="It waits for a person."
    )
    item_ids = fields.Many2many(
        string="Items",
        comodel_name='account.move.line',
        relation='pay_now_reminder_item_rel',
        column1='reminder_id',
        column2='line_id',
        readonly=True,
    )
    item_count = fields.Integer(string="Invoices", readonly=True)
    amount_due = fields.Monetary(
        string="Amount due", readonly=True, help="In the company's currency."
    )
    amount_payable = fields.Monetary(string="Payable online", readonly=True)
    has_button = fields.Boolean(string="Button", readonly=True)
    previous_balance = fields.Monetary(string="Previous balance", readonly=True)
    state = fields.Selection(
        string="Status",
        selection=[
            ('draft', "To send"),
            ('queued', "Waiting"),
            ('sending', "Sending"),
            ('to_print', "To print"),
            ('sent', "Sent"),
            ('held', "Not sent"),
            ('failed', "Failed"),
            ('uncertain', "Uncertain"),
            ('canceled', "Dropped"),
        ],
        default='draft',
        required=True,
        readonly=True,
        index=True,
    )
    sent_at = fields.Datetime(string="Sent on", readonly=True)
    opened_at = fields.Datetime(
        string="Page opened on",
        readonly=True,
        copy=False,
        help="The first time that the page of the reminder was in somebody's sight, as far as its"
        " script can tell. Who it was is not kept.",
    )
    asked_text = fields.Char(
        string="Asked for", readonly=True, help="The amounts in the mail, by currency."
    )
    mail_id = fields.Many2one(
        string="E-mail message", comodel_name='mail.mail', readonly=True, ondelete='set null'
    )
    is_noted = fields.Boolean(
        string="Noted with the customer", readonly=True, help="The chatter says that it was sent."
    )
    tries = fields.Integer(readonly=True, help="How often the mail server did not take it for now.")
    retry_at = fields.Datetime(string="Next try", readonly=True)
    refused_since = fields.Datetime(
        string="Not taken since", readonly=True, help="The mail server said: try again later."
    )
    notice_id = fields.Many2one(
        comodel_name='mail.activity',
        readonly=True,
        ondelete='set null',
        index='btree_not_null',
        help="Who is responsible was told that it was not delivered.",
    )
    is_edited = fields.Boolean(
        string="Edited by hand", compute='_compute_is_edited', store=True, precompute=True
    )
    preview_html = fields.Html(string="Preview", compute='_compute_preview', sanitize=False)

    # What is on its way counts for the next one: two at once would not take account of each other.
    _one_under_way = models.UniqueIndex(
        "(partner_id, root_company_id) WHERE state IN ('queued', 'sending', 'to_print')",
        "Another reminder to this customer is on its way.",
    )

    _to_note_idx = models.Index(
        "(id) WHERE state = 'sent' AND (is_noted IS NULL OR is_noted = FALSE)"
    )

    test_text = fields.Char(string="Test mode", related='run_id.test_text')

    # === COMPUTE METHODS === #

    @api.depends('partner_id', 'amount_due')
    @api.depends_context('lang')
    def _compute_display_name(self):
        for reminder in self:
            reminder.display_name = self.env._("Reminder – %s", reminder.partner_id.display_name)

    @by_engine('read')
    def _compute_preview(self):
        # What is held because no level is due has no text.
        written = self.filtered('level_id')
        letters = written.filtered(lambda one: one.channel == 'letter')
        mails = {one: body for one, (_s, body, _d) in (written - letters)._render_all().items()}
        previews = {**mails, **letters._letter_previews()}
        for reminder in self:
            reminder.preview_html = previews.get(reminder, False)

    @api.depends('own_subject', 'own_body')
    def _compute_is_edited(self):
        for reminder in self:
            reminder.is_edited = bool(reminder.own_subject or reminder.own_body)

    # === ACTION METHODS === #

    @by_engine('write')
    def action_drop(self):
        """Leave these customers out of the run; what failed is done with."""
        self._drop((*WAITING, 'failed'))

    @by_engine('write')
    def action_retry(self):
        """Send again what failed or is uncertain, by a person's decision."""
        self.filtered(lambda reminder: reminder.state in ('failed', 'uncertain'))._queue()

    # === BUSINESS METHODS - QUEUE === #

    def _drop(self, states):
        """Leave those in some states out of their run.

        :param states: see `state`.
        """
        dropped = self.filtered(lambda one: one.state in states)
        if not dropped:
            return
        dropped.state = 'canceled'
        # The last one that was waited for may be among them.
        dropped.run_id.filtered(lambda run: run.state == 'sending')._check_done()
        dropped.run_id._tell_watchers()

    def _pay_now_linked_lines(self):
        """Override of `pay.now.page.mixin`: the items of the reminder."""
        return self.item_ids

    def _pay_now_document_fields(self):
        """Override of `pay.now.page.mixin`: whether answers are asked for is up to the run."""
        return [*super()._pay_now_document_fields(), 'opened_at', 'run_id', 'state']

    def _pay_now_awaits_opening(self):
        """Override of `pay.now.page.mixin`: the first time, once it may have reached somebody."""
        self.ensure_one()
        return not self.opened_at and self.state in ARRIVED

    def _pay_now_note_opened(self):
        """Override of `pay.now.page.mixin`: the moment, and nothing of whose it was."""
        if self._pay_now_awaits_opening() and self.try_lock_for_update():
            self.opened_at = fields.Datetime.now()

    def _queue(self):
        """Let reminders leave in the background, but for those of which another is on its way.

        Letters wait for whoever prints them.

        :return: those that leave.
        :rtype: pay.now.reminder
        """
        known = {
            (partner.commercial_partner_id.id, root)
            for partner in self._under_way()
            for root in self.root_company_id
        }
        todo = []
        for reminder in self:
            key = (reminder._pay_now_customer().id, reminder.root_company_id)
            if key not in known:
                todo.append(reminder.id)
                known.add(key)
        todo = self.browse(todo)
        (self - todo).write({'state': 'held', 'reason_codes': [['under_way', {}]]})
        letters = todo.filtered(lambda one: one.channel == 'letter')
        letters.state = 'to_print'
        if mails := todo - letters:
            mails.write(
                {
                    'state': 'queued',
                    'tries': 0,
                    **dict.fromkeys(('retry_at', 'refused_since', 'notice_id'), False),
                }
            )
            # What somebody stopped goes on when somebody says so.
            runs = mails.run_id.filtered(lambda run: run.state not in ('sending', 'stopped'))
            runs.state = 'sending'
            self._wake_workers()
        letters.run_id._check_done()
        return todo

    def _under_way(self):
        """Return the customers that another reminder, whoever sends it, is on its way to.

        :rtype: res.partner
        """
        groups = self.sudo()._read_group(
            Domain(
                'partner_id.commercial_partner_id', 'in', self.partner_id.commercial_partner_id.ids
            )
            & Domain('root_company_id', 'in', self.root_company_id.ids)
            & Domain('state', 'in', ('queued', 'sending', 'to_print'))
            & Domain('id', 'not in', self.ids),
            ['partner_id'],
        )
        customers = {partner.commercial_partner_id.id for (partner,) in groups}
        return self.partner_id.filtered(lambda one: one.commercial_partner_id.id in customers)

    def _later_on_the_way(self):
        """Return those on their way to a customer that another of them goes to already.

        No index keeps them apart: they were queued for contacts that have become one customer.

        :rtype: pay.now.reminder
        """
        known, ids = set(), []
        for reminder in self.filtered(lambda one: one.state in ('queued', 'sending', 'to_print')):
            key = (reminder._pay_now_customer().id, reminder.root_company_id)
            if key in known:
                ids.append(reminder.id)
            known.add(key)
        return self.browse(ids)

    @api.model
    def _pay_now_merge_customers(self, partners):
        """Let one reminder be on its way to customers that become one.

        The first stays, and what leaves at this moment; the others are held, with their reason.

        :param res.partner partners: the contacts that are merged.
        """
        under_way = self.sudo().search(
            Domain('partner_id', 'in', partners.ids)
            & Domain('state', 'in', ('queued', 'sending', 'to_print')),
            order='id',
        )
        for reminders in under_way.grouped('root_company_id').values():
            later = reminders.sorted(lambda one: one.state != 'sending')[1:]
            # Two that leave at once are not stopped: the later one is looked at by a person.
            leaving = later.filtered(lambda one: one.state == 'sending')
            leaving.write({'state': 'uncertain', 'reason_codes': [['merged', {}]]})
            (later - leaving).write({'state': 'held', 'reason_codes': [['merged', {}]]})
            later.run_id._check_done()

    # === BUSINESS METHODS - TEXT === #

    def _without_text(self):
        """Return those whose level has no text in the language of their customer.

        :rtype: pay.now.reminder
        """
        empty = self.browse()
        for (level, lang), reminders in self.grouped(
            lambda one: (one.level_id, one._mail_lang())
        ).items():
            if level and 'empty' in level._text_problems(lang):
                empty |= reminders
        return empty

    def _telling_interest(self):
        """Return those whose level states interest today.

        :rtype: pay.now.reminder
        """
        stating = self.level_id._stating_interest() if self.level_id else ()
        return self.filtered(lambda one: one.level_id in stating)

    @api.model
    def _text_states_interest(self, text):
        """Tell whether a text does: that of a level may leave it out, and a person, too.

        :param str text: of a mail or letter, as HTML.
        :rtype: bool
        """
        return INTEREST_MARK in (text or '')

    # === BUSINESS METHODS - TRANSFER === #

    def _pay_now_transfer_reference(self, lines):
        """Override of `pay.now.page.mixin`: of these very items of the reminder."""
        reminder_id = self._origin.id
        if not reminder_id:
            return ''
        return transfer_reference.write(reminder_id, self.item_ids.ids, lines.ids)

    def _items_named(self, named):
        """Return the items that a reference is about, as far as they are the customer's by now.

        :param transfer_reference.Named named: what the reference says.
        :return: the items, credit notes included, open or not, all of the reminder where it cannot
            be told which; and whether they are proven to be those the reference was written for.
        :rtype: tuple(account.move.line, bool)
        """
        self.ensure_one()
        linked = self._pay_now_linked_lines().sorted('id')
        own = linked._pay_now_of(self._pay_now_customer(), self.company_id)
        chosen = linked
        if named.places is not None:
            chosen = linked.browse([linked.ids[at] for at in named.places if at < len(linked)])
        for credits in self._credit_choices():
            if transfer_reference.check(self.id, (chosen | credits).ids) == named.check:
                return chosen & own | credits, not chosen - own
        return own, False

    def _credit_choices(self):
        """Give each choice of credit notes that the page may deduct, none of them first.

        :return: of `account.move.line`.
        """
        Line = self.env['account.move.line']
        yield Line
        credits = Line.search(
            Line._pay_now_open_credits_domain()
            & self._pay_now_credit_scope()
            & self._pay_now_customer_domain(),
            order='id',
            limit=CREDITS_TRIED,
        )
        for count in range(1, len(credits) + 1):
            for choice in itertools.combinations(credits.ids, count):
                yield credits.browse(choice)

    def _mail_transfers(self, items, urls, write):
        """Return how each reminder is paid by transfer, as mail and letter show it.

        :param dict items: `{reminder: items}`.
        :param dict urls: `{reminder: address of its page}` of those with a button.
        :param dict write: `{currency: what writes its amounts}`.
        :return: `{reminder: transfers}`, see `account.move.line._pay_now_transfers`; each with
            `amount_text`, and where there is a QR code with `qr`, an address or the picture itself.
        :rtype: dict
        """
        accounts = (
            self.env['account.move.line']
            .union(*(items[reminder] for reminder in self))
            .move_id._pay_now_transfer_accounts()
        )
        takes_qr = functools.cache(lambda account, currency: account._pay_now_takes_qr(currency))
        found = {}
        for reminder in self:
            found[reminder] = items[reminder]._pay_now_transfers(
                reminder._pay_now_transfer_reference, accounts
            )
            # Beside the previous balance, of which no items are known, another amount is asked for.
            for one in [] if reminder.run_id.print_previous_balance else found[reminder]:
                one['amount_text'] = write[one['currency']](one['amount'])
                if one['reference'] and takes_qr(one['account'], one['currency']):
                    one['qr'] = reminder._mail_qr(one, urls.get(reminder))
        return found

    def _mail_qr(self, transfer, url):
        """Return where the QR code of a transfer is.

        A mail has its address: mail programs show no pictures that are in the text. On paper it is
        the picture itself.

        :param dict transfer: see `_mail_transfers`.
        :param str url: address of the reminder's page, if the mail has a button.
        :rtype: str | bool
        """
        account = transfer['account']
        if self.channel == 'letter':
            qr = account._pay_now_qr(
                transfer['amount'], transfer['reference'], transfer['currency']
            )
            return bool(qr) and image_data_uri(base64.b64encode(qr))
        if not url or self.env['res.company']._pay_now_trial():
            return False
        return f'{url}/qr?account={account.id}'

    # === BUSINESS METHODS - PORTAL === #

    @api.model
    def _pay_now_portal_domain(self, partner):
        """Return the domain of the reminders that somebody who is logged in may see.

        As with invoices, all contacts of a customer see what was sent to it.

        :param res.partner partner: who is logged in.
        :rtype: odoo.fields.Domain
        """
        return Domain(
            'partner_id.commercial_partner_id', '=', partner.commercial_partner_id.id
        ) & Domain('state', 'in', ARRIVED)

    def _pay_now_portal_rows(self):
        """Return what the portal lists.

        :return: dicts of `reminder`, `due` (amounts by currency) and `url`, the pay page where
            something can be paid there.
        :rtype: list
        """
        open_items = {one: one._pay_now_lines()._pay_now_still_open() for one in self}
        return [
            {
                'reminder': reminder,
                'due': reminder._subtotals_text(lines),
                'url': reminder._pay_now_portal_url(lines),
            }
            for reminder, lines in open_items.items()
        ]

    def _pay_now_portal_url(self, open_items):
        """Return the path of the pay page: the mailed one, as long as it opens.

        :param account.move.line open_items: what is still to be paid.
        :rtype: str | bool
        """
        self.ensure_one()
        is_open = self._pay_now_check_token(self.sudo().pay_now_token)
        offers = self.has_button and not self.run_id.print_previous_balance
        return bool(open_items and is_open and offers) and self._pay_now_path()

    # === BUSINESS METHODS - TEST MODE === #

    def _without_test_button(self, items):
        """Return the reminders that get no test button: it is for the test address only.

        Each invoice knows its own contact; the reminder goes to one of them.

        :param dict items: `{reminder: the items it is about}`.
        :rtype: pay.now.reminder
        """
        companies = self.company_id.filtered(
            lambda one: one._pay_now_test_mode() and not one._pay_now_in_sandbox()
        )
        return self.filtered(
            lambda one: one.company_id in companies and not one._may_take_button(items[one])
        )

    def _may_take_button(self, lines):
        """Tell whether a test button may be mailed to whom the reminder is written to.

        :param account.move.line lines: what it is about.
        :rtype: bool
        """
        if self.env['res.company']._pay_now_trial():
            return True
        addresses = utils.email_addresses(self._find_contact(lines).email)
        return bool(addresses) and addresses == utils.email_addresses(
            self.company_id.pay_now_test_email
        )

    # === BUSINESS METHODS - TRIAL REMINDER === #

    def _pay_now_urls(self, **params):
        """Override of `pay.now.page.mixin`: the button of a trial leads to a page without money."""
        if trial := self.env['res.company']._pay_now_trial():
            return dict.fromkeys(self, trial._pay_now_url(**params))
        return super()._pay_now_urls(**params)

    def _pay_now_path(self):
        """Override of `pay.now.page.mixin`, for the same reason."""
        if trial := self.env['res.company']._pay_now_trial():
            return trial._pay_now_path()
        return super()._pay_now_path()

    # === BUSINESS METHODS - FORECAST === #

    def _forecast_values(self):
        """Return what a list of the reminders shows; it outlives the reminders.

        :rtype: list[dict]
        """
        return [
            {
                'partner_id': reminder.partner_id.id,
                'level_id': reminder.level_id.id,
                'oldest_due': reminder.oldest_due,
                'item_count': reminder.item_count,
                'amount_due': reminder.amount_due,
                'amount_payable': reminder.amount_payable,
                'has_button': reminder.has_button,
                'reason': reminder.reason,
                'outcome': 'send' if reminder.state == 'draft' else 'skip',
            }
            for reminder in self
        ]

    def _now(self):
        """Return the moment that holds are judged at: a forecast is about another day.

        :rtype: datetime
        """
        now = fields.Datetime.now()
        ahead = (self.run_id.date - fields.Date.context_today(self)).days if self.run_id else 0
        return now + timedelta(days=max(ahead, 0))

    # === BUSINESS METHODS - SALES === #

    def _check_sales_vals(self, vals):
        """Refuse what people in Sales do not change of a reminder.

        :param dict vals: what is to be written.
        :raise AccessError: if it is more than the level and the text.
        """
        if vals.keys() - SALES_FIELDS:
            raise AccessError(
                self.env._("Only the level and the text of a reminder can be changed.")
            )
