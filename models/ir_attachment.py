# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from odoo import api, models


class IrAttachment(models.Model):
    _inherit = 'ir.attachment'

    @api.model
    def _pay_now_keep_pdf(self, record, name, content):
        """Keep a PDF with a record.

        :param record: whoever may read it may read the PDF; nothing: the user alone.
        :param str name: the file's name.
        :param bytes content: the file.
        :rtype: ir.attachment (sudo)
        """
        return self.sudo().create(
            {
                'name': name,
                'raw': content,
                'mimetype': 'application/pdf',
                'res_model': bool(record) and record._name,
                'res_id': record.id,
            }
        )

    def _pay_now_download(self):
        """Return the action that downloads the file, and shows the screen behind it anew.

        :rtype: dict
        """
        self.ensure_one()
        return {
            'type': 'ir.actions.act_url',
            'url': f'/web/content/{self.id}?download=true',
            # Not `download`: the web client would leave the screen as it was.
            'target': 'new',
        }
