#!/usr/bin/env python3
"""Makes the golden files beside this script with writers that are not ours.

Every sample follows one formula, so that the tests need no second copy of the pixels:

    v(x, y, c) = (7 x + 13 y + 29 c + 3 x y) * step  mod  2**bits       step = 1 (8 bits), 257 (16 bits)
    f(x, y, c) = v8(x, y, c) / 16 - 4                                   floating point

Needs numpy, pillow, tifffile, imagecodecs and pypng.
"""
import os

import numpy as np
import png
import tifffile
from PIL import Image

HERE = os.path.dirname(os.path.abspath(__file__))
WIDTH, HEIGHT = 19, 13


def ramp(channels, bits=8, step=None):
    y, x, c = np.mgrid[0:HEIGHT, 0:WIDTH, 0:channels]
    value = (7 * x + 13 * y + 29 * c + 3 * x * y) * (step or (257 if bits == 16 else 1))
    return (value % (1 << bits)).astype(np.uint16 if bits > 8 else np.uint8)


def floats(channels, dtype):
    return (ramp(channels).astype(np.float64) / 16 - 4).astype(dtype)


def at(name):
    return os.path.join(HERE, name)


def pngs():
    for bits in (1, 2, 4, 8, 16):
        with open(at(f"grey{bits}.png"), "wb") as out:
            png.Writer(WIDTH, HEIGHT, greyscale=True, bitdepth=bits).write(out, ramp(1, bits)[..., 0])
    for interlace in (False, True):
        for bits in (8, 16):
            for channels, kind in ((2, "grey-alpha"), (3, "rgb"), (4, "rgb-alpha")):
                name = f"{kind}{bits}{'-interlaced' if interlace else ''}.png"
                writer = png.Writer(
                    WIDTH, HEIGHT, greyscale=channels == 2, alpha=channels in (2, 4), bitdepth=bits, interlace=interlace)
                with open(at(name), "wb") as out:
                    writer.write(out, ramp(channels, bits).reshape(HEIGHT, -1))
    # Entry i of the palette is (i, 255 - i, 3 i mod 256).
    palette = [(i, 255 - i, 3 * i % 256) for i in range(256)]
    with open(at("palette8.png"), "wb") as out:
        png.Writer(WIDTH, HEIGHT, palette=palette, bitdepth=8).write(out, ramp(1)[..., 0])
    with open(at("palette8-transparent.png"), "wb") as out:
        png.Writer(WIDTH, HEIGHT, palette=[p + (255 - i,) for i, p in enumerate(palette)], bitdepth=8).write(out, ramp(1)[..., 0])


def tiffs():
    def write(name, data, **options):
        options.setdefault("photometric", "rgb" if data.ndim == 3 and data.shape[-1] >= 3 else "minisblack")
        tifffile.imwrite(at(name), data, metadata=None, software=False, **options)

    for bits in (8, 16):
        write(f"grey{bits}.tiff", ramp(1, bits)[..., 0])
        write(f"grey{bits}-big-endian.tiff", ramp(1, bits)[..., 0], byteorder=">")
        write(f"rgb{bits}-lzw.tiff", ramp(3, bits), compression="lzw", predictor=2)
        write(f"rgb{bits}-tiled.tiff", ramp(3, bits), tile=(16, 16), compression="zlib", predictor=2)
        write(f"rgb-alpha{bits}.tiff", ramp(4, bits), extrasamples=["unassalpha"])
        write(f"grey-alpha{bits}.tiff", ramp(2, bits), extrasamples=["unassalpha"], planarconfig="contig")
        planar = np.ascontiguousarray(ramp(3, bits).transpose(2, 0, 1))
        tifffile.imwrite(
            at(f"rgb{bits}-planar.tiff"), planar, photometric="rgb", planarconfig="separate", rowsperstrip=5, metadata=None,
            software=False)
    write("grey8-white-is-zero.tiff", ramp(1)[..., 0], photometric="miniswhite")
    write("grey8-packbits.tiff", ramp(1)[..., 0], compression="packbits", rowsperstrip=4)
    write("grey16-zstd.tiff", ramp(1, 16)[..., 0], compression="zstd")
    write("grey16-bigtiff.tiff", ramp(1, 16)[..., 0], bigtiff=True)
    write("grey-f16.tiff", floats(1, np.float16)[..., 0])
    write("grey-f32.tiff", floats(1, np.float32)[..., 0], compression="zlib", predictor=3)
    write("grey-f64.tiff", floats(1, np.float64)[..., 0])
    write("rgb-f32-tiled.tiff", floats(3, np.float32), tile=(16, 16))
    write("grey-i16.tiff", (ramp(1, 16)[..., 0].astype(np.int32) - 32768).astype(np.int16))
    with tifffile.TiffWriter(at("pages.tiff")) as out:
        for page in range(3):
            out.write(np.full((4, 5 + page), page * 10, np.uint8), photometric="minisblack", metadata=None, software=False)


def orientations():
    # 24 x 16: one quadrant each of black, red, green, blue, stored so that it is upright once the tag is applied.
    upright = np.zeros((16, 24, 3), np.uint8)
    upright[:8, 12:] = (255, 0, 0)
    upright[8:, :12] = (0, 255, 0)
    upright[8:, 12:] = (0, 0, 255)
    stored = {
        1: upright, 2: upright[:, ::-1], 3: upright[::-1, ::-1], 4: upright[::-1], 5: upright.transpose(1, 0, 2),
        6: np.rot90(upright, 1), 7: np.rot90(upright, 2).transpose(1, 0, 2),
        8: np.rot90(upright, -1),
    }
    for value, pixels in stored.items():
        exif = Image.Exif()
        exif[0x0112] = value
        exif[0x010F] = "Maker"
        image = Image.fromarray(np.ascontiguousarray(pixels))
        image.save(at(f"orientation{value}.jpg"), quality=95, subsampling=0, exif=exif)
        tifffile.imwrite(
            at(f"orientation{value}.tiff"), np.ascontiguousarray(pixels), photometric="rgb", metadata=None, software=False,
            compression="zlib", extratags=[(274, "H", 1, value, True)])


if __name__ == "__main__":
    pngs()
    tiffs()
    orientations()
