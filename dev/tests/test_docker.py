# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""The image and its services: how their files are read, and that they say what they should."""

import configparser

import pytest
import yaml

from dev.publish import docker
from dev.tests.conftest import CHECKOUT

IGNORED = """
# A comment
.*
dev
docker/Dockerfile
**/__pycache__
"""
FILES = [
    ('__manifest__.py', True),
    ('.git/HEAD', False),
    ('dev/publish/docker.py', False),
    ('development/note', True),
    ('docker/Dockerfile', False),
    ('docker/odoo.conf', True),
    ('models/dev/one.py', True),
    ('models/.hidden', True),
    ('models/__pycache__/one.pyc', False),
    ('__pycache__/one.pyc', False),
]


@pytest.mark.parametrize(('name', 'is_seen'), FILES)
def test_context(name, is_seen):
    assert docker.context_files([name], IGNORED) == ([name] if is_seen else [])


def test_instructions():
    text = "# One\nARG A=1\n\nRUN one \\\n    && two\nUSER odoo\n"
    assert docker.instructions(text) == [
        ('ARG', 'A=1'),
        ('RUN', 'one      && two'),
        ('USER', 'odoo'),
    ]


def test_every_instruction_can_be_shown():
    text = (CHECKOUT / 'docker/Dockerfile').read_text()
    words = {word for word, _rest in docker.instructions(text)}
    assert {word for word in words if not hasattr(docker.Image, f'_{word.lower()}')} == set()


def test_ends_without_root():
    text = (CHECKOUT / 'docker/Dockerfile').read_text()
    users = [rest for word, rest in docker.instructions(text) if word == 'USER']
    assert users[-1] == 'odoo'


def test_services():
    services = yaml.safe_load((CHECKOUT / 'compose.yaml').read_text())['services']
    # The password of both sides is the one of whoever starts them, and there is no other.
    password = services['db']['environment']['POSTGRES_PASSWORD']
    assert password.startswith('${DB_PASSWORD:?')
    for name in ('install', 'odoo'):
        assert services[name]['environment']['PASSWORD'] == password
        assert services[name]['environment']['HOST'] == 'db'
    # Nobody else's machine reaches it past the proxy.
    assert all(port.startswith('127.0.0.1:') for port in services['odoo']['ports'])
    assert 'ports' not in services['db']


def test_configuration():
    parser = configparser.ConfigParser()
    parser.read(CHECKOUT / 'docker/odoo.conf')
    options = parser['options']
    assert options.getboolean('proxy_mode')
    assert not options.getboolean('list_db')
    assert options.getint('workers') >= 2
    assert options.getint('max_cron_threads') >= 2
    assert 'werkzeug:WARNING' in options['log_handler']
