#!/usr/bin/env python3
"""Times sealing and hashing a large file against the bare ciphers of three libraries and against age, in one run.

Reads from the page cache and writes to /dev/shm; runs of the programs alternate. Prints medians of the time by the clock and
of the processor's, ratios of neighbouring runs, and peak memory. The file is eight bytes short of 1 GiB (5 GiB with
--long), so that size and padding add up to exactly that: other sizes are padded by up to an eighth, which takes that much
more time. Needs cc, libsodium-dev and age. Peak memory is at least Python's own, about 10 MiB, because the system counts
from before the program is loaded.

The ciphers are those of libsodium, of OpenSSL's libcrypto, once more without AVX-512 as on processors that have none, and
of the BoringSSL in swift-crypto, where the folder of satchel has what was built of it. They are timed by the processor's time.

With --plain, another satchel that gives no index (a build in which `SealedGeometry.indexedFromBytes` is out of reach) is
measured beside it, which tells what the index costs; with --before, one of an earlier state. Without age on the machine,
that column is left out.

Usage: Benchmarks/sealing.py [--satchel PATH] [--plain PATH] [--before PATH] [--age PATH] [--runs 7] [--long]
       [--folder /dev/shm] [--ciphers]
"""

import argparse
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

TRAILER = 8
# Masks AVX-512 for libcrypto (OPENSSL_ia32cap(3)): what it then takes is what processors with AVX2 have.
NO_AVX512 = {"OPENSSL_ia32cap": ":~0xd1030000"}
CIPHERS = {
    "libsodium": ("sodium", {}),
    "BoringSSL": ("boringssl", {}),
    "libcrypto": ("openssl", {}),
    "libcrypto, no AVX-512": ("openssl", NO_AVX512),
}
PROGRAMS = {
    "satchel": "satchel seal",
    "plain": "satchel seal, without an index",
    "before": "satchel seal, before",
    "age": "age -r",
}
TO_HOLD = {"satchel": 1.0, "plain": 0.8}


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--satchel", default=".build/release/satchel")
    parser.add_argument("--plain", help="a satchel that gives no index")
    parser.add_argument("--before", help="a satchel of an earlier state")
    parser.add_argument("--age", default="age")
    parser.add_argument("--runs", type=int, default=7)
    parser.add_argument("--long", action="store_true", help="5 GiB instead of 1 GiB")
    parser.add_argument("--folder", default="/dev/shm", help="where the output goes")
    parser.add_argument("--ciphers", action="store_true", help="the bare ciphers only")
    return parser.parse_args()


def make_file(path, size):
    """A file of bytes that don't compress, left in the page cache."""
    block = os.urandom(1 << 20)
    with open(path, "wb") as file:
        left = size
        while left > 0:
            left -= file.write(block[: min(left, len(block))])
        # Else the kernel writes it to the disk while the programs run.
        os.fsync(file.fileno())
    with open(path, "rb") as file:
        while file.read(1 << 20):
            pass


def timed(command, output):
    """Seconds by the clock, seconds of processor time, and peak MiB of one run."""
    output.unlink(missing_ok=True)
    start = time.monotonic()
    child = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(child.pid, 0)
    seconds = time.monotonic() - start
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode != 0:
        sys.exit(f"{command[0]} ended with {child.returncode}")
    return seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def build_reference(folder, satchel):
    program = folder / "sealing-reference"
    source = pathlib.Path(__file__).with_name("sealing-reference.c")
    boringssl = [str(path) for path in (pathlib.Path(satchel).parent / "CCryptoBoringSSL.build").rglob("*.o")]
    libraries = ["-lsodium", *(["-lstdc++"] if boringssl else [])]
    subprocess.run(["cc", "-O2", str(source), *boringssl, *libraries, "-o", str(program)], check=True)
    return program


def bare(program, cipher, size):
    """Seconds that a bare cipher takes for so many bytes, and its last tag; None where it is not there."""
    name, settings = CIPHERS[cipher]
    run = subprocess.run([program, name, str(size)], capture_output=True, text=True, env=os.environ | settings)
    if run.returncode != 0:
        return None
    speed, tag = run.stdout.split()
    return size / float(speed), tag


def measure_ciphers(program, size):
    """Seconds of each cipher that is there. All must come to the same."""
    outcomes = {cipher: bare(program, cipher, size) for cipher in CIPHERS}
    outcomes = {cipher: outcome for cipher, outcome in outcomes.items() if outcome}
    if len({tag for _, tag in outcomes.values()}) != 1:
        sys.exit(f"the libraries do not seal to the same bytes: {outcomes}")
    return {cipher: seconds for cipher, (seconds, _) in outcomes.items()}


def age_recipient(folder):
    identity = folder / "identity"
    subprocess.run(["age-keygen", "-o", str(identity)], check=True, capture_output=True)
    return subprocess.run(["age-keygen", "-y", str(identity)], check=True, capture_output=True, text=True).stdout.strip()


def measure(options, work, output, size):
    reference = build_reference(work, options.satchel)
    ciphers, runs = [], {}
    if options.ciphers:
        return [measure_ciphers(reference, size + TRAILER) for _ in range(options.runs)], runs
    plain = work / "plain"
    make_file(plain, size)
    arguments = ["seal", "--quiet", str(plain), "-o", str(output)]
    programs = {"satchel": options.satchel, "plain": options.plain, "before": options.before}
    commands = {name: [program, *arguments] for name, program in programs.items() if program}
    if shutil.which(options.age):
        commands["age"] = [options.age, "-r", age_recipient(work), "-o", str(output), str(plain)]
    runs = {name: [] for name in commands}
    timed(commands["satchel"], output)
    for _ in range(options.runs):
        ciphers.append(measure_ciphers(reference, size + TRAILER))
        for name, command in commands.items():
            runs[name].append(timed(command, output))
    return ciphers, runs


def ratio(some, others):
    """The median of the ratios of neighbouring runs."""
    return statistics.median(one / other for one, other in zip(some, others))


def report(ciphers, runs, size):
    print(f"{size + TRAILER} bytes, {len(ciphers)} runs, medians; load {os.getloadavg()[0]:.1f}")
    slowest = [seconds["libsodium"] for seconds in ciphers]
    for cipher in ciphers[0]:
        times = [seconds[cipher] for seconds in ciphers]
        speed = size / statistics.median(times) / 1e9
        print(f"{cipher:31} {statistics.median(times):7.3f} s of one core  {speed:5.2f} GB/s  "
              f"{ratio(slowest, times):5.2f} × libsodium's speed")
    for name, timings in runs.items():
        times, processor, peaks = zip(*timings)
        line = (f"{PROGRAMS[name]:31} {statistics.median(times):7.3f} s ({min(times):.3f})  "
                f"{statistics.median(processor):7.3f} s of processor time  {max(peaks):6.1f} MiB")
        if name != "age" and "age" in runs:
            ages, age_processor, _ = zip(*runs["age"])
            bound = f" (to hold: {TO_HOLD[name]})" if name in TO_HOLD else ""
            line += f"  {ratio(times, ages):.2f} of age's time{bound}, {ratio(processor, age_processor):.2f} of its processor time"
        print(line)
    if "plain" in runs:
        speed = ratio([run[0] for run in runs["plain"]], [run[0] for run in runs["satchel"]])
        print(f"with an index: {speed:.2f} of the speed without (to hold: 0.75)")


def main():
    options = arguments()
    size = ((5 if options.long else 1) << 30) - TRAILER
    output = pathlib.Path(options.folder) / f"satchel-sealing-{os.getpid()}"
    for program in filter(None, [options.satchel, options.plain, options.before]):
        if not options.ciphers and shutil.which(program) is None:
            sys.exit(f"{program} does not exist: swift build -c release --product satchel")
    with tempfile.TemporaryDirectory() as work:
        try:
            report(*measure(options, pathlib.Path(work), output, size), size)
        finally:
            output.unlink(missing_ok=True)


if __name__ == "__main__":
    main()
