/* One accept filter: the first `bits` bits of an address. A plain record, so that tables in C can say how large it is. */
#ifndef ZMQCORE_CIDR_H
#define ZMQCORE_CIDR_H
#include <stdint.h>

typedef struct cidr_t {
    uint8_t bytes[16];
    int size; /* of the address: 4 or 16 bytes */
    int bits;
} cidr_t;
#endif
