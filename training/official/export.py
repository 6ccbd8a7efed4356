"""Writes DifIISR's one-step inference as one ONNX file, from the two published checkpoints that you have.

Inputs `image` [1, 3, side, side] and `noise` of the same shape, standard normal; output `output` [1, 3, 4·side, 4·side].
Images are in -1…1. The side is fixed, because the masks of the shifted windows depend on it.
"""

import argparse
import sys
from pathlib import Path

import numpy as np
import onnxruntime
import torch
from torch import nn

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from difiisr.autoencoder import Autoencoder  # noqa: E402
from difiisr.inference import MULTIPLE, load, one_step  # noqa: E402
from difiisr.unet import UNet  # noqa: E402

OPSET = 18
TOLERANCE = 2e-3  # between PyTorch and onnxruntime, in -1…1: a quarter of a grey level


class OneStep(nn.Module):
    def __init__(self, unet: UNet, autoencoder: Autoencoder):
        super().__init__()
        self.unet, self.autoencoder = unet, autoencoder

    def forward(self, image, noise):
        return one_step(self.unet, self.autoencoder, image, lambda _: noise)


def export(network: OneStep, side: int, path: Path) -> float:
    """Returns the largest difference to PyTorch on one random image."""
    network.eval()
    generator = torch.Generator().manual_seed(1)
    image = torch.rand(1, 3, side, side, generator=generator) * 2 - 1
    noise = torch.randn(1, 3, side, side, generator=generator)
    torch.onnx.export(network, (image, noise), path, input_names=["image", "noise"], output_names=["output"],
                      opset_version=OPSET, dynamo=True, external_data=True)
    expected = network(image, noise).numpy()
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    found = session.run(["output"], {"image": image.numpy(), "noise": noise.numpy()})[0]
    return float(np.abs(found - expected).max())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--unet", type=Path, help="DifIISR.pth")
    parser.add_argument("--autoencoder", type=Path, help="autoencoder_vq_f4.pth")
    parser.add_argument("--random", action="store_true", help="random weights, to try the file without the checkpoints")
    parser.add_argument("--side", type=int, default=64, help=f"of the small image, a multiple of {MULTIPLE}")
    parser.add_argument("out", type=Path, help="the ONNX file to write")
    options = parser.parse_args()
    if options.side % MULTIPLE:
        raise SystemExit(f"--side {options.side} is not a multiple of {MULTIPLE}.")
    if not options.random and not (options.unet and options.autoencoder):
        raise SystemExit("Name both checkpoints with --unet and --autoencoder, or try the file with --random.")
    torch.manual_seed(1)
    network = OneStep(UNet(), Autoencoder())
    if not options.random:
        load(network.unet, options.unet)
        load(network.autoencoder, options.autoencoder)
    difference = export(network, options.side, options.out)
    assert difference <= TOLERANCE, f"onnxruntime differs from PyTorch by {difference}"
    print(f"{options.out}: within {difference:.1e} of PyTorch")


if __name__ == "__main__":
    main()
