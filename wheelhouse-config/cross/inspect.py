"""What an extension for macOS or an ELF system needs: python inspect.py FILE

Ends with an error if that is a library beside the system's own, a name that no library and no Python has, or if it exports more than its PyInit.
Layouts: Apple's <mach-o/loader.h> and <mach-o/nlist.h>; System V ABI, "Dynamic Section" and "Symbol Table".
"""

import struct
import sys
from pathlib import Path

MACH_O_64 = b"\xcf\xfa\xed\xfe"
LC_SYMTAB, LC_LOAD_DYLIB, LC_ID_DYLIB, LC_VERSION_MIN_MACOSX, LC_BUILD_VERSION = 0x2, 0xC, 0xD, 0x24, 0x32
N_STAB, N_TYPE, N_EXT, N_PEXT = 0xE0, 0x0E, 0x01, 0x10
DYNAMIC_LOOKUP = (0xFE, 0)  # whoever loads it shall have the name: as Apple says it, and as Zig's linker does
SHT_DYNAMIC, SHT_DYNSYM = 6, 11
DT_NEEDED = 1
WEAK = 2
LINKERS = ("_init", "_fini", "_mh_dylib_header", "__dso_handle", "_dso_handle")  # what linkers add

# Of the systems: the C library and its parts, and the loader.
SYSTEMS = ("libSystem.", "libc.so", "libc.musl-", "libpthread.so", "libdl.so", "librt.so", "libthr.so", "ld-linux", "ld.so", "ld64.so", "libm.so")


def text(data, at):
    return data[at : data.index(b"\0", at)].decode()


def mach_o(data):
    """(libraries, names to find in the process, exported names, the oldest system)"""
    libraries, wanted, exported, oldest = [], [], [], "?"
    at = 32
    for _ in range(struct.unpack_from("<I", data, 16)[0]):
        command, size = struct.unpack_from("<II", data, at)
        command &= 0x7FFFFFFF
        if command in (LC_LOAD_DYLIB, LC_ID_DYLIB):
            name = text(data, at + struct.unpack_from("<I", data, at + 8)[0])
            if command == LC_LOAD_DYLIB:
                libraries.append(name)
        elif command in (LC_VERSION_MIN_MACOSX, LC_BUILD_VERSION):
            (version,) = struct.unpack_from("<I", data, at + (8 if command == LC_VERSION_MIN_MACOSX else 12))
            oldest = f"{version >> 16}.{version >> 8 & 0xFF}"
        elif command == LC_SYMTAB:
            symbols, count, strings = struct.unpack_from("<III", data, at + 8)
            for number in range(count):
                name, kind, section, description, value = struct.unpack_from("<IBBHQ", data, symbols + 16 * number)
                if kind & N_STAB or not kind & N_EXT or kind & N_PEXT:
                    continue
                word = text(data, strings + name).removeprefix("_")
                if kind & N_TYPE:
                    exported.append(word)
                elif description >> 8 in DYNAMIC_LOOKUP:
                    wanted.append(word)
        at += size
    return libraries, wanted, exported, f"macOS {oldest}"


def elf(data):
    """The same; names of the C library are checked by the linker."""
    wide, order = data[4] == 2, "<" if data[5] == 1 else ">"
    table, entry, count = (
        *struct.unpack_from(order + ("Q" if wide else "I"), data, 40 if wide else 32),
        *struct.unpack_from(order + "HH", data, 58 if wide else 46),
    )
    sections = [struct.unpack_from(order + ("IIQQQQIIQQ" if wide else "IIIIIIIIII"), data, table + entry * number) for number in range(count)]
    libraries, wanted, exported = [], [], []
    for _, kind, _, _, offset, size, link, _, _, step in sections:
        strings = sections[link][4] if link < len(sections) else 0
        if kind == SHT_DYNAMIC:
            for tag, value in struct.iter_unpack(order + ("qQ" if wide else "iI"), data[offset : offset + size]):
                if tag == DT_NEEDED:
                    libraries.append(text(data, strings + value))
        elif kind == SHT_DYNSYM:
            for at in range(offset + step, offset + size, step):
                if wide:
                    name, info, other, section = struct.unpack_from(order + "IBBH", data, at)
                else:
                    name, info, other, section = struct.unpack_from(order + "I8xBBH", data, at)
                if section:
                    exported.append(text(data, strings + name))
                elif info >> 4 != WEAK:
                    wanted.append(text(data, strings + name))
    return libraries, [name for name in wanted if name.startswith(("Py", "_Py"))], exported, "ELF"


def main():
    path = Path(sys.argv[1])
    data = path.read_bytes()
    libraries, wanted, exported, system = (mach_o if data[:4] == MACH_O_64 else elf)(data)
    print(f"   linked: {len(data)} bytes, {system}, needs {', '.join(libraries) or 'nothing'} and {len(wanted)} names of Python")
    offences = [f"the library {name}" for name in libraries if not Path(name).name.startswith(SYSTEMS)]
    offences += [f"the name {name}, which nobody has" for name in wanted if not name.startswith(("Py", "_Py"))]
    offences += [f"exports {name}" for name in exported if not name.startswith("PyInit_") and name not in LINKERS]
    sys.exit("\n".join(f"{path.name}: {offence}" for offence in offences) or None)


if __name__ == "__main__":
    main()
