# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from datetime import timedelta

from odoo import models
from odoo.fields import Domain
from odoo.tools.misc import format_date

from odoo.addons.account_pay_now import const, public_values
from odoo.addons.account_pay_now.utils import PayerError


class PayNowPageMixin(models.AbstractModel):
    """What the customer may say on the page of a document instead of paying online."""

    _inherit = 'pay.now.page.mixin'

    # === BUSINESS METHODS - ANSWERS === #

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
        :raise PayerError: in the customer's language.
        """
        self.ensure_one()
        if kind not in self._pay_now_answer_kinds():
            raise PayerError(self.env._("This answer is not possible here."))
        lines = self._pay_now_answered_lines(chosen)
        vals = {
            'kind': kind,
            'date': kind != 'problem' and self._pay_now_answer_date(kind, date),
            'text': kind == 'problem' and self._pay_now_answer_text(text),
        }
        # What is refused anyway stands in nobody's way.
        rate = self.env['pay.now.rate']._hold(self, 'answer')
        self._pay_now_lock(self._pay_now_lines().move_id)
        before = self._pay_now_said_before(lines)
        if same := before.filtered(lambda one: one._is_repeated_by(vals, lines)):
            return same[0]
        self._pay_now_check_answer(vals, lines, before)
        rate._spend(self)
        return before.create(
            {
                **vals,
                'company_id': self.company_id.id,
                'partner_id': self._pay_now_customer().id,
                'item_ids': [(6, 0, lines.ids)],
                'by_customer': True,
            }
        )

    def _pay_now_said_before(self, lines):
        """Return what the customer said about some of these items."""
        return self.env['pay.now.answer'].search(
            Domain('item_ids', 'in', lines.ids)
            & Domain('partner_id.commercial_partner_id', '=', self._pay_now_customer().id)
            & Domain('by_customer', '=', True)
        )

    def _pay_now_answered_lines(self, chosen):
        """Return the items that an answer is about.

        :param set chosen: ids of the ticked items; all of them where none can be ticked.
        :rtype: account.move.line
        :raise PayerError: nothing was chosen.
        """
        open_lines, payable, reasons = self._pay_now_page_items()
        lines = open_lines.filtered(lambda line: reasons.get(line) != 'in_progress')
        if payable:
            lines = lines.filtered(lambda line: line.id in chosen)
        if not lines:
            raise PayerError(self.env._("Please tick the items that it is about."))
        return lines

    def _pay_now_answer_date(self, kind, date):
        """Read a day.

        :rtype: datetime.date
        :raise PayerError: that is no day, or one that cannot be.
        """
        if not date:
            raise PayerError(self.env._("Please say on which day."))
        day = public_values.day(date)
        if not day:
            raise PayerError(self.env._("“%s” is not a date.", date))
        oldest, today, last = self._pay_now_answer_days()
        if kind == 'paid' and not oldest <= day <= today:
            raise PayerError(
                self.env._(
                    "Please give the day of a transfer between %(first)s and today.",
                    first=format_date(self.env, oldest),
                )
            )
        if kind == 'promise' and not today <= day <= last:
            raise PayerError(
                self.env._(
                    "Please choose a day until %s, or contact us.", format_date(self.env, last)
                )
            )
        return day

    def _pay_now_answer_text(self, text):
        text = (text or '').strip()
        if not text:
            raise PayerError(self.env._("Please say what the problem is."))
        if len(text) > const.ANSWER_TEXT_LENGTH:
            raise PayerError(
                self.env._("Please write %s characters at most.", const.ANSWER_TEXT_LENGTH)
            )
        return text

    def _pay_now_check_answer(self, vals, lines, before):
        """Refuse what puts reminders off for ever.

        :param dict vals: the answer.
        :param account.move.line lines: what it is about.
        :param pay.now.answer before: what the customer said about some of these.
        :raise PayerError: somebody has to talk to the customer.
        """
        if vals['kind'] == 'problem':
            said, most = before.filtered(lambda one: one.kind == 'problem'), const.PROBLEMS_MAX
        else:
            said, most = before.filtered(lambda one: one.kind != 'problem'), const.ANSWERS_MAX
        times = max(len(said.filtered(lambda one, o=line: o in one._own_items())) for line in lines)
        if times >= most:
            raise PayerError(
                self.env._("You have told us about these items before. Please contact us.")
            )
        promised = said.filtered(lambda one: one.kind == 'promise')
        if vals['kind'] == 'promise' and promised:
            first = min(promised.mapped('create_date')).date()
            last = first + timedelta(days=self.company_id.pay_now_promise_days)
            if vals['date'] > last:
                raise PayerError(
                    self.env._(
                        "Please choose a day until %s, or contact us.", format_date(self.env, last)
                    )
                )
