-- A copy of a database takes no payment and reminds nobody.
-- Nothing is connected: without keys the providers cannot even be asked.
UPDATE payment_provider
   SET state = 'disabled',
       is_published = false,
       pay_now_status = 'not_connected',
       pay_now_demo = false,
       pay_now_api_base = NULL,
       pay_now_api_key = NULL,
       pay_now_api_secret = NULL,
       pay_now_platform_state = NULL,
       pay_now_platform_account = NULL,
       pay_now_onboarding_at = NULL,
       pay_now_webhook_secret = NULL,
       pay_now_webhook_ref = NULL,
       pay_now_former_webhook_ref = NULL,
       pay_now_former_webhook_until = NULL,
       pay_now_webhook_url = NULL,
       pay_now_home_uuid = NULL,
       pay_now_home_hosts = NULL,
       pay_now_home_names = NULL
 WHERE code LIKE 'pay\_now\_%';

-- Keys typed a moment ago, registrations that somebody would come back from, and what proves
-- notifications.
DELETE FROM pay_now_connect;
DELETE FROM pay_now_onboarding;
DELETE FROM pay_now_certificate;

-- What was notified and not looked at yet; it is kept, and no worker takes it.
UPDATE pay_now_event
   SET state = 'ignored'
 WHERE state = 'pending';

-- The provider's own page of an open checkout still takes real money.
UPDATE payment_transaction
   SET pay_now_checkout_url = NULL,
       pay_now_end_at = NULL
 WHERE pay_now_checkout_url IS NOT NULL
    OR pay_now_end_at IS NOT NULL;

-- Receipts that were about to leave, and what was about to be booked.
UPDATE payment_transaction
   SET pay_now_receipt_state = NULL
 WHERE pay_now_receipt_state = 'waiting';
UPDATE payment_transaction
   SET pay_now_book_at = NULL
 WHERE pay_now_book_at IS NOT NULL;

-- Also when somebody switches the scheduled actions on again.
UPDATE res_company
   SET pay_now_reminder_auto = false
 WHERE pay_now_reminder_auto;
UPDATE res_company
   SET pay_now_statement_monthly = false
 WHERE pay_now_statement_monthly;

UPDATE ir_cron
   SET active = false
 WHERE id IN (
       SELECT res_id
         FROM ir_model_data
        WHERE module = 'account_pay_now'
          AND model = 'ir.cron'
);
-- Copies that people made of them, too.
UPDATE ir_cron
   SET active = false
  FROM ir_act_server action
  JOIN ir_model model ON model.id = action.model_id
 WHERE action.id = ir_cron.ir_actions_server_id
   AND (model.model LIKE 'pay.now.%' OR action.code LIKE '%pay\_now%');

-- What was about to leave.
UPDATE pay_now_invoice_notice
   SET state = 'none'
 WHERE state IN ('waiting', 'queued');
UPDATE pay_now_reminder
   SET state = 'canceled'
 WHERE state IN ('draft', 'queued', 'sending', 'to_print');
UPDATE pay_now_customer_statement
   SET state = 'canceled'
 WHERE state IN ('waiting', 'sending');
UPDATE mail_mail
   SET state = 'cancel'
  FROM mail_message message
 WHERE message.id = mail_mail.mail_message_id
   AND mail_mail.state = 'outgoing'
   AND (message.model LIKE 'pay.now.%' OR message.model = 'payment.transaction');
