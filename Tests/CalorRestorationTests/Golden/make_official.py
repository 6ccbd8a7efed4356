"""The released inference of DifIISR with small random networks: official/{*.onnx, model.yaml, small.png, large.png}.

`large.png` is what the plain PyTorch reference (training/official) makes of `small.png` with the noise that Calor draws. Needs
PyTorch, onnx, onnxscript, NumPy and Pillow.
"""

import sys
from pathlib import Path

import numpy as np
import torch
from PIL import Image

HERE = Path(__file__).resolve().parent
TRAINING = HERE.parents[2] / "training"
sys.path[:0] = [str(TRAINING), str(TRAINING / "official")]

from calor_training.noise import image_key, normal_fields  # noqa: E402
from difiisr.autoencoder import Autoencoder, AutoencoderShape  # noqa: E402
from difiisr.inference import enlarged  # noqa: E402
from difiisr.unet import UNet, UNetShape  # noqa: E402
from export_model import export_folder  # noqa: E402

SEED, SIDE, STRIDE = 12345, 64, 48


def main():
    torch.manual_seed(11)
    unet = UNet(UNetShape(nominal=16, width=32, multipliers=(1, 1), blocks=1, attention=32, heads=1)).eval()
    autoencoder = Autoencoder(AutoencoderShape(width=32, multipliers=(1, 1, 1), blocks=1, codes=64)).eval()
    folder = HERE / "official"
    print("within", export_folder(unet, autoencoder, folder, SIDE), "of PyTorch")
    height, width = 40, 90
    y, x = np.mgrid[0:height, 0:width]
    small = np.stack([0.5 + 0.35 * np.sin(x / (5 + c)) * np.cos(y / 7) + 0.1 * (x > 50) for c in range(3)])
    levels = (small.clip(0, 1) * 255).round().astype(np.uint8)
    Image.fromarray(levels.transpose(1, 2, 0)).save(folder / "small.png")
    given = levels.astype(np.float32) * np.float32(2 / 255) + np.float32(-1)
    key = image_key(given)
    origins = iter([(top, left) for top in (0,) for left in (0, width - SIDE)])

    def noise(shape):
        top, left = next(origins)
        return torch.from_numpy(normal_fields(SEED, shape[1:], top, left, key))[None]

    image = torch.from_numpy(levels.astype(np.float32) / 255)[None]
    found = enlarged(unet, autoencoder, image, noise, SIDE)[0].permute(1, 2, 0).numpy()
    print("deviation of the result", found.std())
    Image.fromarray((found * 255).round().clip(0, 255).astype(np.uint8)).save(folder / "large.png")


if __name__ == "__main__":
    main()
