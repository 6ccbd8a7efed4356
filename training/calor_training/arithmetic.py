"""In what the trunk computes while it learns. The last layer, the loss, the weights and the exported network are always
32-bit."""

import argparse

import torch

from . import winograd

CHOICES = {"winograd": "32 bits, with a fourth of the multiplications; CPU only, needs a C compiler",
           "float32": "32 bits, PyTorch's own convolutions", "bfloat16": "products of 16 bits"}


def add_option(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--arithmetic", choices=CHOICES, help="of the trunk (default: winograd on a CPU, bfloat16 on a GPU). "
                        + "; ".join(f"{name}: {meaning}" for name, meaning in CHOICES.items()))


def settle(choice: str | None, device: torch.device) -> bool:
    """Prepares for the choice and prints it; tells whether the trunk's products are of 16 bits."""
    choice = choice or ("winograd" if device.type == "cpu" else "bfloat16")
    if choice == "winograd" and device.type != "cpu":
        raise SystemExit("--arithmetic winograd is for a CPU.")
    print(f"arithmetic of the trunk: {choice}", flush=True)
    winograd.use(choice == "winograd")
    return choice == "bfloat16"
