# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""``python3 -m dev COMMAND``, from the checkout; ``--help`` lists the commands."""

import argparse
import importlib
import os
import shutil
import signal
import sys

from . import settings
from .env import console, pyenv

# Each command imports what it needs itself: before the environment is there, nothing else can be.


def main():
    """Run one command inside the private Python environment."""
    # An orderly end: whatever was started is stopped again.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    if not pyenv.inside():
        _enter_environment()
    arguments, rest = _parser().parse_known_args()
    if rest and not arguments.takes_rest:
        _parser().error(f"unknown argument: {rest[0]}")
    arguments.rest = rest
    try:
        return arguments.run(arguments)
    except console.DevError as error:
        console.say(str(error))
        return 1
    except KeyboardInterrupt:
        return 130


def _enter_environment():
    """Start again with the environment's Python, which has psycopg2 and all the rest."""
    try:
        python = pyenv.ensure()
    except console.DevError as error:
        console.say(str(error))
        sys.exit(1)
    os.chdir(settings.CHECKOUT)
    os.execve(python, [str(python), "-m", "dev", *sys.argv[1:]], pyenv.environment())


def _parser():
    parser = argparse.ArgumentParser(prog="python3 -m dev", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def add(name, run, text, takes_rest=False):
        command = commands.add_parser(name, help=text, description=text, add_help=not takes_rest)
        command.set_defaults(run=run, takes_rest=takes_rest)
        return command

    command = add("test", _test, "run the tests; the last line counts them")
    command.add_argument(
        "target", nargs="?", default="", metavar="T", help="Odoo test tags or a path"
    )
    command = add("test-core", _test_core, "run Odoo's payment tests with the module installed")
    command.add_argument("target", nargs="?", default="", metavar="T", help="Odoo test tags")
    command = add("lint", _lint, "check the source")
    command.add_argument("--fix", action="store_true", help="repair the form first")
    command = add("demo", _demo, "start the demonstration")
    command.add_argument("--once", action="store_true", help="show that it works, then stop")
    command = add("test-beside", _test_beside, "run tests beside Odoo's own Stripe and PayPal")
    command.add_argument("target", nargs="?", default="", metavar="T", help="Odoo test tags")
    command = add("test-plain", _test_plain, "install and test the module as any Odoo does")
    command.add_argument("target", nargs="?", default="", metavar="T", help="Odoo test tags")
    command = add(
        "bench-install", _bench_install, "time installing and removing on a grown database"
    )
    command.add_argument("--invoices", type=int, default=100000, help="how many there are")
    add("bench-books", _bench_books, "time booking beside Odoo's own way and the floor")
    add("bench-page", _bench_page, "time the pay page beside Odoo's own invoice page")
    add("bench-reminders", _bench_reminders, "time reminders beside the usual way and the floor")
    command = add("bench-report", _bench_report, "time the reports beside Odoo's Invoice analysis")
    command.add_argument("--invoices", type=int, default=100000, help="how many there are")
    add("bench-webhooks", _bench_webhooks, "time webhooks beside payment_stripe and the floor")
    add("bench-workers", _bench_workers, "time several workers on one run, also through queue_job")
    add("test-kill", _test_kill, "kill workers and PostgreSQL while mails leave and money arrives")
    add("soak", _soak, "more load than can be worked off, again and again, for MINUTES")
    add("test-attack", _test_attack, "send 100,000 hostile requests, and count what came of them")
    add("wheel", _wheel, "make the wheel, and play the main job with it installed")
    add("docker-steps", _docker_steps, "take each step of the image without images")
    add("screenshots", _screenshots, "make the pictures of the page of the store")
    add("i18n", _i18n, "refresh the terms to translate and the translations")
    add("clean-cache", _clean_cache, "forget everything downloaded and built")
    add("odoo", _odoo, "run Odoo's own command line on the private server", takes_rest=True)
    add("shell", _shell, "open Odoo's shell on a throw-away database", takes_rest=True)
    return parser


def _test(arguments):
    from .checks import testing

    return testing.main(arguments.target)


def _test_core(arguments):
    from .checks import testing

    return testing.main_core(arguments.target)


def _test_plain(arguments):
    from .checks import plain

    return plain.main(arguments.target)


def _test_beside(arguments):
    from .checks import testing

    return testing.main_beside(arguments.target)


def _lint(arguments):
    from .checks import lint

    return lint.main(arguments.fix)


def _demo(arguments):
    from .env import odoo, postgres

    try:
        from . import demo
    except ImportError as error:
        raise console.DevError(f"The demonstration cannot be loaded: {error}") from error
    odoo.ensure()
    with postgres.server() as server:
        return demo.main(server, once=arguments.once)


def _bench_install(arguments):
    return _on_server("bench.install", "main", arguments.invoices)


def _bench_books(_arguments):
    return _on_server("bench.books")


def _bench_page(_arguments):
    return _on_server("bench.page")


def _bench_reminders(_arguments):
    return _on_server("bench.reminders")


def _bench_report(arguments):
    return _on_server("bench.report", "main", arguments.invoices)


def _bench_webhooks(_arguments):
    return _on_server("bench.webhooks")


def _bench_workers(_arguments):
    return _on_server("bench.workers")


def _test_kill(_arguments):
    return _on_server("kill.run")


def _soak(_arguments):
    return _on_server("kill.soak")


def _test_attack(_arguments):
    return _on_server("attack.run")


def _wheel(_arguments):
    return _on_server("publish.wheel")


def _docker_steps(_arguments):
    from .env import odoo
    from .publish import docker

    odoo.ensure()
    return docker.main()


def _screenshots(_arguments):
    return _on_server("publish.screenshots")


def _i18n(_arguments):
    return _on_server("checks.i18n", "export")


def _on_server(module, function="main", *arguments):
    """Call a function of a module with the private PostgreSQL server, once Odoo is there."""
    from .env import odoo, postgres

    odoo.ensure()
    with postgres.server() as server:
        found = importlib.import_module(f".{module}", __package__)
        return getattr(found, function)(server, *arguments)


def _odoo(arguments):
    from .env import odoo, postgres

    odoo.ensure()
    with postgres.server() as server:
        return odoo.call(server, *arguments.rest)


def _shell(arguments):
    from .env import databases, odoo, postgres

    odoo.ensure()
    with (
        postgres.server() as server,
        databases.temporary(server, databases.module(server)) as name,
    ):
        return odoo.call(server, "shell", "-d", name, "--no-http", *arguments.rest)


def _clean_cache(_arguments):
    from .env import postgres

    if console.is_locked(postgres.USERS_LOCK):
        raise console.DevError("The cache is in use: end the demonstration and the tests first")
    console.say(f"removing {settings.CACHE_DIR}")
    shutil.rmtree(settings.CACHE_DIR, ignore_errors=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
