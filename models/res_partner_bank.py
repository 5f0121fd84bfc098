# Part of Pay Now. See LICENSE file for full copyright and licensing details.

import re
from decimal import Decimal

from odoo import models
from odoo.tools import float_repr

from odoo.addons.account_pay_now import public_values

#: What the guideline EPC069-12 of the European Payments Council allows: amounts in euros,
#: characters of the holder's name and of a free or a structured reference, and bytes of all of it
#: (a QR code of version 13 at error correction level M).
EPC_AMOUNTS = (0.01, 999999999.99)
EPC_NAME, EPC_TEXT, EPC_STRUCTURED, EPC_BYTES = 70, 140, 35, 331
#: Where these stand among the lines of core's builder.
BIC_LINE, NAME_LINE, TEXT_LINE = 4, 5, 10
BIC = re.compile(r'[A-Z0-9]{8}([A-Z0-9]{3})?')
#: Width and height of the picture.
QR_PIXELS = 300


def _one_line(text):
    """Return a text without whatever would begin another line of the code."""
    return ' '.join(public_values.CONTROLS.sub(' ', text or '').split())


class ResPartnerBank(models.Model):
    """The bank accounts that customers transfer to, as their banking app reads them."""

    _inherit = 'res.partner.bank'

    # === BUSINESS METHODS - QR CODE === #

    def _pay_now_takes_qr(self, currency):
        """Tell whether there is a QR code of transfers to the account.

        Only to one that is trusted in Odoo, which no one but its validators may say: whoever scans
        compares nothing.

        :param res.currency currency: of the transfer.
        :rtype: bool
        """
        self.ensure_one()
        debtor = self.env['res.partner']
        return bool(
            self.allow_out_payment
            and (self.acc_holder_name or self.partner_id.name)
            and not self._get_error_messages_for_qr('sct_qr', debtor, currency)
        )

    def _pay_now_epc(self, amount, reference, currency):
        """Return what the QR code of a transfer says, by core's own builder.

        :param float amount: of the transfer.
        :param str reference: structured or free, which core decides.
        :param res.currency currency: of the transfer.
        :return: lines as of EPC069-12, empty where there is no code.
        :rtype: str
        """
        least, most = EPC_AMOUNTS
        if not self._pay_now_takes_qr(currency) or not least <= amount <= most:
            return ''
        reference = _one_line(reference)[:EPC_TEXT]
        values = self._build_qr_code_vals(
            # Never a float: 0.1 + 0.2 is written with seventeen digits.
            amount=Decimal(float_repr(amount, 2)),
            free_communication=reference,
            structured_communication=reference if len(reference) <= EPC_STRUCTURED else '',
            currency=currency,
            debtor_partner=self.env['res.partner'],
            qr_method='sct_qr',
        )
        if not values:
            return ''
        # Core's lines are longer than the guideline allows by a character each, and may be several.
        lines = [_one_line(line) for line in self._get_qr_vals(**values)]
        bic = lines[BIC_LINE].replace(' ', '').upper()
        lines[BIC_LINE] = bic if BIC.fullmatch(bic) else ''
        lines[NAME_LINE] = lines[NAME_LINE][:EPC_NAME].strip()
        while lines[TEXT_LINE] and len('\n'.join(lines).encode()) > EPC_BYTES:
            lines[TEXT_LINE] = lines[TEXT_LINE][:-1]
        return '\n'.join(lines)

    def _pay_now_qr(self, amount, reference, currency):
        """Return the QR code of a transfer: parameters as of `_pay_now_epc`.

        :return: a picture (PNG), empty where there is none.
        :rtype: bytes
        """
        content = self._pay_now_epc(amount, reference, currency)
        if not content:
            return b''
        return self.env['ir.actions.report'].barcode(
            'QR', content, width=QR_PIXELS, height=QR_PIXELS, barLevel='M'
        )
