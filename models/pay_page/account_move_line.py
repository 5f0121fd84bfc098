# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from odoo import fields, models


class AccountMoveLine(models.Model):
    """What the customer says about an item instead of paying it online."""

    _inherit = 'account.move.line'

    pay_now_answer_ids = fields.Many2many(
        string="Customer's answers",
        comodel_name='pay.now.answer',
        relation='pay_now_answer_item_rel',
        column1='line_id',
        column2='answer_id',
        readonly=True,
        copy=False,
    )

    # === BUSINESS METHODS - ANSWERS === #

    def _pay_now_answers(self):
        """Return what the customer said about the item and still holds, the newest first.

        :rtype: pay.now.answer (sudo)
        """
        self.ensure_one()
        return self._pay_now_all_answers().get(self, self.env['pay.now.answer'].sudo())

    def _pay_now_all_answers(self):
        """Return what the customer said about each of the items, see `_pay_now_answers`.

        :return: `{item: answers}` of the items that there is an answer to.
        :rtype: dict
        """
        lines = self.sudo()
        holding = lines.pay_now_answer_ids.filtered(lambda answer: answer._is_holding())
        ids = set(holding.ids)
        by_line = {}
        for line in lines if ids else ():
            # What a former customer said holds nothing.
            mine = line.pay_now_answer_ids.filtered(
                lambda answer, line=line: (
                    answer.id in ids and line._pay_now_of(answer.partner_id, answer.company_id)
                )
            )
            if mine:
                by_line[line] = mine.sorted('id', reverse=True)
        return by_line
