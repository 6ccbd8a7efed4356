"""The distillation losses: their gradients, weights and schedules; and every method for some steps."""

import argparse
import dataclasses
import itertools
import tempfile
import unittest
from pathlib import Path

import numpy as np
import torch

import train_distilled
from calor_training.consistency import reduce
from calor_training.distillation import (METHODS, PHASE, Experts, FakeScore, bridge, bridged, consistency_loss, diffused,
                                         matching_gradient, matching_loss, moved, ratio_weights, reduced,
                                         regression_share, spectrum_loss, widest_step)
from calor_training.networks import build
from calor_training.presets import PRESETS
from calor_training.runs import save
from calor_training.shift_network import build_shift
from calor_training.shifting import OWN


def small(name: str):
    return dataclasses.replace(PRESETS[name], width=8, blocks=1, batch=2, patch=12 if "x4" in name else 16, steps=2)


class Losses(unittest.TestCase):
    def test_the_surrogate_has_the_wanted_gradient(self):
        x = torch.randn(2, 1, 5, 4, dtype=torch.float64, requires_grad=True)
        gradient = torch.randn(2, 1, 5, 4, dtype=torch.float64)
        matching_loss(x, gradient).backward()
        torch.testing.assert_close(x.grad, gradient / x.numel())

    def test_matching_moves_towards_the_real_estimate(self):
        x, real, fake = torch.full((1, 1, 2, 2), 0.5), torch.full((1, 1, 2, 2), 0.7), torch.full((1, 1, 2, 2), 0.4)
        gradient = matching_gradient(x, fake, real)
        torch.testing.assert_close(gradient, torch.full_like(x, (0.4 - 0.7) / 0.2))  # a step down raises x
        torch.testing.assert_close(matching_gradient(10 * x, 10 * fake, 10 * real), gradient)

    def test_matching_is_the_difference_of_scores(self):
        # Gaussian data: clean ~ N(m, v), results ~ N(n, v). Estimates are exact, so are the scores.
        schedule, y, v = OWN[4], 0.3, 0.04
        for index in range(1, 4):
            eta, noise = float(schedule.eta[index]), float(schedule.noise[index])
            x = 0.21

            def estimate(mean):
                spread = (1 - eta) ** 2 * v + noise**2
                return mean + (1 - eta) * v / spread * (x - (1 - eta) * mean - eta * y)

            def score(mean):
                return -(x - (1 - eta) * mean - eta * y) / ((1 - eta) ** 2 * v + noise**2)

            found = (1 - eta) / noise**2 * (estimate(0.1) - estimate(-0.2))
            self.assertAlmostEqual(found, score(0.1) - score(-0.2), places=9)

    def test_ratio_weights(self):
        logits = torch.tensor([-2.0, 0.0, 1.0, 50.0])
        ratio = torch.tensor([np.exp(-2.0), 1.0, np.exp(1.0), 20.0], dtype=torch.float32)
        for divergence, expected in (("reverse-kl", torch.ones(4)), ("forward-kl", ratio),
                                     ("jensen-shannon", ratio / (1 + ratio)), ("hellinger", ratio.sqrt())):
            torch.testing.assert_close(ratio_weights(logits, divergence), expected / expected.mean())

    def test_noise_scope_and_mixing(self):
        schedule = OWN[4]  # noise .01 .052 .0761 .099
        self.assertEqual([widest_step(schedule, g) for g in (0.0, 0.01, 0.018, 0.026, 0.04)], [1, 1, 1, 2, 3])
        self.assertEqual([regression_share(g, 0.04) for g in (0.0, 0.02, 0.05)], [0.25, 0.5, 1.0])

    def test_the_bridge_between_two_steps(self):
        schedule = OWN[4]
        for s, t in ((0, 2), (1, 3)):
            a, b, c = bridge(schedule, s, t)
            eta, noise = schedule.eta, schedule.noise
            # A clean image x0: x_s has mean (1 - η_s) x0 + η_s y; diffused on it must be that of t.
            self.assertAlmostEqual(a * (1 - eta[s]), 1 - eta[t])
            self.assertAlmostEqual(a * eta[s] + c, eta[t])
            self.assertAlmostEqual(a**2 * noise[s] ** 2 + b**2, noise[t] ** 2)

    def test_the_reduction_is_the_reference(self):
        image = torch.randn(1, 1, 24, 32, dtype=torch.float64)
        np.testing.assert_allclose(reduced(image, 4)[0, 0].numpy(), reduce(image[0, 0].numpy(), 4), atol=1e-12)

    def test_rewards_by_finite_differences(self):
        generator = torch.Generator().manual_seed(4)
        image, clean = (torch.rand(2, 1, 16, 20, generator=generator, dtype=torch.float64) for _ in range(2))
        given = torch.rand(2, 1, 4, 5, generator=generator, dtype=torch.float64)
        image.requires_grad_()
        for loss in (lambda x: consistency_loss(x, given, 4), lambda x: spectrum_loss(x, clean), lambda x: spectrum_loss(x, clean, 4, 8)):
            self.assertTrue(torch.autograd.gradcheck(loss, (image,), eps=1e-6, atol=1e-5, rtol=1e-4, fast_mode=True))
        self.assertEqual(float(spectrum_loss(clean, clean)), 0)

    def test_tiles_see_where_the_power_is(self):
        generator = torch.Generator().manual_seed(4)
        noise = 0.1 * torch.randn(1, 1, 96, 96, generator=generator)
        burst = torch.zeros_like(noise)
        burst[..., 32:64, 32:64] = 3 * noise[..., 32:64, 32:64]
        self.assertLess(float(spectrum_loss(burst, noise)), 1)
        self.assertGreater(float(spectrum_loss(burst, noise, tile=32)), 10)

    def test_tiles_see_a_comb_along_an_edge(self):
        generator = torch.Generator().manual_seed(4)
        noise = 0.02 * torch.randn(1, 1, 96, 96, generator=generator)
        comb = noise.clone()
        comb[..., 48:, :] += 0.5
        comb[..., 47:51, ::4] -= 0.25
        turned = comb.mT.contiguous()
        self.assertLess(float(spectrum_loss(turned, comb)), 0.5)
        self.assertGreater(float(spectrum_loss(turned, comb, tile=32)), 4)

    def test_the_fake_score_learns_the_students_results(self):
        torch.manual_seed(5)
        fake = FakeScore(build_shift(small("ir-x4-distilled")))
        found, given = torch.rand(4, 1, 48, 48) * 0.1, torch.rand(4, 1, 12, 12)
        noise, step = torch.randn(4, 1, 48, 48), torch.tensor([1, 2, 3, 3])
        optimiser = torch.optim.Adam(fake.parameters(), lr=3e-3)
        losses = []
        for _ in range(30):
            state = diffused(fake.network, found, given, noise, step)
            loss = fake.loss(found, state, found + 0.5, given, noise, step, half=False, adversarial=True)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            losses.append(float(loss))
        self.assertLess(losses[-1], 0.7 * losses[0])
        with torch.no_grad():
            ours = fake.logits(diffused(fake.network, found, given, noise, step), given, step, False).mean()
            truth = fake.logits(diffused(fake.network, found + 0.5, given, noise, step), given, step, False).mean()
        self.assertGreater(truth, ours)


class Phases(unittest.TestCase):
    def test_a_state_moves_as_the_deterministic_sampler_does(self):
        network = build_shift(small("enhance-rgb-distilled"))
        schedule = network.schedule
        state, found, start = (torch.rand(2, 3, 4, 4) for _ in range(3))
        k, m, j = (float(table[2]) for table in schedule.deterministic)
        torch.testing.assert_close(moved(schedule, state, found, start, 2, 1), k * found + m * state + j * start)

    def test_what_is_diffused_on_has_the_mean_and_the_deviation_of_its_step(self):
        network = build_shift(small("enhance-rgb-distilled"))
        clean, given = torch.rand(400, 3, 8, 8), torch.rand(400, 3, 8, 8)
        first = diffused(network, clean, given, torch.randn_like(clean), torch.full((400,), PHASE))
        last = len(network.schedule.roots) - 1
        far = bridged(network, first, given, torch.randn_like(clean), torch.full((400,), last))
        eta = float(network.schedule.eta[last])
        rest = far - (clean + eta * (given - clean))
        self.assertAlmostEqual(float(rest.std()) / float(network.schedule.noise[last]), 1, delta=0.01)
        self.assertAlmostEqual(float(rest.mean()), 0, delta=0.01 * float(network.schedule.noise[last]))

    def test_experts_take_their_own_steps(self):
        networks = [build_shift(small("enhance-rgb-distilled")) for _ in range(2)]
        for network in networks:
            for parameter in network.parameters():
                torch.nn.init.normal_(parameter, std=0.1)
        experts = Experts(*networks)
        state, given = torch.rand(1, 3, 8, 8), torch.rand(1, 3, 8, 8)
        for step, member in ((PHASE + 1, 0), (PHASE, 1), (0, 1)):
            number = torch.tensor([step])
            self.assertTrue(torch.equal(experts(state, given, number), networks[member](state, given, number)))


class Methods(unittest.TestCase):
    def test_a_student_of_rewards_may_start_from_an_enlarger(self):
        torch.manual_seed(7)
        preset = small("ir-x4-best-distilled")
        known = PRESETS[preset.start_from]
        source = PRESETS[preset.start_from] = dataclasses.replace(known, width=8, blocks=1)
        self.addCleanup(PRESETS.__setitem__, preset.start_from, known)
        enlarger = build(source).eval()
        for parameter in enlarger.parameters():
            torch.nn.init.normal_(parameter, std=0.1)
        with tempfile.TemporaryDirectory() as folder:
            options = argparse.Namespace(out=Path(folder), checkpoint_minutes=9, arithmetic="float32", reward=0.03, tile=[16, 48], quiet=1)
            (Path(folder) / preset.start_from).mkdir()
            save(Path(folder) / preset.start_from / "last.pt", {"average": enlarger.state_dict(), "step": 2, "preset": dataclasses.asdict(preset)})
            work = train_distilled.parts(preset, "reward", options, torch.device("cpu"))
            small_image, large = torch.rand(2, 1, 12, 12), torch.rand(2, 1, 48, 48)
            given, _, start, _, rng = work.inputs((small_image, large), 0, 0)
            self.assertFalse(start.any())
            found = work.result(given, start, rng).image
            torch.testing.assert_close(found / 2 + 0.5, enlarger(small_image), atol=1e-5, rtol=0)
            work.student.advance(work.student_loss((small_image, large), 0))
            self.assertFalse(torch.equal(found, work.result(given, start, rng).image))
            with self.assertRaisesRegex(SystemExit, "cannot judge"):
                train_distilled.parts(preset, "dynamic", options, torch.device("cpu"))
            work.student.checkpoint()
            options.quiet = 0.5
            with self.assertRaisesRegex(SystemExit, "other settings"):
                train_distilled.parts(preset, "reward", options, torch.device("cpu"))

    def test_every_method_trains_and_resumes(self):
        torch.manual_seed(6)
        for name in ("ir-x4-distilled", "enhance-rgb-distilled"):
            preset = small(name)
            side, out = preset.patch, preset.patch * preset.scale
            batch = (torch.rand(2, preset.channels, side, side), torch.rand(2, preset.channels, out, out))
            for method in METHODS if "x4" in name else ("dynamic",):
                with tempfile.TemporaryDirectory() as folder:
                    options = argparse.Namespace(out=Path(folder), checkpoint_minutes=9, arithmetic="float32", reward=None, tile=[],
                                                 quiet=0.5)
                    teacher = build_shift(preset)
                    for parameter in teacher.parameters():
                        torch.nn.init.normal_(parameter, std=0.1)
                    (Path(folder) / preset.start_from).mkdir()
                    save(Path(folder) / preset.start_from / "last.pt", {"average": teacher.state_dict(), "step": 2,
                                                                                "preset": dataclasses.asdict(preset)})
                    source = dataclasses.replace(small(preset.start_from), patch=preset.patch)
                    known = PRESETS[preset.start_from]
                    PRESETS[preset.start_from] = source
                    try:
                        work = train_distilled.parts(preset, method, options, torch.device("cpu"))
                        frozen = [p.clone() for p in work.teacher.parameters()]
                        while not work.student.finished:
                            for round_ in range(1, work.method.fake_updates + 1):
                                work.update_fake(batch, work.student.step, round_)
                            loss = work.student_loss(batch, work.student.step)
                            self.assertTrue(torch.isfinite(loss))
                            work.student.advance(loss)
                        self.assertEqual(work.fake.step, 2 * work.method.fake_updates)
                        changed = any(not torch.equal(a, b) for a, b in
                                      zip(work.student.network.state_dict().values(), itertools.cycle(teacher.state_dict().values())))
                        self.assertTrue(changed)
                        for a, b in zip(frozen, work.teacher.parameters()):
                            self.assertTrue(torch.equal(a, b))
                        again = train_distilled.parts(preset, method, options, torch.device("cpu"))
                        self.assertTrue(again.student.finished)
                    finally:
                        PRESETS[preset.start_from] = known


if __name__ == "__main__":
    unittest.main()
