"""Gathers more training images from public repositories beside those of --data.

    python training/gather.py --data ../shared/data --out DATA      # then train.py --data DATA …

OUT/train holds the images of DATA/train by links and what was gathered as PNG; OUT/test links to DATA/test. Left out are images that
look like a test image (for recordings that go on, also other moments of the same scene), those seen before, coloured "infrared" ones
and small ones. Large photographs are reduced to 1200 pixels, which also takes their compression away. Repositories are fetched with git
at the commits below, or read from --repositories DIR, which holds bare clones as OWNER+NAME/repo. OUT/SOURCES.tsv lists every image.
Most of these sources state no licence for the images: research use, do not pass them on.
"""

import argparse
import io
import subprocess
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

ROOT = Path(__file__).resolve().parent.parent
THUMBNAIL = 32
SAME_SCENE = 0.85  # correlation of thumbnails with a test image
SAME_IMAGE = {"ir": 0.985, "rgb": 0.995}
LEAST_SIDE = 256
LONGEST_SIDE = 1200
Image.MAX_IMAGE_PIXELS = 200_000_000


@dataclass(frozen=True)
class Source:
    prefix: str
    kind: str  # "ir" or "rgb"
    repository: str
    commit: str
    folder: str
    suffix: str = ""  # what names must end with, besides that of a picture
    size: tuple[int, int] | None = None  # only pictures of this size


M3FD = (1024, 768)
SOURCES = [
    Source("m3fd", "ir", "zipper112/S4Fusion", "0d900f06ced076ccd2e0b16bbcb4539f89cf5dfa", "dataset/M3FDTest/ir"),
    Source("m3fd", "ir", "yuliu316316/VDMUFusion", "51e7237e3f7c8a4982f491cb81dd663f8c95b582",
           "Dataset/VIF_data/test/M3FD/test/source_1", size=M3FD),
    Source("m3fd", "ir", "BOYang-pro/LFDT-Fusion", "92e0f7f21e6a8d0d03c8dc02316444a2e7f87663", "dataset/test/IR/M3FD/ir", size=M3FD),
    Source("m3fd", "ir", "Beate-Suy-Zhang/DCEvo", "0577689ef80fdce35f6f33698dfe98268b232654", "datasets/M3FD/ir", size=M3FD),
    Source("m3fd", "ir", "lok-18/IGNet", "1757e6bad837f6a222fb88b7b8ddb9b8f148709b", "test_images/ir", size=M3FD),
    Source("m3fd", "ir", "lok-18/A2RNet", "67827351b33e3705119a2019458f0047a269a7ea", "test_images/ir", size=M3FD),
    Source("m3fd", "ir", "RollingPlain/SAGE_IVIF", "377fdbef6b8b6ccbd1139358ad66bb41ea084dc1", "data/test/Ir", size=M3FD),
    Source("m3fd", "ir", "LiuZhu-CV/BDLFusion", "e51f7872e56c230c190c36df67092beb8871d608", "test_imgs/Infrared", size=M3FD),
    Source("m3fd", "ir", "luming1314/LDRepFM", "625c6b632cd80f8c04f40ed4b20fa08bebd08884", "data/test/ir", size=M3FD),
    Source("m3fd", "ir", "JinyuanLiu-CV/TarDAL", "6a9edd744b44fc03344fe8fb0fd930f5df47b00b", "assets/sample/s1/ir", size=M3FD),
    Source("m3fd", "ir", "gjj45/DAMSDet", "faeed361a0ff668550339fcf48a3b4eeeb128eb8", "dataset/coco_m3fd/train_ir_img", size=M3FD),
    Source("m3fd", "ir", "gjj45/DAMSDet", "faeed361a0ff668550339fcf48a3b4eeeb128eb8", "dataset/coco_m3fd/val_ir_img", size=M3FD),
    Source("fmb", "ir", "Beate-Suy-Zhang/DCEvo", "0577689ef80fdce35f6f33698dfe98268b232654", "datasets/FMB/ir"),
    Source("msrs", "ir", "Linfeng-Tang/SuperFusion", "b0fbb86e26825a677c0e6d59b45e62bd7fbda98a", "dataset/test/MSRS/ir"),
    Source("msrs", "ir", "lrh-1994/WaveFusionNet", "b78cf627a3bdec2dc1160fbab4a0f74636f0f53f", "test_data/MSRS/IR"),
    Source("m3svd", "ir", "Linfeng-Tang/VideoFusion", "e38a803a360e8ace90c468025ac2b9bde8522bf0",
           "dataset/M3SVD/val/infrared_Enhance"),
    Source("cid22", "rgb", "imazen/codec-corpus", "55decfe826d350815e3af3b5ac69b882fb2943d3", "CID22/CID22-512/training"),
    Source("cid22", "rgb", "imazen/codec-corpus", "55decfe826d350815e3af3b5ac69b882fb2943d3", "CID22/CID22-512/validation"),
    Source("clic2025", "rgb", "imazen/codec-corpus", "55decfe826d350815e3af3b5ac69b882fb2943d3", "clic2025/final-test"),
    Source("clic2025", "rgb", "imazen/codec-corpus", "55decfe826d350815e3af3b5ac69b882fb2943d3", "clic2025/validation"),
    Source("sunhays", "rgb", "jbhuang0604/SelfExSR", "8f6dd8c1d20cb7e8792a7177b4f6fd677633f598",
           "data/Sun-Hays80/image_SRF_8", suffix="_HR.png"),
    Source("deepin", "rgb", "linuxdeepin/deepin-wallpapers", "ac2fe33778aa16d332066227faaa6cc9baff6a1f", "nonfree/unsplash.com"),
    Source("elementary", "rgb", "elementary/wallpapers", "f28b86144ba01d788ac61ad198ca16fa9477913f", "backgrounds"),
    Source("budgie", "rgb", "BuddiesOfBudgie/budgie-backgrounds", "82067426f1dde366e9c9038fdbe457c2527525dd", "backgrounds"),
    Source("popos", "rgb", "pop-os/wallpapers", "03a25a14a76eaf3825b980ab50aad6698c1c5a35", "original"),
]
PICTURES = (".png", ".jpg", ".jpeg", ".bmp")


def git(folder: Path, *words: str) -> bytes:
    return subprocess.run(["git", "-C", folder, *words], check=True, capture_output=True).stdout


def cloned(source: Source, repositories: Path | None, cache: Path) -> Path:
    owner, name = source.repository.split("/")
    if repositories:
        return repositories / f"{owner}+{name}" / "repo"
    folder = cache / f"{owner}+{name}"
    if not folder.exists():
        folder.mkdir(parents=True)
        git(folder, "init", "--bare", "-q")
        git(folder, "fetch", "-q", "--depth", "1", f"https://github.com/{source.repository}", source.commit)
    return folder


def pictures(source: Source, repository: Path):
    """(name, bytes) of every picture in the source's folder, in order of their names."""
    listing = git(repository, "ls-tree", "-r", "-z", source.commit, "--", source.folder).decode()
    for line in sorted(filter(None, listing.split("\0")), key=lambda line: line.split("\t")[1]):
        meta, path = line.split("\t")
        if path.lower().endswith(PICTURES) and path.endswith(source.suffix):
            try:
                yield path, git(repository, "cat-file", "blob", meta.split()[2])
            except subprocess.CalledProcessError:
                print(f"{source.repository}: {path} is not there")


def thumbnail(image: Image.Image) -> np.ndarray:
    """Without its mean, of length 1."""
    plane = np.asarray(image.convert("L").resize((THUMBNAIL, THUMBNAIL), Image.Resampling.BOX), np.float64).ravel()
    plane = plane - plane.mean()
    return plane / max(np.linalg.norm(plane), 1e-9)


def is_grey(image: Image.Image) -> bool:
    channels = np.asarray(image.convert("RGB"), np.int32)[::8, ::8]
    return int(np.abs(channels - channels[..., :1]).max()) <= 2


def accepted(source: Source, image: Image.Image) -> Image.Image | None:
    if min(image.size) < LEAST_SIDE or (source.size and image.size != source.size):
        return None
    if source.kind == "ir":
        return image.convert("RGB").getchannel(0) if is_grey(image) else None
    if is_grey(image):
        return None
    factor = min(1, LONGEST_SIDE / max(image.size))
    return image.convert("RGB").resize([round(side * factor) for side in image.size], Image.Resampling.BICUBIC)


def link(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    if not target.exists():
        target.symlink_to(source.resolve())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=ROOT / "../shared/data", help="folder with train/ and test/")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--repositories", type=Path, help="bare clones that are there already")
    options = parser.parse_args()
    link(options.data / "test", options.out / "test")
    link(options.data / "train/pairs", options.out / "train/pairs")
    lines = ["file\trepository\tcommit\tpath"]
    for kind, folders in {"ir": ("ir-m3fd/hr", "ir-roadscene", "ir-flir-iisr/hr"), "rgb": ("rgb-set14",)}.items():
        forbidden = [thumbnail(Image.open(path)) for folder in folders for path in (options.data / "test" / folder).iterdir()]
        seen = []
        for path in sorted((options.data / "train" / kind).iterdir()):
            link(path, options.out / "train" / kind / path.name)
            seen.append(thumbnail(Image.open(path)))
        for source in (source for source in SOURCES if source.kind == kind):
            count = 0
            for path, data in pictures(source, cloned(source, options.repositories, options.out / "repositories")):
                image = accepted(source, Image.open(io.BytesIO(data)))
                if image is None:
                    continue
                small = thumbnail(image)
                if any(other @ small > SAME_SCENE for other in forbidden) or any(other @ small > SAME_IMAGE[kind] for other in seen):
                    continue
                seen.append(small)
                count += 1
                # Folders are part of the name: their files may be called alike.
                place = Path(path).relative_to(source.folder).with_suffix(".png").as_posix().replace("/", "_").replace(" ", "-")
                name = f"{source.prefix}_{source.repository.split('/')[1]}_{Path(source.folder).name}_{place}"
                image.save(options.out / "train" / kind / name)
                lines.append(f"train/{kind}/{name}\t{source.repository}\t{source.commit}\t{path}")
            print(f"{source.prefix}: {count} from {source.repository}/{source.folder}", flush=True)
    (options.out / "SOURCES.tsv").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
