# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from datetime import timedelta

from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError
from odoo.tools import pdf

from odoo.addons.account_pay_now.models.statement.pay_now_customer_statement import KINDS, READERS
from odoo.addons.account_pay_now.models.statement.pay_now_customer_statement_mail import REPORT

#: Statements that one click prints: each takes about a second.
PRINTED_AT_ONCE = 50


class PayNowPrepareStatement(models.TransientModel):
    """Asks for the days of statements of account, then prints or sends them.

    Printing leaves nothing behind but the file, for whoever printed it; what is sent is kept.
    """

    _name = 'pay.now.prepare.statement'
    _inherit = ['pay.now.authority.mixin']
    _description = "Statements of account to print or send"
    _pay_now_written_by = dict.fromkeys(
        ('company_id', 'partner_ids', 'kind', 'date_from', 'date_to'), True
    )

    company_id = fields.Many2one(
        comodel_name='res.company', required=True, default=lambda self: self._default_company()
    )
    partner_ids = fields.Many2many(
        string="Customers",
        comodel_name='res.partner',
        relation='pay_now_prepare_statement_partner_rel',
        required=True,
    )
    kind = fields.Selection(string="What", selection=KINDS, default='statement', required=True)
    date_from = fields.Date(string="From", default=lambda self: self._default_days()[0])
    date_to = fields.Date(
        string="Until", default=lambda self: self._default_days()[1], required=True
    )
    is_done = fields.Boolean(string="Sent", readonly=True)
    no_email_text = fields.Char(string="Without e-mail", compute='_compute_no_email_text')

    # === DEFAULTS === #

    @api.model
    def _default_company(self):
        """Return the company with its branches, as far as the user works in it."""
        root = self.env.company.root_id
        return root if root in self.env.companies else self.env.company

    @api.model
    def _default_days(self):
        """Return the days since the first of the month before, until today.

        :rtype: tuple(datetime.date, datetime.date)
        """
        today = self.env.company._pay_now_today()
        first = (today.replace(day=1) - timedelta(days=1)).replace(day=1)
        return first, today

    # === COMPUTE METHODS === #

    @api.depends('partner_ids', 'company_id')
    @api.depends_context('lang')
    def _compute_no_email_text(self):
        Statement = self.env['pay.now.customer.statement']
        for wizard in self:
            customers = wizard.partner_ids.commercial_partner_id._origin
            found = Statement._find_contacts(customers, wizard.company_id)
            without = customers.filtered(lambda one, found=found: one not in found)
            wizard.no_email_text = ', '.join(without.mapped('display_name')) or False

    @api.onchange('kind')
    def _onchange_kind(self):
        """A balance is mostly confirmed on the last day of the year that is over."""
        if self.kind == 'confirmation':
            today = self.env.company._pay_now_today()
            self.date_to = today.replace(month=1, day=1) - timedelta(days=1)

    # === ACTION METHODS === #

    def action_print(self):
        """Draw the statements, in one file.

        :return: the download.
        :rtype: dict
        :raise AccessError: the user does not read the books of the company.
        :raise UserError: the days are the wrong way round, or there are too many customers.
        """
        customers = self._check_access_and_days(READERS)
        if len(customers) > PRINTED_AT_ONCE:
            raise UserError(
                self.env._("At most %s statements are printed at once.", PRINTED_AT_ONCE)
            )
        report = self.env['ir.actions.report'].sudo()
        data = {
            'company_id': self.company_id.id,
            'date_from': fields.Date.to_string(self.date_from or self.date_to),
            'date_to': fields.Date.to_string(self.date_to),
            'kind': self.kind,
        }
        drawn = [report._pay_now_render_apart(REPORT, one.ids, data)[one.id] for one in customers]
        content = pdf.merge_pdf(drawn) if len(drawn) > 1 else drawn[0]
        Statement = self.env['pay.now.customer.statement']
        title = self.env['report.account_pay_now.report_customer_statement']._titles()[self.kind]
        name = Statement._file_name(title, customers[:1], self.date_to)
        if len(customers) > 1:
            name = f'{title} – {self.date_to}.pdf'
        # Gone with the wizard.
        return self.env['ir.attachment']._pay_now_keep_pdf(self, name, content)._pay_now_download()

    def action_send(self):
        """Let the statements leave in the background, once however often it is pressed.

        :return: the list of them.
        :rtype: dict
        :raise AccessError: the user does not write invoices of the company.
        :raise UserError: nobody of them has an e-mail, or there is no mail server.
        """
        customers = self._check_access_and_days('account.group_account_invoice')
        self.company_id._pay_now_require_mail_server()
        Statement = self.env['pay.now.customer.statement'].sudo()
        found = Statement._find_contacts(customers, self.company_id)
        written = customers.filtered(lambda one: one in found)
        if not written:
            raise UserError(self.env._("None of these customers has an e-mail address."))
        locked = self.sudo().try_lock_for_update()
        if locked and not locked.is_done:
            locked.is_done = True
            Statement.create(
                [
                    {
                        'kind': self.kind,
                        'company_id': self.company_id.id,
                        'partner_id': customer.id,
                        'date_from': self.kind == 'statement' and self.date_from,
                        'date_to': self.date_to,
                        'user_id': self.env.uid,
                    }
                    for customer in written
                ]
            )
            Statement._wake()
        return written.action_pay_now_statements()

    def _check_access_and_days(self, groups):
        """Return the customers, once the user may do it.

        :param str groups: who may.
        :rtype: res.partner
        :raise AccessError: the user may not.
        :raise UserError: the days are the wrong way round.
        """
        self.ensure_one()
        self.check_access('write')
        if not self.env.user.has_groups(groups) or self.company_id not in self.env.companies:
            raise AccessError(self.env._("Only who reads the books prints statements."))
        self.partner_ids.check_access('read')
        if self.kind == 'statement' and self.date_from and self.date_from > self.date_to:
            raise UserError(self.env._("The first day comes after the last one."))
        return self.partner_ids.commercial_partner_id
