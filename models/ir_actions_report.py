# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from odoo import api, models

from odoo.addons.base.models.ir_actions_report import _wkhtml


class IrActionsReport(models.Model):
    """Many documents printed by one call, each into a file of its own."""

    _inherit = 'ir.actions.report'

    def _pay_now_render_apart(self, report_ref, ids, data=None):
        """Print many records at once, each into a file of its own.

        :param str report_ref: the report.
        :param ids: ids of the records.
        :param dict data: what the report is given besides.
        :return: `{id: PDF}`
        :rtype: dict
        """
        ids = list(ids)
        if len(ids) == 1 or self._pay_now_draws_many():
            streams = self._render_qweb_pdf_prepare_streams(
                report_ref, dict(data or {}), res_ids=ids
            )
            if ids[0] in streams:
                return {res_id: streams[res_id]['stream'].getvalue() for res_id in ids}
        # It is not known where each document ends.
        half = len(ids) // 2
        return {
            **self._pay_now_render_apart(report_ref, ids[:half], data),
            **self._pay_now_render_apart(report_ref, ids[half:], data),
        }

    @api.model
    def _pay_now_draws_many(self):
        """Tell whether the server's wkhtmltopdf draws several documents at once.

        That of most distributions does not, and Odoo refuses to try.

        :rtype: bool
        """
        return _wkhtml().is_patched_qt
