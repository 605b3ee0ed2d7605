"""PostgreSQL for tests: durable in all that it says, but in memory, so that a sync costs nothing."""

import glob
import os
import re
import signal
import subprocess

from engine import Engine, Failure, free_ports


class Postgres(Engine):
    user = "postgres"
    # At once, with its shared memory put away.
    last_signal = signal.SIGQUIT

    def programs(self):
        folders = glob.glob("/usr/lib/postgresql/*/bin")
        if not folders:
            raise Failure("PostgreSQL is not installed")
        return max(folders, key=lambda path: [int(part) for part in re.findall(r"\d+", path)])

    def prepare(self):
        self.bin = self.programs()
        if self.identity():
            import pwd
            entry = pwd.getpwnam(self.user)
            os.chown(self.folder, entry.pw_uid, entry.pw_gid)
        os.chmod(self.folder, 0o755)
        self.port, self.standby_port = free_ports(2)
        self.run(f"{self.bin}/initdb", "-D", self.path("data"), "-U", "satchel", "-A", "trust", "-N",
                 "--locale=C.UTF-8", "-E", "UTF8")
        if self.address != "127.0.0.1":
            with open(self.path("data/pg_hba.conf"), "a") as rules:
                rules.write("host all all samenet trust\n")

    def launch(self):
        self.begin_server("postgres", "data", self.port)
        self.wait("PostgreSQL", lambda: self.is_ready(self.port))
        if not self.ask("SELECT 1 FROM pg_database WHERE datname = 'satchel'"):
            self.ask("CREATE DATABASE satchel")

    def begin_server(self, name, folder, port):
        options = {"unix_socket_directories": self.folder, "listen_addresses": self.address, "port": port,
                   "max_connections": 400, "max_wal_size": "512MB", "shared_buffers": "128MB", "log_lock_waits": "on",
                   "dynamic_shared_memory_type": "mmap",
                   } | {name: value for name, value in self.settings.items()}
        arguments = [part for name, value in options.items() for part in ("-c", f"{name}={value}")]
        self.begin(name, f"{self.bin}/postgres", "-D", self.path(folder), *arguments)

    def replica(self):
        """Starts a standby beside it: from then on a commit waits for both."""
        self.run(f"{self.bin}/pg_basebackup", "-h", self.folder, "-p", str(self.port), "-U", "satchel",
                 "-D", self.path("standby"), "-X", "stream", "-C", "-S", "standby", "-c", "fast", "-R")
        self.begin_server("standby", "standby", self.standby_port)
        self.ask("ALTER SYSTEM SET synchronous_standby_names = '*'")
        self.ask("SELECT pg_reload_conf()")
        self.wait("the standby", lambda: self.ask("SELECT sync_state FROM pg_stat_replication") == "sync")

    def promote(self):
        """Ends the first as a crash does, and makes the standby the one that writes."""
        self.crash("postgres")
        self.run(f"{self.bin}/pg_ctl", "-D", self.path("standby"), "-w", "promote")
        self.ask("ALTER SYSTEM RESET synchronous_standby_names", self.standby_port)
        self.ask("SELECT pg_reload_conf()", self.standby_port)

    def is_ready(self, port):
        return subprocess.run(
            [f"{self.bin}/pg_isready", "-q", "-h", self.folder, "-p", str(port)], cwd="/").returncode == 0

    def ask(self, statement, port=None):
        return self.run(f"{self.bin}/psql", "-XqAt", "-h", self.folder, "-p", str(port or self.port), "-U", "satchel",
                        "-d", "postgres", "-c", statement).strip()

    def halt(self):
        """Immediate: as a crash, but with its children ended and its shared memory put away."""
        for name in list(self.processes):
            self.crash(name)
        super().halt()

    def crash(self, name):
        process = self.processes.get(name)
        if process and process.poll() is None:
            process.send_signal(signal.SIGQUIT)
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                pass
        self.end(name)

    def where(self):
        both = f"host={self.address},{self.address} port={self.port},{self.standby_port} user=satchel dbname=satchel"
        return {"pair": f"{both} target_session_attrs=read-write",
                "connection": f"host={self.address} port={self.port} user=satchel dbname=satchel",
                "socket": f"host={self.folder} port={self.port} user=satchel dbname=satchel",
                "log": self.path("postgres.out"), "port": str(self.port)}
