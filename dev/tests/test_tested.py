# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""Which Odoo is taken, and what is said when it is not the one that was tested."""

import os
import subprocess

import pytest

from dev import settings
from dev.env import fetch, odoo, pyenv, tested
from dev.env.console import DevError

EXPECTED = tested.read()
# What a checkout of Odoo's repository has inside the package; all else is beside it.
INSIDE = {"base"}
FIND = """
from odoo.modules.module import get_module_path, initialize_sys_path
from odoo.tools import config

config.parse_config(["--addons-path", {addons!r}])
initialize_sys_path()
print(get_module_path("base"), get_module_path("account"))
"""


@pytest.fixture(autouse=True)
def nothing_said_yet():
    tested.compare.cache_clear()


@pytest.fixture(scope="module")
def checkout(tmp_path_factory):
    """The Odoo of the tests, laid out as its repository is."""
    source, top = odoo.ensure(), tmp_path_factory.mktemp("checkout")
    inner = top / "odoo"
    (inner / "addons").mkdir(parents=True)
    (top / "addons").mkdir()
    for path in (source / "odoo").iterdir():
        if path.name not in ("addons", "__pycache__"):
            (inner / path.name).symlink_to(path)
    addons = source / "odoo/addons"
    for path in addons.iterdir() if addons.is_dir() else ():
        if (path / "__manifest__.py").exists():
            place = inner / "addons" if path.name in INSIDE else top / "addons"
            (place / path.name).symlink_to(path)
    return top


def test_the_one_that_was_tested(capsys):
    versions = {EXPECTED["package"]: EXPECTED["version"], "odoo-dev": "1"}
    assert fetch.choose_odoo(versions) == EXPECTED["package"]
    assert not capsys.readouterr().out


@pytest.mark.parametrize(
    ("versions", "package"),
    [
        ({"odoo-19": "19.0.0+dfsg-9"}, "odoo-19"),
        ({"odoo-18": "18", "odoo-20": "20"}, "odoo-20"),
        ({"odoo-18": "18", "odoo-22": "22"}, "odoo-18"),
    ],
)
def test_another_one_is_tried_and_said(versions, package, capsys):
    assert fetch.choose_odoo(versions) == package
    said = capsys.readouterr().out
    parts = (EXPECTED["package"], EXPECTED["version"], package, versions[package], "ODOO_DIR")
    assert all(part in said for part in parts)


def test_none_is_left():
    with pytest.raises(DevError, match=f"{EXPECTED['package']}.*ODOO_DIR"):
        fetch.choose_odoo({"libjs-jquery": "3"})


def test_a_checkout_has_the_same_source(checkout, capsys):
    assert tested.series(checkout) == "19.0"
    assert tested.checksum(checkout) == tested.checksum(odoo.ensure())


def test_a_changed_source_is_said(checkout, capsys, monkeypatch):
    monkeypatch.setattr(tested, "read", lambda: EXPECTED | {"sha256": "0"})
    assert not tested.compare(checkout)
    assert "not quite the one that was tested" in capsys.readouterr().out


def test_another_series_is_said(tmp_path, capsys):
    (tmp_path / "odoo").mkdir()
    (tmp_path / "odoo/release.py").write_text("version_info = (18, 0, 0, FINAL, 0, '')\n")
    assert not tested.compare(tmp_path)
    assert "19.0 was tested, this is 18.0" in capsys.readouterr().out


def test_a_checkout_runs(checkout, monkeypatch):
    """With ODOO_DIR at a checkout, Odoo starts and finds its addons where they lie there."""
    monkeypatch.setattr(settings, "ODOO_DIR", checkout)
    addons = odoo.outer_addons()
    assert addons == [checkout / "addons"]
    answer = subprocess.run(
        [str(pyenv.ensure()), "-c", FIND.format(addons=",".join(map(str, addons)))],
        env=os.environ | pyenv.environment() | {"PYTHONPATH": str(checkout)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert answer.returncode == 0, answer.stderr
    assert answer.stdout.split() == [
        str(checkout / "odoo/addons/base"),
        str(checkout / "addons/account"),
    ]


def test_no_odoo_in_the_folder(tmp_path, monkeypatch):
    monkeypatch.setattr(settings, "ODOO_DIR", tmp_path)
    with pytest.raises(DevError, match="there is no Odoo in"):
        odoo.ensure()
