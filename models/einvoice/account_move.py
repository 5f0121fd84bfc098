# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from datetime import timedelta

from odoo import api, fields, models
from odoo.fields import Domain
from odoo.tools.misc import format_date
from odoo.tools.sql import column_exists, create_column

#: What the buyer's platform says that Odoo's modules keep in the states of an invoice: of
#: `account_peppol` with `account_peppol_response`, and of `l10n_fr_pdp`, in both of its versions.
TOLD = {
    # Peppol's codes, and what a platform rejects.
    'RE': 'refused',
    'UQ': 'disputed',
    'AP': 'approved',
    'CA': 'approved',
    'PD': 'paid',
    'refused': 'refused',
    'rejected': 'refused',
    'contested': 'disputed',
    'suspended': 'disputed',
    'approved': 'approved',
    'payment_sent': 'payment_sent',
    'paid': 'paid',
}
#: Where they keep it: a field is read where there is one.
STATE_FIELDS = ('peppol_move_state', 'pdp_move_state')
#: Where the company itself reports to the platform what it has collected, and the state says so.
OWN_REPORTS = ('pdp_move_state', 'pdp_is_sent')
#: What waits for a person, and with it all reminders.
TO_HANDLE = ('refused', 'disputed')
#: What is read of the invoices whose items are checked.
HOLD_FIELDS = (
    'pay_now_external_status',
    'pay_now_external_at',
    'pay_now_external_handled_at',
)
#: Made without computing them for each invoice there ever was, see `_auto_init`.
COLUMNS = {'pay_now_external_status': 'varchar', 'pay_now_external_at': 'timestamp'}


class AccountMove(models.Model):
    """What the buyer says of an invoice on the platform that it arrived by."""

    _inherit = 'account.move'

    pay_now_external_status = fields.Selection(
        string="Buyer's platform",
        selection=[
            ('refused', "Refused"),
            ('disputed', "Disputed"),
            ('approved', "Approved"),
            ('payment_sent', "Payment sent"),
            ('paid', "Paid"),
        ],
        compute='_compute_pay_now_external_status',
        store=True,
        copy=False,
        compute_sudo=True,
        index='btree_not_null',
        help="What the buyer said of the invoice on its e-invoicing platform.",
    )
    pay_now_external_at = fields.Datetime(
        string="Told on",
        compute='_compute_pay_now_external_status',
        store=True,
        copy=False,
        compute_sudo=True,
        help="When it was told here.",
    )
    pay_now_external_handled_at = fields.Datetime(
        string="Handled on", readonly=True, copy=False, help="Reminders go on from then."
    )
    pay_now_external_text = fields.Char(
        string="The buyer says", compute='_compute_pay_now_external_text', compute_sudo=True
    )
    pay_now_external_holds = fields.Boolean(
        string="Reminders wait for it",
        compute='_compute_pay_now_external_text',
        compute_sudo=True,
    )

    # === COMPUTE METHODS === #

    @api.depends(lambda self: self._pay_now_external_fields())
    def _compute_pay_now_external_status(self):
        statuses = self._pay_now_external_status()
        now = fields.Datetime.now()
        for move in self:
            status, known = statuses.get(move, False), move.pay_now_external_status
            since = move.pay_now_external_at if status == known else status and now
            move.pay_now_external_status, move.pay_now_external_at = status, since

    @api.depends('pay_now_external_status', 'pay_now_external_at', 'pay_now_external_handled_at')
    @api.depends_context('lang', 'tz')
    def _compute_pay_now_external_text(self):
        holding = self._pay_now_external_holding()
        for move in self:
            status = move.pay_now_external_status
            move.pay_now_external_text = status and move._pay_now_external_label(
                **move._pay_now_external_values()
            )
            move.pay_now_external_holds = move in holding

    # === CRUD METHODS === #

    def _auto_init(self):
        """Override of `base`: nothing is computed for the invoices of all the years before."""
        missing = [name for name in COLUMNS if not column_exists(self.env.cr, self._table, name)]
        for name in missing:
            create_column(self.env.cr, self._table, name, COLUMNS[name])
        if missing:
            self.pool.post_init(self._pay_now_read_external)
        return super()._auto_init()

    def _pay_now_read_external(self):
        """Read what was told before there was a place for it, of the invoices to be paid.

        As the columns are made, and at the end of an update, once the modules that keep it are
        there, too: what was told stays told.
        """
        states = [Domain(name, 'in', list(TOLD)) for name in STATE_FIELDS if name in self._fields]
        domain = Domain('move_type', '=', 'out_invoice') & Domain('amount_residual', '>', 0)
        moves = self.sudo().search(domain & Domain.OR(states)) if states else self
        self.env.add_to_compute(self._fields['pay_now_external_status'], moves)
        self.env.add_to_compute(self._fields['pay_now_external_at'], moves)

    # === ACTION METHODS === #

    def action_pay_now_external_handled(self):
        """Let reminders go on: what the buyer said was talked about, or put right.

        What the platform tells next is another matter again.

        :return: None
        """
        self.check_access('write')
        holding = self._pay_now_external_holding()
        holding.sudo().pay_now_external_handled_at = fields.Datetime.now()

    # === BUSINESS METHODS - STATUS === #

    @api.model
    def _pay_now_external_fields(self):
        """Return the fields that `_pay_now_external_status` reads; a hook, as it is one.

        :rtype: list of str
        """
        names = [name for name in STATE_FIELDS if name in self._fields]
        if own := [name for name in OWN_REPORTS if name in self._fields]:
            names = list(dict.fromkeys([*names, *own, 'payment_state']))
        return ['move_type', *names]

    def _pay_now_external_status(self):
        """Return what the buyers' platforms say of invoices; a hook for e-invoicing modules.

        Asked for many at once, as soon as one of `_pay_now_external_fields` changes. A module that
        knows more overrides both, and adds to what is returned here.

        :return: `{invoice: 'refused', 'disputed', 'approved', 'payment_sent' or 'paid'}`; the
            others say nothing.
        :rtype: dict
        """
        statuses = {}
        names = [name for name in STATE_FIELDS if name in self._fields]
        for move in self.filtered(lambda one: one.move_type == 'out_invoice') if names else ():
            told = (TOLD.get(move[name]) for name in names)
            status = next(filter(None, told), None)
            if status and not (status == 'paid' and move._pay_now_is_own_report()):
                statuses[move] = status
        return statuses

    def _pay_now_is_own_report(self):
        """Tell whether *paid* is neither what the buyer said nor what the books say.

        On a French platform it is the company's own report of what it has collected: of a part,
        too, and it stays there when a refund or a dispute takes the payment back.

        :rtype: bool
        """
        self.ensure_one()
        is_own = any(name in self._fields and self[name] for name in OWN_REPORTS)
        return is_own and self.payment_state not in ('paid', 'in_payment')

    # === BUSINESS METHODS - HOLDS === #

    def _pay_now_external_holding(self):
        """Return the invoices that no reminder is sent about because of what the buyer says.

        Refused or disputed: until a person has handled it. Payment sent: for the days of grace
        that a transfer has to arrive.

        :rtype: account.move
        """
        told = self.filtered(
            lambda move: move.pay_now_external_status in (*TO_HANDLE, 'payment_sent')
        )
        return told.filtered(lambda move: not move._pay_now_external_is_over())

    def _pay_now_external_answers(self):
        """Return what buyers said of those invoices that no pay notice is sent about any more.

        What holds reminders, and paid.

        :return: `{invoice: values}`, see `_pay_now_external_values`.
        :rtype: dict
        """
        paid = self.filtered(lambda move: move.pay_now_external_status == 'paid')
        return {
            move: move._pay_now_external_values()
            for move in self._pay_now_external_holding() | paid
        }

    def _pay_now_external_is_over(self):
        """Tell whether reminders may go on, whatever the buyer said."""
        at, handled_at = self.pay_now_external_at, self.pay_now_external_handled_at
        if at and handled_at and handled_at >= at:
            return True
        if self.pay_now_external_status in TO_HANDLE:
            return False
        company = self.company_id
        grace = timedelta(days=company.root_id.sudo().pay_now_grace_days)
        return not at or company._pay_now_day(at) + grace < company._pay_now_today()

    def _pay_now_external_values(self):
        """Return what the buyer says as plain JSON, see `_pay_now_external_label`.

        :rtype: dict
        """
        self.ensure_one()
        at = self.pay_now_external_at
        date = at and fields.Date.to_string(self.company_id._pay_now_day(at))
        return {'status': self.pay_now_external_status, 'date': date or False}

    @api.model
    def _pay_now_external_label(self, status, date):
        """Return what the buyer says, in the reader's language.

        :param str status: a code of `_pay_now_external_status`.
        :param str date: when it was told, False where it is not known.
        :rtype: str
        """
        text = {
            'refused': self.env._("Refused on the buyer's platform"),
            'disputed': self.env._("Disputed on the buyer's platform"),
            'approved': self.env._("Approved on the buyer's platform"),
            'payment_sent': self.env._("Payment sent, says the buyer's platform"),
            'paid': self.env._("Paid, says the buyer's platform"),
        }.get(status, status)
        return f'{text} ({format_date(self.env, date)})' if date else text
