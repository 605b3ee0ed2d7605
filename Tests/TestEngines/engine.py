"""What all engines of the tests have in common: processes, a folder, ports."""

import ctypes
import os
import random
import shutil
import signal
import socket
import subprocess
import tempfile
import time

PR_SET_PDEATHSIG = 1
LIBC = ctypes.CDLL(None)
# Starting takes seconds; a machine that is busy with other tests may need much longer.
PATIENCE = 300


class Failure(Exception):
    """Why an engine cannot be had."""


class Engine:
    """Processes in a folder. Subclasses say how to begin, and what runs."""

    # What ends a process when this program is killed.
    last_signal = signal.SIGKILL
    # The user whose the processes are, where this one may choose.
    user = None

    def __init__(self, settings):
        # Where it listens, on loopback or a host of the tests.
        self.address = settings.pop("address", "127.0.0.1")
        self.settings = settings
        self.processes = {}
        self.folder = None
        self.ports = []

    def start(self):
        """Starts it, and says where it is. A port that was free may be another's a moment later: then on others."""
        for attempt in range(4):
            memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
            self.folder = tempfile.mkdtemp(prefix="satchel-engine-", dir=memory)
            try:
                self.prepare()
                self.launch()
                return self.where() | {"folder": self.folder}
            except Failure:
                told = self.told()
                self.close()
                if attempt == 3 or not any(text in told for text in ("in use", "bind")):
                    raise

    def prepare(self):
        """Makes what must be there before it can run."""

    def launch(self):
        """Starts all processes, and waits until it can be used."""

    def where(self):
        """What who uses it needs to know."""

    def again(self):
        """Once more, and again where something of the run before was still in its way."""
        for attempt in range(5):
            self.halt()
            try:
                return self.launch()
            except Failure:
                if attempt == 4:
                    raise
                time.sleep(1)

    def halt(self):
        for name in reversed(list(self.processes)):
            self.end(name)

    def end(self, name):
        process = self.processes.pop(name, None)
        if process:
            for number in self.family(process):
                self.send(number, signal.SIGKILL)
            process.wait()

    def pause(self):
        self.signal_all(signal.SIGSTOP)

    def resume(self):
        self.signal_all(signal.SIGCONT)

    def close(self):
        self.resume()
        self.halt()
        for name in reversed(list(self.processes)):
            self.end(name)
        if self.folder:
            shutil.rmtree(self.folder, ignore_errors=True)

    # Processes

    def signal_all(self, number):
        for process in self.processes.values():
            for one in self.family(process):
                self.send(one, number)

    @staticmethod
    def send(process, number):
        try:
            os.kill(process, number)
        except ProcessLookupError:
            pass

    @staticmethod
    def family(process):
        """The number of a process and those of its children."""
        try:
            with open(f"/proc/{process.pid}/task/{process.pid}/children") as children:
                return [process.pid, *map(int, children.read().split())]
        except OSError:
            return [process.pid]

    def begin(self, name, *command):
        """Starts a process that runs until `halt`."""
        with open(self.path(f"{name}.out"), "ab") as output:
            self.processes[name] = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, cwd="/", env=self.environment(),
                start_new_session=True, preexec_fn=self.die_with_parent, **self.identity())

    def die_with_parent(self):
        LIBC.prctl(PR_SET_PDEATHSIG, self.last_signal)

    def run(self, *command, text=None):
        """Runs a command to its end, and gives what it said."""
        try:
            done = subprocess.run(
                command, input=text, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, cwd="/", text=True,
                env=self.environment(), timeout=PATIENCE, **self.identity())
        except subprocess.TimeoutExpired:
            raise Failure(f"{command[0]} did not end within {PATIENCE} s") from None
        if done.returncode:
            raise Failure(f"{' '.join(command)}: {done.stdout.strip()[-2000:]}")
        return done.stdout

    def wait(self, what, is_there):
        """Waits until `is_there` says so, as long as all processes live."""
        end = time.monotonic() + PATIENCE
        while not is_there():
            for name, process in self.processes.items():
                if process.poll() is not None:
                    raise Failure(f"{name} ended: {self.told()[-2000:]}")
            if time.monotonic() > end:
                raise Failure(f"{what} was not there within {PATIENCE} s: {self.told()[-2000:]}")
            time.sleep(0.05)

    def told(self):
        """What the processes have written."""
        texts = []
        for name in sorted(os.listdir(self.folder)):
            if name.endswith((".out", ".log")):
                with open(self.path(name), errors="replace") as output:
                    texts.append(output.read()[-4000:])
        return "\n".join(texts)

    def identity(self):
        return {"user": self.user, "group": self.user, "extra_groups": []} if self.user and os.getuid() == 0 else {}

    def environment(self):
        return {"PATH": os.environ.get("PATH", "") + ":/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8",
                "HOME": self.folder}

    def path(self, name):
        return os.path.join(self.folder, name)


def free_ports(count):
    """Ports that are free, all different, and below those that the system gives to connections: an engine that is halted
    finds its ports free when it starts again."""
    sockets = []
    try:
        while len(sockets) < count:
            try:
                sockets.append(socket.create_server(("127.0.0.1", random.randrange(15000, 32000))))
            except OSError:
                continue
        return [one.getsockname()[1] for one in sockets]
    finally:
        for one in sockets:
            one.close()
