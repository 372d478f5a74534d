"""The benchmark suite: `python -m bench --help`, bench/README.md."""
