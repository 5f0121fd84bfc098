# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from datetime import timedelta

from odoo import api, fields, models
from odoo.fields import Domain
from odoo.tools import email_normalize
from odoo.tools.misc import format_date, formatLang


class PayNowReminder(models.Model):
    """One message to one customer about all its due items."""

    _name = 'pay.now.reminder'
    _description = "Customer reminder"
    _inherit = ['pay.now.link']
    _order = 'id desc'
    _check_company_auto = True
    _pay_now_kind = 'reminder'

    run_id = fields.Many2one(
        string="Run",
        comodel_name='pay.now.reminder.run',
        readonly=True,
        index=True,
        ondelete='cascade',
    )
    company_id = fields.Many2one(
        string="Company", comodel_name='res.company', required=True, readonly=True, index=True
    )
    currency_id = fields.Many2one(related='company_id.currency_id')
    partner_id = fields.Many2one(
        string="Customer", comodel_name='res.partner', required=True, readonly=True, index=True
    )
    contact_id = fields.Many2one(string="Written to", comodel_name='res.partner', readonly=True)
    email = fields.Char(string="E-mail", readonly=True)
    level_id = fields.Many2one(
        string="Level", comodel_name='pay.now.reminder.level', check_company=True, readonly=True
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
    reason = fields.Char(string="Reason", readonly=True)
    state = fields.Selection(
        string="Status",
        selection=[
            ('draft', "To send"),
            ('queued', "Waiting"),
            ('sending', "Sending"),
            ('sent', "Sent"),
            ('held', "Not sent"),
            ('failed', "Failed"),
            ('uncertain', "Uncertain"),
            ('canceled', "Canceled"),
        ],
        default='draft',
        required=True,
        readonly=True,
        index=True,
    )
    sent_at = fields.Datetime(string="Sent on", readonly=True)
    mail_id = fields.Many2one(
        string="E-mail message", comodel_name='mail.mail', readonly=True, ondelete='set null'
    )
    preview_html = fields.Html(string="Preview", compute='_compute_preview', sanitize=False)

    # === COMPUTE METHODS === #

    @api.depends('partner_id', 'amount_due')
    def _compute_display_name(self):
        for reminder in self:
            reminder.display_name = self.env._("Reminder – %s", reminder.partner_id.display_name)

    def _compute_preview(self):
        for reminder in self:
            reminder.preview_html = reminder._render()[1]

    # === ACTION METHODS === #

    def action_preview(self):
        """Show the mail as it would leave now."""
        self.ensure_one()
        return {
            'type': 'ir.actions.act_window',
            'name': self.env._("Preview"),
            'res_model': self._name,
            'res_id': self.id,
            'view_mode': 'form',
            'views': [(self.env.ref('account_pay_now.pay_now_reminder_view_preview').id, 'form')],
            'target': 'new',
        }

    def action_drop(self):
        """Leave these customers out of the run."""
        self.filtered(lambda reminder: reminder.state in ('draft', 'queued')).state = 'canceled'

    def action_retry(self):
        """Send again what failed or is uncertain, by a person's decision."""
        todo = self.filtered(lambda reminder: reminder.state in ('failed', 'uncertain'))
        todo.state = 'queued'
        self.env.ref('account_pay_now.ir_cron_reminders_send').sudo()._trigger()

    # === BUSINESS METHODS - HOLDS === #

    def _pay_now_lines(self):
        """Override of `pay.now.link`: the items of the reminder."""
        return self.item_ids

    def _open_items(self):
        """Return the items still to be reminded of: open, not excluded, not on their way."""
        self.ensure_one()
        domain = self.env['account.move.line']._pay_now_open_items_domain()
        lines = self.item_ids.filtered_domain(domain).filtered(
            lambda line: not line.no_followup and line.move_id.payment_state != 'blocked'
        )
        return lines - lines._pay_now_in_progress() - lines._pay_now_disputed()

    def _refresh(self):
        """Recompute amounts, button and hold of each reminder from the books of this moment.

        Called when generating and again as the mail leaves.
        """
        credits = self._unmatched_credits()
        recent = self._last_sent()
        for run, reminders in self.grouped('run_id').items():
            previous = run._previous_balances(reminders.partner_id) if run else {}
            for reminder in reminders:
                reminder._refresh_one(
                    credits.get(reminder.partner_id, 0.0),
                    recent.get(reminder.partner_id),
                    previous.get(reminder.partner_id, 0.0),
                )

    def _refresh_one(self, credit, last_sent, previous):
        lines = self._open_items()
        payable = self._payable_items(lines)
        contact = self._find_contact(lines)
        vals = {
            'contact_id': contact.id,
            'email': contact.email,
            'item_count': len(lines.move_id),
            'amount_due': sum(lines.mapped('amount_residual')),
            'amount_payable': sum(payable.mapped('amount_residual')),
            'has_button': bool(payable),
            'previous_balance': previous,
        }
        reason = self._hold_reason(lines, contact, credit, last_sent, vals['amount_due'])
        if reason:
            vals.update({'state': 'held', 'reason': reason, 'has_button': False})
        else:
            vals['reason'] = False if payable == lines else self._refusal_text(lines - payable)
        self.write(vals)

    def _hold_reason(self, lines, contact, credit, last_sent, amount_due):
        """Return why this customer gets no reminder now, in the user's words, or False."""
        companies = self.company_id | self.item_ids.company_id
        partners = [self.partner_id.sudo().with_company(company) for company in companies]
        if any(partner.pay_now_reminder_mode == 'never' for partner in partners):
            return self.env._("Excluded from reminders")
        if not lines:
            if self.item_ids._pay_now_in_progress():
                return self.env._("Payment in progress")
            if self.item_ids._pay_now_disputed():
                return self.env._("Dispute open")
            return self.env._("Nothing left to pay")
        if not email_normalize(contact.email or ''):
            return self.env._("No e-mail address")
        if last_sent and last_sent + timedelta(days=self.level_id.gap_days) > self._now():
            return self.env._("Already reminded on %s", format_date(self.env, last_sent))
        if self.currency_id.compare_amounts(credit, amount_due) >= 0:
            return self.env._(
                "Unmatched credit: %s", formatLang(self.env, credit, currency_obj=self.currency_id)
            )
        return False

    def _payable_items(self, lines):
        """Return the items that get the button (design section 5)."""
        refusals = self._refusals(lines.move_id)
        return lines.filtered(lambda line: line.move_id not in refusals)

    def _refusal_text(self, lines):
        """Return why items of the reminder are not payable online."""
        refusals = self._refusals(lines.move_id).items()
        labels = [move._pay_now_refusal_label(code) for move, code in refusals]
        return ', '.join(dict.fromkeys(labels))

    def _find_contact(self, lines):
        """Return whom to write to: the newest invoice's contact with an e-mail, or the customer."""
        contacts = lines.sorted('date', reverse=True).move_id.partner_id
        return contacts.filtered('email')[:1] or self.partner_id

    def _unmatched_credits(self):
        """Return each customer's money not matched yet: payments, credit notes, bank lines.

        :return: `{partner: positive amount}` in the company's currency.
        :rtype: dict
        """
        totals = {}
        for company, reminders in self.grouped('company_id').items():
            partners = reminders.partner_id
            domain = Domain('company_id', 'child_of', company.id)
            for partner, amount in self.env['account.move.line']._read_group(
                domain
                & Domain('partner_id', 'in', partners.ids)
                & Domain('account_type', '=', 'asset_receivable')
                & Domain('parent_state', '=', 'posted')
                & Domain('reconciled', '=', False)
                & Domain('amount_residual', '<', 0),
                ['partner_id'],
                ['amount_residual:sum'],
            ):
                totals[partner] = totals.get(partner, 0.0) - amount
            for partner, amount in self.env['account.bank.statement.line']._read_group(
                domain
                & Domain('partner_id', 'child_of', partners.ids)
                & Domain('is_reconciled', '=', False)
                & Domain('amount', '>', 0),
                ['partner_id'],
                ['amount:sum'],
            ):
                commercial = partner.commercial_partner_id
                totals[commercial] = totals.get(commercial, 0.0) + amount
        return totals

    def _last_sent(self):
        """Return when each customer was last reminded, by company.

        :return: `{partner: datetime}`
        :rtype: dict
        """
        return dict(
            # Whoever sent them: a branch counts as its company.
            self.sudo()._read_group(
                Domain('partner_id', 'in', self.partner_id.ids)
                & Domain('company_id', 'child_of', self.company_id.root_id.ids)
                & Domain('id', 'not in', self.ids)
                & Domain('state', 'in', ('sent', 'sending', 'uncertain', 'queued')),
                ['partner_id'],
                ['sent_at:max'],
            )
        )
