# Part of Pay Now. See LICENSE file for full copyright and licensing details.

import secrets
from datetime import timedelta
from urllib.parse import urlencode

from odoo import fields, models
from odoo.exceptions import ValidationError
from odoo.fields import Date, Domain
from odoo.tools import consteq
from odoo.tools.misc import format_date

from odoo.addons.account_pay_now import const


class PayNowPageMixin(models.AbstractModel):
    """A document whose items can be paid, or answered, on a public page by an unguessable address.

    The token opens nothing but the pay page of its own document, lapses, and can be revoked.
    """

    _name = 'pay.now.page.mixin'
    _description = "Pay Now link"

    pay_now_token = fields.Char(string="Pay page token", copy=False, groups='base.group_system')
    pay_now_token_expiry = fields.Date(string="Pay page link valid until", copy=False)

    #: The part of the address that names the kind of document.
    _pay_now_kind = ''

    # === ACTION METHODS === #

    def action_pay_now_revoke_link(self):
        """Make every address mailed for these documents stop working."""
        self.check_access('write')
        self.sudo().write({'pay_now_token': False, 'pay_now_token_expiry': False})

    # === BUSINESS METHODS - LINK === #

    def _pay_now_lines(self):
        """Return the journal items the page is about, open or not.

        To be given by each document.

        :rtype: account.move.line
        """
        return self.env['account.move.line']

    def _pay_now_lines_domain(self):
        """Return the domain of the journal items that the page is about.

        :rtype: odoo.fields.Domain
        """
        return Domain('id', 'in', self._pay_now_lines().ids)

    def _pay_now_url(self, **params):
        """Return the address of the document's pay page (see `_pay_now_urls`).

        :param params: query parameters.
        :rtype: str
        """
        self.ensure_one()
        return self._pay_now_urls(**params)[self]

    def _pay_now_urls(self, **params):
        """Return the addresses of the documents' pay pages, making tokens where needed.

        The validity starts again each time: it counts from the last message that was sent.

        :param params: query parameters.
        :return: `{document: address}`
        :rtype: dict
        """
        expiry = fields.Date.today() + timedelta(days=const.LINK_VALIDITY_DAYS)
        documents = self.sudo()
        for document in documents.filtered(lambda one: not one.pay_now_token):
            document.pay_now_token = secrets.token_urlsafe(24)
        documents.filtered(
            lambda one: one.pay_now_token_expiry != expiry
        ).pay_now_token_expiry = expiry
        query = f'?{urlencode(params)}' if params else ''
        return {
            document: f'{document.get_base_url()}{document._pay_now_path()}{query}'
            for document in self
        }

    def _pay_now_path(self):
        """Return the path of the pay page. The token must exist."""
        self.ensure_one()
        return f'/pay_now/{self._pay_now_kind}/{self.id}/{self.sudo().pay_now_token}'

    def _pay_now_check_token(self, token):
        """Tell whether a token opens this document's page now.

        :param str token: what came in the address.
        :rtype: bool
        """
        record = self.sudo()
        record.fetch(self._pay_now_document_fields())
        return bool(
            record.pay_now_token
            and consteq(record.pay_now_token, token or '')
            and record.pay_now_token_expiry
            and record.pay_now_token_expiry >= fields.Date.today()
        )

    def _pay_now_trial(self):
        """Return the trial that the document is shown for, if it is.

        :return: a record, which no client can put into the context; nothing usually.
        :rtype: pay.now.trial | None
        """
        trial = self.env.context.get('pay_now_trial')
        return trial if isinstance(trial, models.BaseModel) else None

    # === BUSINESS METHODS - ANSWERS === #

    def _pay_now_answer_kinds(self):
        """Return what the customer may say on this page.

        :return: codes of `const.ANSWER_KINDS`.
        :rtype: list
        """
        self.ensure_one()
        company = self.company_id
        return [kind for kind, _name in const.ANSWER_KINDS if company[f'pay_now_answer_{kind}']]

    def _pay_now_answer_days(self):
        """Return between which days a transfer may have been made, and a payment be promised.

        :return: the oldest transfer, today, the last promise.
        :rtype: tuple(datetime.date, datetime.date, datetime.date)
        """
        today = self.company_id._pay_now_today()
        return (
            today - timedelta(days=const.TRANSFER_AGE_DAYS),
            today,
            today + timedelta(days=self.company_id.pay_now_promise_days),
        )

    def _pay_now_answer(self, kind, chosen, date='', text=''):
        """Note what the customer says about the ticked items.

        The same said twice is noted once.

        :param str kind: a code of `const.ANSWER_KINDS`.
        :param set chosen: ids of the ticked items.
        :param str date: when it was or will be paid, as a browser sends it.
        :param str text: the problem, in the customer's words.
        :rtype: pay.now.answer
        :raise ValidationError: in the customer's language.
        """
        self.ensure_one()
        if kind not in self._pay_now_answer_kinds():
            raise ValidationError(self.env._("This answer is not possible here."))
        self._pay_now_lock(self._pay_now_lines().move_id)
        lines = self._pay_now_answered_lines(chosen)
        vals = {
            'kind': kind,
            'date': kind != 'problem' and self._pay_now_answer_date(kind, date),
            'text': kind == 'problem' and self._pay_now_answer_text(text),
        }
        Answer = self.env['pay.now.answer']
        before = Answer.search(
            Domain('item_ids', 'in', lines.ids) & Domain('by_customer', '=', True)
        )
        if same := before.filtered(lambda one: one._is_repeated_by(vals, lines)):
            return same[0]
        self._pay_now_check_answer(vals, lines, before)
        return Answer.create(
            {
                **vals,
                'company_id': self.company_id.id,
                'partner_id': self.partner_id.commercial_partner_id.id,
                'item_ids': [(6, 0, lines.ids)],
                'by_customer': True,
            }
        )

    def _pay_now_lock(self, moves):
        """Lock entries: whoever else pays or changes their items right now has to wait.

        :param account.move moves: those that the customer is about to pay or to answer.
        :raise ValidationError: somebody else was first, and the customer has to start again.
        """
        if moves.try_lock_for_update() != moves:
            raise ValidationError(
                self.env._("These items are being changed right now. Please try again in a moment.")
            )

    def _pay_now_answered_lines(self, chosen):
        """Return the items that an answer is about.

        :param set chosen: ids of the ticked items; all of them where none can be ticked.
        :rtype: account.move.line
        :raise ValidationError: nothing was chosen.
        """
        open_lines, payable, reasons = self._pay_now_page_items()
        lines = open_lines.filtered(lambda line: reasons.get(line) != 'in_progress')
        if payable:
            lines = lines.filtered(lambda line: line.id in chosen)
        if not lines:
            raise ValidationError(self.env._("Please tick the items that it is about."))
        return lines

    def _pay_now_answer_date(self, kind, date):
        """Read a day.

        :rtype: datetime.date
        :raise ValidationError: that is no day, or one that cannot be.
        """
        try:
            day = Date.to_date((date or '').strip())
        except ValueError:
            raise ValidationError(self.env._("“%s” is not a date.", date)) from None
        if not day:
            raise ValidationError(self.env._("Please say on which day."))
        oldest, today, last = self._pay_now_answer_days()
        if kind == 'paid' and not oldest <= day <= today:
            raise ValidationError(
                self.env._(
                    "Please give the day of a transfer between %(first)s and today.",
                    first=format_date(self.env, oldest),
                )
            )
        if kind == 'promise' and not today <= day <= last:
            raise ValidationError(
                self.env._(
                    "Please choose a day until %s, or contact us.", format_date(self.env, last)
                )
            )
        return day

    def _pay_now_answer_text(self, text):
        text = (text or '').strip()
        if not text:
            raise ValidationError(self.env._("Please say what the problem is."))
        if len(text) > const.ANSWER_TEXT_LENGTH:
            raise ValidationError(
                self.env._("Please write %s characters at most.", const.ANSWER_TEXT_LENGTH)
            )
        return text

    def _pay_now_check_answer(self, vals, lines, before):
        """Refuse what puts reminders off for ever.

        :param dict vals: the answer.
        :param account.move.line lines: what it is about.
        :param pay.now.answer before: what the customer said about some of these.
        :raise ValidationError: somebody has to talk to the customer.
        """
        if vals['kind'] == 'problem':
            said, most = before.filtered(lambda one: one.kind == 'problem'), const.PROBLEMS_MAX
        else:
            said, most = before.filtered(lambda one: one.kind != 'problem'), const.ANSWERS_MAX
        times = max(len(said.filtered(lambda one, o=line: o in one.item_ids)) for line in lines)
        if times >= most:
            raise ValidationError(
                self.env._("You have told us about these items before. Please contact us.")
            )
        promised = said.filtered(lambda one: one.kind == 'promise')
        if vals['kind'] == 'promise' and promised:
            first = min(promised.mapped('create_date')).date()
            last = first + timedelta(days=self.company_id.pay_now_promise_days)
            if vals['date'] > last:
                raise ValidationError(
                    self.env._(
                        "Please choose a day until %s, or contact us.", format_date(self.env, last)
                    )
                )
