# Part of Pay Now. See LICENSE file for full copyright and licensing details.

from . import (
    test_card,
    test_card_screens,
    test_facts,
    test_merged_accounts,
    test_payout,
    test_payout_bank_screens,
    test_payout_batches,
    test_payout_bookkeeper,
    test_payout_currencies,
    test_payout_evidence,
    test_payout_sandbox,
    test_payout_schedule,
    test_payout_screens,
    test_payout_taxed,
    test_proof,
    test_proof_refunds,
    test_proof_rights,
    test_proof_sandbox,
    test_proof_screens,
    test_situations_payouts,
)
