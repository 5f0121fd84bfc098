# Part of Pay Now. See LICENSE file for full copyright and licensing details.

import psycopg2

from odoo import api, fields, models
from odoo.fields import Domain
from odoo.tools import mute_logger

#: What networks say of an invoice that they were not given, or did not take.
NOT_HANDED_OVER = (False, 'ready', 'to_send', 'skipped', 'error')
#: And of one that is on its way; all else has arrived, or came back.
ON_ITS_WAY = ('processing',)
CAME_BACK = (*NOT_HANDED_OVER, 'RE', 'refused', 'rejected', 'cancelled')
#: What Odoo's letters say.
LETTER_STATES = {'pending': 'waiting', 'error': 'waiting', 'sent': 'done', 'canceled': 'failed'}


class AccountMove(models.Model):
    """How an invoice left, and the pay notice about one that left without our mail."""

    _inherit = 'account.move'

    pay_now_sent_ways = fields.Char(
        string="Ways the invoice went",
        readonly=True,
        copy=False,
        help="Codes of the sending methods, separated by commas.",
    )
    pay_now_sent_text = fields.Char(
        string="How it was sent", compute='_compute_pay_now_sent_text', compute_sudo=True
    )
    pay_now_notice_ids = fields.One2many(
        string="Pay notices",
        comodel_name='pay.now.invoice.notice',
        inverse_name='move_id',
        readonly=True,
        groups='account.group_account_invoice,account.group_account_readonly',
    )
    pay_now_notice_text = fields.Char(
        string="Pay notice", compute='_compute_pay_now_notice', compute_sudo=True
    )
    pay_now_notice_failed = fields.Boolean(
        string="Pay notice not delivered", compute='_compute_pay_now_notice', compute_sudo=True
    )

    # === COMPUTE METHODS === #

    @api.depends('pay_now_sent_ways')
    @api.depends_context('lang')
    def _compute_pay_now_sent_text(self):
        for move in self:
            move.pay_now_sent_text = move._pay_now_ways_text(move.pay_now_sent_ways)

    @api.depends('pay_now_sent_ways', 'pay_now_notice_ids.state')
    @api.depends_context('lang', 'tz')
    def _compute_pay_now_notice(self):
        """Whether one left, and when, or why not; nothing of invoices that were mailed anyway."""
        for move in self:
            notice = move.pay_now_notice_ids
            move.pay_now_notice_failed = notice.state == 'failed'
            move.pay_now_notice_text = notice._text() if notice else move._pay_now_no_notice_text()

    def _pay_now_no_notice_text(self):
        """Return why there never was a notice about an invoice that was not mailed."""
        ways = (self.pay_now_sent_ways or 'email').split(',')
        if 'email' in ways or self.company_id.sudo().pay_now_send_notices:
            return False
        return self.env._("None: pay notices are switched off in the settings")

    # === ACTION METHODS === #

    def action_pay_now_send_notice(self):
        """Send the pay notices once more that a mail server did not take.

        :return: None
        """
        self.check_access('write')
        self.sudo().pay_now_notice_ids._send_again()

    # === BUSINESS METHODS - WAYS === #

    @api.model
    def _pay_now_delivery_field(self, method):
        """Return the field in which the network of a sending method tells what became of it.

        :param str method: a code of `res.partner.invoice_sending_method`.
        :return: its name: `peppol_move_state`, or the like; False for other ways.
        :rtype: str | bool
        """
        name = f'{method}_move_state'
        return name in self._fields and name

    @api.model
    def _pay_now_ways_text(self, ways):
        """Return ways in the reader's language, as the Send window calls them.

        :param str ways: codes, separated by commas.
        :rtype: str | bool
        """
        if not ways:
            return False
        method = self.env['res.partner']._fields['invoice_sending_method']
        labels = dict(method._description_selection(self.env))
        # Odoo's word is *Manual*.
        labels['manual'] = self.env._("by download")
        return ', '.join(labels.get(way, way) for way in ways.split(','))

    @api.model
    def _pay_now_note_sent(self, ways):
        """Keep how documents left, and have those customers notified who got no mail.

        :param dict ways: `{document: codes of the ways it has just gone}`.
        :return: None
        """
        unmailed = {}
        for move, went in ways.items():
            move = move.sudo()
            if move.move_type != 'out_invoice' or not went:
                continue
            known = (move.pay_now_sent_ways or '').split(',')
            now = ','.join(dict.fromkeys(filter(None, (*known, *went))))
            if now != move.pay_now_sent_ways:
                move.pay_now_sent_ways = now
            if 'email' in went:
                move.pay_now_notice_ids._drop('mailed')
            elif move.company_id.pay_now_send_notices:
                unmailed[move] = ','.join(went)
        try:
            # Two who send the same at once: one notice is enough, and what was sent stays sent.
            with self.env.cr.savepoint(), mute_logger('odoo.sql_db'):
                self.env['pay.now.invoice.notice'].sudo()._take(unmailed)
        except psycopg2.IntegrityError:
            self.env.invalidate_all()

    # === BUSINESS METHODS - DELIVERY === #

    def _pay_now_deliveries(self, ways):
        """Say what became of invoices on the ways they went.

        :param dict ways: `{invoice: codes of the ways, separated by commas}`.
        :return: `{invoice: 'done', 'waiting' or 'failed'}`: done by one of the ways is enough.
        :rtype: dict
        """
        posted = self.filtered(lambda move: 'snailmail' in ways[move].split(','))
        letters = posted._pay_now_letter_states()
        deliveries = {}
        for move in self:
            found = {
                letters.get(move.id, 'done')
                if way == 'snailmail'
                else move._pay_now_network_state(way)
                for way in ways[move].split(',')
            }
            deliveries[move] = next(one for one in ('done', 'waiting', 'failed') if one in found)
        return deliveries

    def _pay_now_network_state(self, way):
        """Return what became of an invoice by one way, see `_pay_now_deliveries`."""
        name = self._pay_now_delivery_field(way)
        if not name:
            return 'done'
        if self[name] in ON_ITS_WAY:
            return 'waiting'
        return 'failed' if self[name] in CAME_BACK else 'done'

    def _pay_now_letter_states(self):
        """Return what became of the last letter of each invoice, see `_pay_now_deliveries`.

        :return: `{id of an invoice: state}`
        :rtype: dict
        """
        if not self or 'snailmail.letter' not in self.env:
            return {}
        letters = self.env['snailmail.letter'].sudo()
        domain = Domain('model', '=', self._name) & Domain('res_id', 'in', self.ids)
        letters = letters.search_fetch(domain, ['res_id', 'state'], order='id')
        return {letter.res_id: LETTER_STATES.get(letter.state, 'done') for letter in letters}
