"""Before/after sheets: the same detail of each picture as it came, as each pipeline made it, and as it was where that is known.

    python training/make_sheets.py fixtures --out docs/images                      # the two sheets in docs/restoration.md
    python training/make_sheets.py real --data ../shared/data --out FOLDER         # real pictures; look at them, do not commit them

Enlarged: bicubic, ir-x4-best, ir-x4-texture, truth. Cleaned: the input, enhance-rgb or enhance-ir, enhance-rgb-texture (RGB), truth.
The detail is the part with the most edges. Needs numpy and Pillow.
"""

import argparse
import subprocess
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

ROOT = Path(__file__).resolve().parent.parent
SIDE, GAP, LABEL = 160, 4, 14  # of a detail in pixels of the picture; of the sheet


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["fixtures", "real"])
    parser.add_argument("--data", type=Path, default=ROOT / "../shared/data")
    parser.add_argument("--calor", type=Path, default=ROOT / ".build/release/calor")
    parser.add_argument("--out", type=Path, required=True)
    return parser.parse_args()


def picture(path: Path) -> Image.Image:
    """8 bit; deeper pictures are stretched between their 0.1 and 99.9 percentiles."""
    image = Image.open(path)
    if image.mode in ("L", "RGB"):
        return image
    if image.mode in ("P", "RGBA"):
        return image.convert("RGB")
    values = np.asarray(image, np.float64)
    low, high = np.percentile(values, [0.1, 99.9])
    return Image.fromarray(((values - low) / max(high - low, 1e-9) * 255).clip(0, 255).astype(np.uint8))


def run(calor: Path, pipeline: str, path: Path, *options: str) -> Image.Image:
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([calor.resolve(), "run", ROOT / f"pipelines/{pipeline}.yaml", path.resolve(), "-o", folder, "--quiet", *options],
                       check=True)
        image = picture(next(p for p in Path(folder).rglob("*") if p.suffix.lower() in (".png", ".jpg", ".tif", ".tiff")))
        image.load()
        return image


def detail(image: Image.Image) -> tuple[int, int]:
    """The corner of the SIDE × SIDE part with the most edges."""
    grey = np.asarray(image.convert("L"), np.float64)
    edges = np.hypot(np.diff(grey, axis=0, append=grey[-1:]), np.diff(grey, axis=1, append=grey[:, -1:]))
    total = np.pad(edges.cumsum(0).cumsum(1), ((1, 0), (1, 0)))
    height, width = grey.shape
    side = min(SIDE, height, width)
    sums = total[side:, side:] - total[:-side, side:] - total[side:, :-side] + total[:-side, :-side]
    return divmod(int(sums.argmax()), sums.shape[1])


def sheet(rows: list[list[tuple[str, Image.Image]]], path: Path) -> None:
    """One line for each picture; all images of a line have the same size."""
    columns = max(len(row) for row in rows)
    result = Image.new("RGB", (columns * (SIDE + GAP) - GAP, len(rows) * (SIDE + GAP + LABEL) - GAP), "white")
    draw = ImageDraw.Draw(result)
    for line, row in enumerate(rows):
        y, x = detail(row[-1][1])
        for column, (name, image) in enumerate(row):
            at = (column * (SIDE + GAP), line * (SIDE + GAP + LABEL))
            draw.text((at[0] + 2, at[1] + 1), name, fill="black")
            box = (x, y, min(x + SIDE, image.width), min(y + SIDE, image.height))
            result.paste(image.crop(box).convert("RGB"), (at[0], at[1] + LABEL))
    path.parent.mkdir(parents=True, exist_ok=True)
    result.save(path, optimize=True)
    print(f"{path}: {result.width} × {result.height}")


def enlarged(calor: Path, small: Path, truth: Path | None) -> list[tuple[str, Image.Image]]:
    image = picture(small)
    plain = image.resize((image.width * 4, image.height * 4), Image.Resampling.BICUBIC)
    row = [("bicubic", plain)] + [(name, run(calor, name, small)) for name in ("ir-x4-best", "ir-x4-texture")]
    return row + ([("truth", picture(truth))] if truth else [])


def cleaned(calor: Path, damaged: Path, pipelines: list[str], truth: Path | None) -> list[tuple[str, Image.Image]]:
    row = [("input", picture(damaged))] + [(name, run(calor, name, damaged)) for name in pipelines]
    return row + ([("truth", picture(truth))] if truth else [])


def twin(folder: Path, path: Path) -> Path | None:
    return next(iter(sorted(folder.glob(f"{path.stem}.*"))), None)


def files(folder: Path, count: int) -> list[Path]:
    found = sorted(p for p in folder.iterdir() if p.suffix.lower() in (".png", ".jpg", ".tif", ".tiff"))
    return [found[i] for i in np.linspace(0, len(found) - 1, min(count, len(found))).round().astype(int)]


def main() -> None:
    options = arguments()
    calor, colour = options.calor, [p for p in ("enhance-rgb", "enhance-rgb-texture") if (ROOT / f"pipelines/{p}.yaml").exists()]
    if options.what == "fixtures":
        base = ROOT / "fixtures"
        rows = [enlarged(calor, p, twin(base / "infrared/hr", p)) for p in files(base / "infrared/lr", 3)]
        sheet(rows, options.out / "enlarged.png")
        rows = [cleaned(calor, p, ["enhance-ir"], twin(base / "infrared/clean", p)) for p in files(base / "infrared/damaged", 2)]
        rows += [cleaned(calor, p, colour, twin(base / "rgb/clean", p)) for p in files(base / "rgb/damaged", 2)]
        sheet(rows, options.out / "cleaned.png")
        return
    test = options.data / "test"
    sheet([enlarged(calor, p, twin(test / "ir-m3fd/hr", p)) for p in files(test / "ir-m3fd/lr", 4)], options.out / "m3fd.png")
    sheet([enlarged(calor, p, twin(test / "ir-flir-iisr/hr", p)) for p in files(test / "ir-flir-iisr/lr", 7)], options.out / "flir-iisr.png")
    sheet([cleaned(calor, p, ["enhance-ir"], None) for p in files(test / "ir-flir-iisr/lr", 7)], options.out / "flir-iisr-cleaned.png")
    cameras = [p for p in sorted((test / "radiometric").iterdir()) if p.suffix.lower() in (".jpg", ".jpeg")]
    # What the pipeline reads of these files is the sensor's frame; with a strength of 0 it comes out as it is.
    rows = [[("frame", run(calor, "enhance-ir", p, "--set", "clean.strength=0")), ("enhance-ir", run(calor, "enhance-ir", p))] for p in cameras]
    sheet(rows, options.out / "radiometric-frames.png")
    with tempfile.TemporaryDirectory() as folder:
        rows = []
        for path in cameras:
            preview = Path(folder) / f"{path.stem}.png"
            Image.open(path).convert("RGB").save(preview)
            rows.append(cleaned(calor, preview, colour, None))
        sheet(rows, options.out / "radiometric-previews.png")


if __name__ == "__main__":
    main()
