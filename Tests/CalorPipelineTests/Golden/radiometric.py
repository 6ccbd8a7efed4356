#!/usr/bin/env python3
"""Temperatures of FLIR files by a reader and a computation of their own (NumPy, Pillow): writes radiometric.csv beside this script.

    python3 radiometric.py FOLDER           FOLDER holds FLIR JPEGs as the cameras wrote them
    python3 radiometric.py FOLDER --flyr    prints the greatest difference from flyr (pip install flyr), writes nothing
"""
import csv
import glob
import io
import os
import struct
import sys

import numpy as np
from PIL import Image

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "CalorThermalTests", "Golden"))
from planck import raw2kelvin  # noqa: E402


def flir_record(data):
    parts, at = {}, 2
    while data[at] == 0xFF and data[at + 1] not in (0xDA, 0xD9):
        length = struct.unpack(">H", data[at + 2:at + 4])[0]
        body = data[at + 4:at + 2 + length]
        if data[at + 1] == 0xE1 and body.startswith(b"FLIR\0"):
            parts.setdefault(body[6], body[8:])
        at += 2 + length
    return b"".join(parts[i] for i in sorted(parts)) if parts else None


def records(fff):
    order = next(o for o in "><" if 100 <= struct.unpack(o + "I", fff[0x14:0x18])[0] < 200)
    start, count = struct.unpack(order + "II", fff[0x18:0x20])
    for i in range(count):
        kind, _, _, _, offset, length = struct.unpack(order + "HHIIII", fff[start + 32 * i:start + 32 * i + 20])
        if kind:
            yield kind, fff[offset:offset + length]


def frame(record):
    order = "<" if struct.unpack("<H", record[:2])[0] < 256 else ">"
    width, height = struct.unpack(order + "HH", record[2:6])
    content = record[32:]
    if content.startswith(b"\x89PNG"):
        counts = np.array(Image.open(io.BytesIO(content))).astype(np.uint16)
        return counts.byteswap() if order == "<" else counts
    return np.frombuffer(content[:2 * width * height], order + "u2").reshape(height, width)


def constants(record):
    order = "<" if struct.unpack("<H", record[:2])[0] < 256 else ">"

    def number(offset, kind="f"):
        return float(struct.unpack(order + kind, record[offset:offset + 4])[0])

    return dict(
        emissivity=number(0x20), distance=number(0x24), reflected=number(0x28), air=number(0x2C), window=number(0x30),
        window_transmission=number(0x34), humidity=number(0x3C), r1=number(0x58), b=number(0x5C), f=number(0x60), a1=number(0x70),
        a2=number(0x74), b1=number(0x78), b2=number(0x7C), x=number(0x80), o=number(0x308, "i"), r2=number(0x30C), path="halves")


def kelvin_of(path):
    fff = flir_record(open(path, "rb").read())
    if fff is None:
        return None
    found = dict(reversed(list(records(fff))))
    counts = frame(found[1])
    return counts, raw2kelvin(counts.astype(np.float64), constants(found[0x20]))


if __name__ == "__main__":
    rows = []
    for path in sorted(glob.glob(os.path.join(sys.argv[1], "*.jpg"))):
        result = kelvin_of(path)
        if result is None:
            continue
        counts, kelvin = result
        name = os.path.basename(path)
        if "--flyr" in sys.argv:
            import flyr
            try:
                other = flyr.unpack(path).kelvin
            except Exception as error:
                print(f"{name}: flyr cannot read it: {error}")
                continue
            print(f"{name}: greatest difference from flyr {np.abs(other - kelvin).max():.6f} K over {kelvin.size} pixels")
            continue
        height, width = counts.shape
        row = [name, width, height, repr(float(kelvin.min())), repr(float(kelvin.max())), repr(float(kelvin.mean()))]
        for x, y in ((0, 0), (width // 2, height // 2), (width - 1, height - 1), (width // 3, 2 * height // 3)):
            row += [x, y, int(counts[y, x]), repr(float(kelvin[y, x]))]
        rows.append(row)
    if rows:
        out = os.path.join(os.path.dirname(os.path.abspath(__file__)), "radiometric.csv")
        with open(out, "w", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            head = ["file", "width", "height", "min", "max", "mean"]
            for i in range(4):
                head += [f"x{i}", f"y{i}", f"counts{i}", f"kelvin{i}"]
            writer.writerow(head)
            writer.writerows(rows)
