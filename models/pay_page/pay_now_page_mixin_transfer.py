# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from odoo import models

from odoo.addons.account_pay_now import public_values


class PayNowPageMixin(models.AbstractModel):
    """The pay page of a document: how what is ticked is paid by bank transfer instead."""

    _inherit = 'pay.now.page.mixin'

    # === BUSINESS METHODS - TRANSFER === #

    def _pay_now_transfer_reference(self, lines):
        """Return the reference by which the bank's line finds some items of several invoices.

        Nothing is stored for it. To be given by documents that are about the same items for good.

        :param account.move.line lines: the items, credit notes included.
        :return: empty where the invoices' own references are all there is.
        :rtype: str
        """
        return ''

    def _pay_now_transfers_of(self, lines, accounts=None):
        """Return how some items of the page are transferred.

        :param account.move.line lines: the items and credit notes.
        :param dict accounts: see `account.move._pay_now_transfer_accounts`, where it is known.
        :return: see `account.move.line._pay_now_transfers`.
        :rtype: list
        """
        return lines._pay_now_transfers(self._pay_now_transfer_reference, accounts)

    def _pay_now_page_transfers(self, open_lines, payable, ticked):
        """Return how the page is paid by transfer.

        :param account.move.line open_lines: what no payment is on its way for.
        :param account.move.line payable: what of it can be ticked.
        :param account.move.line ticked: the items and credit notes whose box is ticked.
        :return: `transfers`, as of `_pay_now_shown_transfer`: those that follow the ticks, those
            that would if other boxes were ticked (`idle`), and what cannot be paid online; and
            `transfer_first`, whether the company wants them to stand first.
        :rtype: dict
        """
        accounts = open_lines.move_id._pay_now_transfer_accounts()
        live, spare, others = (
            self._pay_now_transfers_of(lines, accounts)
            for lines in (ticked, payable - ticked, open_lines - payable)
        )
        shown = [one['account'] for one in live]
        idle = [one for one in spare if one['account'] not in shown]
        return {
            'transfers': [
                *(self._pay_now_shown_transfer(one, follows=True) for one in live),
                *(self._pay_now_shown_transfer(one, follows=True, idle=True) for one in idle),
                *(self._pay_now_shown_transfer(one) for one in others),
            ],
            'nothing_chosen': not live,
            'transfer_first': self._pay_now_transfer_first(live),
        }

    def _pay_now_transfer_first(self, transfers):
        """Tell whether transfers of so much stand first, as the company wants it.

        :param list transfers: see `_pay_now_transfers_of`.
        :rtype: bool
        """
        return 0 < self.company_id.pay_now_transfer_first < sum(one['amount'] for one in transfers)

    def _pay_now_shown_transfer(self, transfer, **values):
        """Return a transfer with what a page writes of it.

        :param dict transfer: see `account.move.line._pay_now_transfer`.
        :param values: what else the page has to know of it.
        :return: with `amount_text`; `amount_plain` and `number_plain`, as they are copied; and
            `qr`, where its QR code is.
        :rtype: dict
        """
        currency, account, lines = transfer['currency'], transfer['account'], transfer['lines']
        amount = transfer['amount']
        path = self._pay_now_qr_path(account, lines)
        drawn = (
            amount
            and transfer['reference']
            and path
            and not self.env['res.company']._pay_now_trial()
            and account._pay_now_takes_qr(currency)
        )
        return {
            **transfer,
            'amount_text': currency.format(amount),
            'amount_plain': self._pay_now_plain_amount(amount, currency),
            'number_plain': transfer['number'].replace(' ', ''),
            'qr': drawn and path,
            **values,
        }

    def _pay_now_qr_path(self, account, lines):
        """Return where the QR code of a transfer of some of the page's items is.

        :param res.partner.bank account: where it goes to.
        :param account.move.line lines: the items.
        :return: empty where they are more than an address has room for.
        :rtype: str
        """
        items = '-'.join(str(one) for one in lines.ids)
        if len(items) > public_values.LIST_LENGTH:
            return ''
        return f'{self._pay_now_path()}/qr?account={account.id}&items={items}'

    def _pay_now_plain_amount(self, amount, currency):
        """Return an amount as it is typed and copied, in the customer's language.

        :param float amount: in the currency.
        :param res.currency currency: which.
        :rtype: str
        """
        point = self._pay_now_number_format(currency)['point']
        return f'{amount:.{currency.decimal_places}f}'.replace('.', point)

    def _pay_now_transferable(self, chosen):
        """Return what is chosen of the page's open items and its credit notes.

        :param set chosen: ids of the items; None for all that is open.
        :return: None where the page has no such items, or not any more.
        :rtype: account.move.line | None
        """
        open_lines, _payable, reasons, credits = self._pay_now_page_lines()
        left = open_lines.filtered(lambda line: reasons.get(line) != 'in_progress')
        if chosen is None:
            return left
        found = (left | credits).filtered(lambda line: line.id in chosen)
        return found if set(found.ids) == chosen else None

    def _pay_now_transfers_chosen(self, chosen):
        """Return what the page's script writes once other items are ticked.

        :param set chosen: ids of the ticked items.
        :return: dicts of texts, one for each account; None where the page has no such items.
        :rtype: list | None
        """
        lines = self._pay_now_transferable(chosen)
        if lines is None:
            return None
        names = ('amount_text', 'amount_plain', 'reference', 'invoices', 'qr')
        transfers = self._pay_now_transfers_of(lines)
        return [
            {'account': one['account'].id, **{name: one[name] for name in names}}
            for one in map(self._pay_now_shown_transfer, transfers)
        ]

    def _pay_now_transfer_qr(self, account_id, chosen=None):
        """Draw the QR code of the transfer of some items to one of their accounts.

        :param int account_id: which of them.
        :param set chosen: ids of the items; None for all that is open.
        :return: a picture (PNG), empty where there is no such transfer.
        :rtype: bytes
        """
        lines = self._pay_now_transferable(chosen)
        for one in self._pay_now_transfers_of(lines) if lines else ():
            qr = (
                one['account'].id == account_id
                and one['reference']
                and one['account']._pay_now_qr(one['amount'], one['reference'], one['currency'])
            )
            if qr:
                return qr
        return b''
