# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from datetime import timedelta

from markupsafe import Markup

from odoo import SUPERUSER_ID, api, fields, models
from odoo.exceptions import UserError
from odoo.tools import SQL
from odoo.tools.misc import format_date, formatLang

from odoo.addons.account_pay_now import const

#: A plan that somebody waits for, or keeps to.
LIVE = ('asked', 'accepted')


class PayNowPlan(models.Model):
    """A customer pays open items in parts: what was asked for, and what became of it.

    The items stay as they are, with their due dates and instalments. What is paid of a plan is
    read from the books, and never noted: its amount less what is open of its items now, whatever
    paid them.
    """

    _name = 'pay.now.plan'
    _description = "Payment plan"
    _inherit = [
        'pay.now.authority.mixin',
        'pay.now.page.mixin',
        'pay.now.history.mixin',
        'mail.thread',
        'mail.activity.mixin',
    ]
    _order = 'id desc'
    _pay_now_kind = 'plan'
    _pay_now_written_by = dict.fromkeys(('part_ids', 'refusal'), True)

    company_id = fields.Many2one(
        comodel_name='res.company', required=True, readonly=True, index=True
    )
    currency_id = fields.Many2one(related='company_id.currency_id')
    partner_id = fields.Many2one(
        string="Customer", comodel_name='res.partner', required=True, readonly=True, index=True
    )
    contact_id = fields.Many2one(
        string="Asked by",
        comodel_name='res.partner',
        readonly=True,
        index='btree_not_null',
        ondelete='set null',
        help="Who is written to about the plan, as long as it is a contact of the customer.",
    )
    item_ids = fields.One2many(
        string="Items", comodel_name='pay.now.plan.item', inverse_name='plan_id', readonly=True
    )
    part_ids = fields.One2many(
        string="Parts", comodel_name='pay.now.plan.part', inverse_name='plan_id'
    )
    rhythm = fields.Selection(selection=const.PLAN_RHYTHMS, readonly=True)
    amount = fields.Monetary(
        string="Amount of the plan", readonly=True, help="What was open as it was agreed."
    )
    state = fields.Selection(
        string="Status",
        selection=[
            ('asked', "To answer"),
            ('accepted', "Accepted"),
            ('done', "Fully paid"),
            ('refused', "Not accepted"),
            ('ended', "Ended"),
        ],
        required=True,
        readonly=True,
        default='asked',
        index=True,
    )
    end_reason = fields.Selection(
        string="Why it ended",
        selection=[
            ('missed', "A part was not paid in time"),
            ('changed', "More is open than the plan was about"),
            ('person', "Ended by a person"),
            ('gone', "Its items are gone, or another customer's"),
        ],
        readonly=True,
    )
    ended_on = fields.Date(string="Answered or ended on", readonly=True)
    followed_at = fields.Datetime(
        string="Looked at on",
        readonly=True,
        help="When the scheduled action last looked at what the day asks for.",
    )
    is_to_note = fields.Boolean(
        string="To note", readonly=True, help="It ended by itself, and nobody has looked at it."
    )
    refusal = fields.Text(
        string="Reason of a refusal", help="The customer reads it, by mail and on the pay page."
    )
    move_ids = fields.Many2many(
        string="Invoices",
        comodel_name='account.move',
        compute='_compute_move_ids',
        compute_sudo=False,
    )
    paid = fields.Monetary(string="Already paid", compute='_compute_paid', compute_sudo=True)
    left = fields.Monetary(string="Still open", compute='_compute_paid', compute_sudo=True)
    next_date = fields.Date(string="Next part", compute='_compute_paid', compute_sudo=True)
    state_text = fields.Char(string="How it stands", compute='_compute_state_text')
    parts_total = fields.Monetary(string="Sum of the parts", compute='_compute_parts_total')

    # === COMPUTE METHODS === #

    @api.depends('partner_id')
    @api.depends_context('lang')
    def _compute_display_name(self):
        for plan in self:
            plan.display_name = self.env._("Payment plan – %s", plan.partner_id.display_name)

    @api.depends('item_ids.move_id')
    @api.depends_context('uid', 'allowed_company_ids')
    def _compute_move_ids(self):
        """Those that the reader may see: a plan may be about a branch's, too."""
        for plan in self:
            moves = plan.sudo()._own_items().move_id
            plan.move_ids = moves.with_env(self.env)._filtered_access('read')

    def _compute_paid(self):
        """Not stored: the books of this moment say it."""
        for plan in self:
            origin = plan._origin
            parts = origin._parts_left()
            plan.left = origin._amount_left(origin._own_items())
            plan.paid = max(origin.amount - plan.left, 0.0) if origin.state != 'asked' else 0.0
            due = origin.part_ids.filtered(lambda part, parts=parts: parts[part])
            live = origin.state in LIVE
            plan.next_date = live and min(due.mapped('date'), default=False)

    @api.depends('state', 'end_reason')
    @api.depends_context('lang')
    def _compute_state_text(self):
        for plan in self:
            plan.state_text = plan._for_user()

    @api.depends('part_ids.amount')
    def _compute_parts_total(self):
        for plan in self:
            plan.parts_total = sum(plan.part_ids.mapped('amount'))

    # === CRUD METHODS === #

    def write(self, vals):
        """Override of `base`: what the customer was told stays as it is.

        :raise UserError: of a reason that is changed after the answer.
        """
        if 'refusal' in vals and not self.env.su and any(one.state != 'asked' for one in self):
            raise UserError(self.env._("The plan was answered: the customer has read the reason."))
        return super().write(vals)

    # === ACTION METHODS === #

    def action_accept(self):
        """Accept the plans as they are now; what was answered before stays as it is.

        :raise UserError: the parts are not as much as is open of the items.
        """
        self.check_access('write')
        for plan in self.sudo().filtered(lambda one: one.state == 'asked'):
            plan._check_sum()
            plan._move_dates()
            plan._answer('accepted', amount=plan.parts_total)
            plan._pay_now_urls()
            # Of what is due today the same mail tells.
            plan._ask_for(plan._due_parts(), 'mail_template_plan_accepted')

    def action_refuse(self):
        """Refuse the plans; the customers are told why.

        :raise UserError: no reason was given.
        """
        self.check_access('write')
        for plan in self.sudo().filtered(lambda one: one.state == 'asked'):
            if not (plan.refusal or '').strip():
                raise UserError(
                    self.env._("Say why, in “Reason of a refusal”: the customer reads it.")
                )
            plan._answer('refused', ended_on=plan.company_id._pay_now_today())
            plan._send_mail('mail_template_plan_refused')

    def action_end(self):
        """End accepted plans by a person's decision: ordinary reminders go on."""
        self.check_access('write')
        for plan in self.sudo().filtered(lambda one: one.state == 'accepted'):
            plan._end('person')

    def action_noted(self):
        """Take plans that ended by themselves off the list of what is to handle."""
        self.check_access('write')
        plans = self.sudo().filtered('is_to_note')
        plans.is_to_note = False
        plans.activity_unlink(['mail.mail_activity_data_todo'])

    def action_divide(self):
        """Make the parts of a plan that is to be answered alike, as many as there are.

        :raise UserError: there is no part, or less open than can be divided.
        """
        self.check_access('write')
        plans = self.sudo().filtered(lambda one: one.state == 'asked')
        plans._hold_answer()
        for plan in plans:
            parts = plan.part_ids.sorted('date')
            amounts = self.env['pay.now.page.mixin']._pay_now_plan_amounts(
                plan._amount_left(plan._own_items()), len(parts), 0.0, plan.currency_id
            )
            if not amounts:
                raise UserError(self.env._("So many parts cannot be made of what is open."))
            for part, amount in zip(parts, amounts, strict=True):
                part.amount = amount

    def _open(self):
        """Return the action that shows the plans.

        :rtype: dict
        """
        action = self.env['ir.actions.actions']._for_xml_id('account_pay_now.action_pay_now_plan')
        if len(self) == 1:
            return {**action, 'view_mode': 'form', 'views': [(False, 'form')], 'res_id': self.id}
        return {**action, 'domain': [('id', 'in', self.ids)], 'context': {}}

    # === BUSINESS METHODS - WHAT THE BOOKS SAY === #

    def _own_items(self):
        """Return the journal items of the plan, as far as they are still its customer's.

        Those of a cancelled invoice are none.

        :rtype: account.move.line
        """
        self.ensure_one()
        lines = self.sudo()._pay_now_linked_lines()
        lines = lines.filtered(lambda line: line.parent_state != 'cancel')
        return lines._pay_now_of(self.partner_id, self.company_id)

    @api.model
    def _amount_left(self, lines):
        """Return what is open of items, those of an invoice that is being changed included.

        :param account.move.line lines: of a plan.
        :return: in the company's currency.
        :rtype: float
        """
        return sum(line.amount_residual for line in lines if line.amount_residual > 0)

    def _parts_left(self):
        """Return what is open of each part: what is paid pays the oldest parts first.

        :return: `{part: amount}` in the company's currency, zero where it is paid.
        :rtype: dict
        """
        self.ensure_one()
        left = self._amount_left(self._own_items())
        paid = 0.0 if self.state == 'asked' else self.currency_id.round(self.amount - left)
        amounts = {}
        for part in self.part_ids.sorted(lambda part: (part.date, part.id)):
            taken = min(max(paid, 0.0), part.amount)
            paid -= taken
            amounts[part] = self.currency_id.round(part.amount - taken)
        return amounts

    def _due_parts(self):
        """Return the parts that are due by today and not paid.

        :rtype: pay.now.plan.part
        """
        today = self.company_id._pay_now_today()
        left = self._parts_left()
        return self.part_ids.filtered(lambda part: part.date <= today and left[part])

    def _asked_now(self):
        """Return what is asked for now: what is due of the plan, else its next part.

        :return: in the company's currency, never more than is open; zero where all is paid.
        :rtype: float
        """
        left = self._parts_left()
        due = self._due_parts() or self.part_ids.filtered(lambda part: left[part])[:1]
        asked = sum(left[part] for part in due)
        open_amount = self._amount_left(self._own_items())
        # What something else is about is asked for only where nothing else is left.
        free = open_amount - self._amount_left(self._left_alone())
        if self.currency_id.compare_amounts(free, 0) > 0:
            open_amount = free
        return self.currency_id.round(min(asked, open_amount))

    def _is_being_changed(self):
        """Tell whether one of the invoices is in draft: what is open will be known later.

        :rtype: bool
        """
        return 'draft' in self._own_items().mapped('parent_state')

    def _is_exceeded(self):
        """Tell whether more is open than the plan was about: it does not say when that is paid.

        :rtype: bool
        """
        left = self._amount_left(self._own_items())
        return self.currency_id.compare_amounts(left, self.amount) > 0

    def _overdue_parts(self):
        """Return the due parts of which the days of grace are over, asked for or not.

        They count from the first day on or after the part's date on which mails leave; from the day
        on which it was asked for, or on which something else was about the items, where that was
        later. By dates alone: no action has to run for a plan to end.

        :rtype: pay.now.plan.part
        """
        root = self.company_id.root_id.sudo()
        last = self.company_id._pay_now_today() - timedelta(days=root.pay_now_grace_days)
        # The calendar is asked of what may be late only.
        return self._due_parts().filtered(
            lambda part: part.date < last and part._first_day(root) < last
        )

    def _is_explained(self, parts):
        """Tell whether something else is about as much of the items as parts are open.

        :param pay.now.plan.part parts: of the plan.
        :rtype: bool
        """
        left = self._parts_left()
        wanted = sum(left[part] for part in parts)
        alone = self._amount_left(self._left_alone())
        return self.currency_id.compare_amounts(wanted, alone) <= 0

    def _is_missed(self):
        """Tell whether more is overdue than something explains.

        :rtype: bool
        """
        overdue = self._overdue_parts()
        return bool(overdue) and not self._is_explained(overdue)

    def _left_alone(self):
        """Return the items that are not to be asked for now, as something else is about them.

        A payment or transfer on its way, a dispute, a problem that was reported, what the buyer's
        platform says, an invoice that is blocked, in draft, or excluded from reminders.

        :rtype: account.move.line
        """
        items = self._own_items()
        said = items._pay_now_all_answers()
        return (
            items._pay_now_in_progress()
            | items._pay_now_disputed()
            | items._pay_now_excluded()
            | items._pay_now_held_by_buyer()
            | items.filtered(
                lambda line: (
                    line.parent_state == 'draft'
                    or line.move_id.payment_state == 'blocked'
                    or any(one.kind != 'promise' for one in said.get(line, ()))
                )
            )
        )

    def _is_holding(self):
        """Tell whether the plan keeps its items out of ordinary reminders today.

        :rtype: bool
        """
        self.ensure_one()
        if self.state == 'accepted':
            exceeded = not self._is_being_changed() and self._is_exceeded()
            return not (exceeded or self._is_missed())
        return self.state == 'asked'

    # === BUSINESS METHODS - ANSWERING === #

    def _check_sum(self):
        """Refuse to accept parts that are not as much as is open.

        :raise UserError: by how much they differ, or that nothing is open.
        """
        items = self._own_items()
        left, total = self._amount_left(items), sum(self.part_ids.mapped('amount'))
        if not left or self._is_being_changed():
            raise UserError(
                self.env._("Nothing is open of these items now, or an invoice is in draft.")
            )
        if self.currency_id.compare_amounts(left, total):
            raise UserError(
                self.env._(
                    "The parts are %(parts)s, and %(open)s is open. Change the parts, or press"
                    " “Divide equally”.",
                    parts=self._write_amount(total),
                    open=self._write_amount(left),
                )
            )

    def _move_dates(self):
        """Let the first part be due today, and the others as much later, where its day is over."""
        first = min(self.part_ids.mapped('date'))
        late = self.company_id._pay_now_today() - first
        if late.days > 0:
            for part in self.part_ids:
                part.date += late

    def _hold_answer(self):
        """Let nobody answer the plans while their parts are changed.

        Whoever answers at the same moment writes the same row: one of them begins again.
        """
        if self:
            self.env.cr.execute(
                SQL("UPDATE pay_now_plan SET write_date = write_date WHERE id = ANY(%s)", self.ids)
            )

    def _answer(self, state, **values):
        """Note what was answered: first of all, so that another click waits for this one.

        :param str state: see `state`.
        :param values: other values of the plan.
        """
        self.write({'state': state, **values})
        self.flush_recordset()
        # Another plan can be asked for from now on.
        self.env['pay.now.plan.item'].flush_model(['is_live'])
        self.activity_unlink(['mail.mail_activity_data_todo'])
        self._note_on_invoices()

    def _end(self, reason):
        """End the plan; whoever has to know of it is told.

        :param str reason: see `end_reason`.
        """
        by_itself = reason in ('missed', 'changed')
        self._answer(
            'ended',
            end_reason=reason,
            is_to_note=by_itself,
            ended_on=self.company_id._pay_now_today(),
        )
        if by_itself:
            self._make_activity()
        if reason != 'gone':
            self._send_mail('mail_template_plan_ended')

    def _write_amount(self, amount):
        return formatLang(self.env, amount, currency_obj=self.currency_id)

    # === BUSINESS METHODS - WORDS === #

    def _for_user(self):
        """Return what there is to say of the plan, for the company's people.

        :rtype: str
        """
        self.ensure_one()
        next_date = fields.Date.to_string(self.next_date)
        return self._text_for_user(self.state, self.end_reason, next_date)

    @api.model
    def _text_for_user(self, state, reason=False, date=False):
        """Return how a plan stands, in the language of the company's people.

        :param str state: see `state`.
        :param str reason: see `end_reason`.
        :param str date: of the next part, as text; False where there is none.
        :rtype: str
        """
        if state == 'accepted' and date:
            return self.env._("Payment plan accepted, next part on %s", format_date(self.env, date))
        if state == 'ended':
            return {
                'missed': self.env._("Payment plan ended: a part was not paid in time"),
                'changed': self.env._("Payment plan ended: more is open than it was about"),
                'person': self.env._("Payment plan ended by a person"),
            }.get(reason) or self.env._("Payment plan ended: its items are gone")
        return {
            'asked': self.env._("Payment plan asked for"),
            'accepted': self.env._("Payment plan accepted"),
            'done': self.env._("Payment plan paid"),
            'refused': self.env._("Payment plan refused"),
        }[state]

    # === BUSINESS METHODS - NOTIFICATIONS === #

    def _in_company_language(self):
        return self.with_context(lang=self.company_id._pay_now_lang())

    def _note_on_invoices(self):
        """Note on the invoices how the plan stands now."""
        plan = self._in_company_language()
        body = Markup('<p>%s</p>') % plan._text_for_user(plan.state, plan.end_reason)
        if plan.state == 'refused':
            body += Markup('<blockquote>%s</blockquote>') % plan.refusal
        moves = plan._own_items().move_id
        author = plan.state == 'asked' and plan.contact_id.id
        moves._message_log_batch(dict.fromkeys(moves.ids, body), author_id=author or None)

    def _make_activity(self, summary=None):
        """Ask an accountant to look at the plan.

        :param str summary: what there is to do, in the company's language; how the plan stands
            without it.
        """
        # Not by the public user, who asked: whoever reads an activity reads who made it.
        plan = self._in_company_language().with_user(SUPERUSER_ID)
        plan.activity_schedule(
            'mail.mail_activity_data_todo',
            date_deadline=plan.company_id._pay_now_today(),
            summary=summary or plan._text_for_user(plan.state, plan.end_reason),
            # That of a draft may have been emptied.
            note=', '.join(filter(None, plan._own_items().move_id.mapped('name'))),
            user_id=plan._responsible().id,
        )

    def _responsible(self):
        """Return who answers: who takes care of the customer and may do it, else an accountant.

        :rtype: res.users
        """
        people = self._own_items().move_id.invoice_user_id | self.partner_id.user_id
        return self.company_id._pay_now_responsible(people, 'account.group_account_invoice')
