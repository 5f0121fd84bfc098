# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from odoo import fields, models


class PayNowReminderLevel(models.Model):
    _name = 'pay.now.reminder.level'
    _description = "Reminder level"
    _order = 'company_id, delay_days, id'
    _check_company_auto = True
    # As the provider, shared with the branches.
    _check_company_domain = models.check_company_domain_parent_of

    name = fields.Char(string="Name", required=True, translate=True)
    active = fields.Boolean(default=True)
    company_id = fields.Many2one(
        string="Company",
        comodel_name='res.company',
        required=True,
        default=lambda self: self.env.company,
        index=True,
    )
    delay_days = fields.Integer(
        string="Days after the due date",
        required=True,
        default=5,
        help="Negative: days before the due date.",
    )
    gap_days = fields.Integer(
        string="Days since the previous reminder",
        required=True,
        default=14,
        help="A customer who got a reminder less than this many days ago gets none.",
    )
    template_id = fields.Many2one(
        string="E-mail template",
        comodel_name='mail.template',
        domain=[('model', '=', 'pay.now.reminder')],
        required=True,
        default=lambda self: self.env.ref(
            'account_pay_now.mail_template_reminder', raise_if_not_found=False
        ),
    )
    attach_invoices = fields.Boolean(
        string="Attach the invoices",
        help="The PDFs of the invoices leave with the reminder: those that are stored, and those"
        " still missing once they are made.",
    )

    _gap_not_negative = models.Constraint(
        'CHECK (gap_days >= 1)', "There is at least one day between two reminders."
    )
