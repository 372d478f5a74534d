/* Sizes of config.pxd that tables in C need, too: how much one system call moves. Their reasons are there. */
#ifndef ZMQCORE_BATCH_H
#define ZMQCORE_BATCH_H

enum {
    RX_CHUNK = 65536,
    TX_FULL = 262144,
};
#endif
