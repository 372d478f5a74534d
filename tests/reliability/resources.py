"""What a process uses: resident memory, descriptors, threads (Linux)."""
import os
import resource

PAGE = os.sysconf("SC_PAGE_SIZE")


def resident_kib(pid="self"):
    with open(f"/proc/{pid}/statm") as statm:
        return int(statm.read().split()[1]) * PAGE // 1024


def descriptors():
    return len(os.listdir("/proc/self/fd"))


def threads():
    return len(os.listdir("/proc/self/task"))


def allow_descriptors(count):
    """Raises the soft limit; says what the limit is if that is not enough."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < count:
        raise SystemExit(f"{count} descriptors are needed, the hard limit is {hard}")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(count, soft), hard))
