"""The convolutions in C against PyTorch's own: values and all gradients, at awkward sizes."""

import copy
import unittest

import torch
from torch import nn
from torch.nn import functional as F

from calor_training import winograd
from calor_training.networks import SLOPE, ResidualBlock
from calor_training.shift_network import ConditionedBlock

SHAPES = (16, (1, 4, 4)), (48, (3, 20, 12)), (64, (2, 24, 36)), (64, (5, 40, 40))


class Applied(nn.Module):
    def __init__(self, width: int):
        super().__init__()
        self.layer = nn.Conv2d(width, width, 3, padding=1)

    def forward(self, x):
        return winograd.convolution(self.layer, x)


def gradients(module: nn.Module, x: torch.Tensor, weights: torch.Tensor, *rest) -> list[torch.Tensor]:
    x = x.clone().requires_grad_()
    y = module(x, *rest)
    (y * weights).sum().backward()
    return [y.detach(), x.grad, *(p.grad for p in module.parameters())]


class Winograd(unittest.TestCase):
    def setUp(self):
        torch.manual_seed(1)
        winograd.use()
        self.addCleanup(setattr, winograd, "wanted", False)

    def compare(self, module: nn.Module, shape: tuple[int, ...], *rest, flips: float = 0):
        """`flips`: how far gradients may be off where a number next to zero has another sign in one of the two."""
        x, weights = torch.randn(shape), torch.randn(shape)
        winograd.wanted = True
        self.assertTrue(winograd.suits(x))
        found = gradients(copy.deepcopy(module), x, weights, *rest)
        winograd.wanted = False
        wanted = gradients(module.double(), x.double(), weights.double(), *rest)
        for index, (a, b) in enumerate(zip(found, wanted, strict=True)):
            self.assertLess(float((a - b).norm() / b.norm()), 2e-5 + (flips if index else 0))

    def test_convolutions_equal_pytorch(self):
        for width, shape in SHAPES:
            with self.subTest(width=width, shape=shape):
                self.compare(Applied(width), (shape[0], width, *shape[1:]))

    def test_blocks_equal_pytorch(self):
        for width, shape in SHAPES:
            with self.subTest(width=width, shape=shape):
                block = ResidualBlock(width)
                for p in block.parameters():
                    nn.init.normal_(p, std=0.1)
                self.compare(block, (shape[0], width, *shape[1:]), flips=0.01)

    def test_conditioned_blocks_equal_pytorch(self):
        block = ConditionedBlock(32, 4)
        for p in block.parameters():
            nn.init.normal_(p, std=0.1)
        self.compare(block, (3, 32, 8, 16), torch.tensor([0, 3, 1]), flips=0.01)

    def test_what_does_not_suit_is_left_to_pytorch(self):
        block = ResidualBlock(16)
        for x in (torch.randn(1, 16, 6, 8), torch.randn(1, 16, 8, 8, dtype=torch.float64)):
            self.assertFalse(winograd.suits(x))
        x = torch.randn(1, 16, 6, 7)
        expected = x + F.conv2d(F.leaky_relu(block.first(x), SLOPE), block.second.weight, block.second.bias, padding=1)
        torch.testing.assert_close(block(x), expected)
        with torch.autocast("cpu", torch.bfloat16):
            self.assertFalse(winograd.suits(torch.randn(1, 16, 8, 8)))

    def test_without_a_compiler_it_says_so(self):
        winograd.library.cache_clear()
        which, winograd.shutil.which = winograd.shutil.which, lambda name: None
        self.addCleanup(setattr, winograd.shutil, "which", which)
        with self.assertRaisesRegex(SystemExit, "install gcc"):
            winograd.use()


if __name__ == "__main__":
    unittest.main()
