# Part of Pay Now. See LICENSE file for full copyright and licensing details.

import logging
from html import escape

import psycopg2
from markupsafe import Markup

from odoo import api, models
from odoo.exceptions import UserError
from odoo.fields import Domain
from odoo.tools import mute_logger
from odoo.tools.misc import format_date

from odoo.addons.account_pay_now import const
from odoo.addons.account_pay_now.gateways.errors import GatewayError, GatewayUnavailable
from odoo.addons.base.models.ir_model import MODULE_UNINSTALL_FLAG

_logger = logging.getLogger(__name__)


class PaymentProvider(models.Model):
    """What becomes of the providers and their books when the module is removed."""

    _inherit = 'payment.provider'

    # === BUSINESS METHODS - REFUSAL === #

    @api.model
    def _pay_now_check_removable(self):
        """Refuse to remove the module where that would harm the books or the company's mails.

        :return: None
        :raise UserError: what is in the way, and what to do instead.
        """
        if problem := self._pay_now_removal_problem():
            raise UserError(problem)
        if unfinished := self._pay_now_list_unfinished():
            raise UserError(
                self.env._(
                    "Pay Now cannot be removed yet: payments are under way.\n%s\n\nDisconnect the"
                    " providers first (Online payment set-up, step 3), so that no new one begins,"
                    " and try again when these are settled: a payment page that was left lapses"
                    " within a day, a direct debit takes some days.",
                    unfinished,
                )
            )
        if users := self._pay_now_list_button_users():
            raise UserError(
                self.env._(
                    "Pay Now cannot be removed yet: these templates and views show its button, and"
                    " would not work without it.\n%s\n\nTake the button out there first.",
                    users,
                )
            )

    @api.model
    def _pay_now_removal_problem(self):
        """Return what of the money that was received is in the way of removing the module.

        :rtype: str | bool
        """
        if payments := self._pay_now_list_payments():
            return self.env._(
                "Pay Now cannot be removed: payments were made with it, and your books need"
                " them.\n%s\n\nKeep it installed and disconnect the providers instead (Online"
                " payment set-up, step 3): your customers are offered nothing any more, and"
                " your books stay as they are.",
                payments,
            )
        if received := self._pay_now_list_received():
            return self.env._(
                "Pay Now cannot be removed: money was received that has no entry in your"
                " books.\n%s\n\nBook it first, under “To handle”. Then keep Pay Now installed"
                " and disconnect the providers instead (Online payment set-up, step 3).",
                received,
            )
        return False

    @api.model
    def _pay_now_list_payments(self):
        """Return one line per company that has payments of ours in its books."""
        groups = (
            self.env['account.payment']
            .sudo()
            ._read_group(
                (
                    Domain('payment_method_id.code', 'in', const.PROVIDER_CODES)
                    | Domain('payment_transaction_id.provider_code', 'in', const.PROVIDER_CODES)
                )
                & ~self._pay_now_demo_payments_domain(),
                ['company_id'],
                ['__count', 'date:max'],
            )
        )
        return '\n'.join(
            self.env._(
                "%(company)s: %(count)s, the last one on %(date)s",
                company=company.name,
                count=count,
                date=format_date(self.env, date),
            )
            for company, count, date in groups
        )

    @api.model
    def _pay_now_list_unfinished(self):
        """Return one line per company with payments that may still bring money."""
        opened = Domain('state', '=', 'draft') & Domain('provider_reference', '!=', False)
        return self._pay_now_list_transactions(
            Domain('state', 'in', ('pending', 'authorized')) | opened
        )

    @api.model
    def _pay_now_list_received(self):
        """Return one line per company with money that was received, and is in no books."""
        return self._pay_now_list_transactions(Domain('state', '=', 'done'))

    @api.model
    def _pay_now_list_transactions(self, domain):
        """Return one line per company that has payments or refunds of ours.

        :param Domain domain: which ones.
        """
        groups = (
            self.env['payment.transaction']
            .sudo()
            ._read_group(
                Domain('provider_code', 'in', const.PROVIDER_CODES)
                & Domain('provider_id.pay_now_demo', '=', False)
                & domain,
                ['company_id'],
                ['__count', 'reference:array_agg'],
            )
        )
        return '\n'.join(
            self.env._(
                "%(company)s: %(count)s (%(references)s)",
                company=company.name,
                count=count,
                references=', '.join(references[:5]) + (' …' if count > 5 else ''),
            )
            for company, count, references in groups
        )

    @api.model
    def _pay_now_list_button_users(self):
        """Return the names of the templates and views in which somebody placed our button."""
        self.env.flush_all()
        # In whatever language it was placed, and not by an addon that goes as well.
        self.env.cr.execute(
            r"""
                SELECT model, id
                  FROM (
                        SELECT 'mail.template' AS model, id
                          FROM mail_template
                         WHERE body_html::text LIKE '%pay\_now\_%'
                           AND COALESCE(model, '') NOT LIKE 'pay.now.%'
                     UNION ALL
                        SELECT 'ir.ui.view', id
                          FROM ir_ui_view
                         WHERE arch_db::text LIKE '%pay\_now\_%'
                           AND COALESCE(model, '') NOT LIKE 'pay.now.%'
                           AND COALESCE(key, '') NOT LIKE 'account\_pay\_now.%'
                  ) record
                 WHERE NOT EXISTS (
                        SELECT
                          FROM ir_model_data data
                          JOIN ir_module_module module ON module.name = data.module
                         WHERE data.model = record.model AND data.res_id = record.id
                           AND (module.state = 'to remove' OR module.name = 'account_pay_now')
                  )
              ORDER BY model, id
            """
        )
        return '\n'.join(
            self.env[model].sudo().browse(record_id).display_name
            for model, record_id in self.env.cr.fetchall()
        )

    # === BUSINESS METHODS - REMOVAL === #

    @api.model
    def _pay_now_remove(self):
        """Take away what the module left in Odoo's own tables; the rest goes with it.

        :return: None
        :raise UserError: see `_pay_now_check_removable`.
        """
        self._pay_now_check_removable()
        providers = self.search([('code', 'in', const.PROVIDER_CODES)])
        providers.filtered('pay_now_demo')._pay_now_leave_demo_books()
        # What came to nothing: no money ever moved.
        self.env['payment.transaction'].search([('provider_id', 'in', providers.ids)]).unlink()
        providers._pay_now_remove_webhooks()
        for code in const.PROVIDER_CODES:
            self._remove_provider(code)
        # Those with an XML id, too: Odoo deletes them when their fields are half gone already.
        providers.with_context(**{MODULE_UNINSTALL_FLAG: True}).unlink()
        self._pay_now_remove_unused_books()

    @api.model
    def _pay_now_demo_payments_domain(self):
        """Return the domain of the payments of demonstrations: no money is in them.

        :rtype: Domain
        """
        return Domain('payment_method_line_id.payment_provider_id.pay_now_demo', '=', True)

    def _pay_now_leave_demo_books(self):
        """Leave the books of demonstrations as if they were kept by hand, without the module."""
        if not self:
            return
        lines = self.env['account.payment.method.line'].search(
            [('payment_provider_id', 'in', self.ids)]
        )
        for way in ('inbound', 'outbound'):
            manual = self.env.ref(f'account.account_payment_method_manual_{way[:-5]}')
            lines.filtered(lambda line, way=way: line.payment_type == way).write(
                {'payment_method_id': manual.id, 'payment_provider_id': False}
            )
        for model in const.DEMO_MODELS:
            self.env[model].search([('provider_id', 'in', self.ids)]).unlink()
        # Whose webhooks nobody has to be asked to forget.
        self.write({'pay_now_demo': False, **self._pay_now_no_webhook_values()})

    def _pay_now_remove_webhooks(self):
        """Ask the providers to forget our webhooks; report what is left to the administrators."""
        silent = set()
        for provider in self.filtered('pay_now_webhook_ref'):
            if not provider._pay_now_connection().webhook_is_ours():
                continue
            try:
                if provider.code in silent:  # is not waited for once per company
                    raise GatewayUnavailable("The provider does not answer.")
                for ref in provider._pay_now_webhook_refs():
                    provider._pay_now_gateway().remove_webhook(ref)
            except GatewayError as error:
                if isinstance(error, GatewayUnavailable):
                    silent.add(provider.code)
                _logger.warning(
                    "The webhook %s of %s was not removed: %s",
                    provider.pay_now_webhook_ref,
                    provider.name,
                    error.message,
                )
                provider._pay_now_report_webhook_left()

    def _pay_now_report_webhook_left(self):
        """Write to the company's administrators that a webhook of ours stays at the provider."""
        administrators = self.env.ref('base.group_system').all_user_ids.filtered(
            lambda user: user.active and not user.share and self.company_id in user.company_ids
        )
        for lang, users in administrators.grouped('lang').items():
            record = self.with_context(lang=lang)
            text = record.env._(
                "Pay Now was removed, but %(provider)s could not be asked to forget the address"
                " that it notifies, %(url)s (%(company)s). Please delete it there, in the settings"
                " of your account under “Webhooks”. Until then %(provider)s goes on trying, and"
                " may write to you about it.",
                provider=self._pay_now_short_name(),
                url=self.pay_now_webhook_url,
                company=self.company_id.name,
            )
            record.env['mail.thread'].message_notify(
                partner_ids=users.partner_id.ids,
                subject=record.env._("A webhook is left at %s", self._pay_now_short_name()),
                body=Markup('<p>%s</p>') % escape(text),
            )

    @api.model
    def _pay_now_mark_made(self, record):
        """Note that the module made a record: should it go unused, it goes with the module.

        :param recordset record: a journal or an account.
        """
        xml_id = f'account_pay_now.made_{record._table}_{record.id}'
        self.env['ir.model.data'].sudo()._update_xmlids(
            [{'xml_id': xml_id, 'record': record, 'noupdate': True}]
        )

    @api.model
    def _pay_now_remove_unused_books(self):
        """Delete the journals and accounts that Connect made; a used one is the company's now."""
        for model in ('account.journal', 'account.account'):
            marks = self.env['ir.model.data'].search(
                [('module', '=', 'account_pay_now'), ('model', '=', model)]
            )
            records = self.env[model].browse(marks.mapped('res_id')).exists()
            marks.unlink()
            for record in records:
                try:
                    with self.env.cr.savepoint(), mute_logger('odoo.sql_db'):
                        record.unlink()
                except (UserError, psycopg2.IntegrityError) as error:
                    _logger.info("%s %s is used and stays: %s", model, record.id, error)
