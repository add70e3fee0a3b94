"""Archives the functions that cargo-lambda built for a release. Writes one archive for each, with
its bill of materials, and all checksums. The same program always gives the same archive. Fails if
an archive would not run on Lambda, or is too large.
"""

import argparse
import concurrent.futures
import hashlib
import io
import pathlib
import re
import shutil
import sys
import zipfile
import zlib

import zopfli.zlib

FUNCTIONS = ("feedback", "intake", "operations", "processor", "reconciler", "repair")
# Keyed by the machine's number in the header of an ELF file.
MACHINES = {"arm64": 0xB7, "x86_64": 0x3E}
# provided.al2023 has version 2.34 of the C library. A program that needs a newer one cannot start.
GLIBC = 34
# The goal: tests/lambda-bench/MEASURED.md. Operations may be larger, since no delivery waits for it.
LARGEST = 2_500_000
LARGEST_OPERATIONS = 2_510_000
# Of Zopfli: 13 s for a program of 6 MB. Three times as many save only another 700 bytes.
ITERATIONS = 5


def main():
    arguments = parse_arguments()
    shutil.rmtree(arguments.out, ignore_errors=True)
    arguments.out.mkdir(parents=True)
    programs = [(arguments.programs / name / "bootstrap").read_bytes() for name in FUNCTIONS]
    with concurrent.futures.ProcessPoolExecutor() as pool:
        archives = list(pool.map(archive, programs))
    problems = []
    for name, program, made in zip(FUNCTIONS, programs, archives, strict=True):
        (arguments.out / f"{name}-{arguments.architecture}.zip").write_bytes(made)
        shutil.copy(arguments.bills / f"{name}.cdx.json", arguments.out)
        problems += [f"{name}: {problem}" for problem in check(name, program, made, arguments.architecture)]
        print(f"      {name:<10} {len(program) / 1e6:5.2f} MB, archive {len(made) / 1e6:.2f} MB")
    if problems:
        shutil.rmtree(arguments.out)
        sys.exit("\n".join(problems))
    sums = [f"{hashlib.sha256(file.read_bytes()).hexdigest()}  {file.name}\n" for file in sorted(arguments.out.iterdir())]
    (arguments.out / "SHA256SUMS").write_text("".join(sums))


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--architecture", choices=MACHINES, required=True)
    parser.add_argument("--programs", type=pathlib.Path, required=True, help="folder of cargo-lambda, target/lambda")
    parser.add_argument("--bills", type=pathlib.Path, required=True, help="folder with the bills of materials")
    parser.add_argument("--out", type=pathlib.Path, required=True, help="where everything is written; emptied before")
    return parser.parse_args()


def archive(program):
    """Archives like cargo-lambda but without times, so that equal programs give equal bytes. Zopfli
    makes it 4 % smaller than zlib.
    """
    entry = zipfile.ZipInfo("bootstrap")
    entry.create_system = 3
    entry.external_attr = 0o755 << 16
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as made:
        made.writestr(entry, deflated(program))
        # `zipfile` deflates only by itself, so the entry is stored first. Then both of its headers say what it is.
        entry.compress_type, entry.file_size, entry.CRC = zipfile.ZIP_DEFLATED, len(program), zlib.crc32(program)
        file.seek(entry.header_offset)
        file.write(entry.FileHeader())
    return file.getvalue()


def deflated(program):
    """Plain deflate: Zopfli's output without the two bytes before it and the checksum after it."""
    as_many_blocks_as_pay = 0
    return zopfli.zlib.compress(program, numiterations=ITERATIONS, blocksplittingmax=as_many_blocks_as_pay)[2:-4]


def check(name, program, made, architecture):
    if program[:4] != b"\x7fELF" or int.from_bytes(program[18:20], "little") != MACHINES[architecture]:
        yield f"it is no program for {architecture}"
    glibc = max((int(minor) for minor in re.findall(rb"GLIBC_2\.(\d+)", program)), default=0)
    if glibc > GLIBC:
        yield f"it needs a C library of version 2.{glibc}, and Lambda has 2.{GLIBC}: build it with cargo-lambda and Zig"
    if zipfile.ZipFile(io.BytesIO(made)).read("bootstrap") != program:
        yield "its archive holds something else"
    largest = LARGEST_OPERATIONS if name == "operations" else LARGEST
    if len(made) > largest:
        yield f"its archive has {len(made)} bytes, and {largest} is the most"


if __name__ == "__main__":
    main()
