"""Writes DifIISR as a model folder that Calor runs: encoder, U-Net at its last step, decoder, and model.yaml.

    training/official/export_model.py --unet DifIISR.pth --autoencoder autoencoder_vq_f4.pth ~/.calor/models/difiisr
    CALOR_HOME=~/.calor calor run pipelines/difiisr-official.yaml shots/ -o out/

The networks have a fixed size, that of a tile: 64 pixels of the small image (stride 48), the smallest of the three that the released
program knows, because every image fits it after padding. A side of 256 or 512 needs images at least that large both ways.
"""

import argparse
import hashlib
import sys
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import torch
from torch import nn

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from difiisr.autoencoder import Autoencoder  # noqa: E402
from difiisr.inference import MULTIPLE, SCALE, SCHEDULE, STRIDES, load  # noqa: E402
from difiisr.unet import UNet  # noqa: E402

OPSET = 18
TOLERANCE = 2e-3  # between PyTorch and onnxruntime, in -1…1: a quarter of a grey level


class LastStep(nn.Module):
    """The U-Net at the one step that the released inference takes."""

    def __init__(self, unet: UNet):
        super().__init__()
        self.unet = unet

    def forward(self, state, low):
        return self.unet(state, torch.full((1,), len(SCHEDULE.roots) - 1), low)


class Encoder(nn.Module):
    def __init__(self, autoencoder: Autoencoder):
        super().__init__()
        self.autoencoder = autoencoder

    def forward(self, image):
        return self.autoencoder.encode(image)


class Decoder(Encoder):
    def forward(self, latent):
        return self.autoencoder.decode(latent)


def without_traces(path: Path) -> None:
    """Takes away where in whose files each node came from, which the exporter writes; the external data stay as they are."""
    model = onnx.load(path, load_external_data=False)
    for holder in (model, model.graph, *model.functions, *model.graph.node, *model.graph.value_info,
                   *(node for function in model.functions for node in function.node)):
        del holder.metadata_props[:]
        holder.doc_string = ""
    path.write_bytes(model.SerializeToString())


@torch.no_grad()
def export_part(network: nn.Module, inputs: dict[str, torch.Tensor], output: str, path: Path) -> float:
    """Returns the largest difference to PyTorch on these inputs."""
    network.eval()
    torch.onnx.export(network, tuple(inputs.values()), path, input_names=list(inputs), output_names=[output],
                      opset_version=OPSET, dynamo=True, external_data=True, verbose=False)
    without_traces(path)
    expected = network(*inputs.values()).numpy()
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    found = session.run([output], {name: value.numpy() for name, value in inputs.items()})[0]
    return float(np.abs(found - expected).max())


def digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def sidecar(folder: Path, name: str, side: int, channels: int) -> str:
    data = {path.name: digest(path) for path in sorted(folder.glob("*.data"))}
    external = [f"  {file}: {sha}" for file, sha in data.items()]
    return "\n".join([
        "calor-model: 1", f"name: {name}", "purpose: super-resolution", "kind: any", "file: unet.onnx",
        f"sha256: {digest(folder / 'unet.onnx')}", *(["external-data:", *external] if external else []), f"scale: {SCALE}",
        "channels: 3", "input: state", "output: estimate", "range: [-1.0, 1.0]", f"multiple: {MULTIPLE}", "sampler:",
        f"  kappa: {SCHEDULE.kappa}", f"  roots: [{SCHEDULE.roots[-1]!r}]", "  prediction: start",
        "  input-scaling: latent", "  deterministic: true", "  state: state", "  low: low", "  enlargement: torch",
        "  latent:", "    encoder: encoder.onnx", f"    encoder-sha256: {digest(folder / 'encoder.onnx')}",
        "    decoder: decoder.onnx", f"    decoder-sha256: {digest(folder / 'decoder.onnx')}",
        f"    channels: {channels}", f"    factor: {SCALE}", f"  tiles: {{ side: {side}, stride: {STRIDES[side]} }}", ""])


def export_folder(unet: UNet, autoencoder: Autoencoder, folder: Path, side: int) -> float:
    """Writes the folder; returns the largest difference between PyTorch and onnxruntime."""
    folder.mkdir(parents=True, exist_ok=True)
    generator = torch.Generator().manual_seed(1)
    channels = autoencoder.quant_conv.out_channels
    image = torch.rand(1, 3, SCALE * side, SCALE * side, generator=generator) * 2 - 1
    low = torch.rand(1, 3, side, side, generator=generator) * 2 - 1
    latent = torch.randn(1, channels, side, side, generator=generator)
    worst = max(
        export_part(Encoder(autoencoder), {"image": image}, "latent", folder / "encoder.onnx"),
        export_part(LastStep(unet), {"state": latent, "low": low}, "estimate", folder / "unet.onnx"),
        export_part(Decoder(autoencoder), {"latent": latent}, "image", folder / "decoder.onnx"))
    (folder / "model.yaml").write_text(sidecar(folder, folder.name, side, channels))
    return worst


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--unet", type=Path, help="DifIISR.pth")
    parser.add_argument("--autoencoder", type=Path, help="autoencoder_vq_f4.pth")
    parser.add_argument("--random", action="store_true", help="random weights, to try the folder without the checkpoints")
    parser.add_argument("--side", type=int, default=64, choices=sorted(STRIDES), help="of a tile, in pixels of the small image")
    parser.add_argument("folder", type=Path, help="the model's folder, called as the model")
    options = parser.parse_args()
    if not options.random and not (options.unet and options.autoencoder):
        raise SystemExit("Name both checkpoints with --unet and --autoencoder, or try the folder with --random.")
    torch.manual_seed(1)
    unet, autoencoder = UNet(), Autoencoder()
    if not options.random:
        load(unet, options.unet)
        load(autoencoder, options.autoencoder)
    worst = export_folder(unet, autoencoder, options.folder, options.side)
    assert worst <= TOLERANCE, f"onnxruntime differs from PyTorch by {worst}"
    print(f"{options.folder}: within {worst:.1e} of PyTorch")


if __name__ == "__main__":
    main()
