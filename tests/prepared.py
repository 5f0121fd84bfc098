# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""Odoo's test company, made once for all test classes where the database was prepared."""

import json
from unittest.mock import patch

from odoo.models import BaseModel
from odoo.modules.registry import Registry
from odoo.tests.common import get_db_name

from odoo.addons.account.tests.common import AccountTestInvoicingCommon
from odoo.addons.base.tests.common import BaseCommon

#: The parameter in which a prepared database names its records.
PARAMETER = 'account_pay_now.prepared_tests'
#: The chart of accounts that comes with Odoo's `account` itself.
GENERIC = 'generic_coa'
#: Of what Odoo keeps in memory: what stays from test to test as long as nothing invalidated it, and
#: what is forgotten after each, for the files it names are gone.
KEPT = {'default', 'templates', 'stable', 'groups', 'routing'}
FORGOTTEN = {'assets'}


class PreparedCase(AccountTestInvoicingCommon):
    """What Odoo gives its tests of invoicing: a French company with the chart that Odoo always has.

    So that Odoo alone runs them, with no chart of a country installed. A class of which the chart
    matters names another one in `chart`, and the module it comes from has to be installed.

    Loading a chart takes longer than most test classes do. `prepare` loads it once and commits;
    each class then finds the records, and works in a transaction of its own as ever. In any other
    database they are created for the class.
    """

    #: The chart of accounts of the class, a key of Odoo's mapping of charts.
    chart = GENERIC
    maxDiff = None
    tax_number = 0
    _prepared = {}

    @classmethod
    @AccountTestInvoicingCommon.setup_country('fr')
    def setUpClass(cls):
        cls.chart_template = cls.chart
        prepared = cls._read_prepared() if cls.chart == GENERIC else None
        if not prepared:
            # Of a chart whose module is not installed, Odoo skips the class.
            super().setUpClass()
            cls._watch_caches()
            return
        # Whatever Odoo does for the class, except creating records.
        super(BaseCommon, cls).setUpClass()
        cls._watch_caches()
        cls.env = cls.env(user=prepared['uid'], context=cls.default_env_context())
        for name, value in prepared['attributes'].items():
            setattr(cls, name, cls._unpack(value))

    @classmethod
    def setup_independent_user(cls):
        """Override of `account` to make room for the users of a class with a chart of its own."""
        users = cls.env['res.users'].search([('login', '=like', '%accountman')])
        for user in users:
            user.login = f'prepared_{user.login}'
        users.flush_recordset()
        return super().setup_independent_user()

    @classmethod
    def _create_company(cls, **create_values):
        """Override of `account` to let the generic chart, an American one, be of the country."""
        if cls.chart != GENERIC:
            # Beside the company of a prepared database.
            create_values['name'] = f"Company {cls.chart}"
        company = super()._create_company(**create_values)
        if cls.chart == GENERIC:
            taxes = cls.env['account.tax'].search([('company_id', '=', company.id)])
            company.account_fiscal_country_id = company.country_id
            taxes.tax_group_id.country_id = company.country_id
            taxes.country_id = company.country_id
        return company

    @classmethod
    def _watch_caches(cls):
        """Note what the tests of the class invalidate of what Odoo keeps in memory."""
        registry, cls.invalidated = Registry(get_db_name()), set()
        clear_cache, clear_all_caches = registry.clear_cache, registry.clear_all_caches

        def note_some(*names):
            cls.invalidated |= set(names or ['default'])
            clear_cache(*names)

        def note_all():
            cls.invalidated |= KEPT
            clear_all_caches()

        for name, note in (('clear_cache', note_some), ('clear_all_caches', note_all)):
            cls.startClassPatcher(patch.object(registry, name, note))

    def setUp(self):
        """Override of Odoo's tests to keep in memory what the test did not change.

        Odoo forgets all of it after each test, which costs one second of seven. What has to be
        forgotten is what was invalidated, as it is outside of tests.
        """
        with patch.object(self.registry, 'clear_all_caches', self._forget):
            super().setUp()

    def _forget(self):
        names = (KEPT & self.invalidated) | FORGOTTEN
        self.registry.clear_cache(*names)
        type(self).invalidated.clear()

    @classmethod
    def load_language(cls, code):
        """Activate a language with the terms of the records, views and templates that are there.

        In an Odoo that was installed without it there are none: `_activate_lang` alone brings what
        stands in the code.

        :param str code: of `res.lang`.
        """
        Lang = cls.env['res.lang'].sudo().with_context(active_test=False)
        lang = Lang.search([('code', '=', code)])
        if lang.active:
            return
        lang.active = True
        modules = cls.env['ir.module.module'].sudo().search([('state', '=', 'installed')])
        modules._update_translations([code])
        cls.env.registry.clear_all_caches()

    @classmethod
    def prepare(cls):
        """Create the records and commit them, with a parameter that names them."""
        # Outside a test, Odoo installs the modules of the country.
        with patch.object(Registry(get_db_name())['res.company'], 'install_l10n_modules'):
            cls.setUpClass()
        attributes = {name: cls._pack(value) for name, value in vars(cls).items()}
        prepared = {
            'uid': cls.env.uid,
            'attributes': {name: value for name, value in attributes.items() if value},
        }
        cls.env['ir.config_parameter'].sudo().set_param(PARAMETER, json.dumps(prepared))
        cls.commit_patcher.stop()
        cls.cr.commit()
        cls.doClassCleanups()

    @classmethod
    def _read_prepared(cls):
        """Return what the database was prepared with, nothing where it was not."""
        database = get_db_name()
        if database not in cls._prepared:
            with Registry(database).cursor() as cr:
                cr.execute("SELECT value FROM ir_config_parameter WHERE key = %s", [PARAMETER])
                cls._prepared[database] = json.loads((cr.fetchone() or ['null'])[0])
        return cls._prepared[database]

    @classmethod
    def _pack(cls, value):
        """Return records, or a dictionary of records, as JSON has them; None for the rest."""
        if isinstance(value, BaseModel):
            return [value._name, value.ids]
        if isinstance(value, dict) and value and all(map(cls._pack, value.values())):
            return {key: cls._pack(one) for key, one in value.items()}
        return None

    @classmethod
    def _unpack(cls, value):
        if isinstance(value, dict):
            return {key: cls._unpack(one) for key, one in value.items()}
        model, ids = value
        return cls.env[model].browse(ids)
