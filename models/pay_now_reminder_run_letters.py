# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from odoo import api, fields, models
from odoo.fields import Domain


class PayNowReminderRun(models.Model):
    """The letters of a run: how many wait for the printer, and what was printed."""

    _inherit = 'pay.now.reminder.run'

    to_print_count = fields.Integer(string="Letters to print", compute='_compute_counts')
    letters_file_ids = fields.Many2many(
        string="Printed letters",
        comodel_name='ir.attachment',
        relation='pay_now_reminder_run_letters_rel',
        readonly=True,
        copy=False,
    )

    letters_text = fields.Char(string="What is to be printed", compute='_compute_letters_text')

    # === COMPUTE METHODS === #

    @api.depends_context('lang')
    def _compute_letters_text(self):
        for run in self:
            count = run.to_print_count
            run.letters_text = (
                self.env._("1 letter") if count == 1 else self.env._("%s letters", count)
            )

    # === ACTION METHODS === #

    def action_print_letters(self):
        """Print what waits for the printer (see `pay.now.reminder`).

        :rtype: dict
        """
        self.ensure_one()
        # Not by way of `reminder_ids`, which reads all that the run has.
        waiting = Domain('run_id', '=', self.id) & Domain('state', '=', 'to_print')
        return self.env['pay.now.reminder'].search(waiting).action_print_letters()
