"""Networks on a real kernel: they need Linux and the right to make network namespaces. As root on Linux they run, or fail."""
import os
import sys

LEFT_OUT = None if sys.platform == "linux" and os.geteuid() == 0 else "tests/network is left out: it needs Linux, and root to make network namespaces"


def pytest_ignore_collect(collection_path):
    return True if LEFT_OUT else None


def pytest_report_header():
    return LEFT_OUT or []
