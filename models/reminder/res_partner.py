# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from odoo import api, fields, models
from odoo.exceptions import ValidationError
from odoo.fields import Domain


class ResPartner(models.Model):
    """A customer of reminders: whether and to whom they are written, the next one, and answers."""

    _name = 'res.partner'
    _inherit = ['res.partner', 'pay.now.authority.mixin']
    _pay_now_written_by = dict.fromkeys(
        (
            'pay_now_reminder_mode',
            'pay_now_contact_id',
            'pay_now_refused_email',
        ),
        True,
    )

    pay_now_reminder_mode = fields.Selection(
        string="Reminders",
        selection=[('auto', "Automatic"), ('manual', "Manual"), ('never', "Never")],
        company_dependent=True,
        help="Manual: the reminders of the daily action wait in its run for a person.\n"
        "Never: this customer is listed when reminders are generated, and gets none.",
    )
    pay_now_contact_id = fields.Many2one(
        string="Write reminders to",
        comodel_name='res.partner',
        copy=False,
        domain="[('commercial_partner_id', '=', id)]",
        help="Empty: the contact of the newest invoice that has an e-mail address.",
    )
    pay_now_reminder_ids = fields.One2many(
        string="Customer reminders", comodel_name='pay.now.reminder', inverse_name='partner_id'
    )
    pay_now_reminder_count = fields.Integer(
        string="Reminders sent", compute='_compute_pay_now_reminder_count', compute_sudo=True
    )
    pay_now_level_id = fields.Many2one(
        string="Reminder level",
        comodel_name='pay.now.reminder.level',
        compute='_compute_pay_now_next_reminder',
        help="The level of the last reminder about what is still open.",
    )
    pay_now_next_date = fields.Date(
        string="Next reminder",
        compute='_compute_pay_now_next_reminder',
        help="From when a reminder is due, as far as nothing is paid until then.",
    )

    pay_now_answer_text = fields.Char(
        string="The customer said", compute='_compute_pay_now_answer_text', compute_sudo=True
    )

    pay_now_refused_email = fields.Char(
        string="Refused address",
        copy=False,
        help="A mail server said that it takes no mails to this address. It gets no reminder; empty"
        " it to try again.",
    )

    # === COMPUTE METHODS === #

    @api.depends_context('company', 'lang')
    def _compute_pay_now_answer_text(self):
        """What holds reminders to the customer back; for forms."""
        Answer = self.env['pay.now.answer']
        answers = Answer.search(
            Answer._holding_domain()
            & Domain('partner_id.commercial_partner_id', 'in', self.commercial_partner_id.ids)
            & Domain('company_id', 'child_of', self.env.company.root_id.id)
        )
        answers = answers.filtered(lambda answer: answer._own_items()).grouped(
            lambda answer: answer.partner_id.commercial_partner_id
        )
        for partner in self:
            mine = answers.get(partner.commercial_partner_id._origin, Answer)
            partner.pay_now_answer_text = ', '.join(mine.mapped('display_name')) or False

    def _compute_pay_now_reminder_count(self):
        """Of the company of the user, and its branches."""
        counts = dict(
            self.env['pay.now.reminder']._read_group(
                Domain('partner_id.commercial_partner_id', 'in', self.commercial_partner_id.ids)
                & Domain('state', 'in', ('sent', 'sending', 'uncertain'))
                & Domain('root_company_id', '=', self.env.company.root_id.id),
                ['partner_id'],
                ['__count'],
            )
        )
        for partner in self:
            partner.pay_now_reminder_count = sum(
                count
                for other, count in counts.items()
                if other.commercial_partner_id == partner.commercial_partner_id
            )

    @api.depends_context('company')
    def _compute_pay_now_next_reminder(self):
        """For all of a list at once."""
        found = self.commercial_partner_id._origin._pay_now_next_reminders()
        nothing = (self.env['pay.now.reminder.level'], False)
        for partner in self:
            partner.pay_now_level_id, partner.pay_now_next_date = found.get(
                partner.commercial_partner_id._origin, nothing
            )

    # === ACTION METHODS === #

    def action_pay_now_try_address(self):
        """Let reminders be sent to an address that a mail server refused: it was put right."""
        self.check_access('write')
        self.pay_now_refused_email = False

    # === CONSTRAINT METHODS === #

    @api.constrains('pay_now_contact_id')
    def _check_pay_now_contact_id(self):
        """Nobody's debts are told to another customer, whatever an import says.

        A contact may move or be archived later: it is looked at again as a reminder leaves.
        """
        Reminder = self.env['pay.now.reminder']
        for partner in self.filtered('pay_now_contact_id'):
            contact = partner.sudo().pay_now_contact_id
            if Reminder._is_stranger(contact, partner.commercial_partner_id):
                raise ValidationError(
                    self.env._(
                        "Reminders to %(customer)s cannot be written to %(contact)s, who is"
                        " no contact of this customer.",
                        customer=partner.display_name,
                        contact=contact.display_name,
                    )
                )

    def _pay_now_drop_strangers(self, customer):
        """Forget whom reminders are written to, where that is no contact of a customer.

        :param res.partner customer: whose contacts are kept.
        """
        Reminder = self.env['pay.now.reminder']
        for partner in self.sudo().filtered('pay_now_contact_id'):
            if Reminder._is_stranger(partner.pay_now_contact_id, customer.commercial_partner_id):
                partner.pay_now_contact_id = False

    # === ACTION METHODS === #

    def action_pay_now_answers(self):
        """Show what the customer said, whatever became of it."""
        action = self.env['ir.actions.actions']._for_xml_id('account_pay_now.action_pay_now_answer')
        action['domain'] = [
            ('partner_id.commercial_partner_id', 'in', self.commercial_partner_id.ids)
        ]
        action['context'] = {}
        return action

    def action_pay_now_reminders(self):
        """Show the reminders of the customer, whatever became of them."""
        action = self.env['ir.actions.actions']._for_xml_id(
            'account_pay_now.action_pay_now_reminder'
        )
        action['domain'] = [
            ('partner_id.commercial_partner_id', 'in', self.commercial_partner_id.ids)
        ]
        return action

    # === BUSINESS METHODS - ADDRESSES === #

    def _pay_now_note_refused(self, email):
        """Remember that an address does not take mails, until the contact has another one.

        :param str email: to which a mail was written.
        """
        for contact in self:
            contact.pay_now_refused_email = email
            contact._message_receive_bounce(email, contact)

    def _pay_now_forget_refused(self, email):
        """Write to an address again: its refusal was no matter of its own.

        :param str email: see `_pay_now_note_refused`.
        """
        self.filtered(lambda one: one.pay_now_refused_email == email).pay_now_refused_email = False

    # === BUSINESS METHODS === #

    def _pay_now_next_reminders(self):
        """Return the level that each customer is at, and from when its next reminder is due.

        The number of queries does not depend on the number of customers.

        :return: `{customer: (level, day)}`, no day where nothing will be sent.
        :rtype: dict
        """
        company = self.env.company
        levels = self.env['pay.now.reminder.level'].search(
            [('company_id', 'parent_of', company.id)]
        )
        found = dict.fromkeys(self, (levels.browse(), False))
        reminded = self.with_company(company).filtered(
            lambda partner: partner.pay_now_reminder_mode != 'never'
        )
        if not reminded or not levels:
            return found
        Reminder = self.env['pay.now.reminder']
        lines = reminded._pay_now_open_items_of(company)
        every = self.env['account.move.line'].union(*lines.values())
        history = Reminder._sent_levels(every)
        today = fields.Date.context_today(self)
        start = company._pay_now_start_of_old_debts(today)
        last_sent = Reminder._last_sent_to(reminded, company.root_id)
        for partner, mine in lines.items():
            sent = levels.browse().union(*(history.get(line, levels.browse()) for line in mine))
            day = levels._next_date(mine, history, today, start, last_sent.get(partner))
            found[partner] = (sent.sorted(levels._rank)[-1:], day)
        return found

    def _pay_now_open_items_of(self, company):
        """Return what the customers are reminded of: open, theirs, and not held.

        :param res.company company: whose items, and whose branches'.
        :return: `{customer: items}`
        :rtype: dict
        """
        Line = self.env['account.move.line']
        customers = {partner.commercial_partner_id.id for partner in self}
        lines = Line.search(
            Line._pay_now_open_items_domain()
            & Domain('partner_id.commercial_partner_id', 'in', customers)
            & Domain('company_id', 'child_of', company.id)
        )
        lines -= lines.browse([line.id for line in lines._pay_now_holds()])
        by_customer = lines.grouped(lambda line: line.partner_id.commercial_partner_id.id)
        return {
            partner: by_customer.get(partner.commercial_partner_id.id, Line)._pay_now_of(
                partner, company
            )
            for partner in self
        }
