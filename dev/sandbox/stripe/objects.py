# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""Stripe's objects with all the keys its description demands; what is unused is null."""

from ..common.store import Store


def _nulls(names):
    return dict.fromkeys(names.split())


SESSION_NULLS = (
    'after_expiration allow_promotion_codes allowed_payment_method_types'
    ' billing_address_collection client_secret collected_information consent consent_collection'
    ' currency_conversion customer customer_account customer_details discounts'
    ' integration_identifier invoice invoice_creation managed_payments origin_context'
    ' payment_intent payment_link payment_method_configuration_details permissions recovered_from'
    ' saved_payment_method_options setup_intent shipping_address_collection shipping_cost'
    ' subscription wallet_options'
)
INTENT_NULLS = (
    'allowed_payment_method_types application application_fee_amount canceled_at'
    ' cancellation_reason customer customer_account excluded_payment_method_types'
    ' last_payment_error latest_charge managed_payments next_action on_behalf_of payment_method'
    ' payment_method_configuration_details payment_method_options payment_record processing'
    ' receipt_email review setup_future_usage shipping source statement_descriptor'
    ' statement_descriptor_suffix transfer_group automatic_payment_methods'
)
CHARGE_NULLS = (
    'application application_fee application_fee_amount balance_transaction customer'
    ' failure_balance_transaction failure_code failure_message fraud_details on_behalf_of outcome'
    ' payment_method receipt_email receipt_number receipt_url review shipping source'
    ' source_transfer statement_descriptor statement_descriptor_suffix transfer_data'
    ' transfer_group'
)
METHOD_NULLS = {
    'bancontact': (
        'bank_code bank_name bic generated_sepa_debit generated_sepa_debit_mandate iban_last4'
        ' preferred_language verified_name'
    ),
    'ideal': (
        'bank bic generated_sepa_debit generated_sepa_debit_mandate iban_last4 transaction_id'
        ' verified_name'
    ),
}
REFUND_NULLS = (
    'balance_transaction customer customer_account payment_method reason receipt_number'
    ' source_transfer_reversal transfer_reversal'
)
PAYOUT_NULLS = (
    'application_fee application_fee_amount destination failure_balance_transaction failure_code'
    ' failure_message original_payout payout_method reversed_by trace_id'
)


def account(owner):
    """`GET /v1/account`."""
    due = list(owner.missing)
    enabled = owner.charges_enabled
    return {
        'id': owner.id,
        'object': 'account',
        'type': 'standard',
        'business_profile': {
            **_nulls('mcc product_description support_address support_email support_phone'),
            **_nulls('support_url url minority_owned_business_designation'),
            **_nulls('specified_commercial_transactions_act_url'),
            'name': owner.name,
        },
        'business_type': 'company',
        'capabilities': {'card_payments': 'active' if enabled else 'inactive'},
        'charges_enabled': enabled,
        **({'controller': owner.controller} if owner.controller else {}),
        'country': owner.country,
        'created': owner.note('created').setdefault('account', Store.now()),
        'default_currency': owner.currency,
        'details_submitted': enabled if owner.submitted is None else owner.submitted,
        'email': owner.email,
        'metadata': dict(owner.metadata),
        'payouts_enabled': enabled,
        'requirements': {
            'alternatives': [],
            'current_deadline': None,
            'currently_due': due,
            'disabled_reason': None if enabled else 'requirements.past_due',
            'errors': [],
            'eventually_due': due,
            'past_due': [] if enabled else due,
            'pending_verification': [],
        },
        'settings': {
            'branding': _nulls('icon logo primary_color secondary_color'),
            'card_payments': _nulls(
                'statement_descriptor_prefix statement_descriptor_prefix_kana'
                ' statement_descriptor_prefix_kanji'
            ),
            'dashboard': {'display_name': owner.name, 'timezone': 'Etc/UTC'},
            'payments': _nulls(
                'statement_descriptor statement_descriptor_kana statement_descriptor_kanji'
                ' statement_descriptor_prefix_kana statement_descriptor_prefix_kanji'
            ),
            # Not everybody may read it.
            **(
                {
                    'payouts': {
                        'debit_negative_balances': True,
                        'schedule': dict(owner.payout_schedule),
                        'statement_descriptor': None,
                    }
                }
                if owner.payout_schedule
                else {}
            ),
        },
    }


def balance(owner):
    """`GET /v1/balance`: what is on its way and what can be paid out."""
    totals = {'available': {}, 'pending': {}}
    for movement in owner.all('balance_transaction'):
        bucket = totals[movement['status']]
        bucket[movement['currency']] = bucket.get(movement['currency'], 0) + movement['net']
    parts = {
        key: [
            {'amount': amount, 'currency': currency, 'source_types': {'card': amount}}
            for currency, amount in (bucket or {owner.currency: 0}).items()
        ]
        for key, bucket in totals.items()
    }
    return {'object': 'balance', 'livemode': False, **parts}


def webhook_endpoint(params):
    """A notification endpoint, without its secret."""
    return {
        'id': Store.new_id('we'),
        'object': 'webhook_endpoint',
        'api_version': params.get('api_version'),
        'application': None,
        'created': Store.now(),
        'description': params.get('description'),
        'enabled_events': params['enabled_events'],
        'livemode': False,
        'metadata': params.get('metadata') or {},
        'status': 'enabled',
        'url': params['url'],
    }


def session(params, base):
    """A Checkout Session; its PaymentIntent comes when the payer confirms."""
    session_id = Store.new_id('cs_test')
    now = Store.now()
    return {
        **_nulls(SESSION_NULLS),
        **_session_amounts(params['line_items'][0]),
        'id': session_id,
        'object': 'checkout.session',
        'adaptive_pricing': {'enabled': False},
        'automatic_tax': {'enabled': False, 'liability': None, 'provider': None, 'status': None},
        'cancel_url': params.get('cancel_url'),
        'client_reference_id': params.get('client_reference_id'),
        'created': now,
        'custom_fields': [],
        'custom_text': _nulls('after_submit shipping_address submit terms_of_service_acceptance'),
        'customer_creation': 'if_required',
        'customer_email': params.get('customer_email'),
        'expires_at': params.get('expires_at') or now + 86400,
        'livemode': False,
        'locale': params.get('locale'),
        'metadata': params.get('metadata') or {},
        'mode': params['mode'],
        'payment_method_collection': 'if_required',
        'payment_method_options': {},
        'payment_status': 'unpaid',
        'shipping_options': [],
        'status': 'open',
        'submit_type': params.get('submit_type'),
        'success_url': params.get('success_url'),
        'ui_mode': 'hosted_page',
        'url': f'{base}/c/pay/{session_id}#fid',
    }


def _session_amounts(item):
    """Return what a session says of the one item it is about, and how that can be paid."""
    currency = item['price_data']['currency']
    amount = item['price_data']['unit_amount'] * item['quantity']
    return {
        'amount_subtotal': amount,
        'amount_total': amount,
        'currency': currency,
        'payment_method_types': [
            'card',
            *(['bancontact', 'ideal', 'sepa_debit'] if currency == 'eur' else ()),
        ],
        'total_details': {'amount_discount': 0, 'amount_shipping': 0, 'amount_tax': 0},
    }


def customer_details(email):
    """What the payer said on the hosted page."""
    return {
        **_nulls('address business_name individual_name phone'),
        'email': email or 'payer@example.com',
        'name': "A payer",
        'tax_exempt': 'none',
        'tax_ids': [],
    }


def payment_intent(checkout, data):
    """The PaymentIntent of a session, at the moment the payer confirms."""
    intent_id = Store.new_id('pi')
    return {
        **_nulls(INTENT_NULLS),
        'id': intent_id,
        'object': 'payment_intent',
        'amount': checkout['amount_total'],
        'amount_capturable': 0,
        'amount_received': 0,
        'capture_method': data.get('capture_method', 'automatic_async'),
        'client_secret': f'{intent_id}_secret_x',
        'confirmation_method': 'automatic',
        'created': Store.now(),
        'currency': checkout['currency'],
        'description': data.get('description'),
        'livemode': False,
        # Not the session's: Stripe copies nothing.
        'metadata': data.get('metadata') or {},
        'payment_method_types': checkout['payment_method_types'],
        'status': 'requires_payment_method',
    }


def charge(intent, method, email, wallet=None):
    """One attempt to take the money, before its outcome is known.

    :param str wallet: what the payer's card is kept in.
    """
    details = {'type': method, method: _method_details(method)}
    if wallet:
        details['card']['wallet'] = {'type': wallet, wallet: {}, 'dynamic_last4': None}
    return {
        **_nulls(CHARGE_NULLS),
        'id': Store.new_id('ch' if method == 'card' else 'py'),
        'object': 'charge',
        'amount': intent['amount'],
        'amount_captured': 0,
        'amount_refunded': 0,
        'billing_details': {
            'address': _nulls('city country line1 line2 postal_code state'),
            'email': email,
            'name': "A payer",
            'phone': None,
            'tax_id': None,
        },
        'calculated_statement_descriptor': "SANDBOX",
        'captured': False,
        'created': Store.now(),
        'currency': intent['currency'],
        'description': intent['description'],
        'disputed': False,
        'livemode': False,
        'metadata': dict(intent['metadata']),
        'paid': False,
        'payment_intent': intent['id'],
        'payment_method_details': details,
        'refunded': False,
        'status': 'pending',
    }


def _method_details(method):
    if method == 'card':
        return {
            **_nulls('checks description fingerprint iin installments issuer mandate'),
            **_nulls('network network_token network_transaction_id regulated_status'),
            **_nulls('three_d_secure wallet electronic_commerce_indicator transaction_link_id'),
            'amount_authorized': None,
            'authorization_code': None,
            'brand': 'visa',
            'country': 'FR',
            'exp_month': 12,
            'exp_year': 2034,
            'funding': 'credit',
            'last4': '4242',
        }
    if method in METHOD_NULLS:
        return _nulls(METHOD_NULLS[method])
    if method != 'sepa_debit':
        return {}
    return {
        **_nulls('bank_code branch_code fingerprint mandate'),
        'country': 'FR',
        'last4': '3000',
    }


def balance_transaction(amount, fee, currency, kind, source):
    """A movement of the balance, in minor units."""
    return {
        'id': Store.new_id('txn'),
        'object': 'balance_transaction',
        'amount': amount,
        'available_on': Store.now() + 7 * 86400,
        'balance_type': 'payments',
        'created': Store.now(),
        'currency': currency,
        'description': None,
        'exchange_rate': None,
        'fee': fee,
        'fee_details': [
            {
                'amount': fee,
                'application': None,
                'currency': currency,
                'description': "Stripe processing fees",
                'type': 'stripe_fee',
            }
        ]
        if fee
        else [],
        'net': amount - fee,
        'reporting_category': 'charge' if kind in ('charge', 'payment') else kind,
        'source': source,
        'status': 'pending',
        'type': kind,
    }


def refund(paid, amount, params):
    """A refund of a charge."""
    return {
        **_nulls(REFUND_NULLS),
        'id': Store.new_id('re'),
        'object': 'refund',
        'amount': amount,
        'charge': paid['id'],
        'created': Store.now(),
        'currency': paid['currency'],
        'metadata': params.get('metadata') or {},
        'payment_intent': paid['payment_intent'],
        'reason': params.get('reason'),
        'status': params.get('status') or 'succeeded',
    }


def payout(amount, currency):
    """A transfer of the balance to the bank."""
    return {
        **_nulls(PAYOUT_NULLS),
        'id': Store.new_id('po'),
        'object': 'payout',
        'amount': amount,
        'arrival_date': Store.now() + 2 * 86400,
        'automatic': True,
        'balance_transaction': None,
        'created': Store.now(),
        'currency': currency,
        'description': "STRIPE PAYOUT",
        'livemode': False,
        'metadata': {},
        'method': 'standard',
        'reconciliation_status': 'completed',
        'source_type': 'card',
        'statement_descriptor': None,
        'status': 'paid',
        'type': 'bank_account',
    }


def event(kind, obj, previous=None, cause=None):
    """A notification, with the object as it is now.

    :param dict cause: the request that made it happen, if it was one: id and idempotency key.
    """
    data = {'object': obj}
    if previous:
        data['previous_attributes'] = previous
    return {
        'id': Store.new_id('evt'),
        'object': 'event',
        'api_version': '2026-10-28.endive',
        'created': Store.now(),
        'data': data,
        'livemode': False,
        'pending_webhooks': 0,
        'request': cause or {'id': None, 'idempotency_key': None},
        'type': kind,
    }
