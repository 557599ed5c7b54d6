/* A hash keyed at start, so that clients cannot choose what collides: SipHash
   with one round per word and three at the end. */
#include "core/hash.h"

#include <endian.h>
#include <string.h>

#include "core/rng.h"

struct sip {
    uint64_t v0, v1, v2, v3;
};

static uint64_t process_key[2];

static inline uint64_t
rotate(uint64_t word, unsigned bits)
{
    return word << bits | word >> (64 - bits);
}

static inline void
sip_round(struct sip *sip)
{
    sip->v0 += sip->v1;
    sip->v2 += sip->v3;
    sip->v1 = rotate(sip->v1, 13) ^ sip->v0;
    sip->v3 = rotate(sip->v3, 16) ^ sip->v2;
    sip->v0 = rotate(sip->v0, 32);
    sip->v2 += sip->v1;
    sip->v0 += sip->v3;
    sip->v1 = rotate(sip->v1, 17) ^ sip->v2;
    sip->v3 = rotate(sip->v3, 21) ^ sip->v0;
    sip->v2 = rotate(sip->v2, 32);
}

static inline void
sip_word(struct sip *sip, uint64_t word)
{
    sip->v3 ^= word;
    sip_round(sip);
    sip->v0 ^= word;
}

/* Little endian, whatever the machine is. */
static inline uint64_t
load_word(const unsigned char *bytes)
{
    uint64_t word;

    memcpy(&word, bytes, sizeof(word));
    return le64toh(word);
}

/* The same of 0 to 7 bytes. */
static inline uint64_t
load_rest(const unsigned char *bytes, size_t size)
{
    uint64_t word = 0;

    for (size_t i = 0; i < size; i++) {
        word |= (uint64_t)bytes[i] << (8 * i);
    }
    return word;
}

void
coh_hash_init(void)
{
    coh_random_bytes(process_key, sizeof(process_key));
}

uint64_t
coh_hash_keyed(const uint64_t key[2], const void *data, size_t size)
{
    struct sip sip = {
        .v0 = key[0] ^ UINT64_C(0x736f6d6570736575),
        .v1 = key[1] ^ UINT64_C(0x646f72616e646f6d),
        .v2 = key[0] ^ UINT64_C(0x6c7967656e657261),
        .v3 = key[1] ^ UINT64_C(0x7465646279746573),
    };
    const unsigned char *bytes = data;
    size_t left = size;

    for (; left >= 8; left -= 8, bytes += 8) {
        sip_word(&sip, load_word(bytes));
    }
    sip_word(&sip, load_rest(bytes, left) | (uint64_t)size << 56);
    sip.v2 ^= 0xff;
    sip_round(&sip);
    sip_round(&sip);
    sip_round(&sip);
    return sip.v0 ^ sip.v1 ^ sip.v2 ^ sip.v3;
}

uint64_t
coh_hash(const void *data, size_t size)
{
    return coh_hash_keyed(process_key, data, size);
}
