# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""What was collected of many invoices, as rows: payments, reminders, answers, payouts, trouble."""

# Half of the invoices are paid, a tenth of these online; three quarters of all were reminded.
PAID = """
INSERT INTO account_move (name, date, journal_id, company_id, currency_id, state, move_type,
                          partner_id, commercial_partner_id, auto_post, amount_total)
SELECT 'BENCH/' || move.id, move.invoice_date_due + (move.id % 40)::int - 10, {journal},
       move.company_id, move.currency_id, 'posted', 'entry', move.partner_id,
       move.commercial_partner_id, 'no', move.amount_total
  FROM account_move move WHERE move.move_type = 'out_invoice' AND move.id % 2 = 0;
INSERT INTO account_move_line (move_id, move_name, date, journal_id, company_id,
                               company_currency_id, currency_id, account_id, partner_id,
                               parent_state, display_type, name, balance, debit, credit,
                               amount_currency, amount_residual, amount_residual_currency,
                               reconciled)
SELECT paid.id, paid.name, paid.date, paid.journal_id, line.company_id, line.company_currency_id,
       line.currency_id, line.account_id, line.partner_id, 'posted', 'product', 'bench-' || line.id,
       -line.balance, 0, line.balance, -line.balance, 0, 0, true
  FROM account_move paid
  JOIN account_move_line line ON line.move_id = split_part(paid.name, '/', 2)::int
 WHERE paid.name LIKE 'BENCH/%' AND line.display_type = 'payment_term';
INSERT INTO account_partial_reconcile (debit_move_id, credit_move_id, amount,
                                       debit_amount_currency, credit_amount_currency, company_id,
                                       max_date)
SELECT line.id, credit.id, line.balance, line.balance, line.balance, line.company_id, credit.date
  FROM account_move_line credit
  JOIN account_move_line line ON line.id = substr(credit.name, 7)::int
 WHERE credit.name LIKE 'bench-%';
UPDATE account_move_line line SET amount_residual = 0, amount_residual_currency = 0,
       reconciled = true
  FROM account_partial_reconcile partial WHERE partial.debit_move_id = line.id;
INSERT INTO payment_transaction (provider_id, payment_method_id, reference, amount, currency_id,
                                 partner_id, company_id, state, operation, pay_now_commission)
SELECT {provider}, {method}, 'bench-' || paid.id, paid.amount_total, paid.currency_id,
       paid.partner_id, paid.company_id, 'done', 'online_redirect', 1.5
  FROM account_move paid WHERE paid.name LIKE 'BENCH/%' AND paid.id % 10 = 0;
INSERT INTO account_payment (payment_transaction_id, move_id, date, journal_id, company_id,
                             currency_id, amount, payment_type, partner_type, state, partner_id)
SELECT tx.id, paid.id, paid.date, paid.journal_id, paid.company_id, paid.currency_id,
       paid.amount_total, 'inbound', 'customer', 'paid', paid.partner_id
  FROM payment_transaction tx JOIN account_move paid ON paid.id = substr(tx.reference, 7)::int
 WHERE tx.reference LIKE 'bench-%';
UPDATE account_move_line line SET payment_id = payment.id
  FROM account_payment payment WHERE payment.move_id = line.move_id;
UPDATE account_move SET payment_state = 'paid', amount_residual = 0
 WHERE move_type = 'out_invoice' AND id % 2 = 0;
"""
REMINDED = """
INSERT INTO pay_now_reminder (company_id, root_company_id, partner_id, level_id, state, channel,
                              sent_at, amount_due, has_button, create_date)
SELECT move.company_id, move.company_id, move.commercial_partner_id, {level}, 'sent', 'email',
       move.invoice_date_due + interval '5 days', move.amount_total, move.id % 10 > 0, now()
  FROM account_move move WHERE move.move_type = 'out_invoice' AND move.id % 4 > 0;
INSERT INTO pay_now_reminder_item_rel (reminder_id, line_id)
SELECT reminder.id, line.id
  FROM (SELECT id, row_number() OVER (ORDER BY id) AS number FROM pay_now_reminder) reminder
  JOIN (
      SELECT move.id, row_number() OVER (ORDER BY move.id) AS number FROM account_move move
       WHERE move.move_type = 'out_invoice' AND move.id % 4 > 0
  ) move ON move.number = reminder.number
  JOIN account_move_line line ON line.move_id = move.id AND line.display_type = 'payment_term';
"""
# The dates of the copies are spread over the last two years.
SPREAD = """
UPDATE account_move SET invoice_date = current_date - (id % 720)::int, date = current_date
       - (id % 720)::int, invoice_date_due = current_date - (id % 720)::int + 30
 WHERE move_type = 'out_invoice';
UPDATE account_move_line line SET date = move.date, date_maturity = CASE
       WHEN line.date_maturity IS NOT NULL THEN move.invoice_date_due END
  FROM account_move move WHERE move.id = line.move_id AND move.move_type = 'out_invoice';
"""
# A run for each day; of the last one nothing has left yet. Three in a hundred did not arrive.
RUNS = """
INSERT INTO pay_now_reminder_run (company_id, trigger, application, state, date)
SELECT DISTINCT {company}, 'auto', 'accounting', 'done', sent_at::date FROM pay_now_reminder;
UPDATE pay_now_reminder reminder SET run_id = run.id, root_company_id = {company}
  FROM pay_now_reminder_run run WHERE run.date = reminder.sent_at::date;
UPDATE pay_now_reminder SET state = CASE id % 200 WHEN 3 THEN 'failed' ELSE 'uncertain' END
 WHERE id % 200 IN (3, 5);
INSERT INTO pay_now_reminder_run (company_id, trigger, application, state, date)
VALUES ({company}, 'manual', 'accounting', 'draft', current_date);
INSERT INTO pay_now_reminder (run_id, company_id, root_company_id, partner_id, level_id, state,
                              channel, amount_due, has_button, create_date)
SELECT run.id, {company}, {company}, customer.id, {level}, 'draft', 'email', 100, true, now()
  FROM (SELECT max(id) AS id FROM pay_now_reminder_run) run
 CROSS JOIN (SELECT DISTINCT commercial_partner_id AS id FROM account_move
              WHERE move_type = 'out_invoice' AND payment_state <> 'paid') customer;
"""
# Every tenth customer has named a day for all that is open, every hundredth has a problem.
ANSWERS = """
INSERT INTO pay_now_answer (company_id, partner_id, kind, state, date, until, text, amount,
                            create_date)
SELECT {company}, customer.id, CASE WHEN customer.id % 100 = 0 THEN 'problem' ELSE 'promise' END,
       'open', current_date + (customer.id % 20)::int, current_date + 30, 'bench', 100,
       now()
  FROM (SELECT DISTINCT commercial_partner_id AS id FROM account_move
         WHERE move_type = 'out_invoice') customer
 WHERE customer.id % 10 = 0;
INSERT INTO pay_now_answer_item_rel (answer_id, line_id)
SELECT answer.id, line.id FROM pay_now_answer answer
  JOIN account_move_line line ON line.partner_id = answer.partner_id
 WHERE line.display_type = 'payment_term' AND line.reconciled IS NOT TRUE;
INSERT INTO mail_activity (res_model_id, res_model, res_id, activity_type_id, user_id,
                           date_deadline, active)
SELECT model.id, 'res.partner', customer.id, type.id, {user},
       current_date + (customer.id % 10)::int, true
  FROM (SELECT DISTINCT commercial_partner_id AS id FROM account_move
         WHERE move_type = 'out_invoice') customer
 CROSS JOIN (SELECT id FROM ir_model WHERE model = 'res.partner') model
 CROSS JOIN (SELECT min(id) AS id FROM mail_activity_type) type
 WHERE customer.id % 5 = 0;
"""
# A movement for each payment online and each payout, a payout for each day; all but the last ones
# are at the bank.
MONEY = """
INSERT INTO pay_now_payout (provider_id, company_id, currency_id, payout_ref, state, bank_state,
                            amount, lines_known, listed, complete, created_at, arrives_at)
SELECT {provider}, {company}, {currency}, 'po_' || day::date,
       CASE WHEN day > current_date - 3 THEN 'pending' ELSE 'paid' END,
       CASE WHEN day > current_date - 6 THEN 'waiting' ELSE 'matched' END,
       sum(tx.amount - 1.5), true, true, true, day, day + interval '2 days'
  FROM account_payment payment
  JOIN payment_transaction tx ON tx.id = payment.payment_transaction_id
 CROSS JOIN LATERAL (SELECT least(payment.date, current_date)::timestamp AS day) paid
 WHERE tx.reference LIKE 'bench-%' GROUP BY day;
INSERT INTO pay_now_movement (provider_id, company_id, currency_id, payout_id, transaction_id,
                              movement_ref, kind, state, amount, fee, net, occurred_at,
                              available_at, booked_on)
SELECT {provider}, {company}, {currency}, payout.id, tx.id, 'txn_' || tx.id, 'payment', 'ours',
       tx.amount, 1.5, tx.amount - 1.5, day, day + interval '2 days', day::date
  FROM account_payment payment
  JOIN payment_transaction tx ON tx.id = payment.payment_transaction_id
 CROSS JOIN LATERAL (SELECT least(payment.date, current_date)::timestamp AS day) paid
  LEFT JOIN pay_now_payout payout
    ON payout.payout_ref = 'po_' || day::date AND day < current_date - 1
 WHERE tx.reference LIKE 'bench-%';
INSERT INTO pay_now_movement (provider_id, company_id, currency_id, payout_id, movement_ref,
                              source_ref, kind, state, amount, fee, net, occurred_at, available_at)
SELECT provider_id, company_id, currency_id, id, 'txn_' || payout_ref, payout_ref, 'payout', 'ours',
       -amount, 0, -amount, created_at, created_at
  FROM pay_now_payout;
UPDATE payment_transaction tx SET pay_now_paid_at = movement.occurred_at,
       pay_now_received = tx.amount
  FROM pay_now_movement movement WHERE movement.transaction_id = tx.id;
"""
# Every hundredth payment has something about it that a person has to look at.
TROUBLE = """
INSERT INTO pay_now_event (provider_id, company_id, transaction_id, event_ref, type, source, state,
                           create_date)
SELECT {provider}, {company}, transaction_id, 'evt_' || id, 'payment', 'webhook',
       CASE WHEN id % 100 = 1 THEN 'failed' ELSE 'done' END, now()
  FROM pay_now_movement WHERE transaction_id IS NOT NULL;
INSERT INTO pay_now_discrepancy (transaction_id, company_id, currency_id, name, kind, state, amount,
                                 create_date)
SELECT transaction_id, {company}, {currency}, 'bench', 'bench',
       CASE WHEN id % 100 = 2 THEN 'open' ELSE 'resolved' END, net, now()
  FROM pay_now_movement WHERE id % 10 = 2 AND transaction_id IS NOT NULL;
UPDATE pay_now_movement SET state = 'foreign', transaction_id = NULL
 WHERE id % 100 = 3 AND kind = 'payment';
"""
# Half of the invoices are of Sales: one order stands for all of them.
SOLD = """
INSERT INTO sale_order_line_invoice_rel (order_line_id, invoice_line_id)
SELECT {order_line}, line.id FROM account_move_line line
  JOIN account_move move ON move.id = line.move_id
 WHERE move.move_type = 'out_invoice' AND move.id % 4 IN (1, 2) AND line.display_type = 'product';
"""
SCRIPTS = (SPREAD, PAID, REMINDED, RUNS, ANSWERS, MONEY, TROUBLE, SOLD)


def collect(cursor, found):
    """Let payments come and reminders leave, on a database with the module and its invoices.

    :param cursor: outside any transaction.
    :param dict found: ids of the records that belong to all of it.
    """
    for script in SCRIPTS:
        cursor.execute(script.format(**found))
    # As the server does by itself in the course of time.
    cursor.execute("VACUUM ANALYZE")
