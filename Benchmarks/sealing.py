#!/usr/bin/env python3
"""Times sealing and hashing a large file against libsodium's bare cipher and against age, in one run.

Reads from the page cache and writes to /dev/shm; runs of the programs alternate. Prints medians, ratios and peak memory.
The file is eight bytes short of 1 GiB (5 GiB with --long), so that size and padding add up to exactly that: other sizes are
padded by up to an eighth, which takes that much more time. Needs cc, libsodium-dev and age. Peak memory is at least
Python's own, about 10 MiB, because the system counts from before the program is loaded.

With --plain, another satchel that gives no index (a build in which `SealedGeometry.indexedFromBytes` is out of reach) is
measured beside it, which tells what the index costs. Without age on the machine, that column is left out.

Usage: Benchmarks/sealing.py [--satchel PATH] [--plain PATH] [--age PATH] [--runs 7] [--long] [--folder /dev/shm]
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


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--satchel", default=".build/release/satchel")
    parser.add_argument("--plain", help="a satchel that gives no index")
    parser.add_argument("--age", default="age")
    parser.add_argument("--runs", type=int, default=7)
    parser.add_argument("--long", action="store_true", help="5 GiB instead of 1 GiB")
    parser.add_argument("--folder", default="/dev/shm", help="where the output goes")
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
    """Seconds and peak MiB of one run."""
    output.unlink(missing_ok=True)
    start = time.monotonic()
    child = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(child.pid, 0)
    seconds = time.monotonic() - start
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode != 0:
        sys.exit(f"{command[0]} ended with {child.returncode}")
    return seconds, usage.ru_maxrss / 1024


def reference(program, size):
    """Seconds that the bare cipher takes for so many bytes."""
    return size / float(subprocess.run([program, str(size)], check=True, capture_output=True).stdout)


def build_reference(folder):
    program = folder / "sealing-reference"
    source = pathlib.Path(__file__).with_name("sealing-reference.c")
    subprocess.run(["cc", "-O2", str(source), "-lsodium", "-o", str(program)], check=True)
    return program


def age_recipient(folder):
    identity = folder / "identity"
    subprocess.run(["age-keygen", "-o", str(identity)], check=True, capture_output=True)
    return subprocess.run(["age-keygen", "-y", str(identity)], check=True, capture_output=True, text=True).stdout.strip()


def measure(options, work, output, size):
    plain = work / "plain"
    make_file(plain, size)
    cipher = build_reference(work)
    commands = {"satchel": [options.satchel, "seal", "--quiet", str(plain), "-o", str(output)]}
    if options.plain:
        commands["plain"] = [options.plain] + commands["satchel"][1:]
    if shutil.which(options.age):
        commands["age"] = [options.age, "-r", age_recipient(work), "-o", str(output), str(plain)]
    runs = {name: [] for name in ["cipher", *commands]}
    timed(commands["satchel"], output)
    for _ in range(options.runs):
        runs["cipher"].append((reference(cipher, size + TRAILER), 0))
        for name, command in commands.items():
            runs[name].append(timed(command, output))
    return runs


def report(runs, size):
    cipher = statistics.median(seconds for seconds, _ in runs["cipher"])
    names = {
        "cipher": "libsodium ChaCha20-Poly1305, one core",
        "satchel": "satchel seal",
        "plain": "satchel seal, without an index",
        "age": "age -r",
    }
    print(f"{size + TRAILER} bytes, {len(runs['cipher'])} runs, medians (best)")
    for key in runs:
        name = names[key]
        times = [seconds for seconds, _ in runs[key]]
        median = statistics.median(times)
        peak = max(mebibytes for _, mebibytes in runs[key])
        memory = f"{peak:6.1f} MiB" if peak else "         –"
        print(
            f"{name:38} {median:7.3f} s ({min(times):.3f})  {size / median / 1e9:5.2f} GB/s  "
            f"{cipher / median:5.2f} × the cipher's speed  {memory}"
        )
    if "plain" in runs:
        ratio = statistics.median(plain / indexed for (plain, _), (indexed, _) in zip(runs["plain"], runs["satchel"]))
        print(f"with an index: {ratio:.2f} of the speed without (to hold: 0.75)")


def main():
    options = arguments()
    size = ((5 if options.long else 1) << 30) - TRAILER
    output = pathlib.Path(options.folder) / f"satchel-sealing-{os.getpid()}"
    for program in filter(None, [options.satchel, options.plain]):
        if shutil.which(program) is None:
            sys.exit(f"{program} does not exist: swift build -c release --product satchel")
    with tempfile.TemporaryDirectory() as work:
        try:
            report(measure(options, pathlib.Path(work), output, size), size)
        finally:
            output.unlink(missing_ok=True)


if __name__ == "__main__":
    main()
