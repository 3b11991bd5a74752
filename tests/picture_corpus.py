"""Picture files as cameras, scanners and damaged disks leave them: sound, odd and broken ones, made byte by byte."""

import random
import struct
import zlib
from collections.abc import Iterator, Mapping
from functools import cache

import numpy as np
from PIL import Image

from tests.archive_making import encoded, files_of_all_modes, huge_png, photograph

SIZE = (40, 32)
_ORIENTATION = 0x0112
_BROKEN_EXIF = (
    b"",
    b"Exif\0\0",
    b"Exif\0\0II*\0\xff\xff\xff\x7f",
    b"Exif\0\0MM\0*\0\0\0\x08\xff\xff" + bytes(20),
    b"Exif\0\0no TIFF header at all",
    b"\x89\x00\x12",
)


@cache
def pictures() -> Mapping[str, bytes]:
    """Return files by what is odd about them; whether each can be read is not said here."""
    return dict(_all())


def _all() -> Iterator[tuple[str, bytes]]:
    yield from files_of_all_modes().items()
    yield from _modes()
    yield from _turned()
    yield from _with_broken_exif()
    yield from _animated()
    yield from _with_odd_chunks()
    yield "huge.png", huge_png()
    yield "huge.jpg", encoded(photograph(1, (3000, 2000)), "JPEG", quality=60)
    yield "just_too_big_to_shrink.jpg", encoded(photograph(2, (1400, 1343)), "JPEG")
    yield "no_bytes", b""
    yield "text", b"Dear cat, this is no picture."
    yield "heic", b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(64)
    yield "postscript", b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n"


def _modes() -> Iterator[tuple[str, bytes]]:
    deep = np.arange(SIZE[0] * SIZE[1], dtype=np.uint32).reshape(SIZE[1], SIZE[0])
    yield "pa.tiff", encoded(photograph(3).convert("PA"), "TIFF")
    yield "la.png", encoded(photograph(4, mode="LA"))
    yield "ycbcr.tiff", encoded(photograph(5, mode="YCbCr"), "TIFF")
    yield "lab.tiff", encoded(photograph(6, mode="LAB"), "TIFF")
    yield "cmyk.tiff", encoded(photograph(7, mode="CMYK"), "TIFF")
    yield "one_bit.tiff", encoded(photograph(8, mode="1"), "TIFF")
    yield "16_bit.png", encoded(Image.fromarray((deep * 51).astype(np.uint16)))
    yield "10_bit_in_16.png", encoded(Image.fromarray((deep % 1024).astype(np.uint16)))
    yield "big_endian_16_bit.tiff", encoded(Image.frombytes("I;16B", SIZE, deep.astype(">u2").tobytes()), "TIFF")
    yield "32_bit.tiff", encoded(Image.fromarray(deep.astype(np.int32) * 3), "TIFF")
    yield "negative.tiff", encoded(Image.fromarray(deep.astype(np.int32) - 600), "TIFF")
    yield "fractions.tiff", encoded(Image.fromarray((deep / deep.max()).astype(np.float32)), "TIFF")
    missing = (deep / 9).astype(np.float32)
    missing[3:9, 5] = np.nan
    missing[0, 0] = np.inf
    yield "no_data.tiff", encoded(Image.fromarray(missing), "TIFF")
    palette = photograph(9).convert("P", palette=Image.Palette.ADAPTIVE, colors=16)
    yield "palette_with_hole.png", encoded(palette, transparency=3)
    yield "palette_half_transparent.png", encoded(palette, transparency=bytes(range(0, 256, 16)))
    yield "colour_key.png", encoded(photograph(10), transparency=(1, 2, 3))
    yield "grey_key.png", encoded(photograph(11, mode="L"), transparency=7)


def _turned() -> Iterator[tuple[str, bytes]]:
    for kind in ("JPEG", "PNG", "TIFF", "WEBP"):
        for held in (*range(1, 9), 0, 9):
            exif = Image.Exif()
            exif[_ORIENTATION] = held
            yield f"held_{held}.{kind.lower()}", encoded(photograph(20 + held), kind, exif=exif)


def _with_broken_exif() -> Iterator[tuple[str, bytes]]:
    for number, block in enumerate(_BROKEN_EXIF):
        yield f"broken_exif_{number}.png", _png_with(encoded(photograph(30 + number)), b"eXIf", block)
        yield f"broken_exif_{number}.webp", _webp_with_exif(encoded(photograph(40 + number), "WEBP"), block)
        yield f"broken_exif_{number}.jpg", _jpeg_with_exif(encoded(photograph(50 + number), "JPEG"), block)


def _animated() -> Iterator[tuple[str, bytes]]:
    frames = [photograph(seed) for seed in (61, 62, 63)]
    for kind in ("GIF", "WEBP", "PNG", "TIFF", "AVIF"):
        if kind in Image.SAVE or kind == "AVIF":
            yield f"animated.{kind.lower()}", encoded(frames[0], kind, save_all=True, append_images=frames[1:])


def _with_odd_chunks() -> Iterator[tuple[str, bytes]]:
    plain = encoded(photograph(70))
    yield "long_text.png", _png_with(plain, b"zTXt", b"Comment\0\0" + zlib.compress(bytes(2**21)))
    yield "broken_profile.png", _png_with(plain, b"iCCP", b"profile\0\0not deflated")
    yield "broken_gamma.png", _png_with(plain, b"gAMA", b"\0")
    yield "broken_density.png", _png_with(plain, b"pHYs", b"\0\0")
    yield "wrong_checksum_of_text.png", plain[:33] + struct.pack(">L", 3) + b"tEXta\0b" + b"\0\0\0\0" + plain[33:]
    yield "no_end.png", plain[:-12]
    yield "half.png", plain[: len(plain) // 2]
    jpeg = encoded(photograph(71, (200, 160)), "JPEG")
    yield "no_end.jpg", jpeg[:-2]
    yield "half.jpg", jpeg[: len(jpeg) // 2]
    yield "rubbish_after.jpg", jpeg + b"rubbish" * 99


def damaged(whole: bytes, seed: int, *, num: int) -> Iterator[bytes]:
    """Yield copies of a file with a few bytes of its beginning changed, or its end cut off."""
    generator = random.Random(seed)
    for _ in range(num):
        copy = bytearray(whole)
        for _ in range(generator.randint(0, 4)):
            copy[generator.randrange(min(len(copy), 400))] = generator.randrange(256)
        yield bytes(copy[: generator.choice([len(whole), generator.randrange(len(whole))])])


def _png_with(plain: bytes, kind: bytes, data: bytes) -> bytes:
    """Put a chunk behind the header of a PNG."""
    chunk = struct.pack(">L", len(data)) + kind + data + struct.pack(">L", zlib.crc32(kind + data))
    return plain[:33] + chunk + plain[33:]


def _jpeg_with_exif(plain: bytes, block: bytes) -> bytes:
    return plain[:2] + b"\xff\xe1" + struct.pack(">H", len(block) + 2) + block + plain[2:]


def _webp_with_exif(plain: bytes, block: bytes) -> bytes:
    """Turn a plain WebP into an extended one, as the format wants it for metadata."""
    width, height = (struct.pack("<L", side - 1)[:3] for side in SIZE)
    flags = struct.pack("<L", 0b1000)
    padded = block + b"\0" * (len(block) % 2)
    body = b"WEBP" + b"VP8X" + struct.pack("<L", 10) + flags + width + height
    body += plain[12:] + b"EXIF" + struct.pack("<L", len(block)) + padded
    return b"RIFF" + struct.pack("<L", len(body)) + body
