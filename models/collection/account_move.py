# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from odoo import api, fields, models
from odoo.fields import Domain

from odoo.addons.account_pay_now.models.account_move_line import IN_PROGRESS, UNDER_WAY


class AccountMove(models.Model):
    """What lists of invoices say of collecting them, for many at once, and to search by."""

    _inherit = 'account.move'

    pay_now_level_id = fields.Many2one(search='_search_pay_now_level_id')
    pay_now_last_reminder = fields.Datetime(
        string="Last reminder",
        compute='_compute_pay_now_collection',
        search='_search_pay_now_last_reminder',
        compute_sudo=True,
    )
    pay_now_promised_for = fields.Date(
        string="Promised for",
        compute='_compute_pay_now_collection',
        search='_search_pay_now_promised_for',
        compute_sudo=True,
        help="The day that the customer named, as long as the answer holds reminders back.",
    )
    pay_now_paid_online = fields.Boolean(
        string="Paid online",
        compute='_compute_pay_now_collection',
        search='_search_pay_now_paid_online',
        compute_sudo=True,
        help="At least in part, by a payment of Pay Now.",
    )
    pay_now_in_progress = fields.Boolean(
        string="Payment in progress",
        compute='_compute_pay_now_in_progress',
        search='_search_pay_now_in_progress',
        compute_sudo=True,
        help="For all that is open of the invoice.",
    )

    # === COMPUTE METHODS === #

    def _compute_pay_now_collection(self):
        """Of all items of an invoice: the last reminder, and the first day that was named."""
        items = self.env['pay.now.item.report'].search_fetch(
            [('move_id', 'in', self._origin.ids)],
            ['move_id', 'last_reminder', 'promised_for', 'is_paid_online'],
        )
        by_move = items.grouped('move_id')
        for move in self:
            found = by_move.get(move._origin, items.browse())
            move.pay_now_last_reminder = max(
                filter(None, found.mapped('last_reminder')), default=False
            )
            move.pay_now_promised_for = min(
                filter(None, found.mapped('promised_for')), default=False
            )
            move.pay_now_paid_online = any(found.mapped('is_paid_online'))

    def _compute_pay_now_in_progress(self):
        busy = self._origin._pay_now_all_in_progress()
        for move in self:
            move.pay_now_in_progress = move._origin in busy

    # === SEARCH METHODS === #

    @api.model
    def _pay_now_items_found(self, name, operator, value):
        """Return the domain of invoices by a field of `pay.now.item.report`, of any of their items.

        Not set is an invoice of which no item has it.

        :param str name: the field.
        :param str operator: a positive one; of the others the ORM asks the opposite.
        :param value: see `Domain`.
        """
        # A path of fields would be followed with the rights of the system, wherever it leads.
        if operator in ('not in', '!=', 'any', 'not any'):
            return NotImplemented
        Items = self.env['pay.now.item.report'].sudo()

        def of_items(domain):
            return Domain('id', 'in', Items._search(domain).subselect('move_id'))

        if operator != 'in' or False not in value:
            return of_items(Domain(name, operator, value))
        others = [one for one in value if one is not False]
        found = ~of_items(Domain(name, '!=', False))
        return found | of_items(Domain(name, 'in', others)) if others else found

    @api.model
    def _search_pay_now_level_id(self, operator, value):
        if operator == 'any':
            # Which levels these are is found with the rights of whoever searches.
            Level = self.env['pay.now.reminder.level'].with_context(active_test=False)
            levels = Level.search(value if isinstance(value, Domain) else [('id', 'in', value)])
            if not levels:
                return Domain.FALSE
            operator, value = 'in', levels.ids
        if operator != 'in':
            return NotImplemented
        return self._pay_now_items_found('level_id', operator, value)

    @api.model
    def _search_pay_now_last_reminder(self, operator, value):
        if operator in ('<', '<='):
            # None of the later ones, either.
            later = '>=' if operator == '<' else '>'
            return self._pay_now_items_found(
                'last_reminder', operator, value
            ) & ~self._pay_now_items_found('last_reminder', later, value)
        return self._pay_now_items_found('last_reminder', operator, value)

    @api.model
    def _search_pay_now_promised_for(self, operator, value):
        if operator in ('>', '>='):
            # The first day that was named counts.
            earlier = '<=' if operator == '>' else '<'
            return self._pay_now_items_found(
                'promised_for', operator, value
            ) & ~self._pay_now_items_found('promised_for', earlier, value)
        return self._pay_now_items_found('promised_for', operator, value)

    @api.model
    def _search_pay_now_paid_online(self, operator, value):
        if operator != 'in':
            return NotImplemented
        online = self._pay_now_items_found('is_paid_online', 'in', [True])
        return Domain.OR(online if one else ~online for one in value)

    @api.model
    def _search_pay_now_in_progress(self, operator, value):
        """Invoices that money is on its way for are few: each is looked at."""
        if operator != 'in':
            return NotImplemented
        moves = self.sudo().search(
            Domain('move_type', '=', 'out_invoice')
            & Domain('state', '=', 'posted')
            & Domain('amount_residual', '>', 0)
            & (
                Domain('pay_now_item_ids', 'any', IN_PROGRESS)
                | Domain('transaction_ids.state', 'in', UNDER_WAY)
                | Domain('payment_state', 'in', ('in_payment', 'paid'))
            )
        )
        busy = Domain('id', 'in', moves._pay_now_all_in_progress().ids)
        return Domain.OR(busy if one else ~busy for one in value)
