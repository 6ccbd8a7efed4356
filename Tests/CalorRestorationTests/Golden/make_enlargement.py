"""Bicubic enlargements with repeated edges, written to enlargement.json beside this file. Needs PyTorch."""

import json
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional as F


def cubic(d, a):
    d = np.abs(d)
    return np.where(d <= 1, (a + 2) * d**3 - (a + 3) * d**2 + 1,
                    np.where(d < 2, a * d**3 - 5 * a * d**2 + 8 * a * d - 4 * a, 0.0))


def matrix(length, scale, a):
    result = np.zeros((length * scale, length))
    for i in range(length * scale):
        centre = (i + 0.5) / scale - 0.5
        for j in range(int(np.floor(centre)) - 1, int(np.floor(centre)) + 3):
            result[i, min(max(j, 0), length - 1)] += cubic(centre - j, a)
    return result


if __name__ == "__main__":
    width, height, scale = 7, 5, 3
    image = np.random.default_rng(3).random((height, width)).astype(np.float32)
    torch_made = F.interpolate(torch.from_numpy(image)[None, None], scale_factor=scale, mode="bicubic", align_corners=False)
    own = matrix(height, scale, -0.5) @ image.astype(np.float64) @ matrix(width, scale, -0.5).T
    listed = lambda a: [float(f"{v:.9g}") for v in np.asarray(a, np.float64).ravel()]
    (Path(__file__).parent / "enlargement.json").write_text(json.dumps(
        {"width": width, "height": height, "scale": scale, "image": listed(image), "torch": listed(torch_made[0, 0].numpy()),
         "keysEdge": listed(own)}, separators=(",", ":")) + "\n")
