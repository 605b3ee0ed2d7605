"""What the server benchmarks share: the two servers, their load, their processor time, and the table.

Both servers listen on loopback, on ports that the system picks, over the same files. Runs of the two alternate, and a ratio
is the median of the ratios of neighbouring runs. Processor time is the servers' own, from /proc: user and system time of
all their processes.
"""

import contextlib
import functools
import hashlib
import json
import os
import pathlib
import platform
import re
import resource
import shutil
import signal
import socket
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
TICKS = os.sysconf("SC_CLK_TCK")
KIB, MIB, GIB = 1 << 10, 1 << 20, 1 << 30
FILE_LIMIT = 65536
START_SECONDS = 60

NGINX = """
worker_processes {workers};
daemon off;
{user}
pid {folder}/nginx.pid;
error_log {folder}/error.log error;
events {{ worker_connections {connections}; }}
http {{
    access_log off;
    sendfile on;
    tcp_nopush off;
    open_file_cache max=10000 inactive=60s;
    open_file_cache_valid 60s;
    keepalive_requests 1000000000;
    default_type application/octet-stream;
    client_body_temp_path {folder}/body;
    fastcgi_temp_path {folder}/fastcgi;
    proxy_temp_path {folder}/proxy;
    scgi_temp_path {folder}/scgi;
    uwsgi_temp_path {folder}/uwsgi;
    server {{
        listen 127.0.0.1:{port} backlog=4096;
        root {folder}/files;
        location /u/ {{ dav_methods PUT; client_max_body_size 0; }}
    }}
    {tls_server}
}}
"""
NGINX_TLS = """
    server {{
        listen 127.0.0.1:{tls_port} ssl http2 backlog=4096;
        ssl_certificate {certificate};
        ssl_certificate_key {key};
        ssl_protocols TLSv1.3;
        ssl_conf_command Ciphersuites TLS_AES_128_GCM_SHA256;
        root {folder}/files;
    }}
"""
# wrk offers every cipher of OpenSSL; with this it offers only the one to be compared.
OPENSSL = """openssl_conf = start
[start]
ssl_conf = ssl
[ssl]
system_default = default
[default]
MinProtocol = TLSv1.3
Ciphersuites = TLS_AES_128_GCM_SHA256
"""


# Processes


def processor_seconds(pid):
    """User and system time of a process and of its living children, all threads."""
    total = 0
    for process in [pid, *children(pid)]:
        with open(f"/proc/{process}/stat") as file:
            fields = file.read().rpartition(")")[2].split()
        total += int(fields[11]) + int(fields[12])
    return total / TICKS


def children(pid):
    with open(f"/proc/{pid}/task/{pid}/children") as file:
        return [int(child) for child in file.read().split()]


def resident_bytes(pid):
    with open(f"/proc/{pid}/status") as file:
        return next(int(line.split()[1]) * KIB for line in file if line.startswith("VmRSS:"))


def wait_until_quiet(pid):
    """Waits until a process is idle, for example after its first sweep."""
    limit = time.monotonic() + 10 * START_SECONDS
    before = processor_seconds(pid)
    while time.monotonic() < limit:
        time.sleep(1)
        now = processor_seconds(pid)
        if now - before <= 0.01:
            return
        before = now
    sys.exit(f"process {pid} does not become idle")


def memory(*names):
    """Bytes in those lines of /proc/meminfo, added up."""
    with open("/proc/meminfo") as file:
        return sum(int(line.split()[1]) * KIB for line in file if line.split(":")[0] in names)


def available_bytes():
    """MemAvailable plus the free pages in per-core lists, which it omits and which can be many."""
    with open("/proc/zoneinfo") as file:
        at_hand = sum(int(line.split()[1]) for line in file if line.split()[0] == "count:")
    return memory("MemAvailable") + at_hand * os.sysconf("SC_PAGE_SIZE")


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def raise_file_limit():
    """Raises the limit of open files for programs started here as far as this user may; returns the limit."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (FILE_LIMIT, max(hard, FILE_LIMIT)))
        return FILE_LIMIT
    except (ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        return hard


class Server:
    """A running server: `process` was started; `pid` serves, and is its child if a tracer was started."""

    def __init__(self, process, port, tls_port=None, is_traced=False):
        self.process, self.port, self.tls_port = process, port, tls_port
        self.pid = children(process.pid)[0] if is_traced else process.pid

    @property
    def address(self):
        return f"127.0.0.1:{self.port}"

    def url(self, path, tls=False):
        return f"https://127.0.0.1:{self.tls_port}{path}" if tls else f"http://{self.address}{path}"

    def stop(self):
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGTERM)
        try:
            self.process.wait(START_SECONDS)
        except subprocess.TimeoutExpired:
            os.kill(self.pid, signal.SIGKILL)
            self.process.wait()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()


def pinned(core, command):
    return command if core is None else ["taskset", "-c", str(core), *command]


# Lifts the limits that keep one client from doing everything, and stops the scrub, which would read a large store for
# hours. An older program may not have all of these settings.
UNLIMITED = {"--leases-per-subject": "1000000000", "--leases-per-subject-and-day": "1000000000",
             "--bytes-per-subject": "none", "--address-request-rate": "none", "--subject-request-rate": "none",
             "--connections": "30000", "--scrub-rate": "0", "--log-level": "warning",
             "--allow-anonymous-uploads": None}


@functools.cache
def help_of(program):
    return subprocess.run([program, "serve", "--help"], capture_output=True, text=True).stdout


def start_satcheld(program, storage, *settings, tls=None, core=None, wrapper=()):
    """Starts a server on `storage` and waits until it is ready; `start_seconds` is how long that took."""
    limits = [word for name, value in UNLIMITED.items() if name not in settings and f" {name}" in help_of(program)
              for word in (name, value) if word]
    command = [program, "serve", "--storage", str(storage), "--listen", "127.0.0.1:0", *limits, *settings]
    if tls:
        command += ["--tls-certificate", str(tls[0]), "--tls-key", str(tls[1])]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("SATCHELD_")}
    start = time.monotonic()
    log = open(f"{storage}.log", "ab")
    process = subprocess.Popen(
        [*wrapper, *pinned(core, command)], stdout=subprocess.PIPE, stderr=log, text=True, env=environment)
    line = process.stdout.readline()
    seconds = time.monotonic() - start
    log.close()
    address = re.search(r"https?://\S+:(\d+)", line)
    if not address:
        process.wait()
        sys.exit(f"satcheld did not start:\n{pathlib.Path(f'{storage}.log').read_text()}")
    port = int(address[1])
    server = Server(process, port, port if tls else None, is_traced=bool(wrapper))
    server.start_seconds = seconds
    return server


def write_nginx(folder, tls=None, connections=None, workers=2):
    """Writes nginx's configuration for serving `folder`/files, with WebDAV's PUT below /u/; returns both ports."""
    (folder / "files" / "u").mkdir(parents=True, exist_ok=True)
    port, tls_port = free_port(), free_port()
    tls_server = ""
    if tls:
        tls_server = NGINX_TLS.format(tls_port=tls_port, certificate=tls[0], key=tls[1], folder=folder)
    user = "user root;" if os.geteuid() == 0 else ""
    (folder / "nginx.conf").write_text(
        NGINX.format(folder=folder, port=port, user=user, tls_server=tls_server, workers=workers,
                     connections=connections or resource.getrlimit(resource.RLIMIT_NOFILE)[0] // 2))
    return port, tls_port


def nginx_command(folder):
    return [shutil.which("nginx") or "/usr/sbin/nginx", "-c", str(folder / "nginx.conf")]


def start_nginx(folder, tls=None):
    """Starts nginx over `folder`/files, with WebDAV's PUT below /u/."""
    folder = pathlib.Path(folder)
    port, tls_port = write_nginx(folder, tls)
    process = subprocess.Popen(nginx_command(folder), stderr=subprocess.DEVNULL)
    wait_for_port(port, process, folder / "error.log")
    return Server(process, port, tls_port)


def wait_for_port(port, process, log):
    """Waits until somebody listens at `port`. The list of sockets tells: a connection to a port that is still free can be
    one to itself."""
    wanted, limit = f":{port:04X} 00000000:0000 0A", time.monotonic() + START_SECONDS
    while time.monotonic() < limit and process.poll() is None:
        if wanted in pathlib.Path("/proc/net/tcp").read_text():
            return
        time.sleep(0.02)
    sys.exit(f"a server did not start: {log.read_text() if log.exists() else ''}")


def make_certificate(folder):
    """A self-signed P-256 certificate: paths of certificate and key."""
    certificate, key = folder / "certificate.pem", folder / "key.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
         "-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost", "-keyout", str(key),
         "-out", str(certificate)], check=True, capture_output=True)
    return certificate, key


# Stores


def sealed_bytes(size, number=0):
    """Bytes that look sealed to a server and differ by number."""
    head = b"SBLB" + bytes(4) + number.to_bytes(8, "little")
    return head + os.urandom(size - len(head))


def store_path(storage, address):
    return pathlib.Path(storage) / "blobs.v1" / address[:2] / address


def make_store(program, storage):
    """An empty store, created by the server itself."""
    start_satcheld(program, storage).stop()


def add_blobs(storage, bodies, lifetime=30 * 86400):
    """Adds blobs, files and rows, to a store that no server has open; returns their addresses."""
    addresses = []
    now = int(time.time())
    with contextlib.closing(sqlite3.connect(f"{storage}/catalog.sqlite", isolation_level=None)) as database:
        database.execute("PRAGMA synchronous = OFF")
        database.execute("BEGIN IMMEDIATE")
        total = 0
        for body in bodies:
            address = hashlib.sha256(body)
            add_file(store_path(storage, address.hexdigest()), body)
            add_rows(database, address.digest(), len(body), now, lifetime)
            addresses.append(address.hexdigest())
            total += len(body)
        # An older program may not count the leases of a day.
        rest = ", 0" * (len(database.execute("PRAGMA table_info(charge)").fetchall()) - 3)
        database.execute(
            f"INSERT INTO charge VALUES ('bulk', ?1, ?2{rest}) "
            "ON CONFLICT (subject) DO UPDATE SET leases = leases + ?1, bytes = bytes + ?2", (len(addresses), total))
        recount(database)
        database.execute("COMMIT")
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return addresses


def add_file(path, body):
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o444)
    try:
        view = memoryview(body)
        while view:
            view = view[os.write(descriptor, view):]
    finally:
        os.close(descriptor)


def add_rows(database, address, size, now, lifetime):
    """The rows of one blob under one lease of nobody in particular, as an upload makes them."""
    blob = database.execute(
        "INSERT INTO blob (address, size, state, uploaded, leases, sunset) VALUES (?, ?, 1, ?, 1, ?)",
        (address, size, now, now + lifetime)).lastrowid
    database.execute(
        "INSERT INTO lease (blob, subject, created, expires, limit_seconds, hashes) VALUES (?, 'bulk', ?, ?, ?, 0)",
        (blob, now, now + lifetime, lifetime))


def recount(database):
    """Sets the catalog's sums to what its rows add up to."""
    database.execute("UPDATE tally SET count = (SELECT count(*) FROM blob WHERE state = kind), "
                     "bytes = (SELECT coalesce(sum(size), 0) FROM blob WHERE state = kind) WHERE kind <= 4")
    database.execute("UPDATE tally SET count = (SELECT count(*) FROM lease WHERE (ended IS NULL) = (kind = 5)) "
                     "WHERE kind IN (5, 6)")


def recount_store(storage):
    """The same for a store that no server has open."""
    with contextlib.closing(sqlite3.connect(f"{storage}/catalog.sqlite")) as database:
        recount(database)
        database.commit()


# Load


def build_load(folder):
    program = folder / "load"
    subprocess.run(
        ["cc", "-O2", "-Wall", "-o", str(program), str(HERE / "load.c"), str(HERE / "load-http.c")], check=True)
    return program


def start_load(program, *arguments, core=None):
    """Starts the load generator; `end_load` returns its figures."""
    command = pinned(core, [str(program), *map(str, arguments)])
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def end_load(process, tell=False):
    """Waits for the end of a run, or ends it (`tell`). Exits unless every request succeeded."""
    if tell:
        process.terminate()
    output = process.communicate()[0]
    if process.returncode:
        sys.exit(f"{' '.join(process.args)} ended with {process.returncode}")
    result = json.loads(output)
    refuse_failures(result, process.args)
    return result


def run_load(program, *arguments, core=None):
    """One whole run of the load generator."""
    return end_load(start_load(program, *arguments, core=core))


def refuse_failures(result, command):
    statuses = set(result["statuses"]) - {"200", "201", "204"}
    if statuses or result["closed"] or result["refused"] or not result["requests"]:
        sys.exit(f"{' '.join(command)}: {result}")


def run_wrk(url, seconds, connections=32, arguments=(), environment=None):
    """Requests and bytes of one run of wrk. Exits if an answer is an error or a connection breaks."""
    command = ["wrk", "-t2", f"-c{connections}", f"-d{seconds}s", "--timeout", "20s", "-s", str(HERE / "wrk.lua"), url,
               "--", *arguments]
    output = subprocess.run(
        command, check=True, capture_output=True, text=True, env=environment).stdout
    result = json.loads(output.splitlines()[-1])
    if result["errors"] or not result["bytes"]:
        sys.exit(f"{' '.join(command)}: {output}")
    return result


# Comparing


def compare(rounds, ours, theirs):
    """Runs the two in turn and returns, for each of their figures, both medians and the median ratio."""
    ours(), theirs()
    pairs = [(ours(), theirs()) for _ in range(rounds)]
    return {
        figure: (
            statistics.median(mine[figure] for mine, _ in pairs),
            statistics.median(other[figure] for _, other in pairs),
            statistics.median(mine[figure] / other[figure] for mine, other in pairs))
        for figure in pairs[0][0]
    }


class Table:
    """The rows of one script, printed as they come, each with its bound; `is_fine` while all were met."""

    def __init__(self, title, *columns):
        self.is_fine = True
        print(f"\n## {title}\n{machine()}\n")
        print("| " + " | ".join(columns) + " | bound | |")
        print("|---" * (len(columns) + 2) + "|", flush=True)

    def row(self, *cells, bound="", kept=None):
        verdict = "" if kept is None else "kept" if kept else "MISSED"
        self.is_fine &= kept is not False
        print("| " + " | ".join([*cells, bound, verdict]) + " |", flush=True)

    def end(self):
        sys.exit(0 if self.is_fine else 1)


def machine():
    with open("/proc/cpuinfo") as file:
        model = next((line.split(":")[1].strip() for line in file if line.startswith("model name")), "?")
    gibibytes = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / GIB
    return f"{os.cpu_count()} cores of {model}, {gibibytes:.0f} GiB, Linux {platform.release()}{nginx_version()}"


def nginx_version():
    program = shutil.which("nginx") or "/usr/sbin/nginx"
    if not os.access(program, os.X_OK):
        return ""
    version = subprocess.run([program, "-v"], capture_output=True, text=True).stderr
    return f", {version.strip().rpartition(': ')[2]}"


def text(value):
    """A figure with about three digits."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


@contextlib.contextmanager
def workplace(folder):
    """A folder on the disk to be measured, deleted afterwards, also on SIGTERM."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    with tempfile.TemporaryDirectory(prefix="satchel-bench-", dir=folder) as path:
        yield pathlib.Path(path)


def add_arguments(parser):
    root = HERE.parent
    parser.add_argument("--satcheld", default=str(root / ".build/release/satcheld"), help="the program to measure")
    parser.add_argument("--folder", default=tempfile.gettempdir(), help="on the disk to be measured")
    parser.add_argument("--quick", action="store_true", help="few and short runs: a first look, not a figure")
    parser.add_argument("--only", default="", metavar="WORD", help="rows whose name has the word")
