# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""Which terms each language needs, and each rule on a wrong translation; lint checks the texts."""

import polib
import pytest

from dev import settings
from dev.checks import languages

TEMPLATE = """
<odoo>
    <template id="pay_page"><p>Total</p></template>
</odoo>
"""
SCREEN = """
<odoo>
    <record id="setup_form" model="ir.ui.view">
        <field name="arch" type="xml">
            <form><field name="signup_email"/><label for="stage"/></form>
        </field>
    </record>
</odoo>
"""


@pytest.fixture
def module(tmp_path):
    """Return a module with a page for customers, a screen of the set-up, and daily work."""
    for name, text in (
        ("views/pay_page_templates.xml", TEMPLATE),
        ("wizard/pay_now_setup_views.xml", SCREEN),
        ("views/pay_now_payout_views.xml", TEMPLATE.replace("pay_page", "payout_form")),
    ):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    return tmp_path


@pytest.mark.parametrize(
    ('place', 'is_needed'),
    [
        ("model_terms:ir.ui.view,arch_db:account_pay_now.pay_page", True),
        ("model_terms:ir.ui.view,arch_db:account_pay_now.setup_form", True),
        ("model_terms:ir.ui.view,arch_db:account_pay_now.payout_form", False),
        ("code:addons/account_pay_now/controllers/pay_page.py", True),
        ("code:addons/account_pay_now/models/setup/res_company.py", True),
        ("code:addons/account_pay_now/models/payout/pay_now_payout.py", False),
        ("model:ir.ui.menu,name:account_pay_now.menu_pay_now_payout", True),
        ("model:ir.actions.act_window,name:account_pay_now.action_pay_now_payout", True),
        ("model_terms:ir.actions.act_window,help:account_pay_now.action_pay_now_payout", False),
        (
            "model:ir.model.fields,field_description:"
            "account_pay_now.field_pay_now_setup__signup_email",
            True,
        ),
        ("model:ir.model.fields,help:account_pay_now.field_pay_now_setup__hidden", False),
        ("model:ir.model.fields,help:account_pay_now.field_pay_now_payout__stage", False),
        (
            "model:ir.model.fields.selection,name:"
            "account_pay_now.selection__payment_provider__stage__live",
            True,
        ),
        (
            "model:ir.model.fields.selection,name:"
            "account_pay_now.selection__pay_now_payout__stage__live",
            False,
        ),
    ],
)
def test_what_is_required(module, place, is_needed):
    entry = polib.POEntry(msgid="Text", occurrences=[(place, "0")])
    assert languages.required([entry], module) == ([entry] if is_needed else [])


def test_one_place_is_enough(module):
    places = [
        ("code:addons/account_pay_now/models/payout/pay_now_payout.py", "0"),
        ("code:addons/account_pay_now/controllers/pay_page.py", "0"),
    ]
    entry = polib.POEntry(msgid="Text", occurrences=places)
    assert languages.required([entry], module) == [entry]


@pytest.mark.parametrize('source', [*languages.CUSTOMERS, *languages.SET_UP])
def test_every_place_is_there(source):
    """A file that is renamed does not silently fall out of the languages."""
    assert list(settings.CHECKOUT.glob(f"{source}*"))


@pytest.mark.parametrize(
    ('text', 'translation', 'problem'),
    [
        ("Total", "", "is not translated"),
        ("Pay %s", "Zahlen", "has other placeholders in the translation"),
        ("%(low)s to %(high)s", "%(low)s bis %(low)s", "has other placeholders in the translation"),
        ("{{ object.name }}", "{{ object.nam }}", "has other placeholders in the translation"),
        ('<t t-out="a"/>', '<t t-out="b"/>', "has other placeholders in the translation"),
        ("<b>Total</b>", "<i>Gesamt</i>", "has other tags in the translation"),
        ("<p>Total</p>", "<p>Gesamt", "has other tags in the translation"),
        ("<p>From %s</p>", "<p>Von %s</p>", ""),
    ],
)
def test_wrong_translations(text, translation, problem):
    entry = polib.POEntry(msgid=text, msgstr=translation)
    assert languages.entry_problem(entry, is_needed=True) == problem
    entry.flags.append("fuzzy")
    assert languages.entry_problem(entry, is_needed=False) == "is only guessed"


def test_what_is_not_required_may_be_open():
    assert not languages.entry_problem(polib.POEntry(msgid="Payout"), is_needed=False)


def test_files(module):
    """Each language has a file, in step with the template, and what it needs."""
    folder = module / "i18n"
    folder.mkdir()
    place = [("code:addons/account_pay_now/controllers/pay_page.py", "0")]
    other = [("code:addons/account_pay_now/models/payout/pay_now_payout.py", "0")]
    template = polib.POFile()
    template.append(polib.POEntry(msgid="Total", occurrences=place))
    template.append(polib.POEntry(msgid="Payout", occurrences=other))
    template.save(str(folder / f"{settings.MODULE}.pot"))
    for lang in languages.LANGUAGES:
        entries = polib.POFile()
        entries.append(polib.POEntry(msgid="Total", msgstr="T", occurrences=place))
        entries.append(polib.POEntry(msgid="Payout", msgstr="P", occurrences=other))
        entries.save(str(folder / f"{lang}.po"))
    assert languages.problems(module) == []
    # French is whole; the others need what customers read.
    for lang in ("de", languages.WHOLE):
        entries = polib.pofile(str(folder / f"{lang}.po"))
        entries.find("Payout").msgstr = ""
        entries.save()
    assert languages.problems(module) == ["fr.po:9: 'Payout' is not translated"]
    entries = polib.pofile(str(folder / "de.po"))
    entries.remove(entries.find("Total"))
    entries.append(polib.POEntry(msgid="Gone", msgstr="Weg"))
    entries.save()
    (folder / "es.po").unlink()
    assert languages.problems(module)[:3] == [
        "de.po: 'Total' is missing",
        "de.po: 'Gone' is no term",
        "es.po: missing",
    ]
