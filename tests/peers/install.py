"""Installs the pinned Python and Node.js peers into .local/peers, unless nothing has changed."""

import argparse
import contextlib
import fcntl
import hashlib
import os
import pathlib
import shutil
import subprocess
import sys
import time

SOURCES = pathlib.Path(__file__).resolve().parent
DEFAULT = SOURCES.parent.parent / ".local" / "peers"
OLDEST_PYTHON = (3, 10)
OLDEST_NODE = 20
# Like bundles of teams for Lambda: minified modules. Split, so that parts which the SDK loads late
# are read late. The remaining CommonJS needs `require`.
ESBUILD = (
    "--bundle",
    "--minify",
    "--platform=node",
    f"--target=node{OLDEST_NODE}",
    "--format=esm",
    "--splitting",
    "--main-fields=module,main",
    "--out-extension:.js=.mjs",
    "--banner:js=import{createRequire}from'node:module';const require=createRequire(import.meta.url);",
    "--log-level=warning",
)


def main():
    arguments = parse_arguments()
    folder = arguments.peers_dir.resolve()
    check_programs(arguments.only)
    folder.mkdir(parents=True, exist_ok=True)
    with locked(folder / "install.lock"):
        for peer in arguments.only:
            {"python": install_python, "node": install_node}[peer](folder / peer)


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    default = pathlib.Path(os.environ.get("PEERS_DIR", DEFAULT))
    parser.add_argument("--peers-dir", type=pathlib.Path, default=default, help="where to (PEERS_DIR, or %(default)s)")
    names = ("python", "node")
    parser.add_argument("--only", nargs="+", choices=names, default=names, help="which peers; both by default")
    return parser.parse_args()


def check_programs(peers):
    if sys.version_info < OLDEST_PYTHON:
        sys.exit(f"Python {'.'.join(map(str, OLDEST_PYTHON))} or newer is needed; this is {sys.version.split()[0]}.")
    if "node" not in peers:
        return
    if not shutil.which("node") or not shutil.which("npm"):
        sys.exit(f"The Node.js peer needs node {OLDEST_NODE} or newer, and npm. `--only python` leaves it out.")
    version = subprocess.check_output(["node", "--version"], text=True).strip()
    if int(version.removeprefix("v").split(".")[0]) < OLDEST_NODE:
        sys.exit(f"The Node.js peer needs node {OLDEST_NODE} or newer; this is {version}.")


@contextlib.contextmanager
def locked(path):
    """Prevents two installations at once."""
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def install_python(folder):
    sources = SOURCES / "python"
    requirements = sources / "requirements.txt"
    with step("Python packages", folder, "packages", [requirements], sys.version) as wanted:
        if wanted:
            python = folder / "venv" / "bin" / "python"
            run([sys.executable, "-m", "venv", "--clear", folder / "venv"])
            # --no-deps: the file pins every package. pip compiles what it installs, since layers
            # come compiled.
            pip = [python, "-m", "pip", "--disable-pip-version-check"]
            run([*pip, "install", "--quiet", "--no-deps", "-r", requirements])
            # No function has them, and setuptools runs code at each start of this environment.
            run([*pip, "uninstall", "--quiet", "--yes", "setuptools", "pip"])
    handlers = sorted(sources.glob("*.py"))
    with step("Python handlers", folder, "handlers", handlers, sys.version) as wanted:
        if wanted:
            app = emptied(folder / "app")
            for handler in handlers:
                shutil.copy(handler, app)
            run([folder / "venv" / "bin" / "python", "-m", "compileall", "-q", app])


def install_node(folder):
    sources = SOURCES / "node"
    modules = folder / "node_modules"
    manifests = [sources / name for name in ("package.json", "package-lock.json", ".npmrc")]
    with step("Node.js packages", folder, "packages", [*manifests, sources / "rapid-client.cjs"]) as wanted:
        if wanted:
            for manifest in manifests:
                shutil.copy(manifest, folder)
            # Without scripts: the only useful one builds the native part that rapid-client.cjs
            # replaces.
            run(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--silent"], cwd=folder)
            shutil.copy(sources / "rapid-client.cjs", modules / "aws-lambda-ric" / "dist" / "rapid-client.node.js")
    handlers = sorted((sources / "src").glob("*.mjs"))
    with step("Node.js handlers", folder, "handlers", [*handlers, *manifests], *ESBUILD) as wanted:
        if wanted:
            app = emptied(folder / "app")
            entries = [sources / "src" / f"{name}.mjs" for name in ("intake", "processor")]
            # The packages are not in a folder above the sources.
            environment = {**os.environ, "NODE_PATH": str(modules)}
            run([modules / ".bin" / "esbuild", *entries, *ESBUILD, f"--outdir={app}"], env=environment)


@contextlib.contextmanager
def step(name, folder, stamp, files, *texts):
    """Yields whether there is something to do, and afterwards remembers the inputs."""
    folder.mkdir(exist_ok=True)
    digest = hashlib.sha256("\0".join(texts).encode())
    for file in files:
        digest.update(file.read_bytes())
    path = folder / f"{stamp}.sha256"
    if path.exists() and path.read_text() == digest.hexdigest():
        print(f"{name}: up to date", flush=True)
        yield False
        return
    path.unlink(missing_ok=True)
    print(f"{name}: installing ...", flush=True)
    begun = time.monotonic()
    yield True
    path.write_text(digest.hexdigest())
    print(f"{name}: done in {time.monotonic() - begun:.1f} s", flush=True)


def emptied(folder):
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


def run(command, **options):
    try:
        subprocess.run([str(word) for word in command], check=True, **options)
    except subprocess.CalledProcessError as error:
        sys.exit(f"`{pathlib.Path(str(command[0])).name}` failed with code {error.returncode}.")


if __name__ == "__main__":
    main()
