# Part of Pay Now. See LICENSE file for full copyright and licensing details.

#: What the delivered subjects said in each language, whatever stands around it by now.
FORMER = ('{{ object.item_count }} invoice(s)', '{{ object.item_count }} facture(s)')
PRESENT = '{{ object.item_count_text }}'


def migrate(cr, version):
    """Let the subjects of reminders say "1 invoice" or "3 invoices", not "invoice(s)".

    The texts are the company's own once delivered: no more than these words is replaced.

    :param cr: the database cursor.
    :param str version: the installed version, empty on a first installation.
    """
    if not version:
        return
    for former in FORMER:
        cr.execute(
            """
            UPDATE mail_template
               SET subject = replace(subject::text, %(former)s, %(present)s)::jsonb
             WHERE model = 'pay.now.reminder'
               AND strpos(subject::text, %(former)s) > 0
            """,
            {'former': former, 'present': PRESENT},
        )
