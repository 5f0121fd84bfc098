# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""The page of the store keeps to what the store shows: plain HTML, pictures of its own."""

import ast
import struct

import pytest
from lxml import html

from dev.tests.conftest import CHECKOUT

FOLDER = CHECKOUT / 'static/description'
#: What the store takes out, or what leads away from it.
FORBIDDEN = {'a', 'base', 'embed', 'form', 'iframe', 'input', 'link', 'object', 'script', 'style'}


@pytest.fixture(scope='module')
def page():
    return html.document_fromstring((FOLDER / 'index.html').read_text())


@pytest.fixture(scope='module')
def manifest():
    return ast.literal_eval((CHECKOUT / '__manifest__.py').read_text())


def test_plain(page):
    assert {element.tag for element in page.iter() if element.tag in FORBIDDEN} == set()
    attributes = {name for element in page.iter() for name in element.attrib}
    assert attributes <= {'alt', 'class', 'src', 'style'}
    assert not [style for style in page.xpath('//@style') if 'url(' in style or 'position' in style]


def test_pictures(page, manifest):
    shown = page.xpath('//img')
    assert shown
    for image in shown:
        assert image.get('alt'), image.get('src')
        # Odoo looks for it beside the page only where the name has no folder.
        assert '/' not in image.get('src')
        # Never wider than a phone.
        assert 'height: auto' in image.get('style')
        assert 'width: ' in image.get('style')
    named = {image.get('src') for image in shown}
    named |= {name.removeprefix('static/description/') for name in manifest['images']}
    assert {path.name for path in FOLDER.glob('*.png')} == named | {'icon.png'}


def test_banner_is_twice_as_wide_as_high():
    width, height = struct.unpack('>II', (FOLDER / 'banner.png').read_bytes()[16:24])
    assert width == 2 * height >= 1120


def test_manifest(manifest):
    assert len(manifest['name']) <= 25
    assert manifest['images'][0] == 'static/description/banner.png'
    assert {'website', 'maintainers', 'development_status', 'author', 'license'} <= set(manifest)
