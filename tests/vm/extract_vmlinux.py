#!/usr/bin/env python3
"""extract_vmlinux.py BZIMAGE VMLINUX: the ELF kernel in a bzImage (boot protocol 2.08, header at 0x1f1)."""
import ctypes
import lzma
import struct
import subprocess
import sys


def unpack_lz4(data):
    """The legacy frame that the kernel's build uses: blocks of 8 MiB, each with its size in front."""
    lz4 = ctypes.CDLL("liblz4.so.1")
    size = 8 << 20
    block = ctypes.create_string_buffer(size)
    position = 4
    result = bytearray()
    while position + 8 <= len(data):
        (length,) = struct.unpack_from("<I", data, position)
        position += 4
        got = lz4.LZ4_decompress_safe(data[position:position + length], block, length, size)
        if got < 0:
            break
        result += block.raw[:got]
        position += length
    return bytes(result)


def unpack(data):
    if data.startswith(b"\x02\x21\x4c\x18"):
        return unpack_lz4(data)
    if data.startswith(b"\xfd7zXZ\0"):
        return lzma.LZMADecompressor(lzma.FORMAT_XZ).decompress(data)
    if data.startswith(b"\x28\xb5\x2f\xfd"):
        return subprocess.run(["zstd", "-dcq"], input=data, stdout=subprocess.PIPE, check=False).stdout
    sys.exit("extract_vmlinux.py: unknown compression")


def main(source, target):
    with open(source, "rb") as file:
        image = file.read()
    protected_mode = ((image[0x1F1] or 4) + 1) * 512
    offset, length = struct.unpack_from("<II", image, 0x248)
    start = protected_mode + offset
    kernel = unpack(image[start:start + length])
    if not kernel.startswith(b"\x7fELF"):
        sys.exit("extract_vmlinux.py: no ELF file inside")
    with open(target, "wb") as file:
        file.write(kernel)


main(*sys.argv[1:3])
