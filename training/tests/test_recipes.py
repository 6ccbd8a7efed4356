"""Growth, import and optimiser."""

import dataclasses
import tempfile
import unittest
from pathlib import Path

import numpy as np
import onnx
import torch
from PIL import Image

from calor_training.batches import batches, chances_of
from calor_training.muon import orthogonal
from calor_training.networks import build
from calor_training.onnx_graph import onnx_model
from calor_training.pairs import camera_reduced, held_out, softened
from calor_training.presets import PRESETS
from calor_training.runs import Run, save
from calor_training.transplant import BUNDLED, grow, start_state, weights_of_onnx

SMALL = dataclasses.replace(PRESETS["ir-x4"], width=8, blocks=3, patch=12, batch=4, gathered=False, shares=())


def small_network():
    torch.manual_seed(1)
    network = build(SMALL)
    for parameter in network.parameters():
        torch.nn.init.normal_(parameter, std=0.1)
    return network


class Recipes(unittest.TestCase):
    def test_a_grown_network_computes_the_same_and_can_learn(self):
        network = small_network()
        larger = build(dataclasses.replace(SMALL, width=13, blocks=8))
        grow(larger, network.state_dict())
        x = torch.rand(2, 1, 14, 9)
        torch.testing.assert_close(larger(x), network(x), atol=1e-6, rtol=0)
        larger(x).square().mean().backward()
        idle = [name for name, p in larger.named_parameters() if not p.grad.abs().sum() > 0]
        # What feeds only zeros gets its gradient after the first step.
        self.assertTrue(all(".first." in name for name in idle), idle)

    def test_weights_come_back_from_an_exported_file(self):
        network = small_network()
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "model.onnx"
            onnx.save(onnx_model(network, "small", 1), path)
            state = weights_of_onnx(path)
        self.assertEqual(set(state) | {"bicubic"}, set(network.state_dict()))
        for name, value in state.items():
            torch.testing.assert_close(value, network.state_dict()[name])

    def test_the_bundled_model_stands_in_for_its_beginnings_while_it_has_not_grown(self):
        with tempfile.TemporaryDirectory() as folder:
            for name, source in (("ir-x4", "ir-x4"), ("ir-x4-best", "ir-x4-best"), ("enhance-ir", "enhance-ir")):
                path, _ = start_state(PRESETS[name], Path(folder))
                self.assertEqual(path, BUNDLED / source / "model.onnx")
            with self.assertRaises(SystemExit):
                start_state(PRESETS["enhance-rgb"], Path(folder))  # twelve blocks, which ten have grown into

    def test_shares_of_patches(self):
        chances = chances_of(["a_1", "b_1", "a_2", "c_1", "b_2", "d_1"], (("a_", 0.5), ("b", 0.2)))
        np.testing.assert_allclose(chances, [0.25, 0.1, 0.25, 0.15, 0.1, 0.15])
        np.testing.assert_allclose(chances_of(["a", "b", "c", "d"], ()), 0.25)

    def test_a_run_goes_on_from_a_checkpoint_that_lacks_a_later_setting_but_not_from_one_of_others(self):
        with tempfile.TemporaryDirectory() as folder:
            run = Run(small_network(), SMALL, Path(folder), 9)
            run.step = 7
            run.checkpoint()
            state = torch.load(Path(folder) / "last.pt", weights_only=True)
            del state["preset"]["shares"]
            save(Path(folder) / "last.pt", state)
            self.assertEqual(Run(small_network(), SMALL, Path(folder), 9).step, 7)
            with self.assertRaises(SystemExit):
                Run(small_network(), dataclasses.replace(SMALL, shares=(("m3fd", 0.5),)), Path(folder), 9)

    def test_muon_evens_out_singular_values(self):
        matrices = torch.randn(3, 8, 20, generator=torch.Generator().manual_seed(2))
        for stacked in (matrices, matrices.mT):
            values = torch.linalg.svdvals(orthogonal(stacked))
            self.assertTrue(((values > 0.6) & (values < 1.3)).all(), values)

    def test_batches_depend_on_seed_and_step_alone(self):
        with tempfile.TemporaryDirectory() as folder:
            data, cache = Path(folder) / "data", Path(folder) / "cache"
            rng = np.random.default_rng(1)
            for name in ("ir", "pairs/ir"):
                (data / "train" / name).mkdir(parents=True)
                for index in range(3):
                    plane = rng.integers(0, 256, (120, 160), dtype=np.uint8)
                    Image.fromarray(plane).save(data / "train" / name / f"{index}.png")
            for family in ("exact", "camera"):
                preset = dataclasses.replace(SMALL, family=family, soft=0.5 if family == "exact" else 0.0)
                first = batches(preset, data, cache)
                again = batches(preset, data, cache)  # now from the shards
                for number in (0, 7):
                    for a, b in zip(first.batch(number), again.batch(number)):
                        self.assertTrue(torch.equal(a, b))
                self.assertFalse(torch.equal(first.batch(0)[0], first.batch(1)[0]))
                inputs, targets = first.batch(0)
                self.assertEqual((inputs.shape, targets.shape), ((4, 1, 12, 12), (4, 1, 48, 48)))

    def test_held_out_images(self):
        self.assertEqual([i for i in range(60) if held_out(i)], [12, 37])

    def test_softened_images_lose_their_finest_part(self):
        rng = np.random.default_rng(4)
        noise = rng.normal(128, 30, (128, 160)).astype(np.float32)
        soft = softened(noise, rng)
        self.assertLess(np.abs(np.diff(soft, axis=1)).mean(), 0.75 * np.abs(np.diff(noise, axis=1)).mean())

    def test_a_camera_keeps_brightness(self):
        y, x = np.mgrid[0:96, 0:128]
        plane = (128 + 60 * np.sin(x / 11) * np.cos(y / 9)).astype(np.uint8)
        for seed in range(20):
            low = camera_reduced(plane, 4, np.random.default_rng(seed))
            self.assertEqual((low.shape, low.dtype), ((24, 32), np.dtype(np.uint8)))
            self.assertLess(abs(low.mean() - plane.mean()), 8)


if __name__ == "__main__":
    unittest.main()
