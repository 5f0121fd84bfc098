# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from odoo import api, fields, models
from odoo.fields import Domain


class PayNowDemoObject(models.Model):
    """What a provider knows that is played: checkouts, payments, its balance, all as JSON.

    It stands for the provider's own database. Nothing in the books is read from here but through
    the gateway, and nobody but the gateway writes it.
    """

    _name = 'pay.now.demo.object'
    _description = "Object of a demonstration"
    _inherit = ['pay.now.authority.mixin', 'pay.now.history.mixin']
    _rec_name = 'ref'
    _order = 'id'

    provider_id = fields.Many2one(
        comodel_name='payment.provider',
        required=True,
        readonly=True,
        ondelete='cascade',
    )
    kind = fields.Char(required=True, readonly=True)
    ref = fields.Char(string="Id at the provider", required=True, readonly=True)
    content = fields.Json(string="What it says", required=True, readonly=True)

    _object_once = models.UniqueIndex(
        '(provider_id, kind, ref)', "The demonstration has this object already."
    )

    @api.model
    def _store(self, provider):
        """Return the store of a provider that is played.

        :param payment.provider provider: one record.
        :rtype: DatabaseStore
        """
        return DatabaseStore(self.sudo(), provider)


class DatabaseStore:
    """What a provider knows that is played, kept in the database (`gateways.demo.store.Store`).

    :param pay.now.demo.object objects: the model (sudo).
    :param payment.provider provider: one record.
    """

    def __init__(self, objects, provider):
        self._objects = objects
        self._provider_id = provider.id

    def _find(self, kind, ref):
        return self._objects.search(self._domain(kind) & Domain('ref', '=', ref))

    def _domain(self, kind):
        return Domain('provider_id', '=', self._provider_id) & Domain('kind', '=', kind)

    def get(self, kind, ref):
        """See `gateways.demo.store.Store`."""
        found = self._find(kind, ref)
        return found.content if found else None

    def put(self, kind, ref, values):
        """See `gateways.demo.store.Store`."""
        if found := self._find(kind, ref):
            found.content = values
            return
        self._objects.create(
            {'provider_id': self._provider_id, 'kind': kind, 'ref': ref, 'content': values}
        )

    def remove(self, kind, ref):
        """See `gateways.demo.store.Store`."""
        self._find(kind, ref).unlink()

    def all(self, kind):
        """See `gateways.demo.store.Store`."""
        return [(one.ref, one.content) for one in self._objects.search(self._domain(kind))]
