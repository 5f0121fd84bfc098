# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""How texts are written, each rule on a wrong example; the texts themselves are checked by lint."""

import pytest

from dev.checks import wording


@pytest.mark.parametrize(
    ('wrong', 'right'),
    [
        ("L'e-mail d'hier", "L’e-mail d’hier"),
        ("jusqu'au %(date)s, d'%(name)s", "jusqu’au %(date)s, d’%(name)s"),
        ("aujourd'<b>hui</b>", "aujourd’<b>hui</b>"),
        ("Vraiment ? Oui !", "Vraiment\u202f? Oui\u202f!"),
        ("Vraiment? Oui ; non", "Vraiment\u202f? Oui\u202f; non"),
        ("Reste : %s", "Reste\u00a0: %s"),
        ("%(company)s\u202f: %(count)s", "%(company)s\u00a0: %(count)s"),
        ("« Envoyer »", "«\u00a0Envoyer\u00a0»"),
        ("«\u202fEnvoyer\u202f» :", "«\u00a0Envoyer\u00a0»\u00a0:"),
        ("<span>Reste :</span>", "<span>Reste\u00a0:</span>"),
    ],
)
def test_french(wrong, right):
    assert wording.french(wrong) == right
    assert wording.french(right) == right
    assert wording.problem(wrong, is_french=True)
    assert not wording.problem(wrong)
    assert not wording.problem(right, is_french=True)


@pytest.mark.parametrize(
    'text',
    [
        """<t t-out="object.name or ''" style="margin:0; color: red">Nom</t>""",
        "{{ object.name or 'x' }}",
        "Comptes &amp; clés",
        "Ouvrez http://127.0.0.1:8069/?a=b; puis 10:30",
        "(?)",
        "object._file_name('a')",
    ],
)
def test_what_is_no_text_stays(text):
    assert wording.french(text) == text


@pytest.mark.parametrize(
    'text',
    [
        "3 invoice(s)",
        "facture(s)",
        "payé(e)",
        "réglé(es)",
        "dû(s)",
        "Rechnung(en)",
        "Kunde(n)",
        "cliente(s)",
        "enviado(as)",
        "fattura(e)",
        "pagato(i)",
        "factuur(en)",
        "fatura(s)",
        "cartão(ões)",
    ],
)
def test_plural_in_brackets(text):
    assert wording.problem(text)
    assert wording.problem(text, is_french=True)


def test_source(tmp_path):
    (tmp_path / "models").mkdir()
    (tmp_path / "data").mkdir()
    (tmp_path / "models/a.py").write_text(
        '"""An http(s) address."""\nstr(s)\nx = _("2 invoice(s)")\n'
    )
    (tmp_path / "data/a.xml").write_text("<odoo>\n<field>\nletter(s)</field></odoo>\n")
    found = wording.source_problems(tmp_path)
    assert [one.rsplit(":", 2)[0] for one in found] == ["data/a.xml:3", "models/a.py:3"]


ACTION = """
<odoo><record id="{name}" model="ir.actions.act_window">
    <field name="view_mode">{modes}</field>{help}
</record></odoo>
"""
HELP = '<field name="help" type="html"><p>Nothing yet</p></field>'


def test_lists_without_help(tmp_path):
    for name, modes, text in (
        ("bare", "kanban,form", ""),
        ("empty", "list", '<field name="help" type="html"><p> </p></field>'),
        ("helped", "list,form", HELP),
        ("screen", "form", ""),
    ):
        path = tmp_path / "views" / f"{name}.xml"
        path.parent.mkdir(exist_ok=True)
        path.write_text(ACTION.format(name=name, modes=modes, help=text))
    (tmp_path / "wizard").mkdir()
    (tmp_path / "wizard/a.py").write_text(
        "a = {'type': 'ir.actions.act_window', 'view_mode': 'list,form', 'name': name}\n"
        "b = {'type': 'ir.actions.act_window', 'view_mode': 'form', 'name': name}\n"
        "c = {'type': 'ir.actions.act_window', 'view_mode': 'list', 'help': text}\n"
    )
    assert wording.lists_without_help(tmp_path) == [
        "views/bare.xml: bare: a list without help",
        "views/empty.xml: empty: a list without help",
        "wizard/a.py:1: list,form: a list without help",
    ]
