# The constants of the core that are tuned, or that several files use, each with its reason. One that matters to a single file
# may stand there. Sizes are octets, times nanoseconds unless the name says otherwise.

cdef extern from "base/batch.h" nogil:
    enum:
        # One read takes this much. 64 KiB is where the cost of recv() per octet stops falling on Linux (tcp and unix sockets).
        RX_CHUNK
        # This much, lent memory of large frames included, is written without waiting for more. Four frames of 64 KiB in one write instead of
        # one: tcp 1.6 times as fast. More gains little, and it is beyond the high-water mark.
        TX_FULL

cdef extern from "base/limits.h" nogil:
    enum:
        ROUTING_ID_MAX
        GROUP_MAX
        DEVICE_NAME_MAX
        SOCKS_TEXT_MAX

cdef enum:
    # Bytes that processors exchange as one. Wrong on some machines (Apple: 128), where it costs a little speed.
    CACHE_LINE = 64

    # A frame up to this size lives inside msg_t, which then fills exactly one 64-octet cache line.
    MSG_INLINE_MAX = 48
    # Ring segments, in frames: the first is small so that a quiet pipe costs 272 bytes, each further one is larger by this factor, up to
    # those of a busy pipe, which seldom links.
    RING_FIRST_SEGMENT = 4
    RING_GROWTH = 8
    RING_SEGMENT = 256

    # A chunk with less room than this is not read into again; a read into a tiny tail would cost a system call for a few frames.
    RX_CHUNK_MIN_ROOM = 8192
    # Frames up to this size are handed on as views into the chunk. Larger ones get their own block: a few of them would pin a chunk.
    RX_VIEW_MAX = 8192
    # A read at least this large makes its chunk worth keeping alive for views (at most four times the payload stays pinned).
    RX_BULK = 16384
    # First block for a frame announced larger; it doubles as octets really arrive, so an announced length costs no more than this.
    RX_GROW_FIRST = 8192
    # ... of a connection that has sent frames so large before: doubling would copy each of them once more.
    RX_GROW_PROVEN = 1048576
    # With more connections than this, one that has sent only a part of a frame keeps just these octets instead of a chunk.
    RX_KEEP_CHUNKS = 16

    # From this size on a frame is read straight into the bytes object that recv() will return, if one of its size lies ready.
    RX_SPARE_MIN = 32768
    # So much of what stands behind the end of such a frame is read together with it.
    RX_BEHIND = 4096
    # Such objects, of this size at most, stay known when they are handed out, and are used again once nobody else holds them: one the program
    # works with, one it has just got, two that are on their way.
    RX_KEPT = 4
    RX_KEPT_MAX = 4194304

    # Room for frames that are copied together. With half of it a write wakes the peer twice as often: tcp at 4 KiB a third slower.
    TX_BUFFER = 131072
    # With more connections than RX_KEEP_CHUNKS an output begins with this much, one page. A message to all of them needs
    # a buffer for each, and buffers of TX_BUFFER would be fetched from the system and given back every time: 2 calls and
    # 2 page faults for each write.
    TX_FIRST = 4000
    # From this size on a frame is written from the sender's own memory by a gathering write: below, one memcpy is cheaper.
    TX_REF_MIN = 8192
    # A peer that leaves so much of our subscriptions unread, what it got at the beginning not counted, is let go: it gets the present set when it
    # comes back, which is smaller than all that led to it. Three million subscriptions of 20 octets, far above what is on its way between honest peers.
    TX_SUBSCRIPTIONS_MAX = 67108864
    # Frames gathered into one sendmsg(). Far below IOV_MAX (1024 on Linux, 16 at least by POSIX), above what fills a socket buffer.
    TX_IOV_MAX = 64
    # Octets written by one flush of a connection before the lock's next holder gets its turn; the kernel says when to go on. A peer that takes
    # everything at once (2 GB/s) is served for 2 ms.
    TX_TURN = 4194304
    # Buffers the kernel is asked for on ipc connections whose SNDBUF or RCVBUF is -1 (it may give less). Its own choice, some 200 KiB on Linux,
    # has both sides sleep and wake several times for a large message; tcp's grow by themselves.
    IPC_BUFFER = 1048576
    # Buffer the kernel is asked for of a socket that hears a multicast group and whose RCVBUF is -1 (it may give less): a hundredth of a second
    # of a gigabit, until somebody comes to read.
    GROUP_RCVBUF = 1048576
    # The same for datagrams, which are dropped when there is no room for them: Linux's own choice holds 280 small ones.
    UDP_BUFFER = 4194304
    # From this size on frames go through memory shared with the peer, where there is any: below, two copies over the connection take no longer than
    # finding a block, and one that is read in place keeps it.
    SHARED_MIN = 32768
    # So much copied into shared memory is told of without waiting for more; as TX_FULL.
    SHARED_COPIED = 262144
    # A copy into shared memory from here on is made without the GIL. Below, taking it again costs other threads more than they gain.
    SHARED_LONG = 262144
    # Segments that a connection may show one after the other. An honest peer shows a new one when another of its peers has left with blocks of the last.
    SHARED_SHOWN_MAX = 64
    # Spare chunks and buffers a socket keeps for itself. More are given back to malloc.
    POOL_SPARES = 4

    # Events taken from a poll set at once.
    POLL_BATCH = 64
    # Timers of a socket that are looked at in one turn: a heartbeat is a system call, and thousands of connections may be due at one moment.
    TIMERS_PER_TURN = 256
    # A socket with at most this many connections is read directly; with more, the poll set is asked first who has data.
    DIRECT_READ_MAX = 2

    # Application away from the socket for this long: the I/O thread takes its descriptors back.
    LEASE_NS = 1000000
    # An exported FD shows that there is a message until the application comes for it, and this wakes the I/O thread as well. If that is all there was,
    # the next lease is twice as long, so many times: 16 ms. With 1 ms each time the thread took 2 % of a processor for one unread message.
    LEASE_DOUBLINGS = 4
    # Looks of the I/O thread at its sockets before it lets its lock go: what it does itself may be news (a timer set anew) and need another look.
    SCANS_PER_TURN = 4
    # The I/O thread found a socket busy: when to try again (its application thread has been asked to do the work meanwhile).
    RETRY_NS = 200000
    # poll(): longest sleep of a wait that could have no wake-up; only when descriptors have run out.
    POLL_BLIND_NS = 5000000
    # Straggler flush. Output that nobody has written so long after it began to wait is looked at by the I/O thread. Bursts are mostly short, so
    # at first soon; a thread that keeps writing its own output (because its buffer is full, or it reads in between) is given two steps more.
    FLUSH_FIRST_NS = 20000
    FLUSH_STEPS = 2
    # What goes to more connections than this is not written by the first message of a burst, but at its end: the program
    # would be held up by a system call for each of them, 2 to 4 us, and a wake-up of the I/O thread costs less. With 20
    # messages to 64 subscribers the first message and each look at the burst had a write to all of them, 2.8 for each in
    # all. Looks are further apart, too, by so many ns for each connection, or the sender would do nothing but write.
    FLUSH_MANY = 8
    FLUSH_EACH_NS = 2000
    # A thread that goes to wait elsewhere writes to so many connections first, 2 to 4 us each: its own wait, and what comes meanwhile, is that much
    # later. More is left to the I/O thread: to 1,000 it was 4 ms.
    LEFT_MANY = 64
    # Messages of different sockets that are written one after the other come less than this apart: a write takes 3 to 5 us
    # with a reader on the other processor, and the interpreter's loop some more.
    FLUSH_TURN_NS = 20000
    # A thread that so many times running came back for input and wrote its output before the I/O thread had to is trusted to do so again: looked
    # after only with the lease. Otherwise the thread would wake in every round of an echo, and halve its speed. When that was wrong trust begins
    # anew, and takes twice as many times up to SELF_FLUSH_LIMIT_MAX; so far less than a hundredth of all bursts are late for it.
    SELF_FLUSH_LIMIT = 100
    SELF_FLUSH_LIMIT_MAX = 102400
    SELF_FLUSH_NS = 1000000
    # A burst that has lasted for long is looked at more seldom, so that its end is noticed within this share of its time, and within this time.
    # A look costs a timer and two switches of threads: 25 us of a processor in a virtual machine.
    FLUSH_CHECK_SHARE = 16
    FLUSH_CHECK_MAX_NS = 250000
    # A program that sends one message after the other with pauses as long as this writes each itself: that costs it as much as having the
    # I/O thread come, which it would do sooner.
    FLUSH_PAUSE_NS = 50000
    # Pace of the looks while the burst goes on.
    FLUSH_CHECK_NS = 40000
    # A look watches for so long whether frames are added. If none are, the burst is over, or so slow that waiting for more is worth nothing.
    # A Python loop adds one every 0.1 to 1 us.
    FLUSH_WATCH_NS = 3000
    # At this look a burst that goes on is asked to write with its next call. Not at every one: larger writes are cheaper, and wake the peer
    # less often.
    FLUSH_CHECKS = 2
    # A connection is young for so long after it was made, accepted or ready: threads that take input in look whether others of their I/O thread's
    # sockets are in the middle of a handshake. Long enough for the handshake and the subscriptions behind it with processors that are busy elsewhere.
    # A look costs a microsecond, so it must end; the last one is taken when the time is over, however long that is.
    YOUNG_NS = 20000000
    # Overlap (io/overlap.pxd). A program that stays away from its socket for so long after a large frame, in the mean, has
    # the I/O thread write: longer than the wake-up of a thread costs it. One that stays away longer than the greater figure
    # would gain less than a twentieth. The share of the latest time in the mean.
    OVERLAP_AWAY_NS = 10000
    OVERLAP_AWAY_MAX_NS = 5000000
    OVERLAP_SHARE = 4
    OVERLAP_BYTES_PER_NS = 8    # how fast the kernel copies, about
    # Output by reference of this size and above is worth it: copying it takes longer than handing it over.
    OVERLAP_MIN = 32768
    # Waking a thread costs the program 5 to 20 us in a virtual machine. For one that is back after so long, in the mean, the
    # thread keeps time: it looks after so many times of that, until it has found nothing so often.
    TEMPO_AWAY_NS = 100000
    TEMPO_TIMES = 2
    TEMPO_RESTS = 3
    # A program that waits, at some other socket, for what comes of each message has but one on its way, and loses by this.
    # After so many looks in a row that found one there is no tempo for so many messages, twice as many each time.
    TEMPO_LONELY = 4
    TEMPO_SKIP = 64
    TEMPO_SKIP_MAX = 4096
    # Where no processor is free the thread takes the program's.
    TAKEN_LOOK = 32             # so many messages are handed over between two looks at how often
    TAKEN_MOST = 6              # if it was so often, the program writes by itself for a while:
    TAKEN_REST = 256            # so many messages, twice as many whenever the next look says the same,
    TAKEN_REST_MAX = 8192       # and so many at most
    # One write apart: a thread that wants to close the connection waits for it, 100 us or so.
    APART_BYTES = 1048576
    APART_CALLS = 8             # for one socket before it is the turn of others
    # A wait spins at most this long before it blocks; about the price of one sleep and wake-up.
    SPIN_NS = 50000
    # A spinning thread that gave its processor up and got it back only after this long is in the way of others: it had better sleep.
    # Longer than a peer on the same processor takes to answer.
    SPIN_CROWDED_NS = 25000
    # This long is somebody's whole slice of time: a program that computes is on the same processor. A thread that sleeps is served before such a
    # program; one that yields to it waits until the slice is over. If that costs more than spinning has saved, so much for each spin that won and
    # so much in all, nobody spins for a while, twice as long each time.
    SPIN_STOLEN_NS = 500000
    SPIN_WORTH_NS = 20000
    SPIN_CREDIT_NS = 20000000
    SPIN_REST_NS = 20000000
    SPIN_REST_MAX_NS = 640000000

    # With RECONNECT_IVL 0 the first attempt comes at once, the others after this, doubled up to so many times (64 ms): an address where nobody
    # listens refuses within microseconds, and asking it without a pause would take a processor.
    RECONNECT_LEAST_NS = 1000000
    RECONNECT_LEAST_STEPS = 6

    # A signal that arrives on a thread's way to sleep (while it spins, say) does not end the sleep. So the first one is this short, and the second
    # one not much longer: after each the signal handlers get their turn. Soon enough for a person, seldom enough to cost nothing.
    SIGNAL_CHECK_NS = 10000000
    SIGNAL_CHECK_LATER_NS = 200000000

    # How long a closing connection waits for the peer's kernel to acknowledge what was written when LINGER is infinite.
    # Without it an answer from the peer could make the kernel reset the connection and discard our last messages.
    DRAIN_MAX_S = 30            # seconds
    # How often a closing connection is looked at: whether all is acknowledged, and to discard what the peer sends. A round trip in a data centre at
    # first; twice as long after every look that found nothing, up to a time nobody notices at the end of a program.
    DRAIN_LOOK_NS = 2000000
    DRAIN_LOOK_MAX_NS = 16000000
    # Reads of 16 KiB in one such look: at most 64 MiB/s, which is some per cent of a processor. Others wait for the lock meanwhile.
    DISCARD_READS = 8

    # A full descriptor table: accepted connections whose handshake takes longer than this make way, so many at once. An honest one takes some
    # round trips; a second is two to a far satellite and back.
    PRESSED_HANDSHAKE_NS = 1000000000
    PRESSED_HANDSHAKES = 16

    # Threads of a context that ask the system for names. A name whose server does not answer holds one for some seconds,
    # again and again: so many of them may be away before others wait.
    RESOLVERS = 8

    # Monitor events kept for a consumer that has not connected or does not read; the oldest go first.
    MONITOR_BACKLOG = 4096
