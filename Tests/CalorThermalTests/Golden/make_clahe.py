"""Writes clahe.json: a small 8-bit image and what OpenCV's CLAHE makes of it. Needs numpy and opencv-python-headless."""
import json
import pathlib

import cv2
import numpy as np

random = np.random.default_rng(11)
y, x = np.mgrid[0:48, 0:64]
scene = 90 + 30 * np.sin(x / 9) + 20 * (y > 24) + 60 * ((x - 40) ** 2 + (y - 15) ** 2 < 50) + 4 * random.standard_normal((48, 64))
source = np.clip(np.round(scene), 0, 255).astype(np.uint8)
cases = []
# The last image is not a multiple of its tiles in either direction.
for columns, rows, clip, crop in [(4, 4, 2.0, (48, 64)), (8, 8, 3.0, (48, 64)), (2, 3, 40.0, (48, 64)), (5, 7, 2.5, (43, 61))]:
    image = np.ascontiguousarray(source[: crop[0], : crop[1]])
    result = cv2.createCLAHE(clipLimit=clip, tileGridSize=(columns, rows)).apply(image)
    cases.append({"columns": columns, "rows": rows, "clip": clip, "height": crop[0], "width": crop[1], "values": result.ravel().tolist()})
document = {"width": 64, "height": 48, "source": source.ravel().tolist(), "cases": cases}
pathlib.Path(__file__).with_name("clahe.json").write_text(json.dumps(document, separators=(",", ":")) + "\n")
