# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""What `make test-kill` calls right and wrong."""

from dev.kill import verdict


class Rows:
    """A cursor that found something."""

    def __init__(self, *rows):
        self.rows = rows

    def execute(self, query, values):
        pass

    def fetchall(self):
        return self.rows


def differences(*rows):
    """Return what is wrong with these rows where one payment of 12.50 was received."""
    return verdict._differences(Rows(*rows), "payment", "", "code", {'ch_1': 1250})


class TestVerdict:
    def test_once_is_right(self):
        assert differences(('ch_1', 1250, 'posted', 'done')) == []

    def test_everything_else_is_wrong(self):
        right = ('ch_1', 1250, 'posted', 'done')
        assert "booked 2 times" in differences(right, right)[0]
        assert "not in the books" in differences()[0]
        assert "not None" in differences(right, ('ch_2', 1250, 'posted', 'done'))[0]
        assert "1249 booked" in differences(('ch_1', 1249, 'posted', 'done'))[0]
        assert "draft" in differences(('ch_1', 1250, 'draft', 'done'))[0]
        assert "None booked" in differences(('ch_1', None, None, 'done'))[0]
