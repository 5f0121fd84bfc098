# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError
from odoo.fields import Command


class PayNowBookInterest(models.TransientModel):
    """Shows what the late payments of a customer cost by today, and makes a draft debit note of it.

    Of what sent reminders have stated, and no day twice. The figures shown are those that are
    booked: where the books have changed meanwhile nothing is.
    """

    _name = 'pay.now.book.interest'
    _inherit = ['pay.now.authority.mixin']
    _description = "Interest and indemnity to book"
    _pay_now_written_by = dict.fromkeys(('account_id', 'line_ids'), True)

    company_id = fields.Many2one(comodel_name='res.company', required=True, readonly=True)
    currency_id = fields.Many2one(related='company_id.currency_id')
    partner_id = fields.Many2one(
        string="Customer", comodel_name='res.partner', required=True, readonly=True
    )
    reminder_id = fields.Many2one(comodel_name='pay.now.reminder', readonly=True)
    date_to = fields.Date(string="Reckoned until", required=True, readonly=True)
    account_id = fields.Many2one(
        comodel_name='account.account',
        check_company=True,
        domain="[('account_type', 'in', ('income', 'income_other'))]",
        help="Empty: that of the sales journal. In France 7631, and 758 for the indemnity.",
    )
    line_ids = fields.One2many(
        comodel_name='pay.now.book.interest.line', inverse_name='wizard_id', string="Late items"
    )
    total = fields.Monetary(compute='_compute_total')
    left_out_text = fields.Char(
        string="Left out", compute='_compute_left_out_text', compute_sudo=True
    )
    is_done = fields.Boolean(string="Booked", readonly=True)

    # === COMPUTE METHODS === #

    @api.depends('line_ids.is_chosen')
    def _compute_total(self):
        for wizard in self:
            chosen = wizard.line_ids.filtered('is_chosen')
            wizard.total = sum(chosen.mapped('interest')) + sum(chosen.mapped('indemnity'))

    @api.depends('partner_id', 'company_id', 'date_to')
    @api.depends_context('lang', 'allowed_company_ids')
    def _compute_left_out_text(self):
        for wizard in self:
            items = wizard._items(wizard.partner_id, wizard.company_id)
            wizard.left_out_text = wizard._left_out_text(items, wizard.date_to)

    # === ACTION METHODS === #

    def action_book(self):
        """Make the debit note, a draft, once however often it is pressed.

        :return: the action that shows it.
        :rtype: dict
        :raise UserError: the figures are not those of this moment any more.
        """
        self.ensure_one()
        self.check_access('write')
        if not self.sudo().try_lock_for_update() or self.is_done:
            raise UserError(self.env._("This was booked a moment ago."))
        chosen = self.line_ids.filtered('is_chosen')
        if not chosen:
            raise UserError(self.env._("Choose what is to be booked."))
        self.partner_id._pay_now_hold_interest()
        # Of all that was shown and is theirs still: an indemnity stands at one item of its invoice.
        items = self.line_ids.sudo().line_id._pay_now_of(self.partner_id, self.company_id)
        found = items._pay_now_interest(self.date_to)
        for line in chosen.sudo():
            now = found.get(line.line_id, {'interest': 0.0, 'indemnity': 0.0})
            if self.currency_id.compare_amounts(
                now['interest'] + now['indemnity'], line.interest + line.indemnity
            ):
                raise UserError(
                    self.env._("The amounts have changed meanwhile. Please open it anew.")
                )
        moves = self.env['account.move']
        for company, lines in chosen.grouped(lambda one: one.sudo().line_id.company_id).items():
            moves |= self._create_debit_note(company.with_env(self.env), lines)
        self.sudo().is_done = True
        action = {
            'type': 'ir.actions.act_window',
            'name': self.env._("Debit notes"),
            'res_model': 'account.move',
            'views': [(False, 'list'), (False, 'form')],
        }
        action['domain'] = [('id', 'in', moves.ids)]
        if len(moves) == 1:
            action.update({'res_id': moves.id, 'views': [(False, 'form')]})
        return action

    # === BUSINESS METHODS === #

    @api.model
    def _open(self, reminder):
        """Show what there is to book of a reminder's customer, of all that was stated to it.

        :param pay.now.reminder reminder: one that was sent.
        :return: a window action.
        :rtype: dict
        :raise AccessError: the user does not write invoices of the company.
        :raise UserError: nothing is to be booked.
        """
        customer, company = reminder._pay_now_customer(), reminder.company_id
        today = company._pay_now_today()
        found = self._find(customer, company, today)
        names = ('days', 'interest', 'indemnity')
        wizard = self.sudo().create(
            {
                'company_id': company.id,
                'partner_id': customer.id,
                'reminder_id': reminder.id,
                'date_to': today,
                'line_ids': [
                    Command.create({'line_id': line.id, **{name: one[name] for name in names}})
                    for line, one in found.items()
                ],
            }
        )
        return {
            'type': 'ir.actions.act_window',
            'name': self.env._("Book interest and indemnity"),
            'res_model': self._name,
            'res_id': wizard.id,
            'view_mode': 'form',
            'target': 'new',
        }

    @api.model
    def _find(self, customer, company, until):
        """Return what is to be booked of a customer, see `account.move.line._pay_now_interest`.

        :param res.partner customer: a commercial partner.
        :param res.company company: whose items, and whose branches'.
        :param datetime.date until: the last day that counts.
        :rtype: dict
        :raise AccessError: see `_open`.
        :raise UserError: see `_open`.
        """
        if not self.env.user.has_group('account.group_account_invoice') or (
            company not in self.env.companies
        ):
            raise AccessError(self.env._("Only who writes invoices books interest."))
        items = self._items(customer, company)
        found = items._pay_now_interest(until)
        if not found and (text := self._left_out_text(items, until)):
            raise UserError(text)
        if not found:
            raise UserError(
                self.env._(
                    "There is nothing to book: interest and indemnity are booked of what a"
                    " reminder has stated, once, and not of consumers nor in other currencies."
                )
            )
        return found

    @api.model
    def _items(self, customer, company):
        """Return the items that interest may be booked of: what a reminder has stated.

        :param res.partner customer: a commercial partner.
        :param res.company company: whose items, and whose branches', as far as the user sees them.
        :rtype: account.move.line (sudo)
        """
        items = self.env['pay.now.reminder']._items_told_of_interest(customer, company)
        return items.filtered(lambda line: line.company_id in self.env.companies)

    @api.model
    def _left_out_text(self, items, until):
        """Say of which items nothing is reckoned, as a day of theirs has no rate.

        :param account.move.line items: late items.
        :param datetime.date until: the last day that counts.
        :rtype: str | bool
        """
        names = items._pay_now_without_rate(until).move_id.mapped('name')
        if not names:
            return False
        if len(names) == 1:
            return self.env._(
                "%s is left out: the rate of some of its days is missing. Enter it in"
                " Configuration, Interest for late payment.",
                names[0],
            )
        return self.env._(
            "%s are left out: the rate of some of their days is missing. Enter it in Configuration,"
            " Interest for late payment.",
            ', '.join(names),
        )

    def _create_debit_note(self, company, chosen):
        """Return the debit note of one company: a draft invoice to the customer, without taxes.

        Interest for late payment and the indemnity are damages, outside of VAT.

        :param res.company company: whose invoices are late.
        :param pay.now.book.interest.line chosen: what it is for.
        :rtype: account.move
        """
        lang = self.partner_id.lang or company._pay_now_lang()
        wizard = self.with_company(company).with_context(lang=lang)
        move = wizard.env['account.move'].create(
            {
                'move_type': 'out_invoice',
                'company_id': company.id,
                'partner_id': self.partner_id.id,
                'invoice_origin': ', '.join(chosen.sudo().line_id.move_id.mapped('name')),
                'invoice_line_ids': [
                    Command.create(values) for line in chosen for values in wizard._values_of(line)
                ],
            }
        )
        self.env['pay.now.interest'].sudo().create(
            [
                {
                    'debit_move_id': move.id,
                    'move_id': line.line_id.move_id.id,
                    'line_id': line.line_id.id,
                    'reminder_id': self.reminder_id.id,
                    'date_to': self.date_to,
                    'interest': line.interest,
                    'indemnity': line.indemnity,
                }
                for line in chosen.sudo()
            ]
        )
        return move

    def _values_of(self, line):
        """Return the lines of the debit note for one late item.

        :param pay.now.book.interest.line line: the item and its figures.
        :rtype: list of dict
        """
        label = line.sudo().line_id.with_env(self.env(su=True))._pay_now_due_label()
        account = {'account_id': self.account_id.id} if self.account_id else {}
        texts = zip(
            (line.interest, line.indemnity),
            self.env['pay.now.reminder']._debit_note_texts(label, self.date_to),
            strict=True,
        )
        return [
            {'name': text, 'quantity': 1, 'price_unit': amount, 'tax_ids': [Command.clear()]}
            | account
            for amount, text in texts
            if amount
        ]
