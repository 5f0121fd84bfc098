# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""Every stored field of ours, decided: what people write, and what the module alone writes.

Whoever adds a field adds it here, to one of the two (`test_authority.py`).
"""

#: By all who may write the record, unless `GROUPS` names who.
BY_PEOPLE = {
    'account.move': """
        pay_now_excluded pay_now_excluded_reason pay_now_excluded_until
    """,
    'pay.now.answer': """
        company_id date item_ids kind partner_id text
    """,
    'pay.now.book.interest': """
        account_id line_ids
    """,
    'pay.now.book.interest.line': """
        is_chosen
    """,
    'pay.now.choose.level': """
        company_id level_id reminder_ids
    """,
    'pay.now.connect': """
        api_base api_key api_secret provider_id purpose setup_id
    """,
    'pay.now.discrepancy': """
        note
    """,
    'pay.now.dismiss': """
        discrepancy_ids reason
    """,
    'pay.now.forget': """
        provider_id
    """,
    'pay.now.generate.reminders': """
        application company_id date_from date_to level_ids partner_ids print_previous_balance
        user_ids
    """,
    'pay.now.interest.rate': """
        company_id country_id currency_id date_from date_to fixed_sum rate
    """,
    'pay.now.movement': """
        account_id note
    """,
    'pay.now.options': """
        line_ids pay_now_any_method_accounting pay_now_any_method_sales pay_now_partial
        pay_now_print_link pay_now_print_qr pay_now_receipts pay_now_reminder_accounting
        pay_now_reminder_auto pay_now_reminder_sales pay_now_send_notices pay_now_test_email
    """,
    'pay.now.options.line': """
        journal_id maximum_amount pay_now_clearing_account_id pay_now_commission_account_id
        pay_now_commission_analytic pay_now_commission_imported pay_now_commission_label
        pay_now_commission_partner_id pay_now_commission_tax_ids pay_now_commission_taxes
        pay_now_disputed_account_id pay_now_minimum_amount
    """,
    'pay.now.plan': """
        part_ids refusal
    """,
    'pay.now.plan.part': """
        amount date plan_id
    """,
    'pay.now.prepare.statement': """
        company_id date_from date_to kind partner_ids
    """,
    'pay.now.proof': """
        date kind
    """,
    'pay.now.reminder': """
        level_id own_body own_subject
    """,
    'pay.now.reminder.level': """
        active activity_summary attach_invoices company_id delay_days gap_days is_automatic name
        repeat state_interest template_id
    """,
    'pay.now.reminder.run': """
        reminder_ids
    """,
    'pay.now.setup': """
        application base_url company_email company_lang sage_customer_code shown signup_email
    """,
    'pay.now.timeline': """
        query
    """,
    'pay.now.trial': """
        lang level_id move_id partner_id recipient
    """,
    'payment.provider': """
        pay_now_clearing_account_id pay_now_commission_account_id pay_now_commission_analytic
        pay_now_commission_imported pay_now_commission_label pay_now_commission_partner_id
        pay_now_commission_tax_ids pay_now_commission_taxes pay_now_disputed_account_id
        pay_now_minimum_amount
    """,
    'res.company': """
        pay_now_answer_paid pay_now_answer_problem pay_now_answer_promise
        pay_now_any_method_accounting pay_now_any_method_sales pay_now_capital_cost
        pay_now_daily_cap pay_now_grace_days pay_now_hold_out pay_now_hour_from
        pay_now_hour_to pay_now_letters pay_now_minimum_amount pay_now_partial
        pay_now_plan_days pay_now_plan_first_amount pay_now_plan_first_percent pay_now_plan_minimum
        pay_now_plan_parts pay_now_plans pay_now_print_link pay_now_print_qr
        pay_now_promise_days pay_now_provider_ids pay_now_receipts pay_now_reminder_accounting
        pay_now_reminder_auto pay_now_reminder_sales pay_now_reply_to pay_now_sage_customer_code
        pay_now_send_notices pay_now_start_level_id pay_now_statement_monthly pay_now_test_email
        pay_now_transfer_first pay_now_working_days
    """,
    'res.partner': """
        pay_now_contact_id pay_now_no_statement pay_now_refused_email pay_now_reminder_mode
    """,
}
#: Fields that only members of some groups write.
GROUPS = {
    ('res.company', 'pay_now_provider_ids'): 'base.group_system',
    ('res.partner', 'pay_now_no_statement'): 'account.group_account_invoice',
}

#: In sudo only, whatever the rights on the record are.
BY_THE_MODULE = {
    'account.move': """
        pay_now_external_at pay_now_external_handled_at pay_now_external_status
        pay_now_item_ids pay_now_notice_ids pay_now_payout_ids pay_now_plan_item_ids
        pay_now_refund_ids pay_now_returned_payout_ids pay_now_sent_ways
        pay_now_token pay_now_token_company_id pay_now_token_expiry pay_now_token_partner_id
        pay_now_undone_ids
    """,
    'account.move.line': """
        pay_now_answer_ids pay_now_reminder_ids
    """,
    'pay.now.account': """
        company_id customer_id pay_now_token pay_now_token_expiry user_id
    """,
    'pay.now.answer': """
        amount by_customer state until
    """,
    'pay.now.balance': """
        account_id account_label balance booked by_hand_count clearing company_id compared_at
        comparison_note currency_id date early expected file foreign found_count gap is_past
        line_ids opening problem provider_id read_at state to_decide_count unlisted waiting
    """,
    'pay.now.balance.line': """
        amount balance_id code domain model number
    """,
    'pay.now.certificate': """
        api_base asked_at attempts content next_attempt_at state test_mode url vouched
    """,
    'pay.now.demo.object': """
        content kind provider_id ref
    """,
    'pay.now.discrepancy': """
        amount code company_id comparison_key currency_id details dismissed_at dismissed_by_id
        kind name payment_refs review_problem state transaction_id
    """,
    'pay.now.dispute': """
        amount company_id currency_id dispute_ref due_at loss_amount loss_move_id movement_ids
        needs_response opened_at partner_id pay_now_deleted problem_codes provider_id reason
        reversal_ref settled state told transaction_id url
    """,
    'pay.now.book.interest': """
        company_id date_to is_done partner_id reminder_id
    """,
    'pay.now.book.interest.line': """
        days indemnity interest line_id wizard_id
    """,
    'pay.now.customer.statement': """
        balances company_id contact_id date_from date_to email item_ids kind mail_id month
        partner_id pay_now_token pay_now_token_expiry pdf_id problem reason refused_since retry_at
        sent_at state user_id
    """,
    'pay.now.event': """
        attempts charge_ref checkout_ref company_id error event_ref next_attempt_at object_ref
        occurred_at payload payment_ref provider_id reference source state subject
        transaction_id type
    """,
    'pay.now.forecast.line': """
        amount_due amount_payable company_id has_button item_count level_id oldest_due outcome
        partner_id reason
    """,
    'pay.now.interest': """
        company_id date_to debit_move_id indemnity interest line_id move_id reminder_id
    """,
    'pay.now.invoice.notice': """
        asked_at company_id email mail_id move_id partner_id reason_codes sent_at state ways
    """,
    'pay.now.movement': """
        amount available_at booked_from booked_on charge_ref company_id currency_id dispute_id fee
        kind label move_id movement_ref net occurred_at pay_now_deleted payment_ref payout_id
        provider_id reference source_ref state transaction_id type
    """,
    'pay.now.onboarding': """
        company_id expires_at provider_id token_hash user_id
    """,
    'pay.now.options': """
        company_id forecast_text
    """,
    'pay.now.options.line': """
        name options_id provider_id
    """,
    'pay.now.payout': """
        amount arrives_at bank_reference bank_state company_id complete created_at currency_id
        descriptor failure failure_movement_ref line_ids lines_known listed move_id movement_ref
        pay_now_deleted payout_ref problem_codes provider_id reversal_move_id settled state url
    """,
    'pay.now.plan': """
        amount company_id contact_id end_reason ended_on followed_at is_to_note item_ids partner_id
        pay_now_token pay_now_token_expiry rhythm state
    """,
    'pay.now.plan.item': """
        amount company_id is_live line_amount line_id move_id plan_id
    """,
    'pay.now.plan.part': """
        company_id held_on reminded_at told_at
    """,
    'pay.now.prepare.statement': """
        is_done
    """,
    'pay.now.rate': """
        hour purpose subject used
    """,
    'pay.now.reminder': """
        amount_due amount_payable asked_text channel company_id contact_id email has_button
        interest_ids
        is_edited is_level_chosen is_manual is_noted item_count item_ids letter_id mail_id notice_id
        oldest_due opened_at own_amount own_payable partner_id pay_now_token pay_now_token_expiry
        previous_balance reason_codes refused_since retry_at root_company_id run_id sent_at state
        states_interest tries
    """,
    'pay.now.reminder.run': """
        application company_id date date_from date_to last_partner_id letters_file_ids level_ids
        partner_ids print_previous_balance problem_codes sales_user_id sender_id state
        trigger user_ids
    """,
    'pay.now.setup': """
        company_id opened
    """,
    'pay.now.statement': """
        account_id account_label clearing closing company_id currency_id date_from date_to file
        gap line_ids opening problem provider_id
    """,
    'pay.now.statement.line': """
        amount code domain model number statement_id
    """,
    'pay.now.to.handle': """
        amount company_id currency_id date deadline kind partner_id provider_id res_id
    """,
    'pay.now.transaction.item': """
        amount changed_at company_id customer_id discount due_date instalment instalments
        line_amount line_id move_id move_name transaction_id
    """,
    'pay.now.trial': """
        company_id item_ids pay_now_token pay_now_token_expiry preview_html
    """,
    'pay.now.undone': """
        company_id move_id other_id with_bank
    """,
    'payment.provider': """
        pay_now_account pay_now_account_name pay_now_api_base pay_now_api_key pay_now_api_secret
        pay_now_books_problem pay_now_books_problem_values pay_now_checked_at
        pay_now_coarse_step pay_now_compared_at pay_now_comparison_note pay_now_connected_at
        pay_now_connected_by_id pay_now_demo pay_now_foreign_host pay_now_former_webhook_ref
        pay_now_former_webhook_until pay_now_home_hosts pay_now_home_names pay_now_home_uuid
        pay_now_known_health pay_now_last_event_at pay_now_last_listing_at pay_now_last_sweep_at
        pay_now_listed_from pay_now_missing pay_now_missing_values pay_now_most_at_once
        pay_now_noticed_at pay_now_noticed_health pay_now_offered pay_now_onboarding_at
        pay_now_opened_at
        pay_now_opening_balance pay_now_payout_days pay_now_payout_delay pay_now_payout_interval
        pay_now_payout_problem pay_now_payout_problem_values
        pay_now_platform_account pay_now_platform_ref pay_now_platform_state pay_now_problem
        pay_now_problem_values pay_now_silent_at pay_now_silent_since pay_now_status
        pay_now_test_keys pay_now_unheard_at pay_now_wallets pay_now_webhook_ref
        pay_now_webhook_secret pay_now_webhook_url
    """,
    'payment.refund.wizard': """
        pay_now_asked
    """,
    'payment.transaction': """
        pay_now_answers pay_now_book_at pay_now_book_attempts pay_now_captures pay_now_charge_ref
        pay_now_checkout_expiry pay_now_checkout_url pay_now_commission pay_now_commission_date
        pay_now_commission_move_id pay_now_commission_state pay_now_compared_at
        pay_now_credit_note_ids pay_now_declined_at pay_now_deleted pay_now_discrepancy_ids
        pay_now_discount_move_id pay_now_dispute_ids pay_now_end_at pay_now_end_attempts
        pay_now_end_error pay_now_failure pay_now_failure_code pay_now_idempotency_key
        pay_now_item_ids pay_now_lang pay_now_last_sync pay_now_made_elsewhere pay_now_method
        pay_now_movement_ref pay_now_own_ref pay_now_page_url pay_now_paid_at pay_now_payment_ref
        pay_now_receipt_problem pay_now_receipt_state pay_now_received pay_now_refund_ref
        pay_now_refusal pay_now_returned_at pay_now_returned_commission pay_now_reversal_move_id
        pay_now_sent_at
    """,
    'res.company': """
        pay_now_signup_application pay_now_signup_date pay_now_signup_email
    """,
    'res.config.settings': """
        pay_now_forecast_text
    """,
    'res.partner': """
        pay_now_reminder_ids
    """,
}

#: What a copy of a record of Odoo's has, too. Odoo copies no company.
COPIED = {'payment.provider': {'pay_now_minimum_amount'}}
