"""Makes zips byte by byte, sound ones and ones that no honest program would write."""

import io
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from functools import cache

import numpy as np
from PIL import Image

NUM_PER_CLASS = 6


def photograph(seed: int, size: tuple[int, int] = (40, 32), mode: str = "RGB") -> Image.Image:
    """Return a picture unlike those of other seeds: coarse random patches with soft edges, sensor noise on top."""
    generator = np.random.default_rng(seed)
    patches = Image.fromarray(generator.integers(0, 256, (5, 6, 3), np.uint8))
    soft = np.asarray(patches.resize(size, Image.Resampling.BICUBIC), np.int16)
    noisy = np.clip(soft + generator.integers(-6, 7, soft.shape), 0, 255).astype(np.uint8)
    return Image.fromarray(noisy).convert(mode)


def encoded(image: Image.Image, kind: str = "PNG", **options: object) -> bytes:
    """Return the bytes of an image file."""
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


def good_files(prefix: str = "", classes: tuple[str, ...] = ("cats", "dogs")) -> dict[str, bytes]:
    """Return ``NUM_PER_CLASS`` images for each class, by path."""
    return {
        f"{prefix}{name}/{number}.png": encoded(photograph(100 * label + number))
        for label, name in enumerate(classes)
        for number in range(NUM_PER_CLASS)
    }


def zipped(files: Mapping[str, bytes], method: int = zipfile.ZIP_STORED) -> bytes:
    """Return a zip of files; a name that ends in ``/`` makes a folder."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", method) as archive:
        for name, data in files.items():
            archive.writestr(_info(name), data, compress_type=method)
    return stream.getvalue()


def good(**more: bytes) -> bytes:
    """Return a sound zip of cats and dogs."""
    return zipped(good_files() | more)


def _info(name: str) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo("x", (2024, 5, 17, 12, 0, 0))
    info.filename = name  # the constructor would turn backslashes and cut at zero bytes on some systems
    info.external_attr = (0o40755 << 16 | 0x10) if name.endswith("/") else (0o100644 << 16)
    info.create_system = 3
    return info


def with_files(files: Mapping[str, bytes]) -> Callable[[], bytes]:
    """Build the good zip with files added or replaced."""
    return lambda: zipped(good_files() | dict(files))


def with_name(name: str) -> Callable[[], bytes]:
    """Build the good zip with one more image under a name."""
    return with_files({name: encoded(photograph(999))})


def patched(data: bytes, *, flag: int | None = None, method: int | None = None) -> bytes:
    """Set flag bits or the method of every entry, in local headers and central directory, without changing lengths."""
    changed = bytearray(data)
    for flag_at in _flag_offsets(data):
        (old,) = struct.unpack_from("<H", changed, flag_at)
        struct.pack_into("<H", changed, flag_at, old | (flag or 0))
        if method is not None:
            struct.pack_into("<H", changed, flag_at + 2, method)
    return bytes(changed)


def _flag_offsets(data: bytes) -> Iterator[int]:
    """Yield where the flags of every entry stand: in its local header and in the central directory."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        position = archive.start_dir
        for info in archive.infolist():
            yield info.header_offset + 6
            yield position + 8
            position += 46 + sum(struct.unpack_from("<HHH", data, position + 28))


def with_link() -> bytes:
    """A symbolic link among the images."""
    stream = io.BytesIO(good())
    with zipfile.ZipFile(stream, "a") as archive:
        info = _info("cats/link.png")
        info.external_attr = 0o120777 << 16
        archive.writestr(info, "../../etc/passwd")
    return stream.getvalue()


@cache
def bomb() -> bytes:
    """64 MiB of zeros in 64 KiB."""
    stream = io.BytesIO(good())
    with zipfile.ZipFile(stream, "a", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        archive.writestr(_info("cats/bomb.bmp"), bytes(64 * 2**20), compress_type=zipfile.ZIP_DEFLATED)
    return stream.getvalue()


def overlapping_bomb() -> bytes:
    """Entries of the central directory that all point at the same packed bytes."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for path, data in good_files().items():
            archive.writestr(_info(path), data)
        original = archive.getinfo("cats/0.png")
        for number in range(20):
            copy = _info(f"cats/copy{number}.png")
            for attribute in ("CRC", "compress_size", "file_size", "header_offset", "create_version"):
                setattr(copy, attribute, getattr(original, attribute))
            archive.filelist.append(copy)
    return stream.getvalue()


def claims_too_much() -> bytes:
    """Entries that claim 128 MiB each; nothing that large was ever packed."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for path, data in good_files().items():
            archive.writestr(_info(path), data)
        for info in archive.filelist:
            info.file_size = 2**27
    return stream.getvalue()


def same_name_twice() -> bytes:
    """Two entries of one name, as programs leave that append instead of replacing."""
    stream = io.BytesIO(good())
    with zipfile.ZipFile(stream, "a") as archive:
        info = _info("cats/O.png")
        archive.writestr(info, encoded(photograph(77)))
    return stream.getvalue().replace(b"cats/O.png", b"cats/0.png")


def wrong_checksum() -> bytes:
    """One stored image with a byte turned over, so that its checksum no longer fits."""
    data = good()
    image = good_files()["cats/0.png"]
    at = data.index(image) + len(image) // 2
    return data[:at] + bytes([data[at] ^ 0xFF]) + data[at + 1 :]


def utf8_without_flag(data: bytes) -> bytes:
    """Take the UTF-8 flag off every entry, as many tools forget to set it."""
    changed = bytearray(data)
    for flag_at in _flag_offsets(data):
        (old,) = struct.unpack_from("<H", changed, flag_at)
        struct.pack_into("<H", changed, flag_at, old & ~0x800)
    return bytes(changed)


def _rotated() -> bytes:
    exif = Image.Exif()
    exif[0x0112] = 6
    return encoded(photograph(61), "JPEG", exif=exif, quality=95)


def _animation() -> bytes:
    frames = [photograph(seed) for seed in (71, 72, 73)]
    return encoded(frames[0], "GIF", save_all=True, append_images=frames[1:])


def _sixteen_bits() -> bytes:
    return encoded(Image.fromarray(np.asarray(photograph(62, mode="L"), np.uint16) * 257))


def files_of_all_modes() -> dict[str, bytes]:
    """One file of every kind of pixel and every type that is read."""
    palette = photograph(63).convert("P", palette=Image.Palette.ADAPTIVE)
    return {
        "cats/cmyk.jpg": encoded(photograph(64, mode="CMYK"), "JPEG"),
        "cats/rgba.png": encoded(photograph(65, mode="RGBA")),
        "cats/palette.png": encoded(palette),
        "cats/16bit.png": _sixteen_bits(),
        "cats/grey.png": encoded(photograph(66, mode="L")),
        "cats/grey_alpha.png": encoded(photograph(67, mode="LA")),
        "cats/one_bit.png": encoded(photograph(68, mode="1")),
        "cats/animated.gif": _animation(),
        "cats/rotated.jpg": _rotated(),
        "cats/photo.webp": encoded(photograph(69), "WEBP", quality=90),
        "cats/photo.bmp": encoded(photograph(70), "BMP"),
        "cats/scan.tiff": encoded(photograph(74), "TIFF"),
    }


@cache
def huge_png() -> bytes:
    """A PNG of 20,000 by 20,000 pixels, one bit each: 50 MB of black in 50 KB."""
    header = struct.pack(">LLBBBBB", 20_000, 20_000, 1, 0, 0, 0, 0)
    rows = zlib.compress(bytes(20_000 * (1 + 20_000 // 8)), 1)
    chunks = ((b"IHDR", header), (b"IDAT", rows), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">L", len(data)) + kind + data + struct.pack(">L", zlib.crc32(kind + data)) for kind, data in chunks
    )
