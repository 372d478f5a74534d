"""Prints the Python names that a COFF object file imports, one per line, as a .def file wants them.

A symbol of section 0 and value 0 is undefined; `__imp_` marks one that is reached through an import library. Layout: Microsoft's PE/COFF
specification, sections "COFF File Header", "COFF Symbol Table" and "COFF String Table".
"""

import re
import struct
import sys
from pathlib import Path

SYMBOL_SIZE = 18
DATA = re.compile(r"_?Py\w+_Type$|PyExc_\w+$|_Py_\w*Struct$|_Py_\w*Object$|_Py\w*_Type$")


def undefined(data):
    table, count = struct.unpack_from("<II", data, 8)
    strings = table + count * SYMBOL_SIZE
    index = 0
    while index < count:
        at = table + index * SYMBOL_SIZE
        value, section = struct.unpack_from("<Ih", data, at + 8)
        auxiliary = data[at + 17]
        if section == 0 and value == 0:
            zeroes, offset = struct.unpack_from("<II", data, at)
            start, end = (strings + offset, None) if zeroes == 0 else (at, at + 8)
            yield data[start : end or data.index(b"\0", start)].rstrip(b"\0").decode()
        index += 1 + auxiliary


def main():
    names = {name.removeprefix("__imp_") for name in undefined(Path(sys.argv[1]).read_bytes())}
    for name in sorted(names):
        if re.match(r"_?Py", name):
            print(f"    {name} DATA" if DATA.match(name) else f"    {name}")


if __name__ == "__main__":
    main()
