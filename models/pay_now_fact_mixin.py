# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from odoo import models
from odoo.exceptions import AccessError


class PayNowFactMixin(models.AbstractModel):
    """Records of what a provider told, and of what proves it.

    People write the fields that are not read-only, and nothing else, by whatever client.
    """

    _name = 'pay.now.fact.mixin'
    _inherit = ['pay.now.history.mixin']
    _description = "Record that nobody changes by hand"

    # === CRUD METHODS === #

    def write(self, vals):
        """Override of `base` to keep people from changing what happened.

        :param dict vals: as of `base`.
        :raise AccessError: with a field that is read-only, in anybody's name but the module's.
        """
        facts = [] if self.env.su else [name for name in vals if self._pay_now_is_fact(name)]
        if facts:
            labels = self.fields_get(facts, ['string']).values()
            raise AccessError(
                self.env._(
                    "“%(fields)s” says what happened: it cannot be changed by hand.",
                    fields=', '.join(label['string'] for label in labels),
                )
            )
        return super().write(vals)

    def _pay_now_is_fact(self, name):
        """Tell whether a field says what happened.

        :param str name: of a field.
        :rtype: bool
        """
        field = self._fields.get(name)
        return bool(field and field.store and field.readonly)
