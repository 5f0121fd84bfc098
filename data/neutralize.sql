-- A copy of a database must not take payments: no keys, nothing connected.
UPDATE payment_provider
   SET pay_now_status = 'not_connected',
       pay_now_api_key = NULL,
       pay_now_api_secret = NULL,
       pay_now_webhook_secret = NULL
 WHERE code IN ('pay_now_stripe', 'pay_now_paypal');
