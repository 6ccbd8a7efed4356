"""The convolutions in C against PyTorch's own: values and all gradients, at awkward sizes."""

import copy
import dataclasses
import unittest

import torch
from torch import nn
from torch.nn import functional as F

from calor_training import winograd
from calor_training.arithmetic import settle
from calor_training.networks import SLOPE, ResidualBlock, build
from calor_training.presets import PRESETS
from calor_training.runs import Optimisers
from calor_training.shift_network import ConditionedBlock

SHAPES = (16, (1, 4, 4)), (48, (3, 20, 12)), (64, (2, 24, 36)), (64, (5, 40, 40))


class Applied(nn.Module):
    def __init__(self, width: int):
        super().__init__()
        self.layer = nn.Conv2d(width, width, 3, padding=1)

    def forward(self, x):
        return winograd.convolution(self.layer, x)


def gradients(module: nn.Module, x: torch.Tensor, weights: torch.Tensor, *rest) -> list[torch.Tensor]:
    x = x.detach().requires_grad_()
    y = module(x, *rest)
    (y * weights).sum().backward()
    return [y.detach(), x.grad, *(p.grad for p in module.parameters())]


def randomised(module: nn.Module) -> nn.Module:
    for p in module.parameters():
        nn.init.normal_(p, std=0.1)
    return module


class Winograd(unittest.TestCase):
    def setUp(self):
        torch.manual_seed(1)
        winograd.use(True)
        self.addCleanup(winograd.use, False)

    def compare(self, module: nn.Module, x: torch.Tensor, *rest, weights: torch.Tensor | None = None, flips: float = 0):
        """`flips`: how far gradients may be off where a number next to zero has another sign in one of the two."""
        weights = torch.randn(x.shape) if weights is None else weights
        winograd.use(True)
        self.assertTrue(winograd.suits(x))
        found = gradients(copy.deepcopy(module), x, weights, *rest)
        winograd.use(False)
        wanted = gradients(module.double(), x.double(), weights.double(), *rest)
        for index, (a, b) in enumerate(zip(found, wanted, strict=True)):
            self.assertLess(float((a - b).norm() / b.norm()), 2e-5 + (flips if index else 0))

    def test_convolutions_equal_pytorch(self):
        for width, shape in SHAPES:
            with self.subTest(width=width, shape=shape):
                self.compare(Applied(width), torch.randn(shape[0], width, *shape[1:]))

    def test_any_layout_of_input_and_gradient(self):
        x, weights = torch.randn(3, 16, 12, 20), torch.randn(3, 16, 12, 20)
        packed = x.to(memory_format=torch.channels_last)
        for given in (x, packed, torch.randn(3, 32, 12, 20)[:, ::2], torch.randn(3, 16, 20, 12).mT, packed[1:2]):
            self.compare(Applied(16), given)
        self.compare(Applied(16), x, weights=weights.mT.contiguous().mT)
        self.compare(Applied(16).to(memory_format=torch.channels_last), packed, weights=weights[:, :1].expand(3, 16, 12, 20))

    def test_blocks_equal_pytorch(self):
        for width, shape in SHAPES:
            with self.subTest(width=width, shape=shape):
                self.compare(randomised(ResidualBlock(width)), torch.randn(shape[0], width, *shape[1:]), flips=5e-3)

    def test_blocks_far_from_zero_equal_pytorch(self):
        # Where no number is next to zero, no sign differs: channels of large biases of either sign.
        block = randomised(ResidualBlock(48))
        block.first.bias.data = torch.linspace(-60, 60, 48).sign() * 60
        self.compare(block, torch.randn(2, 48, 16, 12))

    def test_conditioned_blocks_equal_pytorch(self):
        self.compare(randomised(ConditionedBlock(32, 4)), torch.randn(3, 32, 8, 16), torch.tensor([0, 3, 1]), flips=5e-3)

    def test_networks_learn_the_same(self):
        preset = dataclasses.replace(PRESETS["ir-x4"], width=16, blocks=2, patch=8, batch=2)
        inputs, targets = torch.rand(2, 1, 8, 8), torch.rand(2, 1, 32, 32)
        losses = []
        for choice in ("winograd", "float32"):
            torch.manual_seed(3)
            half = settle(choice, torch.device("cpu"))
            self.assertFalse(half)
            self.assertEqual(winograd.wanted, choice == "winograd")
            network = build(preset)
            optimisers = Optimisers(network, preset)
            for _ in range(20):
                optimisers.zero_grad()
                loss = (network(inputs, half=half) - targets).square().mean()
                loss.backward()
                optimisers.step(1e-3)
            losses.append(loss.item())
        self.assertAlmostEqual(losses[0] / losses[1], 1, places=4)

    def test_the_same_sums_in_every_call(self):
        before = torch.get_num_threads()
        self.addCleanup(torch.set_num_threads, before)
        torch.set_num_threads(4)
        x, dy = (winograd.packed(torch.randn(4, 16, 24, 24)) for _ in range(2))
        first = winograd.weight_gradient(x, dy)
        for _ in range(50):
            for a, b in zip(first, winograd.weight_gradient(x, dy)):
                self.assertTrue(torch.equal(a, b))

    def test_small_numbers_stay(self):
        small = torch.full((4,), 1e-40)
        self.assertTrue(torch.equal(small * 1, small))  # loading the library leaves the process's float mode alone

    def test_what_does_not_suit_is_left_to_pytorch(self):
        block = ResidualBlock(16)
        for x in (torch.randn(1, 16, 6, 8), torch.randn(1, 16, 8, 8, dtype=torch.float64)):
            self.assertFalse(winograd.suits(x))
        x = torch.randn(1, 16, 6, 7)
        expected = x + F.conv2d(F.leaky_relu(block.first(x), SLOPE), block.second.weight, block.second.bias, padding=1)
        torch.testing.assert_close(block(x), expected)
        with torch.autocast("cpu", torch.bfloat16):
            self.assertFalse(winograd.suits(torch.randn(1, 16, 8, 8)))

    def test_the_choice(self):
        self.assertFalse(settle(None, torch.device("cpu")))
        self.assertTrue(winograd.wanted)
        self.assertTrue(settle(None, torch.device("cuda")))
        self.assertFalse(winograd.wanted)
        with self.assertRaisesRegex(SystemExit, "for a CPU"):
            settle("winograd", torch.device("cuda"))

    def test_without_a_compiler_it_says_so(self):
        winograd.library.cache_clear()
        which, winograd.shutil.which = winograd.shutil.which, lambda name: None
        self.addCleanup(setattr, winograd.shutil, "which", which)
        with self.assertRaisesRegex(SystemExit, "install gcc"):
            winograd.use(True)


if __name__ == "__main__":
    unittest.main()
