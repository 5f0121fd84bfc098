# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""What the Dockerfile and compose.yaml do, step by step in a Debian tree instead of an image.

Where images cannot be pulled, this is what can be shown: each instruction of the Dockerfile as it
stands there, on a distribution's Python with Odoo as the distribution's package; then what the
image's entry point starts, with the commands and variables of compose.yaml.
"""

import contextlib
import ctypes
import fnmatch
import os
import re
import shlex
import shutil
import subprocess
from pathlib import Path

import requests
import yaml

from .. import settings
from ..env import console, fetch, odoo, postgres

FOLDER = settings.CACHE_DIR / "docker"
# Odoo's image is of a distribution with Python 3.12. This one has 3.13, and Odoo of another suite.
SUITE, ODOO_SUITE = "trixie", "unstable"
PACKAGES = ["odoo-19", "python3-pip", "tzdata-legacy"]
PREFER = f"Package: *\nPin: release a={ODOO_SUITE}\nPin-Priority: 100\n"
CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")
PASSED_ON = re.compile(r"(https?_proxy|no_proxy|PIP_CERT|SSL_CERT_FILE|REQUESTS_CA_BUNDLE)$", re.I)
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
NEW_MOUNTS = 0x00020000
PASSWORD = "only-for-this-run"
# What Odoo says of an option that it does not know, or no more.
BAD_OPTION = re.compile(r".*(?:unknown|unrecognized|deprecated|invalid) option.*", re.I)
PROXY = {"X-Forwarded-Host": "erp.example.com", "X-Forwarded-Proto": "https"}
PROXY |= {"X-Forwarded-For": "192.0.2.1"}


def main():
    """Take every step; return 0 when all went well, complain at the first that did not."""
    if os.geteuid() or not fetch.available():
        raise console.DevError("docker-steps mounts and changes root: it needs root, on Debian")
    tree = _tree()
    if ctypes.CDLL(None, use_errno=True).unshare(NEW_MOUNTS):
        raise console.DevError("docker-steps needs mounts of its own, which this machine refuses")
    # Whatever is mounted from here on ends with this process.
    console.run(["mount", "--make-rprivate", "/"], "docker-mount")
    shutil.rmtree(FOLDER / "run", ignore_errors=True)
    root = Image(tree, FOLDER / "run").build()
    compose = yaml.safe_load((settings.CHECKOUT / "compose.yaml").read_text())
    with _postgres() as port:
        Containers(root, compose["services"], port).run()
    console.say("All steps went well.")
    return 0


def instructions(text):
    """Return the instructions of a Dockerfile: pairs of word and arguments."""
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    joined = "\n".join(lines).replace("\\\n", " ")
    return [tuple(part.strip() for part in line.split(None, 1)) for line in joined.splitlines()]


def context_files(names, ignored):
    """Return the files of a checkout that Docker gets to see, of all its files.

    :param ignored: the text of .dockerignore.
    """
    lines = (line.strip().removesuffix("/") for line in ignored.splitlines())
    patterns = [line for line in lines if line and not line.startswith("#")]

    def is_ignored(name):
        parts = name.split("/")
        above = ["/".join(parts[: end + 1]) for end in range(len(parts))]
        return any(
            fnmatch.fnmatchcase(path, pattern)
            for pattern in patterns
            for path in (parts if pattern.startswith("**/") else above)
            for pattern in [pattern.removeprefix("**/")]
            # A star of Docker's ends at a slash.
            if pattern.count("/") == path.count("/")
        )

    return [name for name in names if not is_ignored(name)]


class Image:
    """The stages of the Dockerfile, each in a layer of its own above the tree.

    :param Path tree: the distribution with Odoo.
    :param Path folder: where the layers go.
    """

    def __init__(self, tree, folder):
        self.tree, self.folder = tree, folder
        self.roots = []
        self.names = {}
        self.arguments = {}
        self.user = "root"

    def build(self):
        """Take all instructions; return the root of the last stage."""
        text = (settings.CHECKOUT / "docker/Dockerfile").read_text()
        for word, rest in instructions(text):
            console.say(f"-- {word} {rest}")
            getattr(self, f"_{word.lower()}")(rest)
        return self.roots[-1]

    def _arg(self, rest):
        name, _equals, value = rest.partition("=")
        self.arguments[name] = value

    def _from(self, rest):
        image, *named = rest.split()
        image = re.sub(r"\$\{(\w+)\}", lambda found: self.arguments[found[1]], image)
        if not image.startswith("odoo:19"):
            raise console.DevError(f"FROM {image}: there is a tree for Odoo's own image only")
        parts = {part: self.folder / str(len(self.roots)) / part for part in ("up", "work", "root")}
        for path in parts.values():
            path.mkdir(parents=True)
        layers = f"lowerdir={self.tree},upperdir={parts['up']},workdir={parts['work']}"
        root = parts["root"]
        console.run(["mount", "-t", "overlay", "overlay", "-o", layers, root], "docker-mount")
        console.run(["mount", "--rbind", "/dev", root / "dev"], "docker-mount")
        console.run(["mount", "-t", "proc", "proc", root / "proc"], "docker-mount")
        for path in (CERTIFICATES, Path("/etc/resolv.conf")):
            if path.exists():
                inside = root / path.relative_to("/")
                inside.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(path, inside)
        # The image's user and folder of further addons.
        (root / "mnt/extra-addons").mkdir(parents=True, exist_ok=True)
        self.roots.append(root)
        self.user = "odoo"
        if named:
            self.names[named[-1]] = root

    def _user(self, rest):
        self.user = rest

    def _copy(self, rest):
        *sources, target = rest.split()
        base = self._context()
        if sources[0].startswith("--from="):
            base = self.names[sources.pop(0).removeprefix("--from=")]
        inside = self.roots[-1] / target.lstrip("/")
        for source in sources:
            found = base / source.lstrip("/")
            if found.is_dir():
                shutil.copytree(found, inside, dirs_exist_ok=True)
                continue
            if target.endswith("/"):
                inside.mkdir(parents=True, exist_ok=True)
            shutil.copy(found, inside)

    def _run(self, rest):
        console.run(
            in_root(self.roots[-1], self.user, ["/bin/sh", "-c", rest]),
            "docker-run",
            env=root_environment(),
        )

    def _context(self):
        """Return a folder with what Docker would be sent."""
        folder = self.folder / "context"
        if not folder.is_dir():
            listed = subprocess.check_output(
                ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
                cwd=settings.CHECKOUT,
                text=True,
            )
            ignored = (settings.CHECKOUT / ".dockerignore").read_text()
            for name in context_files(listed.splitlines(), ignored):
                if (settings.CHECKOUT / name).is_file():
                    (folder / name).parent.mkdir(parents=True, exist_ok=True)
                    shutil.copy(settings.CHECKOUT / name, folder / name)
        return folder


class Containers:
    """The services of compose.yaml that run Odoo.

    :param Path root: the root of the image.
    :param dict services: of compose.yaml.
    :param int port: of the PostgreSQL server, which is called `db` inside.
    """

    def __init__(self, root, services, port):
        self.root, self.services, self.port = root, services, port
        with (root / "etc/hosts").open("a") as hosts:
            hosts.write("127.0.0.1 localhost db\n")

    def run(self):
        """Install the module as the service `install` does, and look at what `odoo` serves."""
        with console.step("compose: install"):
            console.run(self._command("install"), "docker-install", env=self._environment())
        with console.step("compose: install once more, with nothing to do"):
            log = console.run(self._command("install"), "docker-install", env=self._environment())
        if "init db" in log.read_text() or "Loading module account_pay_now" in log.read_text():
            raise console.DevError(f"installed twice: see {log}")
        http, log = odoo.free_port(), console.log_file("docker-odoo")
        ports = [f"--http-port={http}", f"--gevent-port={odoo.free_port()}"]
        with log.open("wb") as output:
            process = subprocess.Popen(
                self._command("odoo", *ports),
                env=self._environment(),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        try:
            odoo.wait_up(process, http, log)
            self._look(f"http://127.0.0.1:{http}", log)
        finally:
            odoo.stop(process)

    def _command(self, service, *more):
        """Return what the image's entry point starts: Odoo, and where its database is."""
        program, *arguments = self.services[service]["command"]
        known = self._environment()
        for name in ("host", "port", "user", "password"):
            arguments += [f"--db_{name}", known[name.upper()]]
        console.say(f"   {service}: {shlex.join([program, *arguments, *more])}")
        return in_root(self.root, "odoo", [program, *arguments, *more])

    def _environment(self):
        """Return the variables of the service, and those of the image."""
        known = root_environment() | {"ODOO_RC": "/etc/odoo/odoo.conf", "HOME": "/var/lib/odoo"}
        known |= self.services["odoo"]["environment"]
        return known | {"PORT": str(self.port), "PASSWORD": PASSWORD}

    def _look(self, url, log):
        """Look at what is served, by a proxy and by the log."""
        session = requests.Session()
        session.headers.update(PROXY)
        params = {"db": "odoo", "login": "admin", "password": "admin"}
        path = "web/session/authenticate"
        answer = session.post(f"{url}/{path}", json={"params": params}, timeout=60)
        _expect(answer.json().get("result", {}).get("uid") == 2, f"log-in: {answer.text[:500]}")

        def call(model, method, *args, **kwargs):
            body = {"params": {"model": model, "method": method, "args": args, "kwargs": kwargs}}
            answer = session.post(f"{url}/web/dataset/call_kw", json=body, timeout=60)
            return answer.json()["result"]

        (module,) = call(
            "ir.module.module",
            "search_read",
            [("name", "=", settings.MODULE)],
            ["state", "installed_version"],
        )
        _expect(module["state"] == "installed", module)
        console.say(f"   {settings.MODULE} {module['installed_version']} is installed")
        address = call("ir.config_parameter", "get_param", "web.base.url")
        _expect(address == "https://erp.example.com", f"web.base.url is {address}")
        console.say(f"   behind a proxy Odoo knows its address: {address}")
        page = requests.get(f"{url}/pay_now/invoice/1/unknown", timeout=60)
        _expect(page.status_code == 404 and "noindex" in page.text, f"pay page: {page.status_code}")
        console.say("   a pay page with a wrong token is answered by the module")
        manager = requests.get(f"{url}/web/database/manager", timeout=60)
        _expect("disabled by the administrator" in manager.text, "the manager of databases is open")
        self._look_at_log(log.read_text())

    @staticmethod
    def _look_at_log(text):
        kinds = re.findall(r"Worker (Worker\w+) \(\d+\) alive", text)
        _expect(sorted(kinds) == ["WorkerCron"] * 2 + ["WorkerHTTP"] * 2, f"workers: {kinds}")
        console.say("   two workers for pages, two for scheduled actions")
        _expect(not (bad := BAD_OPTION.findall(text)), bad)
        _expect("/pay_now/invoice" not in text, "the log has the address of a pay page")
        console.say("   all options are known, and no address of a pay page is in the log")


def in_root(root, user, command):
    """Return a command line that runs a command in another root, as a user of it."""
    return ["chroot", f"--userspec={user}:{user}", str(root), *command]


def root_environment():
    """Return the environment of a process in another root: of this machine its net alone."""
    passed = {name: value for name, value in os.environ.items() if PASSED_ON.match(name)}
    return passed | {"PATH": PATH, "HOME": "/root", "LANG": "C.UTF-8"}


def _expect(condition, problem):
    if not condition:
        raise console.DevError(str(problem))


@contextlib.contextmanager
def _postgres():
    """Give a PostgreSQL server of this run alone, which asks for a password; give its port."""
    port = odoo.free_port()
    shutil.rmtree(FOLDER / "postgres", ignore_errors=True)
    options = {"listen_addresses": "'127.0.0.1'", "port": str(port)}
    cluster = postgres.Cluster(FOLDER / "postgres", options)
    cluster.start()
    try:
        server = postgres.Server(cluster.socket_dir, port, postgres.USER)
        with server.cursor() as cursor:
            cursor.execute("ALTER ROLE odoo PASSWORD %s", [PASSWORD])
        access = "local all all trust\nhost all all 127.0.0.1/32 scram-sha-256\n"
        (cluster.data / "pg_hba.conf").write_text(access)
        cluster.call("pg_ctl", "-D", cluster.data, "reload")
        yield port
    finally:
        cluster.stop()


def _tree():
    """Return a Debian tree with Odoo installed as a package, made at the first use."""
    tree = FOLDER / f"{SUITE}-{ODOO_SUITE}"
    if tree.is_dir():
        return tree
    tools, partial = FOLDER / "tools", FOLDER / "partial"
    FOLDER.mkdir(parents=True, exist_ok=True)
    shutil.rmtree(partial, ignore_errors=True)
    with console.step("a Debian tree with Odoo 19"):
        if not (tools / "usr/bin/mmdebstrap").exists():
            fetch.fetch_with_libraries(["mmdebstrap"], tools)
        preferences = FOLDER / "preferences"
        preferences.write_text(PREFER)
        sources = [fetch.main_source().line(one) for one in (SUITE, ODOO_SUITE)]
        program = tools / "usr/bin/mmdebstrap"
        options = ["--mode=root", "--variant=apt", f"--include={','.join(PACKAGES)}"]
        options += ['--aptopt=APT::Install-Recommends "false"']
        # A mirror that is some weeks old is as good.
        options += ['--aptopt=Acquire::Check-Valid-Until "false"']
        options += [f"--setup-hook=copy-in {preferences} /etc/apt/preferences.d"]
        console.run(["perl", program, *options, SUITE, partial, *sources], "docker-tree")
    partial.rename(tree)
    return tree
