"""The trunk's 3x3 convolutions on a CPU, by Winograd's F(4x4, 3x3) in C (winograd.c), compiled when it is first used.

A fourth of the multiplications, and activation and sum at the end of each convolution without going over memory
again. Sums are rounded in another order than PyTorch's; gradients agree with its own to about 1e-5."""

import ctypes
import functools
import hashlib
import os
import shlex
import shutil
import subprocess
import tempfile
from pathlib import Path

import torch
from torch.autograd.function import once_differentiable

SOURCE = Path(__file__).with_name("winograd.c")
CHANNELS, TILE = 16, 4  # channels and sides must be multiples
# As -ffast-math, but infinities and NaN stay what they are, and nothing is linked that flushes the process's denormals.
FLAGS = ["-O3", "-march=native", "-fno-math-errno", "-fno-trapping-math", "-fno-signed-zeros", "-fassociative-math", "-fopenmp",
         "-shared", "-fPIC"]
POINTS = torch.tensor([[1 / 4, 0, 0], [-1 / 6, -1 / 6, -1 / 6], [-1 / 6, 1 / 6, -1 / 6], [1 / 24, 1 / 12, 1 / 6],
                       [1 / 24, -1 / 12, 1 / 6], [0, 0, 1]], dtype=torch.float64)
TRANSFORM = torch.kron(POINTS, POINTS).float()  # [36, 9]: from a kernel to its values at 6x6 points
INSTEAD = "or pass --arithmetic float32"

wanted = False  # set by `use`


def use(it: bool) -> None:
    """From now on, where it suits, or no longer. Without a compiler it stops here."""
    global wanted
    if it:
        library(CHANNELS)
    wanted = it


@functools.cache
def library(width: int) -> ctypes.CDLL:
    command = shlex.split(os.environ.get("CC", "gcc"))
    if not shutil.which(command[0]):
        raise SystemExit(f"Training on a CPU compiles winograd.c: install {command[0]}, {INSTEAD}.")
    command += [*FLAGS, f"-DWIDTH={width}"]
    name = hashlib.sha256(SOURCE.read_bytes() + repr((command, processor())).encode()).hexdigest()[:16]
    try:
        folder = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "calor-training"
        path = folder / f"winograd-{name}.so"
        if not path.exists():
            compiled(command, path)
        return ctypes.CDLL(str(path))
    except (OSError, RuntimeError) as fault:
        raise SystemExit(f"No place for the compiled winograd.c: {fault}. Set XDG_CACHE_HOME, {INSTEAD}.") from fault


def compiled(command: list[str], path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=path.parent, suffix=".so", delete=False) as made:
        pass
    done = subprocess.run([*command, "-o", made.name, str(SOURCE)], capture_output=True, text=True)
    if done.returncode:
        Path(made.name).unlink()
        raise SystemExit(f"{command[0]} cannot compile winograd.c; mend this, {INSTEAD}:\n{done.stderr}")
    Path(made.name).rename(path)


def processor() -> str:
    """What `-march=native` depends on: a home folder may be shared by machines."""
    try:
        return next(line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith(("flags", "Features")))
    except (OSError, StopIteration):
        return ""


def suits(x: torch.Tensor) -> bool:
    return (wanted and x.device.type == "cpu" and x.dtype == torch.float32 and not torch.is_autocast_enabled("cpu")
            and x.shape[1] % CHANNELS == 0 and x.shape[2] % TILE == 0 and x.shape[3] % TILE == 0)


def points(weight: torch.Tensor) -> torch.Tensor:
    """[out, in, 3, 3] to [36, in, out]."""
    return TRANSFORM @ weight.permute(2, 3, 1, 0).reshape(9, -1)


def turned(weight: torch.Tensor) -> torch.Tensor:
    """The convolution that carries a gradient back."""
    return weight.flip(2, 3).transpose(0, 1)


def address(tensor: torch.Tensor | None) -> ctypes.c_void_p:
    return ctypes.c_void_p(tensor.data_ptr() if tensor is not None else None)


def packed(x: torch.Tensor) -> torch.Tensor:
    return x.contiguous(memory_format=torch.channels_last)


def convolve(x, weight, bias=None, gate=None, residual=None, slope=1.0) -> torch.Tensor:
    """`x` (*) `weight` + `bias`, then times `slope` where it, or `gate` if there is one, is negative, then + `residual`.
    All activations packed."""
    assert weight.shape == (x.shape[1], x.shape[1], 3, 3)
    y, at_points, (n, width, h, w) = torch.empty_like(x), points(weight), x.shape
    library(width).convolve(address(x), address(at_points), address(bias), address(gate), address(residual),
                            ctypes.c_float(slope), address(y), n, h, w, torch.get_num_threads())
    return y


def weight_gradient(x, dy) -> tuple[torch.Tensor, torch.Tensor]:
    n, width, h, w = x.shape
    at_points, bias = x.new_zeros(TRANSFORM.shape[0], width * width), x.new_zeros(width)
    library(width).weight_gradient(address(x), address(dy), address(at_points), address(bias), n, h, w,
                                   torch.get_num_threads())
    return (TRANSFORM.T @ at_points).reshape(3, 3, width, width).permute(3, 2, 0, 1), bias


class Residual(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, first, first_bias, second, second_bias, slope):
        x = packed(x)
        inner = convolve(x, first, first_bias, slope=slope)
        ctx.save_for_backward(x, inner, first, second)
        ctx.slope = slope
        return convolve(inner, second, second_bias, residual=x)

    @staticmethod
    @once_differentiable
    def backward(ctx, dy):
        (x, inner, first, second), dy = ctx.saved_tensors, packed(dy)
        dinner = convolve(dy, turned(second), gate=inner, slope=ctx.slope)
        dx = convolve(dinner, turned(first), residual=dy)
        return dx, *weight_gradient(x, dinner), *weight_gradient(inner, dy), None


class Convolution(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, weight, bias):
        x = packed(x)
        ctx.save_for_backward(x, weight)
        return convolve(x, weight, bias)

    @staticmethod
    @once_differentiable
    def backward(ctx, dy):
        (x, weight), dy = ctx.saved_tensors, packed(dy)
        return convolve(dy, turned(weight)), *weight_gradient(x, dy)


def residual(x: torch.Tensor, first: torch.nn.Conv2d, second: torch.nn.Conv2d, slope: float) -> torch.Tensor:
    """x + second(leaky(first(x))), for an x that suits."""
    return Residual.apply(x, first.weight, first.bias, second.weight, second.bias, slope)


def convolution(layer: torch.nn.Conv2d, x: torch.Tensor) -> torch.Tensor:
    """`layer(x)`, by whichever suits."""
    return Convolution.apply(x, layer.weight, layer.bias) if suits(x) else layer(x)
