"""Writes resampling.json: a small image and what Pillow (mode F) makes of it. Needs numpy and pillow."""
import json
import pathlib

import numpy as np
from PIL import Image

random = np.random.default_rng(7)
y, x = np.mgrid[0:17, 0:23]
source = 0.5 + 0.3 * np.sin(x / 2.5) * np.cos(y / 3.1) + 0.15 * random.standard_normal((17, 23))
source = source.astype(np.float32)
filters = {"nearest": Image.NEAREST, "bilinear": Image.BILINEAR, "bicubic": Image.BICUBIC, "lanczos3": Image.LANCZOS}
cases = []
for name, code in filters.items():
    for size in [(46, 34), (11, 8), (5, 5), (30, 9), (23, 31), (7, 17), (1, 1)]:
        result = np.asarray(Image.fromarray(source, "F").resize(size, code))
        cases.append({"filter": name, "width": size[0], "height": size[1], "values": [float(f"{v:.7g}") for v in result.ravel()]})
percents = [0, 0.5, 25, 50, 66.6, 99.5, 100]
document = {
    "width": 23, "height": 17, "source": [float(v) for v in source.ravel()], "cases": cases,
    "percents": percents, "percentiles": [float(np.percentile(source.astype(np.float64), p)) for p in percents],
    "mean": float(source.astype(np.float64).mean()), "deviation": float(source.astype(np.float64).std()),
}
pathlib.Path(__file__).with_name("resampling.json").write_text(json.dumps(document, separators=(",", ":")) + "\n")
