# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""A provider's published OpenAPI description, and what is not as it says.

The descriptions are not part of the project: `Description.available` tells whether one is here.
"""

import functools
import json
import os
import re
from pathlib import Path

try:
    import openapi_schema_validator as validators
except ImportError:
    validators = None

CHECKOUT = Path(__file__).resolve().parent.parent.parent
SPECS = Path(os.environ.get('PAY_NOW_SPECS') or CHECKOUT.parent / 'shared' / 'specs')


class Description:
    """One description.

    :param str name: of its file.
    """

    def __init__(self, name):
        self.path = SPECS / name
        self._validators = {}

    def available(self):
        """Tell whether there is anything to hold against."""
        return bool(validators) and self.path.is_file()

    @functools.cached_property
    def spec(self):
        """The whole description."""
        return json.loads(self.path.read_text())

    @property
    def schemas(self):
        """The described objects by their name."""
        return self.spec['components']['schemas']

    def operation(self, method, path):
        """Return the described operation of a request, None for an unknown one."""
        for template, methods in self.spec['paths'].items():
            pattern = re.sub(r'\{[^}]+\}', '[^/]+', template)
            if re.fullmatch(pattern, path) and method.lower() in methods:
                return methods[method.lower()]
        return None

    def resolve(self, schema):
        """Follow references."""
        while '$ref' in schema:
            target = self.spec
            for name in schema['$ref'].removeprefix('#/').split('/'):
                target = target[name]
            schema = target
        return schema

    def validate(self, value, schema, kind):
        """Fail on a value that is not as described.

        :param str kind: `OAS30ReadValidator` for answers, `OAS30WriteValidator` for requests.
        """
        key = (kind, json.dumps(schema))
        # Making one is slow.
        if key not in self._validators:
            whole = {**schema, 'components': self.spec['components']}
            self._validators[key] = getattr(validators, kind)(whole)
        errors = [
            f"{'/'.join(map(str, error.absolute_path))}: {error.message[:200]}"
            for error in self._validators[key].iter_errors(value)
        ]
        assert not errors, errors
