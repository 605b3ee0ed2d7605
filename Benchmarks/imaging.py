#!/usr/bin/env python3
"""Compares `satchel prepare --quality standard` with `vipsthumbnail` on a 12-megapixel baseline JPEG.

Wall time and peak resident memory come from alternating runs at the same size and encoder quality; quality from the
structural similarity to ImageMagick's Lanczos in linear light, at equal file size. The picture is made from the
project's own photograph, enlarged and given camera noise.

Then the same picture as PNG and as WebP, and a made screenshot of 2.6 megapixels that becomes WebP: CPU time and peak
memory, with the same settings of vipsthumbnail beside the first two.

    Benchmarks/imaging.py [--satchel .build/release/satchel] [--rounds 15] [PICTURE…]

Needs Debian's imagemagick, libvips-tools, webp and python3-numpy. Exits with 1 if a bound is missed: no slower, at most
32 MiB, no less similar; of vips' CPU time at most 0.85 for PNG and 0.75 for WebP, at most 24 MiB; a screenshot 1.2 s
and 96 MiB.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
PHOTOGRAPH = os.path.join(ROOT, "Tests/ImagingTests/Pictures/blue-marble.jpg")
MEMORY_BOUND_KIB = 32 * 1024
# Of vips' CPU time, and KiB.
FORMAT_BOUNDS = {"png": (0.85, 24 * 1024), "webp": (0.75, 24 * 1024)}
SCREENSHOT_BOUNDS = (1.2, 96 * 1024)
# What the standard quality asks of the encoder; the second command is what vipsthumbnail does if not asked for more.
PROGRESSIVE = "[Q={},interlace,optimize_coding,strip]"
BASELINE = "[Q={},strip]"
STANDARD_QUALITY = 80


def make_picture(folder):
    path = os.path.join(folder, "twelve-megapixels.jpg")
    subprocess.run(
        ["convert", PHOTOGRAPH, "-crop", "3600x2700+900+0", "+repage", "-resize", "4000x3000!", "-seed", "1",
         "-attenuate", "0.3", "+noise", "Gaussian", "-sampling-factor", "2x2", "-quality", "92", path], check=True)
    return path


def measure(command):
    """Seconds, the peak of resident memory in KiB, and seconds of CPU.

    A child's peak counts from before it becomes another program, when it is a copy of this one: hence numpy is
    imported only after all runs that are measured.
    """
    start = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit(f"{' '.join(command)} ended with {process.returncode}")
    return seconds, usage.ru_maxrss, usage.ru_utime + usage.ru_stime


class Contest:
    def __init__(self, satchel, picture, folder):
        self.satchel, self.picture, self.folder = satchel, picture, folder
        self.output = os.path.join(folder, "satchel.jpg")

    def ours(self):
        if os.path.exists(self.output):
            os.remove(self.output)
        return [self.satchel, "prepare", self.picture, "-o", self.output, "--quality", "standard"]

    def theirs(self, options, quality=STANDARD_QUALITY):
        return ["vipsthumbnail", self.picture, "--size", "1600x1600", "-o",
                os.path.join(self.folder, "vips.jpg") + options.format(quality)]

    def speed(self, rounds):
        runs = {"satchel": [], "vips, progressive": [], "vips, baseline": []}
        for _ in range(rounds):
            runs["satchel"].append(measure(self.ours()))
            runs["vips, progressive"].append(measure(self.theirs(PROGRESSIVE)))
            runs["vips, baseline"].append(measure(self.theirs(BASELINE)))
        return {name: (statistics.median(run[0] for run in values), max(run[1] for run in values))
                for name, values in runs.items()}

    def processor(self, rounds, beside_vips=True):
        """Median CPU seconds and peak KiB of ours, and of vips at the same settings."""
        ours, theirs = [], []
        for _ in range(rounds):
            ours.append(measure(self.ours()))
            if beside_vips:
                theirs.append(measure(self.theirs(PROGRESSIVE)))
        return [(statistics.median(run[2] for run in runs), max(run[1] for run in runs)) if runs else None
                for runs in (ours, theirs)]

    def similarity(self):
        """Ours, and vips' at the same number of bytes, between its two nearest qualities."""
        measure(self.ours())
        width, height = subprocess.run(
            ["identify", "-format", "%w %h", self.output], check=True, capture_output=True, text=True).stdout.split()
        reference = gray(self.picture, "-auto-orient", "-colorspace", "RGB", "-filter", "Lanczos", "-resize",
                         f"{width}x{height}!", "-colorspace", "sRGB")
        size = os.path.getsize(self.output)
        lower = upper = None
        for quality in range(60, 98):
            measure(self.theirs(PROGRESSIVE, quality))
            path = os.path.join(self.folder, "vips.jpg")
            lower, upper = upper, (os.path.getsize(path), ssim(reference, gray(path)))
            if upper[0] >= size:
                break
        share = (size - lower[0]) / (upper[0] - lower[0]) if lower else 1
        theirs = lower[1] + share * (upper[1] - lower[1]) if lower else upper[1]
        return size, ssim(reference, gray(self.output)), theirs


def make_formats(jpeg, folder):
    paths = {"png": os.path.join(folder, "twelve-megapixels.png"), "webp": os.path.join(folder, "twelve-megapixels.webp")}
    subprocess.run(["convert", jpeg, "-strip", f"PNG24:{paths['png']}"], check=True)
    subprocess.run(["cwebp", "-quiet", "-q", "85", paths["png"], "-o", paths["webp"]], check=True)
    return paths


def make_screenshot(folder):
    """Flat areas, text and a photograph: 1080 by 2400."""
    path = os.path.join(folder, "screenshot.png")
    lines = "\n".join(f"Line {index}: the quick brown fox jumps over the lazy dog" for index in range(40))
    subprocess.run(
        ["convert", "-size", "1080x2400", "xc:#f4f4f8", "-fill", "#204080", "-draw", "rectangle 0,0 1080,150", "-fill",
         "black", "-pointsize", "28", "-annotate", "+40+240", lines, "(", PHOTOGRAPH, "-crop", "900x600+2500+600",
         "+repage", ")", "-geometry", "+90+1400", "-composite", f"PNG24:{path}"], check=True)
    return path


def compare_formats(satchel, jpeg, folder, rounds):
    is_fine = True
    for name, path in make_formats(jpeg, folder).items():
        (seconds, kibibytes), (their_seconds, their_kibibytes) = Contest(satchel, path, folder).processor(rounds)
        print(f"{name.upper()}, 12 megapixels: satchel {seconds * 1000:.0f} ms CPU, {kibibytes / 1024:.1f} MiB; "
              f"vips {their_seconds * 1000:.0f} ms CPU, {their_kibibytes / 1024:.1f} MiB; "
              f"ratio {seconds / their_seconds:.2f}")
        is_fine &= seconds / their_seconds <= FORMAT_BOUNDS[name][0] and kibibytes <= FORMAT_BOUNDS[name][1]
    seconds, kibibytes = Contest(satchel, make_screenshot(folder), folder).processor(rounds, beside_vips=False)[0]
    print(f"Screenshot to WebP, 2.6 megapixels: {seconds:.2f} s CPU, {kibibytes / 1024:.1f} MiB")
    return is_fine and seconds <= SCREENSHOT_BOUNDS[0] and kibibytes <= SCREENSHOT_BOUNDS[1]


def gray(path, *arguments):
    import numpy

    data = subprocess.run(["convert", path, *arguments, "-colorspace", "Gray", "-depth", "8", "pgm:-"],
                          check=True, capture_output=True).stdout
    _, size, _, samples = data.split(b"\n", 3)
    width, height = map(int, size.split())
    return numpy.frombuffer(samples, numpy.uint8).reshape(height, width).astype(numpy.float64)


def ssim(one, other):
    """Wang, Bovik, Sheikh and Simoncelli, 2004: Gaussian window of 11 by 11, deviation 1.5."""
    import numpy

    kernel = numpy.exp(-numpy.arange(-5, 6) ** 2 / 4.5)
    kernel /= kernel.sum()

    def blur(image):
        rows = sum(weight * image[index:image.shape[0] - 10 + index] for index, weight in enumerate(kernel))
        return sum(weight * rows[:, index:rows.shape[1] - 10 + index] for index, weight in enumerate(kernel))

    mean, other_mean = blur(one), blur(other)
    variance, other_variance = blur(one * one) - mean ** 2, blur(other * other) - other_mean ** 2
    covariance = blur(one * other) - mean * other_mean
    first, second = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    return float(numpy.mean(
        (2 * mean * other_mean + first) * (2 * covariance + second)
        / ((mean ** 2 + other_mean ** 2 + first) * (variance + other_variance + second))))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--satchel", default=os.path.join(ROOT, ".build/release/satchel"))
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("picture", nargs="*")
    options = parser.parse_args()
    is_fine = True
    with tempfile.TemporaryDirectory() as folder:
        pictures = options.picture or [make_picture(folder)]
        if not options.picture:
            is_fine &= compare_formats(options.satchel, pictures[0], folder, options.rounds)
        contests = [Contest(options.satchel, picture, folder) for picture in pictures]
        for contest, speed in [(contest, contest.speed(options.rounds)) for contest in contests]:
            size = os.path.getsize(contest.picture)
            print(f"{os.path.basename(contest.picture)}, {size:,} bytes, medians of {options.rounds} runs")
            for name, (seconds, kibibytes) in speed.items():
                print(f"  {name:18} {seconds * 1000:6.0f} ms  {kibibytes / 1024:5.1f} MiB")
            seconds, kibibytes = speed["satchel"]
            for name in ("vips, progressive", "vips, baseline"):
                print(f"  satchel : {name:18} time {seconds / speed[name][0]:.2f}  memory {kibibytes / speed[name][1]:.2f}")
            size, ours, theirs = contest.similarity()
            print(f"  similarity at {size:,} bytes: satchel {ours:.5f}, vips {theirs:.5f}")
            is_fine &= seconds <= speed["vips, progressive"][0] and kibibytes <= MEMORY_BOUND_KIB and ours >= theirs
    sys.exit(0 if is_fine else 1)


if __name__ == "__main__":
    main()
