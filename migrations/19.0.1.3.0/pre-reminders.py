# Part of Pay Now. See LICENSE file for full copyright and licensing details.


def migrate(cr, version):
    """Leave one reminder on its way to a customer: from now on there is never a second one.

    :param cr: the database cursor.
    :param str version: the installed version, empty on a first installation.
    """
    if not version:
        return
    cr.execute(
        """
        UPDATE pay_now_reminder SET state = 'canceled'
         WHERE state = 'queued' AND id NOT IN (
             SELECT min(id) FROM pay_now_reminder
              WHERE state IN ('queued', 'sending') GROUP BY partner_id
         )
        """
    )
