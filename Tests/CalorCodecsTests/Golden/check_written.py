#!/usr/bin/env python3
"""Reads with independent readers what the round-trip test wrote: CALOR_WRITTEN=DIR swift test --filter writtenForOthers,
then check_written.py DIR. Sample formula: see make_goldens.py. Needs numpy, pillow, tifffile, imagecodecs and pypng."""
import os
import sys

import numpy as np
import png
import tifffile
from PIL import Image


def expected(width, height, channels, kind):
    y, x, c = np.mgrid[0:height, 0:width, 0:channels]
    value = 7 * x + 13 * y + 29 * c + 3 * x * y
    if kind == "u8":
        return value % 256
    if kind == "u16":
        return value * 257 % 65536
    return ((value % 256) / 16 - 4).astype(np.float32)


def read(path):
    if path.endswith(".png"):
        width, height, rows, info = png.Reader(filename=path).asDirect()
        return np.array([list(row) for row in rows]).reshape(height, width, -1)
    if path.endswith(".tiff"):
        data = tifffile.imread(path)
    else:
        data = np.array(Image.open(path))
    return data if data.ndim == 3 else data[..., None]


folder, failures = sys.argv[1], 0
names = sorted(os.listdir(folder))
for name in names:
    # KIND_CHANNELS_WIDTHxHEIGHT_....extension
    kind, channels, size = name.split(".")[0].split("_")[:3]
    width, height = map(int, size.split("x"))
    want, got = expected(width, height, int(channels), kind), read(os.path.join(folder, name))
    if name.endswith(".jpg"):
        ok = got.shape == want.shape
    else:
        ok = got.shape == want.shape and (got == want).all()
    if not ok:
        failures += 1
        print("differs:", name, got.shape, want.shape)
print(len(names), "files,", failures, "different")
sys.exit(failures > 0)
