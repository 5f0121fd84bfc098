# Part of Pay Now. See LICENSE file for full copyright and licensing details.

DEV = python3 -m dev

.PHONY: demo test test-core test-beside test-plain test-kill soak bench-books bench-install bench-page bench-reminders bench-report bench-webhooks bench-workers test-attack wheel lint clean-cache

demo:  ## the demonstration; ONCE=1 shows that it works and stops
	@$(DEV) demo $(if $(ONCE),--once)

test:  ## all tests, or those of T: Odoo test tags, or a path in dev/tests
	@$(DEV) test $(T)

test-core:  ## Odoo's own payment tests with the module installed
	@$(DEV) test-core $(T)

test-beside:  ## tests beside Odoo's own Stripe, PayPal and Peppol, and with charts of other countries
	@$(DEV) test-beside $(T)

test-plain:  ## the module as any Odoo installs and tests it, with demo data and without
	@$(DEV) test-plain $(T)

bench-books:  ## booking payments beside Odoo's own way and the least; SIZES="100 1000 10000" WAYS="floor ours payout odoo"
	@SIZES="$(SIZES)" WAYS="$(WAYS)" $(DEV) bench-books

bench-install:  ## how long installing, updating and removing take with 100,000 invoices
	@$(DEV) bench-install

bench-page:  ## the pay page beside Odoo's own invoice page: time, queries, weight, locks
	@$(DEV) bench-page

bench-reminders:  ## how long reminders take beside OCA's and the least; SIZES="1000 10000 50000"
	@SIZES="$(SIZES)" $(DEV) bench-reminders

bench-report:  ## the reports with 100,000 invoices, beside Odoo's Invoice analysis; INVOICES=10000
	@$(DEV) bench-report $(if $(INVOICES),--invoices $(INVOICES))

bench-webhooks:  ## webhooks of two workers beside payment_stripe's and the least; ROUNDS=12
	@ROUNDS="$(ROUNDS)" $(DEV) bench-webhooks

bench-workers:  ## how fast 1, 2 and 4 workers send one run, by themselves and as jobs of queue_job
	@$(DEV) bench-workers

test-kill:  ## workers, PostgreSQL, providers fail while 2,000 reminders leave and 1,000 payments arrive; SEED=2 PARTS=money SIZES="100 20 10 4"
	@SEED="$(SEED)" PARTS="$(PARTS)" SIZES="$(SIZES)" $(DEV) test-kill

soak:  ## five times the payments that can be booked, again and again: memory, queue, pages; MINUTES=30
	@MINUTES="$(MINUTES)" SEED="$(SEED)" $(DEV) soak

test-attack:  ## 100,000 hostile requests: errors, changes and secrets must be none; SEED=2
	@SEED="$(SEED)" SIZES="$(SIZES)" $(DEV) test-attack

wheel:  ## the wheel of the module, installed beside an Odoo without the checkout, and played
	@$(DEV) wheel

lint:  ## checks of the source
	@$(DEV) lint

clean-cache:  ## forget everything downloaded and built
	@$(DEV) clean-cache
