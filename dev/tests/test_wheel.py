# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""The wheel holds the module, all of it, and nothing that develops or tests it."""

import ast
import email
import re
import subprocess
import zipfile

import pytest

from dev.publish import wheel
from dev.tests.conftest import CHECKOUT

PREFIX = 'odoo/addons/account_pay_now/'
#: Tracked, and of no use where the module is installed.
LEFT_OUT = {'dev', 'doc', 'docker', 'tests'}
LEFT_OUT |= {'CONTRIBUTING.md', 'Makefile', 'SECURITY.md', 'compose.yaml', 'pyproject.toml'}
LEFT_OUT |= {'requirements.txt', 'ruff.toml'}


@pytest.fixture(scope='module')
def archive(tmp_path_factory):
    with zipfile.ZipFile(wheel.build(tmp_path_factory.mktemp('wheel'))) as archive:
        yield archive


@pytest.fixture(scope='module')
def names(archive):
    return {name.removeprefix(PREFIX) for name in archive.namelist() if name.startswith(PREFIX)}


@pytest.fixture(scope='module')
def manifest():
    return ast.literal_eval((CHECKOUT / '__manifest__.py').read_text())


def test_holds_what_is_tracked(names):
    if not (CHECKOUT / '.git').exists():
        pytest.skip("NOT TESTED: this is no checkout")
    tracked = subprocess.run(
        ['git', 'ls-files', '--cached', '--others', '--exclude-standard'],
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.splitlines()
    expected = {
        name
        for name in tracked
        if not name.startswith('.')
        and name.partition('/')[0] not in LEFT_OUT
        and (CHECKOUT / name).is_file()
    }
    assert names == expected


def test_nothing_but_the_module(archive, names):
    others = [name for name in archive.namelist() if not name.startswith(PREFIX)]
    assert all('.dist-info/' in name for name in others), others
    assert not {name.partition('/')[0] for name in names} & {'dev', 'tests'}


def test_holds_what_the_manifest_names(names, manifest):
    files = [*manifest['data'], *manifest.get('demo', []), *manifest.get('images', [])]
    assert [name for name in files if name not in names] == []
    assert {'static/description/icon.png', 'i18n/fr.po'} <= names


def test_says_what_the_manifest_says(archive, manifest):
    (name,) = (name for name in archive.namelist() if name.endswith('.dist-info/METADATA'))
    metadata = email.message_from_bytes(archive.read(name))
    assert metadata['Name'] == 'odoo-addon-account-pay-now'
    assert metadata['Version'] == manifest['version']

    def plain(requirements):
        known = (re.fullmatch(r'([\w-]+)(.*)', one) for one in requirements)
        return {(one[1], frozenset(one[2].split(','))) for one in known}

    wanted = plain([*manifest['external_dependencies']['python'], 'odoo==19.0.*'])
    assert plain(metadata.get_all('Requires-Dist')) == wanted
    lines = (CHECKOUT / 'requirements.txt').read_text().splitlines()
    assert plain(line for line in lines if line and not line.startswith('#')) == plain(
        manifest['external_dependencies']['python']
    )
