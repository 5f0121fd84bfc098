# Part of Pay Now. See LICENSE file for full copyright and licensing details.

import base64
import functools
import itertools

from odoo import models
from odoo.tools.image import image_data_uri

from odoo.addons.account_pay_now.models.reminder import transfer_reference

#: Credit notes that a transfer may have deducted, of which every choice is tried.
CREDITS_TRIED = 8


class PayNowReminder(models.Model):
    """The transfer that pays a reminder: what mail and letter say, and what its reference means."""

    _inherit = 'pay.now.reminder'

    # === BUSINESS METHODS - REFERENCE === #

    def _pay_now_transfer_reference(self, lines):
        """Override of `pay.now.page.mixin`: of these very items of the reminder."""
        reminder_id = self._origin.id
        if not reminder_id:
            return ''
        return transfer_reference.write(reminder_id, self.item_ids.ids, lines.ids)

    def _items_named(self, named):
        """Return the items that a reference is about, as far as they are the customer's by now.

        :param transfer_reference.Named named: what the reference says.
        :return: the items, credit notes included, open or not, all of the reminder where it cannot
            be told which; and whether they are proven to be those the reference was written for.
        :rtype: tuple(account.move.line, bool)
        """
        self.ensure_one()
        linked = self._pay_now_linked_lines().sorted('id')
        own = linked._pay_now_of(self._pay_now_customer(), self.company_id)
        chosen = linked
        if named.places is not None:
            chosen = linked.browse([linked.ids[at] for at in named.places if at < len(linked)])
        for credits in self._credit_choices():
            if transfer_reference.check(self.id, (chosen | credits).ids) == named.check:
                return chosen & own | credits, not chosen - own
        return own, False

    def _credit_choices(self):
        """Give each choice of credit notes that the page may deduct, none of them first.

        :return: of `account.move.line`.
        """
        Line = self.env['account.move.line']
        yield Line
        credits = Line.search(
            Line._pay_now_open_credits_domain()
            & self._pay_now_credit_scope()
            & self._pay_now_customer_domain(),
            order='id',
            limit=CREDITS_TRIED,
        )
        for count in range(1, len(credits) + 1):
            for choice in itertools.combinations(credits.ids, count):
                yield credits.browse(choice)

    # === BUSINESS METHODS - CONTENT === #

    def _mail_transfers(self, items, urls):
        """Return how each reminder is paid by transfer, as mail and letter show it.

        :param dict items: `{reminder: items}`.
        :param dict urls: `{reminder: address of its page}` of those with a button.
        :return: `{reminder: transfers}`, see `account.move.line._pay_now_transfers`; each with
            `amount_text`, and where there is a QR code with `qr`, an address or the picture itself.
        :rtype: dict
        """
        accounts = (
            self.env['account.move.line']
            .union(*(items[reminder] for reminder in self))
            .move_id._pay_now_transfer_accounts()
        )
        takes_qr = functools.cache(lambda account, currency: account._pay_now_takes_qr(currency))
        write = functools.cache(self._pay_now_amount_writer)
        found = {}
        for reminder in self:
            found[reminder] = items[reminder]._pay_now_transfers(
                reminder._pay_now_transfer_reference, accounts
            )
            # Beside the previous balance, of which no items are known, another amount is asked for.
            for one in [] if reminder.run_id.print_previous_balance else found[reminder]:
                one['amount_text'] = write(one['currency'])(one['amount'])
                if one['reference'] and takes_qr(one['account'], one['currency']):
                    one['qr'] = reminder._mail_qr(one, urls.get(reminder))
        return found

    def _mail_qr(self, transfer, url):
        """Return where the QR code of a transfer is.

        A mail has its address: mail programs show no pictures that are in the text. On paper it is
        the picture itself.

        :param dict transfer: see `_mail_transfers`.
        :param str url: address of the reminder's page, if the mail has a button.
        :rtype: str | bool
        """
        account = transfer['account']
        if self.channel == 'letter':
            qr = account._pay_now_qr(
                transfer['amount'], transfer['reference'], transfer['currency']
            )
            return bool(qr) and image_data_uri(base64.b64encode(qr))
        if not url or self.env['res.company']._pay_now_trial():
            return False
        return f'{url}/qr?account={account.id}'
