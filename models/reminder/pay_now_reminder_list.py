# Part of Pay Now. See LICENSE file for full copyright and licensing details.

import contextlib
import logging

import psycopg2

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Domain

from odoo.addons.account_pay_now.models.reminder.pay_now_reminder import WAITING
from odoo.addons.account_pay_now.models.reminder.pay_now_sales_mixin import by_engine

_logger = logging.getLogger(__name__)

#: The reminders of a run as its screen sorts them. Who steps through them stays in one of these.
GROUPS = {
    'to_send': (*WAITING, 'sending'),
    'held': ('held',),
    'dropped': ('canceled',),
    'failed': ('failed', 'uncertain'),
    'sent': ('sent',),
}


class PayNowReminder(models.Model):
    """The list of a run: what a person sees of each reminder, and does with several at once."""

    _inherit = 'pay.now.reminder'

    oldest_due = fields.Date(string="Oldest due date", readonly=True)
    days_late = fields.Integer(
        string="Days late",
        compute='_compute_days_late',
        help="Since the oldest due date. Negative: it is still to come.",
    )
    position_text = fields.Char(string="Position", compute='_compute_position_text')
    has_previous = fields.Boolean(compute='_compute_position_text')
    has_next = fields.Boolean(compute='_compute_position_text')

    # === COMPUTE METHODS === #

    @api.depends('oldest_due')
    @api.depends_context('tz')
    def _compute_days_late(self):
        today = fields.Date.context_today(self)
        for reminder in self:
            oldest = reminder.oldest_due
            reminder.days_late = (today - oldest).days if oldest else 0

    @api.depends_context('lang')
    def _compute_position_text(self):
        for reminder in self:
            alike = reminder._alike()
            before, after = (
                self.search_count(alike & Domain('id', operator, reminder.id))
                for operator in ('>', '<')
            )
            reminder.has_previous, reminder.has_next = bool(before), bool(after)
            reminder.position_text = self.env._(
                "%(number)s of %(total)s", number=before + 1, total=before + 1 + after
            )

    # === ACTION METHODS === #

    def action_preview(self):
        """Show the mail as it would leave now."""
        self.ensure_one()
        return {
            'type': 'ir.actions.act_window',
            'name': self.env._("Preview: %s", self.partner_id.display_name),
            'res_model': self._name,
            'res_id': self.id,
            'view_mode': 'form',
            'views': [(self.env.ref('account_pay_now.pay_now_reminder_view_preview').id, 'form')],
            'target': 'new',
        }

    def action_preview_previous(self):
        """Show the mail of the one above it in the list."""
        return self._preview_beside('>', 'id')

    def action_preview_next(self):
        """Show the mail of the one below it in the list."""
        return self._preview_beside('<', 'id desc')

    @by_engine('write')
    def action_take_back(self):
        """Put customers who were left out, or held, back into the run, as the books have it now.

        What holds them still, or since, is said once more.
        """
        # Those of no run are the customer's history.
        back = self.filtered(lambda one: one.state in ('canceled', 'held') and one.run_id)
        if not back:
            return
        back.write({'state': 'draft', 'reason_codes': False})
        back._refresh()
        waiting = back.filtered(lambda one: one.state == 'draft')
        # The run is open again, whether it was done or canceled.
        waiting.run_id.filtered(lambda run: run.state in ('done', 'canceled')).state = 'draft'
        back.run_id._tell_watchers()

    def action_choose_level(self):
        """Ask which level these are to have.

        :return: the action of a window.
        :rtype: dict
        :raise UserError: there is none among them whose level can be changed.
        """
        self.check_access('write')
        changeable = self.filtered(lambda one: one.state in ('draft', 'held'))
        if not changeable:
            raise UserError(self.env._("Only what is not on its way yet can be changed."))
        return {
            'type': 'ir.actions.act_window',
            'name': self.env._("Choose the level"),
            'res_model': 'pay.now.choose.level',
            'view_mode': 'form',
            'target': 'new',
            'context': {
                'default_company_id': changeable[0].company_id.id,
                'default_reminder_ids': changeable.ids,
            },
        }

    # === BUSINESS METHODS - LIST === #

    def _take_chosen_level(self, level):
        """Give reminders a level that a person has chosen, and judge what held them anew.

        In the name of whoever chose it (see `write`).

        :param pay.now.reminder.level level: of their company.
        :raise UserError: some of them are on their way, or sent.
        """
        self.write({'level_id': level.id})
        self.filtered(lambda one: one.state == 'held').action_take_back()

    # === BUSINESS METHODS - PREVIEW === #

    def _alike(self):
        """Return the domain of the reminders that are listed with this one.

        :rtype: odoo.fields.Domain
        """
        self.ensure_one()
        states = next((group for group in GROUPS.values() if self.state in group), ())
        return Domain('run_id', '=', self.run_id.id) & Domain('state', 'in', states)

    def _preview_beside(self, operator, order):
        """Show the mail of a neighbour in the list, or this one where there is none.

        :param str operator: of the ids.
        :param str order: the nearest first.
        :return: see `action_preview`.
        :rtype: dict
        """
        self.ensure_one()
        self.check_access('read')
        domain = self._alike() & Domain('id', operator, self.id)
        return (self.search(domain, order=order, limit=1) or self).action_preview()

    # === BUSINESS METHODS - TEXT === #

    def _rendering_error(self):
        """Return why the mail cannot be written as its level has it, and leave no trace of trying.

        :return: the first line of it; nothing where it can.
        :rtype: str
        """
        self.ensure_one()
        try:
            with contextlib.closing(self.env.cr.savepoint()):
                self._render()
        except psycopg2.OperationalError:
            raise
        except Exception as error:  # noqa: BLE001 - whatever somebody wrote into a text
            _logger.info("The text of a level cannot be rendered", exc_info=True)
            # What was raised first says it in one line; what was made of it shows the template.
            while error.__cause__ or error.__context__:
                error = error.__cause__ or error.__context__
            return (str(error).strip() or type(error).__name__).splitlines()[0]
        return ''
