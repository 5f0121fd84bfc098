-- A copy of a database takes no payment and reminds nobody.
-- Nothing is connected: without keys the providers cannot even be asked.
UPDATE payment_provider
   SET state = 'disabled',
       is_published = false,
       pay_now_status = 'not_connected',
       pay_now_api_base = NULL,
       pay_now_api_key = NULL,
       pay_now_api_secret = NULL,
       pay_now_platform_state = NULL,
       pay_now_platform_account = NULL,
       pay_now_webhook_secret = NULL,
       pay_now_webhook_ref = NULL,
       pay_now_former_webhook_ref = NULL,
       pay_now_former_webhook_until = NULL,
       pay_now_webhook_url = NULL
 WHERE code LIKE 'pay\_now\_%';

-- The provider's own page of an open checkout still takes real money.
UPDATE payment_transaction
   SET pay_now_checkout_url = NULL
 WHERE pay_now_checkout_url IS NOT NULL;

-- Also when somebody switches the scheduled actions on again.
UPDATE res_company
   SET pay_now_reminder_auto = false
 WHERE pay_now_reminder_auto;

UPDATE ir_cron
   SET active = false
 WHERE id IN (
       SELECT res_id
         FROM ir_model_data
        WHERE module = 'account_pay_now'
          AND model = 'ir.cron'
);

-- What was about to leave.
UPDATE pay_now_reminder
   SET state = 'canceled'
 WHERE state IN ('draft', 'queued', 'to_print');
