# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from datetime import timedelta

#: Our technical name.
MODULE = 'account_pay_now'

#: The providers this module drives. Never core's own codes: its addons may be installed too.
STRIPE = 'pay_now_stripe'
PAYPAL = 'pay_now_paypal'
PROVIDER_CODES = (STRIPE, PAYPAL)

#: Where the providers send payers and merchants, with all hosts of these domains.
PROVIDER_DOMAINS = {STRIPE: ('stripe.com',), PAYPAL: ('paypal.com',)}
#: A system parameter for each provider whose checkout may be on a host of the company's own.
CHECKOUT_HOSTS = {STRIPE: 'account_pay_now.stripe_checkout_hosts'}

#: What each provider is called, and the defaults of its books (codes of the French chart).
SHORT_NAMES = {STRIPE: "Stripe", PAYPAL: "PayPal"}
CLEARING_CODES = {STRIPE: '511510', PAYPAL: '511520'}
DISPUTED_CODE = '467500'
JOURNAL_CODES = {STRIPE: 'STRIP', PAYPAL: 'PAYPL'}

#: Who invoices the commissions in the European Union, and from where. Elsewhere others do.
SUPPLIERS = {
    STRIPE: ("Stripe Payments Europe, Limited", 'IE'),
    PAYPAL: ("PayPal (Europe) S.à r.l. et Cie, S.C.A.", 'LU'),
}

#: How banks write whose transfer a payout is: the words that stand for nobody else.
PROVIDER_NAMES = {
    STRIPE: (
        "Stripe Payments Europe, Limited",
        "Stripe Technology Europe, Limited",
        "Stripe Payments UK Ltd",
    ),
    PAYPAL: (
        "PayPal (Europe) S.à r.l. et Cie, S.C.A.",
        "PayPal Europe SARL et Cie SCA Luxembourg",
        "PayPal UK Ltd",
    ),
}

#: How charts of accounts call the account of bank fees, in the English that Odoo keeps beside
#: the other languages; the usual name first.
BANK_FEE_NAMES = (
    "Bank fees",
    "Bank charges",
    "Bank commissions",
    "Banking and similar services",
    "Incidental monetary transaction costs",
)

#: The fields of the entries that are made by themselves, by model. An entry that a person deletes
#: is not made again by itself: the model has `pay.now.booked.mixin`.
ENTRIES = {
    'payment.transaction': (
        'payment_id',
        'pay_now_commission_move_id',
        'pay_now_reversal_move_id',
        'pay_now_discount_move_id',
    ),
    'pay.now.payout': ('move_id', 'reversal_move_id'),
    'pay.now.movement': ('move_id',),
    'pay.now.dispute': ('loss_move_id',),
}
#: What goes with a demonstration as the module is removed; elsewhere it is in the way of that.
DEMO_MODELS = ('pay.now.movement', 'pay.now.dispute', 'pay.now.payout')
#: In the context of what the module matches and takes apart: no person decided it.
BY_ITSELF = 'pay_now_by_itself'

#: core's code of the method a payment starts with.
FIRST_METHOD = {STRIPE: 'card', PAYPAL: 'paypal'}

#: Payment methods switched on when a provider is connected (core's records).
DEFAULT_PAYMENT_METHOD_CODES = {
    STRIPE: {'card', 'visa', 'mastercard', 'amex', 'cartes_bancaires', 'sepa_direct_debit'},
    PAYPAL: {'paypal'},
}

#: Days after which a wallet that nobody used any more is not named.
WALLET_DAYS = 30
#: How many methods a button of the pay page names.
SHOWN_METHODS = 6
#: Payments that a pay page tells of, the newest first.
SHOWN_PAYMENTS = 10
#: How what a payer's card was kept in is called (the provider's code).
WALLETS = {'apple_pay': "Apple Pay", 'google_pay': "Google Pay", 'link': "Link"}

#: The provider's code of a payment method -> core's `payment.method` code, where they differ.
PAYMENT_METHOD_CODES = {
    'acss_debit': 'bank_account',
    'afterpay_clearpay': 'afterpay',
    'apple_pay': 'card',
    'au_becs_debit': 'becs_direct_debit',
    'card_present': 'card',
    'cashapp': 'cash_app_pay',
    'customer_balance': 'bank_transfer',
    'google_pay': 'card',
    'mobilepay': 'mobile_pay',
    'oxxo': 'oxxopay',
    'sepa_debit': 'sepa_direct_debit',
    'us_bank_account': 'ach_direct_debit',
}

#: Keys and secrets that must never reach a log (see `payment.logging`).
SENSITIVE_KEYS = {
    'pay_now_api_key',
    'pay_now_api_secret',
    'pay_now_webhook_secret',
    'api_key',
    'api_secret',
    'webhook_secret',
}

#: The two applications an invoice may belong to.
APPLICATIONS = [('accounting', "Accounting"), ('sales', "Sales")]

#: What step 4 decides for a company: read-only until a provider is connected.
OPTION_FIELDS = (
    'pay_now_reminder_accounting',
    'pay_now_reminder_sales',
    'pay_now_any_method_accounting',
    'pay_now_any_method_sales',
    'pay_now_reminder_auto',
    'pay_now_partial',
    'pay_now_receipts',
    'pay_now_print_link',
    'pay_now_print_qr',
    'pay_now_send_notices',
)
#: Whether customers may ask to pay in parts, and the limits of it.
PLAN_FIELDS = (
    'pay_now_plans',
    'pay_now_plan_parts',
    'pay_now_plan_days',
    'pay_now_plan_first_percent',
    'pay_now_plan_first_amount',
    'pay_now_plan_minimum',
)
#: What is decided once for a company and its branches, which keep their books together.
SHARED_FIELDS = (
    'pay_now_sage_customer_code',
    'pay_now_signup_email',
    'pay_now_signup_date',
    'pay_now_signup_application',
    'pay_now_test_email',
    *OPTION_FIELDS,
    'pay_now_letters',
    'pay_now_statement_monthly',
    'pay_now_hold_out',
    'pay_now_capital_cost',
    'pay_now_answer_paid',
    'pay_now_answer_promise',
    'pay_now_answer_problem',
    'pay_now_promise_days',
    'pay_now_grace_days',
    'pay_now_transfer_first',
    *PLAN_FIELDS,
)

#: How many administrators are named where somebody has to ask one.
NAMED_ADMINISTRATORS = 3

#: How long a pay notice waits for its invoice to be delivered, in days.
NOTICE_PATIENCE_DAYS = 14
#: How old its mail may be as it leaves, in minutes.
NOTICE_FRESH_MINUTES = 5

#: How long a mailed link opens its page, in days.
LINK_VALIDITY_DAYS = 365

#: What is counted for a document and an hour, and how often it may be done then by default; other
#: numbers are system parameters (`account_pay_now.checkout_rate`), zero for no limit.
RATE_PURPOSES = [
    ('checkout', "Checkouts opened"),
    ('answer', "Answers"),
    ('trial', "Trial mails"),
    ('pdf', "PDFs made"),
]
RATES = {'checkout': 20, 'answer': 20, 'trial': 20, 'pdf': 60}
#: Seconds that somebody at a screen waits for whoever has the same payment in hand.
PAYER_WAITS = 10

#: What a customer may say instead of paying online.
ANSWER_KINDS = [
    ('paid', "Paid by transfer"),
    ('promise', "Will pay"),
    ('problem', "Problem"),
]
#: How often payment of an item may be announced or promised on the pay page.
ANSWERS_MAX = 2
#: How many problems may be reported about an item.
PROBLEMS_MAX = 5
#: How often the parts of a payment plan come.
PLAN_RHYTHMS = [
    ('weekly', "Every week"),
    ('fortnightly', "Every two weeks"),
    ('monthly', "Every month"),
]
#: The most parts that a company may allow; how often a plan may be asked for an item; how long the
#: pay page tells of one that was refused or ended, in days.
PLAN_PARTS_MAX = 36
PLANS_MAX = 2
PLAN_TOLD_DAYS = 30
#: How many plans are followed at once, and how often each of them, a little less than every hour.
PLAN_BATCH = 50
PLAN_PAUSE = timedelta(minutes=50)
#: How old a transfer may be that does not show yet.
TRANSFER_AGE_DAYS = 60
ANSWER_TEXT_LENGTH = 2000
#: How long a payer may stay on the provider's page before the checkout lapses, in hours.
CHECKOUT_VALIDITY_HOURS = 23
#: How often the money of one checkout is asked for when the payer's choices are refused.
MAX_CAPTURES = 8
#: A payer who comes back sooner than so many seconds after a refusal did not choose anew.
RECHOOSE_SECONDS = 20
#: Codes of a held payment for which the merchant has to do something at the provider.
MERCHANT_ACTION_CODES = {
    'RECEIVING_PREFERENCE_MANDATES_MANUAL_ACTION',
    'UNILATERAL',
    'VERIFICATION_REQUIRED',
}
#: A checkout that could not be ended is tried again after 1, 2, 4… minutes, at most so many.
ENDING_MINUTES_MAX = 30
#: Days a payment is looked at daily for refunds made at a provider that cannot notify us.
NOT_NOTIFIED_DAYS = 60
#: Days a stored notification keeps its payload.
PAYLOAD_RETENTION_DAYS = 90
#: Days an event is kept that is over: at least as long as providers list theirs, twice over.
EVENT_RETENTION_DAYS = 540
EVENT_RETENTION_DAYS_MIN = 60
EVENT_RETENTION_DAYS_MAX = 36500
#: What a payment has about it that keeps its events: the model, and its field for the payment.
KEEPERS = {
    'pay.now.discrepancy': 'transaction_id',
    'pay.now.dispute': 'transaction_id',
    'payment.transaction': 'source_transaction_id',
}
#: Rows that are forgotten in one database transaction.
FORGOTTEN_AT_ONCE = 10000
#: Certificates that strangers may cause to be fetched in that many seconds; how long one that is
#: none is remembered, in minutes; attempts at one that cannot be fetched.
CERTIFICATES_ASKED = 20
CERTIFICATES_PERIOD = 60
CERTIFICATES_REFUSED_MINUTES = 60
CERTIFICATES_ATTEMPTS = 6
#: Seconds that one run fetches certificates.
CERTIFICATES_SECONDS = 60
#: Seconds after which the provider may send again what could not be proven yet.
CERTIFICATES_RETRY_AFTER = 30
#: Seconds during which one call is enough to wake the workers.
WAKE_SECONDS = 5
#: So many answers of the provider are kept with a payment, the last ones.
ANSWERS_KEPT = 12
#: Conflicts with other workers before a scheduled action leaves the rest to its next run.
MAX_CONFLICTS = 5
#: A failed notification is tried again after 1, 2, 4… minutes, at most this many times.
EVENT_MAX_ATTEMPTS = 12

#: Where the number in the company register is a SIREN or a SIRET.
FRENCH_TERRITORIES = ('FR', 'BL', 'GF', 'GP', 'MF', 'MQ', 'NC', 'PF', 'PM', 'RE', 'TF', 'WF', 'YT')
#: Where Odoo's VAT number is the tax number that each person has (NIF): it makes nobody a trader.
TAX_NUMBERS_OF_PERSONS = ('ES', 'PT')
#: Seconds that booking waits for whoever else holds the same entries; refused attempts that may be
#: a neighbour's doing before a person is told; the longest pause between two attempts.
BOOKING_LOCK_SECONDS = 10
BOOKING_CONFLICTS = 5
BOOKING_MINUTES_MAX = 60
#: The most invoices attached to one reminder, and their total size.
ATTACHED_INVOICES_MAX = 10
ATTACHED_INVOICES_MAX_MB = 5
#: The ready levels: template, days after the due date, days between two, sent by itself.
READY_LEVELS = (
    ('mail_template_reminder', 5, 14, True),
    ('mail_template_reminder_firm', 20, 14, True),
    ('mail_template_reminder_last', 35, 14, False),
)
#: Customers whose reminders are generated at once, and mails that are written at once.
GENERATION_BATCH = 500
SENDING_BATCH = 200

#: Letters that one click prints, for how long, and how many are drawn at once: at first, at most.
LETTERS_AT_ONCE = 1000
LETTERS_SECONDS = 60
LETTERS_FIRST = 5
LETTER_BATCH = 50
#: The workers that send, and the most that may usefully be added by copying one.
SENDING_CRONS = ('ir_cron_reminders_send', 'ir_cron_reminders_send_2', 'ir_cron_reminders_send_3')
#: Jobs of `queue_job` that wait so long while none is worked off are left to the scheduled action.
JOBS_PATIENCE = timedelta(minutes=15)
#: How old the last look at the books may be as a mail leaves.
CHECK_VALID_SECONDS = 10
#: A mail marked *sending* so long ago that no worker has in hand is uncertain.
HAND_OVER_GRACE_SECONDS = 60
#: How long a mail waits that was not taken for now: at first, and each time after that.
RETRY_PAUSES = tuple(timedelta(minutes=minutes) for minutes in (5, 15, 30, 60, 120))
#: How long a mail is tried that its recipient's server does not take for now.
RETRY_FOR = timedelta(days=1)
#: So many mails that are refused one after the other are the mail server's doing.
REFUSED_IN_A_ROW = 10
#: How many customers a notice names.
NOTED_LINES = 20
#: On how many first days of a month the statements of the month before leave, how many wait for
#: one run of the action, and how long one waits that was not taken.
STATEMENT_DAYS = 10
STATEMENT_BATCH = 200
STATEMENT_PAUSE = timedelta(hours=1)
#: A bank statement older than this may miss payments of customers, in days.
OLD_STATEMENT_DAYS = 7
#: How long a provider may not answer before somebody is notified.
SILENCE_PATIENCE = timedelta(hours=1)
#: How long the former webhook stays valid after a renewal: the provider repeats what was not taken.
FORMER_VALIDITY = timedelta(hours=24)
#: How long payments are refunded at the providers, in days: the shortest of them.
REFUNDABLE_DAYS = 180
#: How long the mail of a trial reminder leads to its page, in days.
TRIAL_VALIDITY_DAYS = 7
#: Customers up to whom a person who generates reminders waits for the list.
GENERATE_AT_ONCE = 1000
#: What screens are told of a run of reminders, and by which name they ask for one; a worker that
#: sends tells them once in so many seconds.
RUN_CHANGED, RUN_CHANNEL = 'pay_now_run_changed', 'pay_now_run_'
TELL_SECONDS = 1
#: Customers up to whom the settings try out tomorrow's run without being asked.
FORECAST_LIMIT = 100
#: What notifications can be about besides payments, and who takes care of it.
SUBJECTS = {'dispute': 'pay.now.dispute', 'payout': 'pay.now.payout'}
#: What is listed at the providers besides payments, in this order, so often in minutes.
LISTED_MODELS = ('pay.now.dispute', 'pay.now.payout')
LISTING_INTERVAL_MINUTES = 60
#: How late a movement may be listed (PayPal, "Transaction Search").
REPORT_DELAY = timedelta(hours=3)
#: How long a payout can still fail, in days.
PAYOUT_LOOKBACK_DAYS = 14
#: How late a dispute may be listed, in days.
DISPUTE_LOOKBACK_DAYS = 2
#: Days of payments that are compared with the provider, and the minutes that the newest ones have
#: to come in by the usual ways.
COMPARISON_DAYS = 30
COMPARISON_GRACE_MINUTES = 60
#: Minutes that a provider's clock may be behind ours.
COMPARISON_SKEW_MINUTES = 60
#: What the comparison is about: found by it, and closed by it once it is right.
COMPARED_KINDS = (
    'missing_here',
    'missing_there',
    'booked_amount',
    'commission',
    'booked_twice',
    'superseded',
)
#: Open findings that are asked at once whether they are still so.
REVIEW_BATCH = 100
#: Hours between two comparisons by the scheduled action, and until it tries again after a failure.
COMPARISON_INTERVAL_HOURS = 20
COMPARISON_RETRY_HOURS = 1
#: Payments that one comparison asks about one by one, at most.
COMPARISON_QUESTIONS = 100
#: Movements of a balance that are in memory at once, with their entries.
MOVEMENTS_AT_ONCE = 500
#: Days before a payout is made, and after it is expected, that its bank line may be dated.
BANK_DAYS_BEFORE = 1
BANK_DAYS_AFTER = 10
#: How much less than the payout may arrive because of a bank's fee, and how far the bank's own
#: exchange rate may differ: shares of the payout. More than that is nothing to propose.
BANK_FEE_SHARE = 0.05
EXCHANGE_SHARE = 0.1
#: How long a visit to a provider's registration may take, in hours.
ONBOARDING_VALIDITY_HOURS = 24
#: How long a registration is asked about that nobody came back from, in days.
ONBOARDING_FOLLOWED_DAYS = 2
#: Codes of an account that the platform must not act for any more.
REVOKED_CODES = ('account_invalid', 'consent_revoked')
