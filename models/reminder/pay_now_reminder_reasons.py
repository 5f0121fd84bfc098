# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from odoo import api, fields, models
from odoo.tools.misc import format_date, formatLang


class PayNowReminder(models.Model):
    """Why a reminder is held, has no button or failed, in the language of whoever reads it."""

    _inherit = 'pay.now.reminder'

    reason_codes = fields.Json(string="Codes of the reason", readonly=True)
    reason = fields.Char(compute='_compute_reason', search='_search_reason')

    # === COMPUTE METHODS === #

    @api.depends('reason_codes')
    @api.depends_context('lang', 'tz')
    def _compute_reason(self):
        sentences = self._reason_sentences()
        for reminder in self:
            reminder.reason = self._reasons_text(reminder.reason_codes, sentences)

    @api.model
    def _search_reason(self, operator, value):
        return self._search_reasons('reason', 'reason_codes', operator, value)

    # === BUSINESS METHODS - REASONS === #

    @api.model
    def _reason_sentences(self):
        """Override of `pay.now.reason.mixin`: holds, what went wrong, and refusals of a button."""
        return {
            **super()._reason_sentences(),
            # `no_email` and `in_progress` hold reminders, too.
            **self.env['account.move']._pay_now_refusal_sentences(),
            **self._item_hold_sentences(),
            **self._customer_hold_sentences(),
            **self._contact_sentences(),
            **self._sending_sentences(),
        }

    @api.model
    def _item_hold_sentences(self):
        """Return the sentences about items that are held (see `_pay_now_holds`), or gone."""

        def excluded(until=False, why=False):
            text = self.env._("Excluded from reminders")
            if until:
                date = format_date(self.env, until)
                text = self.env._("Excluded from reminders until %s", date)
            return f'{text} – {why}' if why else text

        return {
            'disputed': lambda: self.env._("Dispute open"),
            'excluded': excluded,
            'buyer': self.env['account.move']._pay_now_external_label,
            'planned': self.env['pay.now.plan']._text_for_user,
            'answered': self.env['pay.now.answer']._text_for_user,
            'blocked': lambda: self.env._("Payment blocked"),
            'reassigned': lambda: self.env._("The invoices are no longer the salesperson's"),
            'nothing_left': lambda: self.env._("Nothing left to pay"),
        }

    @api.model
    def _customer_hold_sentences(self):
        """Return the sentences about customers who are left alone for now."""

        def text(amount, currency_id):
            currency = self.env['res.currency'].browse(currency_id)
            return formatLang(self.env, amount, currency_obj=currency)

        return {
            'never': lambda: self.env._("Excluded from reminders"),
            'no_address': lambda: self.env._(
                "No e-mail address, and no postal address for a letter"
            ),
            'under_way': lambda: self.env._("Another reminder is on its way"),
            'waiting': lambda date: self.env._(
                "Waits for a person in the reminders of %s", format_date(self.env, date)
            ),
            'no_level': lambda: self.env._("No level is due yet"),
            'no_other_level': lambda date: self.env._(
                "Already reminded on %s, no other level is due yet", format_date(self.env, date)
            ),
            'reminded': lambda date: self.env._(
                "Already reminded on %s", format_date(self.env, date)
            ),
            'minimum': lambda **amount: self.env._("Less than %s is due", text(**amount)),
            'credit': lambda **amount: self.env._("Unmatched credit: %s", text(**amount)),
            'some_credit': lambda: self.env._("Unmatched credit of the customer"),
            'own_text': lambda: self.env._("What is due has changed since the mail was edited"),
        }

    @api.model
    def _contact_sentences(self):
        """Return the sentences about whom it is written to (see `_notes`)."""
        return {
            'archived': lambda: self.env._("The customer is archived"),
            'contact_stranger': lambda name: self.env._(
                "Written to %s: the contact chosen for reminders belongs to another customer", name
            ),
            'contact_refused': lambda name: self.env._(
                "Written to %s: the address of the contact chosen for reminders takes no mails",
                name,
            ),
            'contact_archived': lambda name: self.env._(
                "Written to %s: the contact chosen for reminders is archived", name
            ),
            'contact_company': lambda name: self.env._(
                "Written to %s: the contact chosen for reminders is another company's", name
            ),
        }

    @api.model
    def _sending_sentences(self):
        """Return the sentences about what happened as reminders left."""
        return {
            'merged': lambda: self.env._(
                "Merged with another contact, to whom another reminder is on its way"
            ),
            'interrupted': lambda: self.env._("Interrupted while sending"),
            'later': lambda error: self.env._("Not taken for now: %s", error),
            'refused': lambda email, error: self.env._(
                "%(email)s does not exist, or takes no mail: %(error)s", email=email, error=error
            ),
            'refused_long': lambda error: self.env._("Not taken for a whole day: %s", error),
            'address_refused': lambda email: self.env._(
                "%s took no mail the last time: correct the address of the contact", email
            ),
            'bounced': lambda email: self.env._("The mail came back from %s", email),
            'not_attached': lambda invoices, error: self.env._(
                "Not attached, as it could not be printed: %(invoices)s (%(error)s)",
                invoices=', '.join(invoices),
                error=error,
            ),
        }
