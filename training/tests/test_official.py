"""DifIISR's networks: size, names, the published mask, tiles, loading, and the exported file."""

import sys
import tempfile
import unittest
from pathlib import Path

import numpy as np
import torch

sys.path.append(str(Path(__file__).resolve().parent.parent / "official"))

from difiisr.autoencoder import Autoencoder, AutoencoderShape  # noqa: E402
from difiisr.inference import SCHEDULE, enlarged, load, tile_starts  # noqa: E402
from difiisr.unet import UNet, UNetShape, from_windows, shift_mask, windows_of  # noqa: E402

SMALL_UNET = UNetShape(nominal=16, width=32, multipliers=(1, 2), blocks=1, attention=32, heads=2)
SMALL_AUTOENCODER = AutoencoderShape(width=32, multipliers=(1, 1, 2), blocks=1, codes=64)


def count(*modules: torch.nn.Module) -> int:
    return sum(p.numel() for module in modules for p in module.parameters())


class Networks(unittest.TestCase):
    def test_published_sizes_and_names(self):
        with torch.device("meta"):
            unet, autoencoder = UNet(), Autoencoder()
        self.assertEqual(count(unet), 118_593_583)
        self.assertEqual(count(autoencoder.encoder, autoencoder.quant_conv), 22_337_423)
        self.assertEqual(count(autoencoder.decoder, autoencoder.quantize, autoencoder.post_quant_conv), 32_985_359)
        names = unet.state_dict()
        self.assertEqual(len(names), 564)
        for name, shape in {"time_embed.0.weight": (640, 160), "input_blocks.0.0.weight": (160, 6, 3, 3),
                            "input_blocks.1.1.blocks.1.attn.relative_position_bias_table": (225, 6),
                            "input_blocks.3.0.op.bias": (160,), "middle_block.1.patch_unembed.proj.weight": (640, 192, 1, 1),
                            "output_blocks.2.1.conv.weight": (640, 640, 3, 3), "out.2.weight": (3, 160, 3, 3),
                            "input_blocks.1.1.blocks.1.attn_mask": (64, 64, 64)}.items():
            self.assertEqual(tuple(names[name].shape), shape, name)
        # At 8x8 the windows are not shifted, so there is no mask.
        self.assertNotIn("middle_block.1.blocks.1.attn_mask", names)
        names = autoencoder.state_dict()
        for name in ("encoder.down.1.block.0.nin_shortcut.weight", "encoder.down.0.downsample.conv.weight",
                     "encoder.mid.attn_1.q.weight", "decoder.up.0.block.0.nin_shortcut.bias",
                     "decoder.up.2.upsample.conv.weight", "quantize.embedding.weight", "post_quant_conv.bias"):
            self.assertIn(name, names)

    def test_windows_come_back(self):
        x = torch.randn(2, 5, 16, 24)
        torch.testing.assert_close(from_windows(windows_of(x, 8), 8, 16, 24), x)

    def test_the_published_mask(self):
        mask = shift_mask(16, 24, 8, 4)
        self.assertEqual(tuple(mask.shape), (6, 64, 64))
        self.assertTrue((mask[:3] == 0).all())  # no window above the last row of windows is divided
        last = mask[5].view(8, 8, 8, 8)  # by row and column of both pixels
        self.assertEqual(float(last[0, 0, 7, 3]), 0)
        self.assertEqual(float(last[0, 3, 0, 4]), -100)

    def test_the_code_book_takes_the_nearest(self):
        book = Autoencoder(SMALL_AUTOENCODER).quantize
        x = torch.randn(2, 3, 4, 5)
        codes = book.embedding.weight
        nearest = torch.cdist(x.permute(0, 2, 3, 1).reshape(-1, 3), codes).argmin(1)
        torch.testing.assert_close(book(x), codes[nearest].view(2, 4, 5, 3).permute(0, 3, 1, 2))

    def test_schedule(self):
        self.assertAlmostEqual(SCHEDULE.roots[0], 0.02)
        self.assertAlmostEqual(float(SCHEDULE.divisor("latent")[-1]), 2.2182, places=4)


class Inference(unittest.TestCase):
    def test_tiles(self):
        self.assertEqual(tile_starts(100, 256, 224), [0])
        self.assertEqual(tile_starts(300, 256, 224), [0, 44])
        self.assertEqual(tile_starts(256 + 224, 256, 224), [0, 224])
        for length in range(64, 300):
            starts = tile_starts(length, 64, 48)
            covered = {p for start in starts for p in range(start, start + 64)}
            self.assertEqual(covered, set(range(length)))

    def test_an_image_of_any_size(self):
        torch.manual_seed(1)
        unet, autoencoder = UNet(SMALL_UNET).eval(), Autoencoder(SMALL_AUTOENCODER).eval()
        found = enlarged(unet, autoencoder, torch.rand(1, 3, 40, 70), torch.zeros, tile=64)
        self.assertEqual(tuple(found.shape), (1, 3, 160, 280))
        self.assertTrue(((found >= 0) & (found <= 1)).all())

    def test_loading(self):
        torch.manual_seed(2)
        unet, other = UNet(SMALL_UNET), UNet(SMALL_UNET)
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "weights.pth"
            torch.save({"state_dict": {f"module.{k}": v for k, v in unet.state_dict().items()}}, path)
            load(other, path)
            for a, b in zip(unet.parameters(), other.parameters()):
                self.assertTrue(torch.equal(a, b))
            with self.assertRaisesRegex(SystemExit, "lacks .* tensors"):
                load(Autoencoder(SMALL_AUTOENCODER), path)

    def test_a_step_by_hand(self):
        torch.manual_seed(3)
        unet, autoencoder = UNet(SMALL_UNET).eval(), Autoencoder(SMALL_AUTOENCODER).eval()
        from difiisr.inference import one_step

        small, noise = torch.rand(1, 3, 64, 64) * 2 - 1, torch.randn(1, 3, 64, 64)
        with torch.no_grad():
            y = autoencoder.encode(torch.nn.functional.interpolate(small, scale_factor=4, mode="bicubic"))
            state = (y + 1.98 * noise) / np.sqrt(1 + 4 * 0.9801)
            expected = autoencoder.decode(unet(state, torch.tensor([14]), small))
        torch.testing.assert_close(one_step(unet, autoencoder, small, lambda _: noise), expected, atol=1e-4, rtol=1e-4)


if __name__ == "__main__":
    unittest.main()
