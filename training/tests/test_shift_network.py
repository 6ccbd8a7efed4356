"""The residual-shift network, its sampler on images, targets, losses, and the exported file."""

import argparse
import dataclasses
import tempfile
import unittest
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import torch
from PIL import Image

import export_shift
import train_shift
from calor_training.guidance import Guidance
from calor_training.images import resized
from calor_training.networks import build
from calor_training.noise import normal_field
from calor_training.presets import PRESETS
from calor_training.runs import Run
from calor_training.shards import write_shard
from calor_training.shift_network import build_shift, take_over, unfolded_tables
from calor_training.shift_onnx import shift_model
from calor_training.spectrum import BANDS, SMALL_BANDS, Prior
from calor_training.targets import TargetBatches, guided_target, sampled_image
from calor_training.transplant import weights_of_onnx

SMALL = dataclasses.replace(PRESETS["ir-x4-shift"], width=8, blocks=2, patch=12, batch=3, steps=4, pairs=False)


def network_with_random_weights():
    torch.manual_seed(1)
    network = build_shift(SMALL)
    for parameter in network.parameters():
        torch.nn.init.normal_(parameter, std=0.1)
    return network.eval()


def write_images(folder: Path) -> None:
    (folder / "train/ir").mkdir(parents=True)
    y, x = np.mgrid[0:96, 0:128]
    for index in range(3):
        plane = 128 + 60 * np.sin(x / (5 + index)) * np.cos(y / 7) + 20 * (x > 60)
        Image.fromarray(plane.astype(np.uint8)).save(folder / f"train/ir/{index}.png")


class Network(unittest.TestCase):
    def test_it_starts_as_the_super_resolver(self):
        torch.manual_seed(2)
        source = build(dataclasses.replace(PRESETS["ir-x4"], width=8, blocks=2))
        network = build_shift(SMALL)
        take_over(network, source.state_dict())
        small = torch.rand(2, 1, 9, 11)
        u = network.start_image(small * 2 - 1)
        found = network(u, small * 2 - 1, torch.tensor([3, 3]))
        torch.testing.assert_close(found, source(small) * 2 - 1, atol=1e-5, rtol=0)

    def test_it_starts_as_the_enhancer(self):
        for kind in ("ir", "rgb"):
            torch.manual_seed(2)
            source = build(dataclasses.replace(PRESETS[f"enhance-{kind}"], width=8, blocks=2))
            network = build_shift(dataclasses.replace(PRESETS[f"enhance-{kind}-shift"], width=8, blocks=2))
            take_over(network, source.state_dict())
            given = torch.rand(2, network.channels, 10, 14)
            found = network(given * 2 - 1, given * 2 - 1, torch.tensor([3, 3]))
            torch.testing.assert_close(found, source(given) * 2 - 1, atol=1e-5, rtol=0)

    def test_exported_enhancers(self):
        for kind in ("ir", "rgb"):
            torch.manual_seed(3)
            network = build_shift(dataclasses.replace(PRESETS[f"enhance-{kind}-shift"], width=8, blocks=2)).eval()
            for parameter in network.parameters():
                torch.nn.init.normal_(parameter, std=0.1)
            with tempfile.TemporaryDirectory() as folder:
                path = Path(folder) / "model.onnx"
                onnx.save(shift_model(network, "small"), path)
                self.assertLess(export_shift.difference(path, network), 2e-5)

    def test_the_bicubic_is_pillows(self):
        small = np.random.default_rng(1).uniform(-1, 1, (12, 9)).astype(np.float32)
        found = build_shift(SMALL).start_image(torch.from_numpy(small)[None, None])[0, 0].numpy()
        # Inside: at the edges Pillow leaves samples out where the network repeats them.
        np.testing.assert_allclose(found[8:-8, 8:-8], resized(small, 36, 48)[8:-8, 8:-8], atol=1e-5)

    def test_each_sample_has_its_own_step(self):
        network, rng = network_with_random_weights(), np.random.default_rng(3)
        small = torch.from_numpy(rng.uniform(-1, 1, (4, 1, 6, 5)).astype(np.float32))
        state = torch.from_numpy(rng.uniform(-1, 1, (4, 1, 24, 20)).astype(np.float32))
        together = network(state, small, torch.arange(4))
        for index in range(4):
            alone = network(state[index : index + 1], small[index : index + 1], torch.tensor([index]))
            torch.testing.assert_close(together[index : index + 1], alone, atol=1e-5, rtol=1e-5)
        same = network(state[:1].expand(4, -1, -1, -1), small[:1].expand(4, -1, -1, -1), torch.arange(4))
        self.assertGreater((same[0] - same[3]).abs().max(), 1e-3)

    def test_the_exported_file_computes_the_same(self):
        network = network_with_random_weights()
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "model.onnx"
            onnx.save(shift_model(network, "small"), path)
            self.assertLess(export_shift.difference(path, network), 2e-5)
            session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
            self.assertEqual([i.name for i in session.get_inputs()], ["state", "image", "step"])

    def test_the_exported_file_starts_the_same_network(self):
        network, again = network_with_random_weights(), build_shift(SMALL)
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "model.onnx"
            onnx.save(shift_model(network, "small"), path)
            again.load_state_dict(unfolded_tables(weights_of_onnx(path), again))
        small, state, step = torch.rand(2, 1, 9, 11), torch.rand(2, 1, 36, 44), torch.tensor([1, 3])
        torch.testing.assert_close(again(state, small, step), network(state, small, step), atol=1e-5, rtol=1e-5)

    def test_the_receptive_radius(self):
        network = network_with_random_weights().double()
        small = torch.zeros(1, 1, 41, 41, dtype=torch.float64, requires_grad=True)
        network(torch.zeros(1, 1, 164, 164, dtype=torch.float64), small, torch.tensor([3]))[0, 0, 82, 82].backward()
        reach = int((small.grad[0, 0].nonzero() - 20).abs().max())
        self.assertEqual(reach, network.receptive_radius)


class Images(unittest.TestCase):
    def setUp(self):
        self.network = network_with_random_weights()
        self.small = np.rint(np.random.default_rng(5).uniform(90, 160, (16, 20)))
        coefficients = np.zeros((BANDS, SMALL_BANDS))
        coefficients[:, 0] = 4.0
        self.guidance = Guidance(Prior(4, coefficients, np.full(BANDS, 0.5)))

    def test_noise_decides_and_is_reproducible(self):
        def run(seed):
            return sampled_image(self.network, self.small, seed=seed, steps=4, guidance=None)[0]

        np.testing.assert_array_equal(run(1), run(1))
        self.assertGreater(np.abs(run(1) - run(2)).max(), 0.1)

    def test_without_noise_one_step_is_one_pass(self):
        found, _ = sampled_image(self.network, self.small, seed=None, steps=1, guidance=None)
        low = torch.from_numpy((self.small / 127.5 - 1).astype(np.float32))[None, None]
        with torch.no_grad():
            expected = self.network(self.network.start_image(low), low, torch.tensor([3])).clamp(-1, 1)
        np.testing.assert_allclose(found, (expected[0, 0].numpy() + 1) * 127.5, atol=1e-3)

    def test_guidance_lowers_its_loss_at_every_step(self):
        _, losses = sampled_image(self.network, self.small, seed=3, steps=4, guidance=self.guidance)
        self.assertEqual(len(losses), 4)
        for before, after in losses:
            self.assertLessEqual(after, before)
        self.assertTrue(any(after < before for before, after in losses))

    def test_targets_and_both_trainings(self):
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            write_images(folder)
            options = argparse.Namespace(data=folder, out=folder / "out", targets=None)
            teacher = train_shift.Teacher(SMALL, options)
            before = {k: v.clone() for k, v in self.network.state_dict().items()}
            run = Run(self.network.train(), SMALL, folder / "out/shift", checkpoint_minutes=9)
            while not run.finished:
                run.advance(teacher.loss(run.network, run.step, True, torch.device("cpu")))
            moved = [k for k, v in self.network.state_dict().items() if not torch.equal(v, before[k])]
            self.assertGreater(len(moved), 10)
            again = Run(build_shift(SMALL), SMALL, folder / "out/shift", checkpoint_minutes=9)
            self.assertTrue(again.finished)
            for a, b in zip(again.average.parameters(), run.average.parameters()):
                self.assertTrue(torch.equal(a, b))

            (folder / "out/targets").mkdir()
            high = np.asarray(Image.open(folder / "train/ir/0.png"))
            small = resized(high, 32, 24)
            target = guided_target(self.network.eval(), small, high, 77, self.guidance, 0.1)
            self.assertEqual(target.shape, high.shape)
            write_shard(folder / "out/targets/0.npz", {"low": small, "high": high, "target": target.astype(np.float16),
                                                       "seed": np.int64(77)})
            student = train_shift.Student(SMALL, options)
            loss = student.loss(self.network.train(), 0, False, torch.device("cpu"))
            loss.backward()
            self.assertTrue(torch.isfinite(loss))
            # Parts of the noise field are cut with the same corner as the image.
            *_, noise = TargetBatches(SMALL, folder / "out/targets").batch(0)
            field = normal_field(77, 0, 96, 128).astype(np.float32)
            self.assertTrue(np.isin(noise.numpy(), field).all())


if __name__ == "__main__":
    unittest.main()
