# What Python sees of the simulator.

FINDINGS = {SIM_DEADLOCK: "deadlock", SIM_LIVELOCK: "livelock", SIM_LEAK: "leak", SIM_MEMORY: "memory", SIM_MODEL: "model", SIM_MISUSE: "misuse"}
PROFILE_NAMES = ["clean", "churn", "hostile", "refused", "no memory", "all"]
CONFIG = ("seed", "slice", "jump", "jump_ns", "processors", "capacity", "split", "delay_ns", "interrupted", "not_now", "refused", "refused_at",
          "reset", "no_memory_at", "no_memory", "descriptors")


cdef dict config_dict(sim_config_t *c):
    return {
        "seed": c.seed, "slice": c.slice, "jump": c.jump, "jump_ns": c.jump_ns, "processors": c.processors, "capacity": c.capacity,
        "split": c.split, "delay_ns": c.delay_ns, "interrupted": c.interrupted, "not_now": c.not_now, "refused": c.refused,
        "refused_at": c.refused_at, "reset": c.reset, "no_memory_at": c.no_memory_at, "no_memory": c.no_memory, "descriptors": c.descriptors,
    }


cdef int config_override(sim_config_t *c, dict changes) except -1:
    cdef dict d = config_dict(c)
    for name in changes:
        if name not in d:
            raise ValueError(f"no such property of a machine: {name}; there are {', '.join(CONFIG)}")
    d.update(changes)
    c.seed = d["seed"]
    c.slice = d["slice"]
    c.jump = d["jump"]
    c.jump_ns = d["jump_ns"]
    c.processors = d["processors"]
    c.capacity = d["capacity"]
    c.split = d["split"]
    c.delay_ns = d["delay_ns"]
    c.interrupted = d["interrupted"]
    c.not_now = d["not_now"]
    c.refused = d["refused"]
    c.refused_at = d["refused_at"]
    c.reset = d["reset"]
    c.no_memory_at = d["no_memory_at"]
    c.no_memory = d["no_memory"]
    c.descriptors = d["descriptors"]
    return 0


cdef program_t *program_of(program, only, dict machine) except NULL:
    """From a seed, or from what export() has made."""
    cdef program_t *p = &the_program
    cdef op_t *o
    if isinstance(program, dict):
        memset(p, 0, sizeof(program_t))
        p.profile = PROFILE_NAMES.index(program["profile"])
        p.nsockets = len(program["types"])
        p.nthreads = program["threads"]
        p.poller = program["poller"]
        p.io_threads = program["io_threads"]
        if p.nsockets > SLOTS or p.nthreads > THREADS_MAX or len(program["operations"]) > OPS_MAX:
            raise ValueError("the program is too large")
        for i, type_ in enumerate(program["types"]):
            p.types[i] = type_
        for kind, thread, sock, a, b, c, timeout in program["operations"]:
            o = op_add(p, KIND_NUMBERS[kind], thread, sock)
            o.a = a
            o.b = b
            o.c = c
            o.timeout = timeout
        config_override(&p.config, program["machine"])
    else:
        program_make(p, program)
    if only is not None:
        kept = set(only)
        for i in range(p.nops):
            p.ops[i].kept = i in kept
    if machine:
        config_override(&p.config, machine)
    return p


def export(program, only=None, machine=None):
    """A program as a dict that JSON can keep. It stays what it is when the generator changes."""
    cdef program_t *p = program_of(program, only, machine or {})
    cdef setting_t x
    cdef int i
    cdef op_t *o
    operations = []
    for i in range(p.nops):
        o = &p.ops[i]
        if o.kept and o.kind == OP_SET:
            setting_of(p, o, &x)
            operations.append(["set", o.thread, o.sock, x.option, x.values[0], x.kind + 1, o.timeout])
        elif o.kept:
            operations.append([_KINDS[o.kind], o.thread, o.sock, o.a, o.b, o.c, o.timeout])
    return {
        "profile": PROFILE_NAMES[p.profile], "types": [p.types[i] for i in range(p.nsockets)], "threads": p.nthreads, "poller": p.poller,
        "io_threads": p.io_threads, "machine": {name: value for name, value in config_dict(&p.config).items() if value},
        "operations": operations,
    }


def run(program, only=None, machine=None):
    """Runs the program of a seed, or an exported one. only: numbers of the operations to keep; machine: properties of the machine to change.
    Returns a dict: finding ("" if there is none), text, steps, and what happened."""
    cdef program_t *p = program_of(program, only, machine or {})
    cdef int rc
    with nogil:
        rc = run_program(p)
    return {
        "finding": FINDINGS.get(rc, ""), "text": (<bytes> world.text).decode("utf-8", "replace"), "steps": world.steps, "now": world.now,
        "digest": world.digest, "received": the_model.received, "others": the_model.others, "calls": the_run.calls,
        "allocations": sim_heap.total, "fallible": world.fallible, "refusals": world.refusals, "octets": sim_octets, "resets": sim_resets,
        "others_octets": sim_others_octets,     # written by threads that are not the program's
    }


def run_many(first, int count, unsigned long long[::1] at, int profiles=-1):
    """Runs programs until one has a finding: (how many seeds were looked at, programs run, steps, seed of the finding or None, messages received,
    octets moved, programs given up as endless). at[0] is the seed that runs; profiles: bits of the profiles to run."""
    cdef uint64_t seed = first
    cdef uint64_t steps = 0
    cdef uint64_t received = 0
    cdef uint64_t octets = 0
    cdef int looked = 0
    cdef int ran = 0
    cdef int tired = 0
    cdef int rc = 0
    with nogil:
        while looked < count and rc == 0:
            at[0] = seed
            program_make(&the_program, seed)
            seed += 1
            looked += 1
            if not profiles >> the_program.profile & 1:
                continue
            rc = run_program(&the_program)
            ran += 1
            steps += world.steps
            received += the_model.received
            octets += sim_octets
            tired += world.finding == SIM_TIRED
    return looked, ran, steps, (seed - 1 if rc else None), received, octets, tired


def number_of_operations(program):
    return program_of(program, None, {}).nops


_TOPICS = ["", "A", "B", "C", "D"]
_KINDS = {
    OP_SET: "set", OP_BIND: "bind", OP_CONNECT: "connect", OP_UNBIND: "unbind", OP_DISCONNECT: "disconnect", OP_SEND: "send", OP_RECV: "recv",
    OP_POLL: "poll", OP_SUBSCRIBE: "subscribe", OP_UNSUBSCRIBE: "unsubscribe", OP_SLEEP: "sleep", OP_IDLE: "sleep 300 ms", OP_RAW: "stranger connects",
    OP_RAW_LISTEN: "stranger listens", OP_MONITOR: "monitor", OP_MONITOR_READ: "read monitor", OP_PROXY: "proxy", OP_CLOSE: "close",
    OP_SHUTDOWN: "shutdown", OP_WATCH: "watch FD", OP_BREAK: "network resets a connection", OP_FLUSH_AT_EXIT: "flush as at exit",
    OP_HANG_UP: "hang up", OP_WORK: "work",
}
KIND_NUMBERS = {name: number for number, name in _KINDS.items()}
_OPTION_NAMES = {
    OPT_SNDHWM: "SNDHWM", OPT_RCVHWM: "RCVHWM", OPT_RECONNECT_IVL: "RECONNECT_IVL", OPT_RECONNECT_IVL_MAX: "RECONNECT_IVL_MAX",
    OPT_IO_STRATEGY: "IO_STRATEGY", OPT_BACKLOG: "BACKLOG", OPT_PROBE_ROUTER: "PROBE_ROUTER", OPT_XPUB_VERBOSE: "XPUB_VERBOSE",
    OPT_XPUB_VERBOSER: "XPUB_VERBOSER", OPT_XPUB_NODROP: "XPUB_NODROP", OPT_ROUTER_NOTIFY: "ROUTER_NOTIFY",
    OPT_ROUTER_MANDATORY: "ROUTER_MANDATORY", OPT_REQ_CORRELATE: "REQ_CORRELATE", OPT_SNDBUF: "SNDBUF", OPT_IMMEDIATE: "IMMEDIATE",
    OPT_LINGER: "LINGER", OPT_CONFLATE: "CONFLATE", OPT_HEARTBEAT_IVL: "HEARTBEAT_IVL", OPT_HEARTBEAT_TIMEOUT: "HEARTBEAT_TIMEOUT",
    OPT_HEARTBEAT_TTL: "HEARTBEAT_TTL", OPT_HANDSHAKE_IVL: "HANDSHAKE_IVL", OPT_ROUTER_HANDOVER: "ROUTER_HANDOVER",
    OPT_REQ_RELAXED: "REQ_RELAXED", OPT_XPUB_MANUAL: "XPUB_MANUAL", OPT_INVERT_MATCHING: "INVERT_MATCHING",
    OPT_ONLY_FIRST_SUBSCRIBE: "ONLY_FIRST_SUBSCRIBE", OPT_CONNECT_TIMEOUT: "CONNECT_TIMEOUT", OPT_RECONNECT_STOP: "RECONNECT_STOP",
    OPT_XSUB_VERBOSE_UNSUBSCRIBE: "XSUB_VERBOSE_UNSUBSCRIBE", OPT_MAXMSGSIZE: "MAXMSGSIZE", OPT_ROUTING_ID: "ROUTING_ID",
    OPT_CONNECT_ROUTING_ID: "CONNECT_ROUTING_ID", OPT_HELLO_MSG: "HELLO_MSG", OPT_DISCONNECT_MSG: "DISCONNECT_MSG", OPT_HICCUP_MSG: "HICCUP_MSG",
    OPT_XPUB_WELCOME_MSG: "XPUB_WELCOME_MSG", OPT_STREAM_NOTIFY: "STREAM_NOTIFY",
}


cdef str wait_text(int timeout):
    return "without waiting" if timeout == NOWAIT else f"waiting up to {timeout} ms"


cdef str op_text(program_t *p, op_t *o):
    cdef setting_t x
    kind = _KINDS[o.kind]
    if o.kind == OP_SET:
        setting_of(p, o, &x)
        value = x.values[0]
        octets = (<bytes> OCTETS)[o.sock:o.sock + value] if x.kind == 2 else None
        return f"set {_OPTION_NAMES.get(x.option, x.option)} {octets if x.kind == 2 else value}"
    if o.kind in (OP_BIND, OP_UNBIND):
        return f"{kind} {(<bytes> places[o.a].bind).decode()}"
    if o.kind in (OP_CONNECT, OP_DISCONNECT):
        return f"{kind}{'_peer' if o.kind == OP_CONNECT and o.b else ''} {(<bytes> places[o.a].connect).decode()}"
    if o.kind == OP_SEND:
        return f"send {o.a} messages of {o.b} frames (sizes {o.c}) {wait_text(o.timeout)}"
    if o.kind in (OP_RECV, OP_MONITOR_READ):
        return f"{kind} {o.a} {wait_text(o.timeout)}"
    if o.kind == OP_POLL:
        return f"poll sockets {[i for i in range(p.nsockets) if o.a >> i & 1]} for {o.b} {wait_text(o.timeout)}"
    if o.kind in (OP_SUBSCRIBE, OP_UNSUBSCRIBE):
        return f"{kind} {_TOPICS[o.a]!r}"
    if o.kind == OP_SLEEP:
        return f"sleep {o.a} us"
    if o.kind == OP_WORK:
        return f"send {o.a} large messages (sizes {o.c}) {wait_text(o.timeout)}, working {o.b} us between"
    if o.kind in (OP_RAW, OP_RAW_LISTEN):
        return f"{kind} at {(<bytes> places[o.a].bind).decode()} (script {o.b % 12}, manner {o.c % 64}, {o.c})"
    if o.kind == OP_MONITOR:
        return "monitor " + ("stop" if o.a == 0 else "start")
    if o.kind == OP_PROXY:
        return f"proxy with socket {o.a}, {o.b} rounds"
    if o.kind == OP_CLOSE:
        return f"close linger={o.timeout}"
    if o.kind == OP_WATCH:
        return f"watch FD {wait_text(o.timeout)}"
    return kind


def describe(program, only=None, machine=None):
    """The program of a seed, or an exported one, in lines a person can read."""
    cdef program_t *p = program_of(program, only, machine or {})
    cdef int i
    names = [(<bytes> type_name(p.types[i])).decode() + " raw" * (p.types[i] == TYPE_RAW_ROUTER) for i in range(p.nsockets)]
    lines = [
        f"program {program if isinstance(program, int) else ''} ({PROFILE_NAMES[p.profile]}), "
        f"poll set {'epoll' if p.poller == POLLSET_EPOLL else 'poll'}, {p.io_threads} I/O thread(s)",
        "machine " + " ".join(f"{name}={value}" for name, value in config_dict(&p.config).items() if value),
        "sockets " + " ".join(f"{i}={name}" for i, name in enumerate(names)),
    ]
    for i in range(p.nops):
        if p.ops[i].kept:
            lines.append(f"  [{i}] thread {p.ops[i].thread}: socket {p.ops[i].sock} {names[p.ops[i].sock]}: {op_text(p, &p.ops[i])}")
    return lines
