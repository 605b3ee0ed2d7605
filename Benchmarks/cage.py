#!/usr/bin/env python3
"""Compares `satchel prepare` of 12-megapixel HEIC and AVIF pictures with `vipsthumbnail`, and times posters of films.

Processor time is that of a program and all its children; peak memory is that of the largest process and, for satchel,
of parent and caged child added up, as if both had their peak at once. Runs alternate. The pictures are made from the
project's own photograph with heif-enc, the films with ffmpeg.

    Benchmarks/cage.py [--satchel .build/release/satchel] [--rounds 7]

Needs Debian's imagemagick, libheif-examples, libvips-tools, ffmpeg and libopenh264-7. Exits with 1 if a bound is missed:
at most 0.95 of the processor time of vipsthumbnail; 96 MiB for both processes with HEIC; 0.4 s for a poster.
"""

import argparse
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import threading
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
PHOTOGRAPH = os.path.join(ROOT, "Tests/ImagingTests/Pictures/blue-marble.jpg")
VIPS_OPTIONS = "[Q=80,interlace,optimize_coding,strip]"


def run(*command):
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def peaks(process, found):
    """Notes VmHWM of the process and its children while they run, by process."""
    while process.poll() is None:
        try:
            with open(f"/proc/{process.pid}/task/{process.pid}/children") as children:
                names = [process.pid, *map(int, children.read().split())]
        except OSError:
            return
        for name in names:
            try:
                with open(f"/proc/{name}/status") as status:
                    line = next((line for line in status if line.startswith("VmHWM")), None)
            except OSError:
                continue
            if line:
                found[name] = max(found.get(name, 0), int(line.split()[1]))
        time.sleep(0.001)


def measure(command):
    """Seconds of processor time with all children, seconds, and the sum of all peaks in MiB."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    start = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    found = {}
    watch = threading.Thread(target=peaks, args=(process, found))
    watch.start()
    errors = process.stderr.read()
    status = process.wait()
    seconds = time.perf_counter() - start
    watch.join()
    if status:
        sys.exit(f"{' '.join(command)} ended with {status}: {errors.decode()}")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    processor = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return processor, seconds, sum(found.values()) / 1024


def median(runs):
    return [statistics.median(column) for column in zip(*runs)]


class Contest:
    def __init__(self, satchel, folder, rounds):
        self.satchel, self.folder, self.rounds, self.missed = satchel, folder, rounds, []

    def path(self, name):
        return os.path.join(self.folder, name)

    def prepare(self, source):
        return [self.satchel, "prepare", source, "-o", self.path("out"), "--quality", "standard", "--force"]

    def judge(self, name, value, bound):
        if value > bound:
            self.missed.append(f"{name}: {value:.2f}, at most {bound}")

    def pictures(self):
        source = self.path("source.png")
        run("convert", PHOTOGRAPH, "-crop", "3600x2700+900+0", "+repage", "-resize", "4032x3024!", "-seed", "1",
            "-attenuate", "0.1", "+noise", "Gaussian", "-alpha", "off", source)
        print(f"{'12 megapixels':22} {'CPU s':>7} {'MiB':>6}   {'vips CPU s':>10} {'MiB':>6}   ratio")
        for ending, options in (("heic", []), ("avif", ["-A", "-p", "speed=8"])):
            picture = self.path(f"picture.{ending}")
            run("heif-enc", "--no-alpha", "-q", "50", *options, source, "-o", picture)
            vips = ["vipsthumbnail", picture, "--size", "1600x1600", "-o", self.path("vips.jpg") + VIPS_OPTIONS]
            ours, theirs = [], []
            for _ in range(self.rounds):
                ours.append(measure(self.prepare(picture)))
                theirs.append(measure(vips))
            (own, _, memory), (other, _, other_memory) = median(ours), median(theirs)
            print(f"{ending.upper():22} {own:7.2f} {memory:6.0f}   {other:10.2f} {other_memory:6.0f}   {own / other:.2f}")
            self.judge(f"{ending}, processor time beside vips", own / other, 0.95)
            if ending == "heic":
                self.judge("heic, MiB", memory, 96)

    def posters(self):
        films = (("H.264", ["libx264"]), ("HEVC", ["libx265", "-tag:v", "hvc1"]))
        print(f"\n{'poster, 1920 × 1080':22} {'CPU s':>7} {'s':>6}   MiB")
        for name, codec in films:
            film = self.path("film.mp4")
            run("ffmpeg", "-y", "-f", "lavfi", "-i", "testsrc2=size=1920x1080:rate=30:duration=2", "-pix_fmt", "yuv420p",
                "-c:v", *codec, film)
            processor, seconds, memory = median([measure(self.prepare(film)) for _ in range(self.rounds)])
            print(f"{name:22} {processor:7.2f} {seconds:6.2f} {memory:5.0f}")
            self.judge(f"poster of {name}, seconds", seconds, 0.4)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--satchel", default=os.path.join(ROOT, ".build/release/satchel"))
    parser.add_argument("--rounds", type=int, default=7)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        contest = Contest(options.satchel, folder, options.rounds)
        contest.pictures()
        contest.posters()
    if contest.missed:
        sys.exit("missed: " + "; ".join(contest.missed))


if __name__ == "__main__":
    main()
