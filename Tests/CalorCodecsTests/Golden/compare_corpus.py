#!/usr/bin/env python3
"""Compares what Calor decodes from the shared corpus with independent readers, sample for sample.

CALOR_DECODED=DIR swift test --filter decodedForOthers, then compare_corpus.py CORPUS DIR.

PNG: pypng (pure Python); JPEG: djpeg; TIFF: tifffile with imagecodecs; the eight orientations: Pillow. The rules of depth are
applied to the reference: grey of 9-15 bits stays, everything else below full scale is stretched, CMYK becomes RGB by
(1 - C)(1 - K), associated alpha is divided out. Needs numpy, pillow, tifffile, imagecodecs, pypng and djpeg.
"""
import glob
import io
import os
import subprocess
import sys

import numpy as np
import png
import tifffile
from PIL import Image, ImageOps

TYPES = {"u8": np.uint8, "u16": np.uint16, "f32": np.float32}


def ours(folder, name):
    path = os.path.join(folder, name.replace("/", "__") + ".planes")
    if not os.path.exists(path):
        return None
    with open(path, "rb") as file:
        width, height, planes, kind = file.readline().split()
        data = np.frombuffer(file.read(), TYPES[kind.decode()])
    return data.reshape(int(planes), int(height), int(width)).transpose(1, 2, 0)


def from_pypng(path):
    reader = png.Reader(filename=path)
    width, height, rows, info = reader.read()
    bits, data = info["bitdepth"], np.array([list(row) for row in rows], np.int64)
    if reader.color_type == 3:
        palette = info["palette"]
        table = np.zeros((256, len(palette[0])), np.int64)
        table[: len(palette)] = palette
        return table[data].reshape(height, width, -1)
    data, top = data.reshape(height, width, -1), (1 << bits) - 1
    out = (data * 255 + top // 2) // top if bits < 8 else data
    transparent = info.get("transparent")
    if transparent is not None:
        alpha = np.where((data == np.array(transparent)).all(-1, keepdims=True), 0, 65535 if bits == 16 else 255)
        out = np.concatenate([out, alpha], -1)
    return out


def from_djpeg(path):
    if "rotation" in path:
        return np.array(ImageOps.exif_transpose(Image.open(path)))
    result = subprocess.run(["djpeg", "-pnm", path], capture_output=True)
    try:
        return np.array(Image.open(io.BytesIO(result.stdout)))
    except OSError:
        return None


def from_tifffile(path):
    with tifffile.TiffFile(path) as file:
        page = file.pages[0]
        data, bits, photometric = page.asarray(), page.bitspersample, int(page.photometric)
        extras, colours = [int(e) for e in page.extrasamples], page.colormap
        if data.ndim == 3 and int(page.planarconfig) == 2 and page.samplesperpixel > 1:
            data = data.transpose(1, 2, 0)
    data = data[..., None] if data.ndim == 2 else data
    if photometric == 3:
        table = np.asarray(colours)
        table = table >> 8 if table.max() > 255 else table
        return table[:, data.reshape(data.shape[:2]).astype(int)].transpose(1, 2, 0)
    if data.dtype.kind in "ub" and bits <= 32:
        data, top, full = data.astype(np.int64), (1 << bits) - 1, 255 if bits <= 8 else 65535
        if photometric == 0:
            data = top - data
        if bits <= 16 and top != full and not (photometric in (0, 1) and bits > 8):
            data = (data * full + top // 2) // top
        if photometric == 5:
            light = ((full - data[..., :3]) * (full - data[..., 3:4]) + full // 2) // full
            data = np.concatenate([light, data[..., 4:]], -1)
        if extras[:1] == [1]:
            count = data.shape[-1] - len(extras)
            alpha = data[..., count : count + 1]
            colour = np.minimum((data[..., :count] * full + alpha // 2) // np.maximum(alpha, 1), full)
            data = np.concatenate([np.where(alpha == 0, 0, colour), alpha], -1)
    elif photometric == 5:
        data = (1 - data[..., :3]) * (1 - data[..., 3:4])
    return data


def main(corpus, folder):
    readers = {"png": from_pypng, "jpeg": from_djpeg, "tiff": from_tifffile, "traps/vips__rotation": from_djpeg}
    for prefix, read in readers.items():
        compared = refused = different = 0
        pattern = prefix + "*" if "/" in prefix else prefix + "/*"
        for path in sorted(glob.glob(os.path.join(corpus, pattern))):
            got = ours(folder, os.path.relpath(path, corpus))
            if got is None:
                refused += 1
                continue
            with open(path, "rb") as file:
                is_png = file.read(4) == b"\x89PNG"
            want = from_pypng(path) if is_png else read(path)
            if want is None:
                print("no reference for", path)
                continue
            want = want[..., None] if want.ndim == 2 else want
            want = want[..., : got.shape[-1]]
            if got.dtype == np.float32:
                with np.errstate(over="ignore"):
                    want = want.astype(np.float32)
            compared += 1
            same = got.shape == want.shape and ((got == want) | ((got != got) & (want != want))).all()
            if not same:
                different += 1
                print("differs:", path, got.shape, want.shape)
        print(f"{prefix}: {compared} compared, {different} different, {refused} refused")


if __name__ == "__main__":
    main(*sys.argv[1:3])
