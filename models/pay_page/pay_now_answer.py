# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from datetime import timedelta

from markupsafe import Markup

from odoo import api, fields, models
from odoo.exceptions import ValidationError
from odoo.fields import Domain
from odoo.tools.misc import format_date

from odoo.addons.account_pay_now import const


class PayNowAnswer(models.Model):
    """What a customer says about open items instead of paying online.

    As long as it holds, no reminder mentions the items. It ends by itself: a promise that is not
    kept needs nobody to take it back. The responsible is notified of it by a note on the invoices
    and an activity.
    """

    _name = 'pay.now.answer'
    _description = "Customer's answer"
    _inherit = ['pay.now.authority.mixin', 'pay.now.history.mixin']
    _order = 'id desc'
    _pay_now_written_by = dict.fromkeys(
        (
            'kind',
            'company_id',
            'partner_id',
            'item_ids',
            'date',
            'text',
        ),
        True,
    )

    kind = fields.Selection(
        string="Answer",
        selection=const.ANSWER_KINDS,
        required=True,
        default='promise',
    )
    company_id = fields.Many2one(
        comodel_name='res.company',
        required=True,
        index=True,
        default=lambda self: self.env.company,
    )
    partner_id = fields.Many2one(
        string="Customer", comodel_name='res.partner', required=True, index=True
    )
    item_ids = fields.Many2many(
        string="Items",
        comodel_name='account.move.line',
        relation='pay_now_answer_item_rel',
        column1='answer_id',
        column2='line_id',
        domain="[('partner_id', '=', partner_id), ('display_type', '=', 'payment_term'),"
        " ('parent_state', '=', 'posted'), ('reconciled', '=', False),"
        " ('company_id', 'child_of', company_id)]",
    )
    move_ids = fields.Many2many(
        string="Invoices", comodel_name='account.move', compute='_compute_move_ids'
    )
    currency_id = fields.Many2one(related='company_id.currency_id')
    amount = fields.Monetary(string="Amount due", readonly=True, help="When the answer was given.")
    date = fields.Date(string="On", help="When it was, or will be, paid.")
    text = fields.Text(string="Message")
    until = fields.Date(
        string="Holds until",
        compute='_compute_until',
        store=True,
        help="The last day without reminders. Empty: until somebody closes it.",
    )
    state = fields.Selection(
        string="Status",
        selection=[
            ('open', "Open"),
            ('kept', "Kept"),
            ('broken', "Not kept"),
            ('closed', "Closed"),
        ],
        required=True,
        readonly=True,
        default='open',
        index=True,
    )
    by_customer = fields.Boolean(string="By the customer", readonly=True)

    _date_or_text = models.Constraint(
        "CHECK (CASE kind WHEN 'problem' THEN coalesce(text, '') <> '' ELSE date IS NOT NULL END)",
        "Say when it is paid, or what the problem is.",
    )

    # === COMPUTE METHODS === #

    @api.depends('kind', 'date')
    @api.depends_context('lang')
    def _compute_display_name(self):
        for answer in self:
            answer.display_name = answer._for_user()

    @api.depends('item_ids')
    def _compute_move_ids(self):
        for answer in self:
            answer.move_ids = answer._own_items().move_id

    @api.depends('kind', 'date')
    def _compute_until(self):
        """A transfer takes some days, and a promise is not broken on the very day."""
        for answer in self:
            grace = timedelta(days=answer.company_id.root_id.sudo().pay_now_grace_days)
            timed = answer.kind != 'problem' and answer.date
            answer.until = answer.date + grace if timed else False

    # === CONSTRAINT METHODS === #

    @api.constrains('item_ids', 'partner_id', 'company_id')
    def _check_items(self):
        """Of the customer, in the company or its branches: a reminder is about all of them."""
        for answer in self.sudo():
            if not answer.item_ids or answer.item_ids != answer._own_items():
                raise ValidationError(self.env._("Choose items of this customer."))

    # === CRUD METHODS === #

    @api.model_create_multi
    def create(self, vals_list):
        """Override of `base` to note what was due, and take the place of what was said before."""
        answers = super().create(vals_list)
        for answer in answers:
            answer.sudo().amount = sum(answer._own_items().mapped('amount_residual'))
            if answer.kind != 'problem':
                answer._earlier().sudo().state = 'closed'
        answers._notify_responsible()
        return answers

    # === ACTION METHODS === #

    def action_close(self):
        """End the answers: reminders mention the items again."""
        self.check_access('write')
        self.sudo().filtered(lambda answer: answer.state == 'open').state = 'closed'

    # === BUSINESS METHODS - STATE === #

    def _own_items(self):
        """Return the items that the answer is about, as far as they are still its customer's.

        :rtype: account.move.line
        """
        self.ensure_one()
        return self.item_ids._pay_now_of(self.partner_id, self.company_id)

    @api.model
    def _holding_domain(self):
        """Return the domain of the answers that hold reminders back today.

        :rtype: odoo.fields.Domain
        """
        today = fields.Date.context_today(self)
        return Domain('state', '=', 'open') & (
            Domain('until', '=', False) | Domain('until', '>=', today)
        )

    def _is_holding(self):
        """Tell whether the answer holds reminders back today.

        :rtype: bool
        """
        self.ensure_one()
        today = fields.Date.context_today(self)
        return self.state == 'open' and (not self.until or self.until >= today)

    def _is_repeated_by(self, vals, lines):
        """Tell whether the same is said about the same items again while the answer is open.

        :param dict vals: what is said now.
        :param account.move.line lines: what it is about.
        :rtype: bool
        """
        self.ensure_one()
        return (
            self.state == 'open'
            and self._own_items() == lines
            and all(self[name] == value for name, value in vals.items())
        )

    def _earlier(self):
        """Return what was said before about some of the same items, and is not over.

        :rtype: pay.now.answer
        """
        self.ensure_one()
        return self.search(
            Domain('item_ids', 'in', self._own_items().ids)
            & Domain(
                'partner_id.commercial_partner_id', '=', self.partner_id.commercial_partner_id.id
            )
            & Domain('kind', '!=', 'problem')
            & Domain('state', '=', 'open')
            & Domain('id', '!=', self.id)
        )

    def _for_user(self):
        """Return the answer's label for the company's people.

        :rtype: str
        """
        self.ensure_one()
        return self._text_for_user(self.kind, self.date)

    @api.model
    def _text_for_user(self, kind, date):
        """Return what an answer says in the language of the company's people.

        :param str kind: of the answer.
        :param datetime.date | str date: of the answer, False where there is none.
        :rtype: str
        """
        date = date and format_date(self.env, date)
        return {
            'paid': self.env._("Said to be paid by transfer on %s", date),
            'promise': self.env._("Payment promised for %s", date),
            'problem': self.env._("Problem reported"),
        }[kind]

    def _for_customer(self):
        """Return the answer's label for the customer who gave it.

        :rtype: str
        """
        self.ensure_one()
        date = self.date and format_date(self.env, self.date)
        return {
            'paid': self.env._("You told us that you paid by transfer on %s.", date),
            'promise': self.env._("You told us that you will pay on %s.", date),
            'problem': self.env._("You reported a problem."),
        }[self.kind]

    # === BUSINESS METHODS - NOTIFICATIONS === #

    def _notify_responsible(self):
        """Notify the responsible, once for each answer and each end of one."""
        for company, answers in self.sudo().grouped('company_id').items():
            for answer in answers.with_context(lang=company._pay_now_lang()):
                answer._note_on_invoices()
                if answer.by_customer or answer.state == 'broken':
                    answer._make_activity()

    def _notification_text(self):
        """Return what the notification says, the customer's own words with it.

        :rtype: str
        """
        self.ensure_one()
        what = self._for_user()
        return self.env._("Not kept: %s", what) if self.state == 'broken' else what

    def _note_on_invoices(self):
        body = Markup('<p>%s</p>') % self._notification_text()
        if self.text and self.state == 'open':
            # Escaped: whoever has the address wrote it.
            body += Markup('<blockquote>%s</blockquote>') % self.text
        moves = self._own_items().move_id
        author = self.by_customer and self.state == 'open' and self.partner_id.id
        moves._message_log_batch(dict.fromkeys(moves.ids, body), author_id=author or None)

    def _make_activity(self):
        """Ask the responsible to look, on the invoice, or on the customer if there are several."""
        moves = self._own_items().move_id
        # That of a draft may have been emptied.
        names = ', '.join(filter(None, moves.mapped('name')))
        record = moves if len(moves) == 1 else self.partner_id
        self.env['mail.activity'].create(
            {
                'res_model_id': self.env['ir.model']._get_id(record._name),
                'res_id': record.id,
                'user_id': self._responsible().id,
                'summary': self._notification_text(),
                'note': Markup('<p>%s</p>') % (self.text or names),
                'date_deadline': self._deadline(),
                'activity_type_id': self.env.ref('mail.mail_activity_data_todo').id,
            }
        )

    def _deadline(self):
        """A promise that runs is looked at on its day; anything else at once."""
        today = self.company_id._pay_now_today()
        return max(self.date, today) if self.kind == 'promise' and self.state == 'open' else today

    def _responsible(self):
        """Return who takes care of the customer.

        :rtype: res.users
        """
        people = self._own_items().move_id.invoice_user_id | self.partner_id.user_id
        return self.company_id._pay_now_responsible(people)

    # === CRON === #

    @api.model
    def _close_ended(self):
        """End answers that are kept or broken; the responsible are notified of the broken ones.

        Nothing depends on it: a hold ends on its day by itself.
        """
        today = fields.Date.context_today(self)
        answers = self.sudo().search([('state', '=', 'open')])
        # Nobody has kept or broken a promise about what is another customer's by now.
        gone = answers.filtered(lambda one: not one._own_items())
        gone.state = 'closed'
        answers -= gone
        paid = answers.filtered(lambda one: not one._own_items()._pay_now_still_open())
        paid.state = 'kept'
        broken = (answers - paid).filtered(lambda one: one.until and one.until < today)
        broken.state = 'broken'
        broken._notify_responsible()
