"""The networks and the released step written here, and Calor's pipeline, against the authors' own PyTorch code at full width.

    git clone https://github.com/zirui0625/DifIISR
    pip install timm einops torchvision onnxscript onnxruntime
    training/official/compare_authors.py --authors DifIISR [--calor .build/release/calor --image lr.png]

The authors' networks get random weights (seed 1; what they start at zero too), whose tensors are loaded here by their published
names. Compared are the U-Net alone, and the whole step with the same noise: the small image enlarged and encoded, the last noise, the one
step, decoded. With --calor the networks are exported, and `calor run pipelines/difiisr-official.yaml` enlarges the image (at most 64
pixels each way are cut out of it, so that one tile does) with the noise that the authors' sampler is given. Status 1 above one level.
"""

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch.nn import functional as F

OFFICIAL = Path(__file__).resolve().parent
ROOT = OFFICIAL.parent.parent
sys.path[:0] = [str(OFFICIAL.parent), str(OFFICIAL)]

from calor_training.noise import image_key, normal_fields  # noqa: E402
from difiisr.autoencoder import Autoencoder  # noqa: E402
from difiisr.inference import MULTIPLE, SCALE, enlarged, take  # noqa: E402
from difiisr.unet import UNet  # noqa: E402
from export_model import export_folder  # noqa: E402

SEED = 12345
SIDE = 64
# As in configs/DifIISR_test.yaml of the authors.
UNET = {"image_size": 64, "in_channels": 6, "model_channels": 160, "out_channels": 3, "cond_lq": True,
        "attention_resolutions": [64, 32, 16, 8], "dropout": 0, "channel_mult": [1, 2, 2, 4], "num_res_blocks": [2, 2, 2, 2],
        "conv_resample": True, "dims": 2, "use_fp16": False, "num_head_channels": 32, "use_scale_shift_norm": True,
        "resblock_updown": False, "swin_depth": 2, "swin_embed_dim": 192, "window_size": 8, "mlp_ratio": 4}
DIFFUSION = {"sf": 4, "schedule_name": "exponential", "schedule_kwargs": {"power": 0.3}, "etas_end": 0.99, "steps": 15,
             "min_noise_level": 0.04, "kappa": 2.0, "weighted_mse": False, "predict_type": "xstart", "timestep_respacing": None,
             "scale_factor": 1.0, "normalize_input": True, "latent_flag": True}
AUTOENCODER = {"embed_dim": 3, "n_embed": 8192,
               "ddconfig": {"double_z": False, "z_channels": 3, "resolution": 256, "in_channels": 3, "out_ch": 3, "ch": 128,
                            "ch_mult": [1, 2, 4], "num_res_blocks": 2, "attn_resolutions": [], "dropout": 0.0,
                            "padding_mode": "zeros"}}


def authors_parts(checkout: Path) -> tuple[torch.nn.Module, torch.nn.Module, object]:
    """Their U-Net and autoencoder with random weights, and their diffusion."""
    sys.path.insert(0, str(checkout))
    from ldm.models.autoencoder import VQModelTorch
    from models.script_util import create_gaussian_diffusion_test
    from models.unet import UNetModelSwin

    torch.manual_seed(1)
    unet, autoencoder = UNetModelSwin(**UNET).eval(), VQModelTorch(**AUTOENCODER).eval()
    with torch.no_grad():
        for parameter in unet.parameters():
            if not parameter.any():
                parameter.normal_(0, 0.02)
        # Codes as far apart as the latents, so that it matters which one is the nearest.
        autoencoder.quantize.embedding.weight.normal_(0, 0.5)
        autoencoder.decoder.conv_out.weight.mul_(0.3)
    return unet, autoencoder, create_gaussian_diffusion_test(**DIFFUSION)


@torch.no_grad()
def authors_step(parts: tuple, padded: torch.Tensor, height: int, width: int, noise: torch.Tensor) -> torch.Tensor:
    """As their sampler calls it: one step of the padded image, cut; in 0…1."""
    unet, autoencoder, diffusion = parts
    found = diffusion.p_sample_loop(y=padded, model=unet, first_stage_model=autoencoder, noise=noise, clip_denoised=False,
                                    model_kwargs={"lq": padded}, one_step=True)
    return found[:, :, : height * SCALE, : width * SCALE].clamp(-1, 1) * 0.5 + 0.5


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--authors", type=Path, required=True, help="a checkout of their repository")
    parser.add_argument("--calor", type=Path, help="the built program")
    parser.add_argument("--image", type=Path, help="a small infrared image (default: a drawn one)")
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)

    parts = authors_parts(options.authors)
    unet, autoencoder = UNet().eval(), Autoencoder().eval()
    for ours, theirs in ((unet, parts[0]), (autoencoder, parts[1])):
        take(ours, theirs.state_dict(), "the authors' network")
        print(f"{type(ours).__name__}: {sum(p.numel() for p in ours.parameters())} parameters, all tensors by their names")

    if options.image:
        pixels = np.asarray(Image.open(options.image).convert("L").convert("RGB"))[:SIDE, :SIDE]
    else:
        y, x = np.mgrid[0:48, 0:SIDE]
        plane = (255 * (0.5 + 0.35 * np.sin(x / 6) * np.cos(y / 7) + 0.1 * (x > 50))).clip(0, 255).round().astype(np.uint8)
        pixels = np.repeat(plane[..., None], 3, -1)
    given = pixels.transpose(2, 0, 1).astype(np.float32) * np.float32(2 / 255) + np.float32(-1)
    height, width = given.shape[1:]
    low = F.pad(torch.from_numpy(given)[None], (0, -width % MULTIPLE, 0, -height % MULTIPLE), mode="reflect")
    noise = torch.from_numpy(normal_fields(SEED, low.shape[1:], image_key=image_key(given)))[None]

    failed = False
    state, steps = torch.randn(low.shape, generator=torch.Generator().manual_seed(2)), torch.full((1,), DIFFUSION["steps"] - 1)
    with torch.no_grad():
        a, b = parts[0](state, steps, low), unet(state, steps, low)
    print(f"U-Net: largest difference {float((a - b).abs().max()):.2e}, deviation of the result {float(a.std()):.3f}")

    expected = authors_step(parts, low, height, width, noise)
    image = torch.from_numpy(pixels.transpose(2, 0, 1).astype(np.float32) / 255)[None]
    found = enlarged(unet, autoencoder, image, lambda shape: noise, SIDE)
    worst = 255 * float((found - expected).abs().max())
    inside = 100 * float(((expected > 0) & (expected < 1)).float().mean())
    print(f"the step: largest difference {worst:.4f} levels; deviation {255 * float(expected.std()):.1f} levels, {inside:.0f} % not clipped")
    failed |= worst > 1

    if options.calor:
        with tempfile.TemporaryDirectory() as home:
            folder = Path(home) / "models/difiisr"
            print(f"exported: within {export_folder(unet, autoencoder, folder, SIDE):.1e} of PyTorch")
            Image.fromarray(pixels).save(f"{home}/small.png")
            subprocess.run([options.calor.resolve(), "run", ROOT / "pipelines/difiisr-official.yaml",
                            f"{home}/small.png", "-o", f"{home}/out", "--quiet", "--set", f"sharp.model={folder}",
                            "--set", f"sharp.seed={SEED}"], check=True)
            large = np.asarray(Image.open(next(Path(f"{home}/out").glob("*.png"))), np.float64)
        # Of a grey image Calor makes a grey one, the mean of the three channels.
        worst = float(np.abs(large - (255 * expected[0].mean(0).numpy()).round()).max())
        print(f"calor run: largest difference {worst:.0f} levels in {large.shape[1]}x{large.shape[0]} pixels")
        failed |= worst > 1
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
