# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from datetime import timedelta

import psycopg2

from odoo import api, fields, models
from odoo.fields import Domain
from odoo.tools.misc import format_datetime

from odoo.addons.account_pay_now import const, utils
from odoo.addons.payment.logging import get_payment_logger

_logger = get_payment_logger(__name__, sensitive_keys=const.SENSITIVE_KEYS)


class PayNowInvoiceNotice(models.Model):
    """The pay notice: a short mail with the button, of an invoice that left without our mail.

    One for each invoice and customer, whatever is done to the invoice. It waits until the invoice
    is delivered, and leaves only where the invoice's own mail would have a button.
    """

    _name = 'pay.now.invoice.notice'
    _description = "Pay notice"
    _inherit = ['pay.now.authority.mixin', 'pay.now.history.mixin', 'pay.now.reason.mixin']
    _order = 'id desc'
    _rec_name = 'move_id'

    move_id = fields.Many2one(
        string="Invoice",
        comodel_name='account.move',
        required=True,
        readonly=True,
        index=True,
        ondelete='cascade',
    )
    company_id = fields.Many2one(related='move_id.company_id', store=True, index=True)
    partner_id = fields.Many2one(
        string="Customer",
        comodel_name='res.partner',
        required=True,
        readonly=True,
        index=True,
        help="Whose the invoice was.",
    )
    ways = fields.Char(readonly=True, help="The ways that the invoice went, without our mail.")
    state = fields.Selection(
        string="Status",
        selection=[
            ('waiting', "Waiting"),
            ('queued', "On its way"),
            ('sent', "Sent"),
            ('failed', "Not delivered"),
            ('none', "Not sent"),
        ],
        required=True,
        readonly=True,
        default='waiting',
        index=True,
    )
    asked_at = fields.Datetime(string="Invoice sent on", readonly=True)
    sent_at = fields.Datetime(string="Sent on", readonly=True)
    email = fields.Char(string="E-mail", readonly=True)
    mail_id = fields.Many2one(
        comodel_name='mail.mail', readonly=True, index='btree_not_null', ondelete='set null'
    )
    reason_codes = fields.Json(string="Codes of the reason", readonly=True)
    button_html = fields.Html(
        string="Button", compute='_compute_button_html', compute_sudo=True, sanitize=False
    )

    _one_of_an_invoice = models.Constraint(
        'UNIQUE (move_id)', "There is a pay notice of this invoice already."
    )

    # === COMPUTE METHODS === #

    @api.depends_context('lang')
    def _compute_button_html(self):
        """Not stored: whether there is a button is decided at the moment it is asked."""
        for notice in self:
            notice.button_html = notice.move_id._pay_now_mail_block(self.env.lang)

    # === BUSINESS METHODS - TEXTS === #

    @api.model
    def _reason_sentences(self):
        """Override of `pay.now.reason.mixin`: why there is no notice."""
        return {
            **super()._reason_sentences(),
            **self.env['account.move']._pay_now_refusal_sentences(),
            'mailed': lambda: self.env._("The invoice was mailed, too"),
            'off': lambda: self.env._("Pay notices were switched off"),
            'not_delivered': lambda: self.env._("The invoice was not delivered"),
            'reassigned': lambda: self.env._("The invoice is another customer's"),
            'buyer': self.env['account.move']._pay_now_external_label,
        }

    def _text(self):
        """Return what became of the notice, in the reader's language.

        :rtype: str
        """
        self.ensure_one()
        reason = self._reasons_text(self.reason_codes)
        if self.state == 'waiting':
            return self.env._("Waits until the invoice is delivered")
        if self.state == 'queued':
            return self.env._("On its way to %s", self.email)
        if self.state == 'sent':
            date = format_datetime(self.env, self.sent_at)
            return self.env._("To %(email)s on %(date)s", email=self.email, date=date)
        if self.state == 'failed':
            return self.env._(
                "Not delivered to %(email)s: %(reason)s", email=self.email, reason=reason
            )
        return self.env._("None: %s", reason)

    # === BUSINESS METHODS - WAITING === #

    @api.model
    def _take(self, ways):
        """Let notices wait of invoices that have just left without our mail, unless one left.

        :param dict ways: `{invoice: codes of the ways it went, separated by commas}`.
        :return: None
        """
        if not ways:
            return
        moves = self.env['account.move'].sudo().union(*ways)
        known = self.search([('move_id', 'in', moves.ids)]).grouped('move_id')
        now = fields.Datetime.now()
        missing = []
        for move in moves:
            vals = {
                'partner_id': move._pay_now_customer().id,
                'ways': ways[move],
                'state': 'waiting',
                'asked_at': now,
                'reason_codes': False,
            }
            notice = known.get(move)
            if not notice:
                missing.append({'move_id': move.id, **vals})
            elif notice.state in ('waiting', 'none', 'failed') or notice._is_of_another():
                notice._cancel_mail()
                notice.write(vals)
        self.create(missing)
        self.env.flush_all()
        self._wake()

    def _is_of_another(self):
        """Tell whether the invoice was given to another customer, who got no notice."""
        self.ensure_one()
        return self.partner_id.commercial_partner_id != self.move_id._pay_now_customer()

    @api.model
    def _wake(self, at=None):
        """Have the scheduled action look; by itself it comes every quarter of an hour.

        :param datetime at: when, naive in UTC; by default now.
        """
        cron = self.env.ref('account_pay_now.ir_cron_notices', raise_if_not_found=False)
        if cron:
            cron.sudo()._trigger(at=at)

    def _drop(self, code, values=None):
        """Send no notice that has not left yet.

        :param str code: why not (see `_reason_sentences`).
        :param dict values: details of the reason.
        :return: None
        """
        for notice in self.filtered(lambda one: one.state in ('waiting', 'queued', 'failed')):
            notice._cancel_mail()
            notice.write({'state': 'none', 'reason_codes': [[code, values or {}]]})

    def _cancel_mail(self):
        """Keep a mail from leaving, now or later."""
        mails = self.sudo().mail_id.exists()
        mails.filtered(lambda mail: mail.state != 'sent').write({'state': 'cancel'})
        self.mail_id = False

    def _send_again(self):
        """Let notices leave that a mail server did not take; those that left stay as they are."""
        failed = self.try_lock_for_update().filtered(lambda one: one.state == 'failed')
        failed._cancel_mail()
        failed.write({'state': 'waiting', 'reason_codes': False, 'asked_at': fields.Datetime.now()})
        if failed:
            self._wake()

    # === BUSINESS METHODS - SENDING === #

    def _find_refusals(self):
        """Say which notices may not leave, and why: asked as they are written, and as they leave.

        :return: `{notice: [code, values]}` of the reason (see `_reason_sentences`).
        :rtype: dict
        """
        refusals = self.move_id._pay_now_refusals('invoice_mail')
        told = self.move_id._pay_now_external_answers()
        found = {}
        for notice in self:
            move = notice.move_id
            if notice._is_of_another():
                found[notice] = ['reassigned', {}]
            elif not move.company_id.pay_now_send_notices:
                found[notice] = ['off', {}]
            elif code := refusals.get(move):
                found[notice] = [code, move._pay_now_refusal_values(code)]
            elif move in told:
                found[notice] = ['buyer', told[move]]
        return found

    def _leave(self):
        """Write the mails of notices whose invoices are delivered, and drop those of the others."""
        ways = {notice.move_id: notice.ways for notice in self}
        deliveries = self.move_id._pay_now_deliveries(ways)
        oldest = fields.Datetime.now() - timedelta(days=const.NOTICE_PATIENCE_DAYS)
        ready = self.browse()
        for notice in self:
            delivery = deliveries[notice.move_id]
            if delivery == 'failed' or (delivery == 'waiting' and notice.asked_at < oldest):
                notice._drop('not_delivered')
            elif delivery == 'done':
                ready |= notice
        refusals = ready._find_refusals()
        for notice, (code, values) in refusals.items():
            notice._drop(code, values)
        for notice in ready.filtered(lambda one: one not in refusals):
            notice._write_mail()

    def _write_mail(self):
        """Hand one notice to Odoo's mail queue; one that cannot be written keeps nobody else."""
        self.ensure_one()
        try:
            with self.env.cr.savepoint():
                vals = self._prepare_mail()
                mail = self.env['mail.mail'].sudo().create(vals)
                self.write({'state': 'queued', 'mail_id': mail.id})
        except psycopg2.OperationalError:
            raise
        except Exception as error:  # noqa: BLE001 - whatever a template may stumble over
            _logger.exception("The pay notice of invoice %s could not be written", self.move_id.id)
            self.write({'state': 'failed', 'reason_codes': [['text', {'text': str(error)}]]})

    def _freshen_mails(self):
        """Write mails again that waited: for the queue, or for whoever tries a failed one again.

        What they ask for is what their page asks for, and the address may be corrected.
        """
        old = fields.Datetime.now() - timedelta(minutes=const.NOTICE_FRESH_MINUTES)
        for notice in self:
            addresses = ', '.join(utils.contact_addresses(notice.move_id.partner_id))
            if notice.mail_id.create_date < old or notice.email != addresses:
                vals = notice._prepare_mail()
                notice.mail_id.write({key: vals[key] for key in ('body_html', 'email_to')})

    def _prepare_mail(self):
        """Return the values of the mail, in the customer's language.

        :rtype: dict
        """
        contact = self.move_id.partner_id
        company = self.move_id.company_id
        lang = contact.lang or self.partner_id.lang or company._pay_now_lang()
        self.email = ', '.join(utils.contact_addresses(contact))
        notice = self.with_context(lang=lang)
        template = notice.env.ref('account_pay_now.mail_template_invoice_notice')
        subject = template._render_field('subject', notice.ids, set_lang=lang)[self.id]
        body = template._render_field(
            'body_html', notice.ids, set_lang=lang, options={'post_process': True}
        )[self.id]
        before, after = company.with_context(lang=lang)._pay_now_mail_layout(
            template.with_context(lang=lang)
        )
        people = (self.move_id.invoice_user_id, self.partner_id.user_id)
        email_to = utils.email_header(contact.name, self.email)
        return {
            **self.env['mail.mail']._pay_now_envelope(self, email_to),
            'subject': utils.header_text(subject),
            'body_html': before + body + after,
            'reply_to': company._pay_now_reply_address(people),
            'auto_delete': True,
        }

    @api.model
    def _pay_now_note_mails(self, mails, failure):
        """Keep what the mail server said of mails of notices, see `mail.mail`."""
        mails._pay_now_notices()._note_result(failure)

    def _note_result(self, failure):
        """Keep what the mail server said; what was sent is noted with its invoice.

        :param str failure: why it was not taken, False if it was.
        :return: None
        """
        if failure:
            for notice in self:
                text = notice.mail_id.failure_reason or failure
                notice.write({'state': 'failed', 'reason_codes': [['text', {'text': text}]]})
            return
        self.write({'state': 'sent', 'sent_at': fields.Datetime.now(), 'reason_codes': False})
        for company, notices in self.grouped('company_id').items():
            notices = notices.with_context(lang=company._pay_now_lang())
            bodies = {one.move_id.id: one._sent_note() for one in notices}
            notices.move_id._message_log_batch(bodies)

    def _sent_note(self):
        """Return what the invoice's chatter says of a notice that left."""
        return self.env._("Pay notice sent to %s", self.email)

    # === CRON === #

    @api.model
    def _cron_send(self, batch=100):
        """Write the mails of the notices that wait for nothing more; Odoo's queue sends them."""
        cron = self.env['ir.cron']
        away = self.env['payment.provider']._pay_now_away().company_id.root_id
        domain = Domain('state', '=', 'waiting')
        if away:
            # From a copy of the database nothing leaves.
            domain &= ~Domain('company_id', 'child_of', away.ids)
        ids = self.search(domain, order='id').ids
        left = written = False
        for start in range(0, len(ids), batch):
            notices = self.browse(ids[start : start + batch]).with_prefetch()
            try:
                notices = notices.try_lock_for_update().filtered(lambda one: one.state == 'waiting')
                notices._leave()
                written = written or any(one.state == 'queued' for one in notices)
                go_on = cron._commit_progress(len(notices))
            except psycopg2.OperationalError:
                # Somebody changes one of these invoices at this moment.
                self.env.cr.rollback()
                left, go_on = True, cron._commit_progress()
            if not go_on:
                left = True
                break
        queue = self.env.ref('mail.ir_cron_mail_scheduler_action', raise_if_not_found=False)
        if written and queue:
            # It comes by itself once an hour.
            queue.sudo()._trigger()
        if left:
            self._wake(fields.Datetime.now() + timedelta(minutes=1))
