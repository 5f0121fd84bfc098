# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""The checks of the floor plan, each on a wrong example; the module itself is checked by lint."""

import textwrap

import pytest

from dev.checks import structure

IMPORT = "from odoo.addons.account_pay_now"


@pytest.fixture
def write(tmp_path):
    """Write a file of a small module."""

    def write(name, text=""):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text))
        return path

    write("models/__init__.py", "from . import res_company\nfrom . import provider, payment\n")
    write("models/res_company.py")
    write("models/provider/__init__.py", "from . import payment_provider\n")
    write("models/provider/payment_provider.py")
    write("models/payment/__init__.py", "from . import payment_transaction\n")
    write("models/payment/payment_transaction.py", f"{IMPORT}.models.provider import x\n")
    write("tests/__init__.py", "from . import test_hooks\nfrom .provider import *\n")
    write("tests/test_hooks.py", "class TestHooks(Case):\n    pass\n")
    write("tests/provider/__init__.py", "from . import test_keys\n")
    write("tests/provider/test_keys.py", "class TestKeys(Case):\n    pass\n")
    write("doc/architecture.md", "`models/res_company.py`\n")
    return write


def model(name, *methods, how="_inherit"):
    """Return the source of a class of a model."""
    body = "".join(f"    def {method}(self):\n        pass\n" for method in methods)
    return f"class Model(models.Model):\n    {how} = {name!r}\n{body}"


def test_a_good_module_has_no_problem(write, tmp_path):
    write("models/provider/payment_provider.py", model('payment.provider', 'connect'))
    write("models/payment/payment_provider.py", model('payment.provider', 'balance'))
    write("wizard/pay_now_setup.py", f"{IMPORT}.models.payment import payment_provider\n")
    write("gateways/stripe/gateway.py", "from .. import base\nimport stripe\n")
    assert structure.problems(tmp_path) == []


@pytest.mark.parametrize('how', ['_inherit', '_name'])
def test_method_in_two_files(write, tmp_path, how):
    write("models/provider/payment_provider.py", model('payment.provider', 'connect', 'check'))
    write("wizard/other.py", model('payment.provider', 'connect', how=how))
    assert structure.methods_defined_twice(tmp_path) == [
        "payment.provider.connect is defined in "
        "models/provider/payment_provider.py, wizard/other.py"
    ]


def test_method_in_two_files_of_a_model_with_a_mixin(write, tmp_path):
    extended = "    _name = 'a.b'\n    _inherit = ['a.b', 'mail.thread']\n"
    write("models/provider/a.py", model('a.b', 'act', how='_name'))
    write("models/payment/a.py", f"class A(models.Model):\n{extended}    def act(self): pass\n")
    assert len(structure.methods_defined_twice(tmp_path)) == 1


@pytest.mark.parametrize(
    'twice',
    ["    kind = 1\n    kind = 2\n", "    kind = 1\n    def kind(self):\n        pass\n"],
)
def test_name_given_twice_in_a_class(write, tmp_path, twice):
    write("models/provider/payment_provider.py", f"class Provider(models.Model):\n{twice}")
    assert structure.names_given_twice(tmp_path) == [
        "models/provider/payment_provider.py: Provider.kind is defined 2 times"
    ]


@pytest.mark.parametrize(
    'line',
    [
        f"{IMPORT}.models.payment.payment_transaction import NAMES\n",
        f"{IMPORT}.models import payment\n",
        "from ..payment import payment_transaction\n",
        "from .. import payment\n",
        "import odoo.addons.account_pay_now.models.payment.payment_transaction\n",
        f"def later():\n    {IMPORT}.models.payment import payment_transaction\n",
    ],
)
@pytest.mark.parametrize('path', ["models/provider/payment_provider.py", "models/res_company.py"])
def test_import_upwards(write, tmp_path, line, path):
    if path == "models/res_company.py":
        line = line.replace("from ..", "from .")
        line = line.replace("from . import payment", "from .payment import payment_transaction")
    write(path, line)
    (problem,) = structure.imports_upwards(tmp_path)
    assert problem.startswith(path)
    assert "models.payment, which comes after it" in problem


def test_package_that_nobody_imports(write, tmp_path):
    write("models/refund/__init__.py")
    assert structure.imports_upwards(tmp_path) == [
        "models/refund: not imported by models/__init__.py"
    ]


@pytest.mark.parametrize(
    ('path', 'line', 'problem'),
    [
        ("models/res_company.py", f"{IMPORT}.wizard import x\n", "models must not import wizard"),
        (
            "models/payment/payment_transaction.py",
            f"{IMPORT}.controllers.page import x\n",
            "models must not import controllers",
        ),
        ("wizard/a.py", "from ..controllers import page\n", "wizard must not import controllers"),
        ("controllers/a.py", f"{IMPORT} import wizard\n", "controllers must not import wizard"),
        ("gateways/stripe/a.py", "from ...models import x\n", "gateways must not import models"),
    ],
)
def test_import_across(write, tmp_path, path, line, problem):
    write(path, line)
    assert structure.imports_across(tmp_path) == [f"{path}:1: {problem}"]


@pytest.mark.parametrize(
    'line',
    [
        "import odoo\n",
        "from odoo import fields\n",
        "from ... import const\n",
        f"{IMPORT} import x\n",
    ],
)
def test_gateway_with_odoo(write, tmp_path, line):
    write("gateways/stripe/money.py", line)
    assert len(structure.gateways_with_odoo(tmp_path)) == 1


@pytest.mark.parametrize(
    'line', ["import dev\n", "from dev.env import x\n", f"{IMPORT}.dev import x\n"]
)
def test_import_of_dev(write, tmp_path, line):
    write("models/res_company.py", line)
    assert len(structure.imports_of_dev(tmp_path)) == 1


def test_two_test_modules_and_classes_of_one_name(write, tmp_path):
    write("tests/payment/__init__.py", "from . import test_keys\n")
    write("tests/payment/test_keys.py", "class TestHooks(Case):\n    pass\n")
    assert structure.tests_with_one_name(tmp_path) == [
        "test class TestHooks: tests/payment/test_keys.py:1, tests/test_hooks.py:1",
        "test module test_keys: tests/payment/test_keys.py, tests/provider/test_keys.py",
    ]


def test_tests_that_odoo_never_sees(write, tmp_path):
    write("tests/provider/test_lost.py")
    write("tests/payment/__init__.py", "from . import test_pay\n")
    write("tests/payment/test_pay.py")
    assert structure.tests_not_collected(tmp_path) == [
        "tests/payment/test_pay.py: tests/__init__.py has no star import of payment",
        "tests/provider/test_lost.py: not imported by tests/provider/__init__.py",
    ]


def test_languages_without_terms(write, tmp_path):
    write("i18n/fr.po")
    write(
        "tests/test_words.py",
        """\
self.env['res.lang']._activate_lang('fr_FR')
self.env['res.lang']._activate_lang('ar_001')
self.load_language('fr_FR')
self.env['res.lang']._activate_lang(FRENCH)
""",
    )
    assert structure.languages_without_terms(tmp_path) == [
        "tests/test_words.py:1: load_language('fr_FR') brings the terms, too",
        "tests/test_words.py:4: load_language(FRENCH) brings the terms, too",
    ]


def test_rows_behind_buttons(write, tmp_path):
    button, row = '<button name="go" />', "o_pay_now_rows"
    write(
        "views/some_views.xml",
        f"""\
<odoo>
    <list>{button}</list>
    <list class="wide {row}">{button}</list>
    <list><header>{button}</header><field name="x" /></list>
    <kanban class="{row}_not"><templates><t>{button}</t></templates></kanban>
    <kanban class="{row}"><templates><t>{button}</t></templates></kanban>
</odoo>
""",
    )
    assert structure.rows_behind_buttons(tmp_path) == [
        "views/some_views.xml:2: a list with buttons needs the class o_pay_now_rows",
        "views/some_views.xml:5: a kanban with buttons needs the class o_pay_now_rows",
    ]


def test_what_is_too_long(write, tmp_path):
    write("wizard/long.py", "#\n" * 701)
    write("controllers/page.py", "def page():\n" + "    pass\n" * 40)
    for number in range(25):
        write(f"models/file_{number}.py")
    assert structure.too_long(tmp_path) == [
        "models/: 26 files of its own, at most 25",
        "wizard/long.py: 701 lines, at most 700",
        "controllers/page.py:1: page has 41 lines, at most 40",
    ]


def test_document_about_what_is_not_there(write, tmp_path):
    write("models/res_company.py", model('res.company', 'known'))
    write(
        "doc/architecture.md",
        """\
        `models/res_company.py:known` of `res.company` and `models/gone.py`
        `models/res_company.py:known, forgotten` in `models/provider/`, `models/gone/`
        """,
    )
    assert structure.document_names_what_is_not_there(tmp_path) == [
        "doc/architecture.md:1: there is no models/gone.py",
        "doc/architecture.md:2: there is no forgotten in models/res_company.py",
        "doc/architecture.md:2: there is no models/gone/",
    ]
    (tmp_path / "doc/architecture.md").unlink()
    assert structure.document_names_what_is_not_there(tmp_path) == ["doc/architecture.md: missing"]


@pytest.mark.parametrize(
    'read',
    [
        "self.item_ids.move_id",
        "[one for one in self if one.item_ids]",
        "self._pay_now_linked_lines()",
        "Line.search(Line._pay_now_open_items_domain())",
        "self.env['x'].search(self._pay_now_lines_domain())",
    ],
)
def test_items_of_anybody(write, tmp_path, read):
    source = "class Page(models.Model):\n    def show(self):\n        return {}\n"
    path = "models/payment/payment_transaction.py"
    write(path, source.format(read))
    [problem] = structure.items_of_anybody(tmp_path)
    assert problem.startswith(f"{path}:show reads ")
    write(path, source.format(f"({read})._pay_now_of(self.customer_id, self.company_id)"))
    assert structure.items_of_anybody(tmp_path) == []
    write(path, source.replace("show", "_pay_now_linked_lines").format(read))
    assert structure.items_of_anybody(tmp_path) == []
    write(path, "class Page(models.Model):\n    def show(self):\n        self.item_ids = 1\n")
    assert structure.items_of_anybody(tmp_path) == []


def test_items_that_are_somebodys_by_now(write, tmp_path):
    """An exception that is none any more does not stay."""
    [where] = [one for one in structure.ASK_NOT if one.endswith(":_pay_now_still_open")]
    write(where.partition(":")[0], "def _pay_now_still_open(self):\n    return self\n")
    [problem] = structure.items_of_anybody(tmp_path)
    assert problem.startswith(f"{where} ")


@pytest.mark.parametrize(
    'call',
    [
        '(one | other).reconcile()',
        "self.env['account.move.line']._reconcile_plan([])",
        'lines.remove_move_reconcile()',
        '(lines.matched_debit_ids | lines.matched_credit_ids).unlink()',
        'partials.unlink()',
    ],
)
def test_matched_past_the_doors(write, tmp_path, call):
    write(
        "models/payment/payment_transaction.py", f"class Tx:\n    def pay(self):\n        {call}\n"
    )
    [problem] = structure.matched_elsewhere(tmp_path)
    assert problem.startswith("models/payment/payment_transaction.py:3: pay calls ")


def test_matched_by_the_doors(write, tmp_path):
    write(
        "models/account_partial_reconcile.py",
        "class Partial:\n    def _pay_now_reconcile(self, plan):\n"
        "        self._reconcile_plan(plan)\n",
    )
    write(
        "models/payment/account_move.py",
        "class Move:\n    def js_assign_outstanding_line(self, line):\n"
        "        return super().js_assign_outstanding_line(line)\n",
    )
    assert structure.matched_elsewhere(tmp_path) == []
