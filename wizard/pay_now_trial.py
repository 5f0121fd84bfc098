# Part of Pay Now. See LICENSE file for full copyright and licensing details.

import contextlib

from markupsafe import Markup

from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError
from odoo.fields import Command, Domain
from odoo.tools.misc import format_time

from odoo.addons.account_pay_now import const, utils
from odoo.addons.base.models.ir_mail_server import MailDeliveryException

OPEN_INVOICES = [
    ('move_type', '=', 'out_invoice'),
    ('state', '=', 'posted'),
    ('payment_state', 'in', ('not_paid', 'partial')),
]


class PayNowTrial(models.TransientModel):
    """Send me a trial reminder: a customer's mail, written by the same code, but to myself.

    It is a document of its own: its page shows what the customer would see, and takes no money.
    """

    _name = 'pay.now.trial'
    _description = "Trial reminder"
    _inherit = ['pay.now.authority.mixin', 'pay.now.page.mixin']
    _pay_now_kind = 'trial'
    _transient_max_hours = 24 * const.TRIAL_VALIDITY_DAYS
    _pay_now_written_by = dict.fromkeys(
        (
            'recipient',
            'partner_id',
            'move_id',
            'lang',
            'level_id',
        ),
        True,
    )

    company_id = fields.Many2one(
        comodel_name='res.company',
        required=True,
        readonly=True,
        default=lambda self: self.env.company,
    )
    recipient = fields.Selection(
        string="Send to",
        selection=[('me', "My address"), ('test', "The test address")],
        required=True,
        default='me',
    )
    email = fields.Char(string="Address", compute='_compute_email')
    partner_id = fields.Many2one(
        string="Example customer",
        comodel_name='res.partner',
        default=lambda self: self._default_partner(),
        help="At first the customer with the largest amount due.",
    )
    has_due = fields.Boolean(string="Something is due", compute='_compute_has_due')
    move_id = fields.Many2one(
        string="Example invoice",
        comodel_name='account.move',
        compute='_compute_move_id',
        store=True,
        readonly=False,
        domain=[*OPEN_INVOICES],
        check_company=True,
    )
    lang = fields.Selection(
        string="Language",
        selection=lambda self: self.env['res.lang'].get_installed(),
        compute='_compute_lang',
        store=True,
        readonly=False,
    )
    level_id = fields.Many2one(
        comodel_name='pay.now.reminder.level',
        check_company=True,
        help="Empty: the first level.",
    )
    preview_html = fields.Html(string="Preview", sanitize=False, readonly=True)
    item_ids = fields.Many2many(string="Items", comodel_name='account.move.line', readonly=True)

    # === COMPUTE METHODS === #

    @api.model
    def _default_partner(self):
        """Return the customer with the largest amount due."""
        groups = self.env['account.move.line']._read_group(
            self._due_domain(self.env.company),
            ['partner_id'],
            order='amount_residual:sum desc',
            limit=1,
        )
        return groups[0][0] if groups else self.env['res.partner']

    @api.depends('recipient')
    def _compute_email(self):
        for trial in self:
            trial.email = (
                trial.company_id.pay_now_test_email
                if trial.recipient == 'test'
                else self.env.user.email
            )

    @api.depends('partner_id')
    def _compute_has_due(self):
        for trial in self:
            trial.has_due = bool(trial.partner_id and trial._due_items())

    @api.depends('partner_id')
    def _compute_move_id(self):
        for trial in self:
            domain = [('company_id', '=', trial.company_id.id), *OPEN_INVOICES]
            if trial.partner_id:
                commercial = trial.partner_id.commercial_partner_id
                domain.append(('commercial_partner_id', '=', commercial.id))
            trial.move_id = not trial.has_due and self.env['account.move'].search(domain, limit=1)

    @api.depends('partner_id', 'move_id')
    def _compute_lang(self):
        for trial in self:
            partner = trial.partner_id or trial.move_id.partner_id
            trial.lang = partner.lang or trial.company_id._pay_now_lang()

    # === ACTION METHODS === #

    def action_send(self):
        """Send the mail and nothing else: no reminder is kept, no customer counts as reminded.

        :return: a notification that closes the window.
        :rtype: dict
        :raise UserError: what is missing, or the mail server's answer.
        """
        self.ensure_one()
        if self.company_id not in self.env.companies:
            raise AccessError(self.env._("This is another company."))
        self.company_id._pay_now_require_mail_server()
        address = utils.email_header('', utils.single_email(self.email))
        if not address:
            raise UserError(self.env._("There is no e-mail address to send the trial to."))
        self._count()
        self._send_mail(self._prepare_mail(address))
        return {
            'type': 'ir.actions.client',
            'tag': 'display_notification',
            'params': {
                'type': 'success',
                'message': self.env._("Trial reminder sent to %s.", address),
                'next': {'type': 'ir.actions.act_window_close'},
            },
        }

    # === BUSINESS METHODS === #

    def _preview(self):
        """Write the mail for the screen; it is made now, as reading a screen changes nothing."""
        try:
            self.sudo().preview_html = self._prepare_mail('')['body_html']
        except UserError as error:
            self.sudo().preview_html = Markup('<p>%s</p>') % str(error)

    def _pay_now_linked_lines(self):
        """Override of `pay.now.page.mixin`: the items of the example."""
        return self.item_ids

    def _pay_now_page_refusals(self, free):
        """Override of `pay.now.page.mixin`: the page offers what a reminder's page does."""
        return self.env['pay.now.reminder']._pay_now_page_refusals(free)

    @api.model
    def _due_domain(self, company):
        """Return the domain of what a run of today would remind of."""
        levels = self._levels(company)
        run = self.env['pay.now.reminder.run'].new({'company_id': company.id})
        return run._due_domain(levels) if levels else Domain.FALSE

    @api.model
    def _levels(self, company):
        return self.env['pay.now.reminder.level'].search([('company_id', '=', company.id)])

    def _due_items(self):
        """Return the due items of the example customer.

        :rtype: account.move.line
        """
        self.ensure_one()
        commercial = self.partner_id.commercial_partner_id
        return self.env['account.move.line'].search(
            self._due_domain(self.company_id) & Domain('partner_id', 'in', commercial.ids)
        )

    def _count(self):
        """Count the mail.

        :raise UserError: this company sent many within the hour.
        """
        try:
            company = self.company_id
            self.env['pay.now.rate']._hold(company, 'trial')._spend(company)
        except utils.TooOften as error:
            raise UserError(
                self.env._(
                    "Many trial reminders were sent within an hour. The next one can be sent at"
                    " %s.",
                    format_time(self.env, error.until, time_format='short'),
                )
            ) from error

    def _send_mail(self, vals):
        """Hand the mail over to the mail server at once.

        :param dict vals: values of the mail.
        :return: None
        :raise UserError: with the mail server's answer, if it refused.
        """
        mail = self.env['mail.mail'].sudo().create(vals)
        try:
            mail.send(raise_exception=True)
            failure = mail.exists() and mail.state != 'sent' and mail.failure_reason
        except MailDeliveryException as error:
            failure = ' '.join(map(str, error.args))
        if failure:
            raise UserError(self.env._("The trial reminder could not be sent: %s", failure))

    def _prepare_mail(self, address):
        """Write the mail as a real reminder would be, then undo the reminder.

        :param str address: who gets it.
        :return: values of the mail.
        :rtype: dict
        :raise UserError: if there is no example.
        """
        vals = self._written_mail(*self._take_example())
        # The reminder and its answers are no more.
        for name in ('model', 'res_id', 'message_id'):
            del vals[name]
        subject = self.with_context(lang=self.lang).env._("Trial – %s", vals['subject'])
        return {
            **vals,
            'subject': subject,
            'email_to': address,
            'auto_delete': True,
            'state': 'outgoing',
        }

    def _take_example(self):
        """Note which items the trial is about.

        :return: the items, and the level of the trial.
        :rtype: tuple(account.move.line, pay.now.reminder.level)
        :raise UserError: if there is no example.
        """
        items = self._due_items() or self.move_id._pay_now_open_lines()
        levels = self._levels(self.company_id)
        if not items or not levels:
            raise UserError(self.env._("There is no open invoice to take as an example."))
        self.sudo().write(
            {
                'item_ids': [Command.set(items.ids)],
                'partner_id': items.partner_id[:1].id,
                # As chosen, whatever would follow from the customer.
                'move_id': self.move_id.id,
                'lang': self.lang,
            }
        )
        return items, self.level_id or levels[:1]

    def _written_mail(self, items, level):
        """Write the mail of a real reminder, and undo the reminder.

        :param account.move.line items: what it is about.
        :param pay.now.reminder.level level: whose text it has.
        :return: values of the mail, which name the record that is no more.
        :rtype: dict
        """
        # The token is to outlive what follows.
        self._pay_now_url()
        with contextlib.closing(self.env.cr.savepoint()):
            run = self.env['pay.now.reminder.run'].create({'company_id': self.company_id.id})
            Reminder = self.env['pay.now.reminder'].with_context(pay_now_trial=self)
            reminder = Reminder.sudo().create(
                {
                    'run_id': run.id,
                    'company_id': self.company_id.id,
                    'partner_id': self.partner_id.id,
                    'level_id': level.id,
                    'item_ids': [Command.set(items.ids)],
                }
            )
            reminder = reminder.with_env(Reminder.env)
            items, refusals = reminder._refresh()
            # Without the PDFs of the invoices: they may lead to pages that take money.
            no_pdfs = {reminder: self.env['ir.attachment']}
            return reminder._prepare_mails(items, refusals, no_pdfs)[0][reminder]
