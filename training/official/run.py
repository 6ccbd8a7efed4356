"""Enlarges images four times with DifIISR's checkpoints in PyTorch, as the released program does: one step, tiles."""

import argparse
import sys
from pathlib import Path

import numpy as np
import torch
from PIL import Image

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from difiisr.autoencoder import Autoencoder  # noqa: E402
from difiisr.inference import STRIDES, enlarged, load  # noqa: E402
from difiisr.unet import UNet  # noqa: E402


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--unet", type=Path, required=True, help="DifIISR.pth")
    parser.add_argument("--autoencoder", type=Path, required=True, help="autoencoder_vq_f4.pth")
    parser.add_argument("--tile", type=int, default=512, choices=STRIDES, help="side in pixels of the small image")
    parser.add_argument("--seed", type=int, default=12345)
    parser.add_argument("--out", type=Path, required=True, help="folder for the results, as PNG")
    parser.add_argument("images", type=Path, nargs="+")
    options = parser.parse_args()
    unet, autoencoder = UNet().eval(), Autoencoder().eval()
    load(unet, options.unet)
    load(autoencoder, options.autoencoder)
    options.out.mkdir(parents=True, exist_ok=True)
    for path in options.images:
        generator = torch.Generator().manual_seed(options.seed)
        pixels = np.asarray(Image.open(path).convert("RGB"), np.float32) / 255
        image = torch.from_numpy(pixels.transpose(2, 0, 1).copy())[None]
        found = enlarged(unet, autoencoder, image, lambda shape: torch.randn(shape, generator=generator), options.tile)
        levels = (found[0].permute(1, 2, 0).numpy() * 255).round().clip(0, 255).astype(np.uint8)
        Image.fromarray(levels).save(options.out / f"{path.stem}.png")
        print(options.out / f"{path.stem}.png", flush=True)


if __name__ == "__main__":
    main()
