"""Programs that are not what is tested: peers of other stacks, browsers, the system's tools.

Rule
- They run without the libraries that are preloaded here. Those are a sanitizer's: in a program that was not built for it, it takes time and memory,
  reports what is none of ours, and some never get as far as main(): ps and curl wait for ever for a lock of the C library.
"""

import os


def environment(**more):
    """That of a foreign program, with some variables set."""
    return {name: value for name, value in {**os.environ, **more}.items() if name != "LD_PRELOAD"}


def starts(*command):
    """The end of a foreign program's command line: a program of ours that it starts, with what is preloaded here."""
    return ["env", f"LD_PRELOAD={os.environ['LD_PRELOAD']}", *command] if "LD_PRELOAD" in os.environ else [*command]
