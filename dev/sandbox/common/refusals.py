# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""What the sandbox refuses, whichever provider it plays."""


class Refusal(Exception):
    """A refusal with the status and the body of its answer.

    :param int status: of HTTP.
    :param str message: what a person reads.
    :param dict body: the provider's own answer; the message alone without.
    """

    def __init__(self, status, message, body=None):
        super().__init__(message)
        self.status = status
        self.body = {'message': message} if body is None else body


def number(name, value, kind=(int, float)):
    """Refuse what is no number: it would make every later request fail.

    :raise Refusal: it is none, or negative.
    """
    if not isinstance(value, kind) or isinstance(value, bool) or value < 0:
        raise Refusal(400, f"Invalid {name}: {value!r}")


def known(names, allowed):
    """Refuse names that mean nothing.

    :raise Refusal: one of them is not allowed.
    """
    for name in names:
        if name not in allowed:
            raise Refusal(400, f"Unknown: {name}")


def one_of(name, value, allowed):
    """Refuse a word that is not one of a few.

    :raise Refusal: it is none of them.
    """
    if value not in allowed:
        raise Refusal(400, f"Invalid {name}: must be one of {', '.join(allowed)}")
