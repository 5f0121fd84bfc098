# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from odoo import api, models
from odoo.fields import Domain


class PayNowReasonMixin(models.AbstractModel):
    """Reasons that are stored as codes and values, and read in the language of the reader.

    A list of `[code, values]` in a JSON field; the values are plain JSON: dates as text, amounts
    with the id of their currency. What comes from elsewhere as a text has the code `text`.
    """

    _name = 'pay.now.reason.mixin'
    _description = "Reasons in the reader's language"

    # === BUSINESS METHODS - REASONS === #

    @api.model
    def _reason_sentences(self):
        """Return what the codes say in the reader's language, the one table of them.

        :return: `{code: function that gets the values by name and returns the sentence}`
        :rtype: dict
        """
        return {'text': lambda text: text}

    @api.model
    def _reasons_text(self, codes, sentences=None):
        """Return reasons in the reader's language, each once.

        :param list codes: of `[code, values]`.
        :param dict sentences: see `_reason_sentences`, where they are at hand.
        :rtype: str | bool
        """
        sentences = sentences or self._reason_sentences()
        texts = (
            # One of another version of the module is better than a list that does not open.
            sentences[code](**values) if code in sentences else code
            for code, values in codes or ()
        )
        return ', '.join(dict.fromkeys(filter(None, texts))) or False

    @api.model
    def _search_reasons(self, text, codes, operator, value):
        """Return the domain of the records whose reasons read in some way.

        :param str text: the field of what is read.
        :param str codes: the JSON field.
        :param str operator: a positive one of texts; Odoo makes the negative ones of them.
        :param value: a text, or a collection for `in`.
        :rtype: odoo.fields.Domain
        """
        if operator not in ('in', 'like', 'ilike', '=like', '=ilike'):
            return NotImplemented
        records = self.search_fetch(Domain(codes, '!=', False), [codes])
        found = Domain('id', 'in', records.filtered_domain(Domain(text, operator, value)).ids)
        return found | Domain(codes, '=', False) if operator == 'in' and False in value else found
