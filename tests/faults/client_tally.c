/* Numbers of the counting client: latencies in buckets, one line of JSON. */
#include "client_tally.h"

#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <time.h>

/* Each power of two in as many buckets: two digits are exact. */
#define STEPS 16

uint64_t
now_us(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

static unsigned
bucket_of(uint64_t us)
{
    unsigned power = 0;

    while (us >= 2 * STEPS) {
        us /= 2;
        power++;
    }
    return power * STEPS + (unsigned)us;
}

/* The largest value that falls into it. */
static uint64_t
top_of(unsigned bucket)
{
    unsigned power = bucket < 2 * STEPS ? 0 : bucket / STEPS - 1;

    return ((uint64_t)(bucket - power * STEPS + 1) << power) - 1;
}

void
tally_latency(struct tally *tally, uint64_t us)
{
    unsigned bucket = bucket_of(us);

    if (bucket >= TALLY_BUCKETS) {
        bucket = TALLY_BUCKETS - 1;
    }
    tally->latencies[bucket]++;
    if (us > tally->latency_max_us) {
        tally->latency_max_us = us;
    }
}

static uint64_t
quantile_us(const struct tally *tally, double share)
{
    uint64_t total = 0;
    uint64_t seen = 0;
    unsigned i;

    for (i = 0; i < TALLY_BUCKETS; i++) {
        total += tally->latencies[i];
    }
    for (i = 0; i < TALLY_BUCKETS; i++) {
        seen += tally->latencies[i];
        if (seen > 0 && (double)seen >= share * (double)total) {
            return top_of(i);
        }
    }
    return 0;
}

void
tally_complain(struct tally *tally, const struct complaint *complaint)
{
    if (tally->complained < TALLY_COMPLAINTS_MAX) {
        tally->complaints[tally->complained] = *complaint;
    }
    tally->complained++;
}

static void
print_complaints(const struct tally *tally)
{
    uint64_t i;

    for (i = 0; i < tally->complained && i < TALLY_COMPLAINTS_MAX; i++) {
        const struct complaint *one = &tally->complaints[i];

        printf(
            "%s{\"at\": %.6f, \"what\": \"%s\", \"kind\": \"%s\", "
            "\"worker\": %ld, \"received\": %" PRIu64 "}",
            i > 0 ? ", " : "", (double)one->at_us / 1e6, one->what, one->kind,
            one->worker, one->received);
    }
}

void
tally_print(const struct tally *tally, bool is_last)
{
    const struct {
        const char *name;
        uint64_t value;
    } numbers[] = {
        {"sent", tally->sent},
        {"answered", tally->answered},
        {"wrong", tally->wrong},
        {"lost", tally->lost},
        {"raced", tally->raced},
        {"connections", tally->connections},
        {"refused", tally->refused},
        {"reset", tally->reset},
        {"closed", tally->closed},
        {"unable", tally->unable},
        {"complained", tally->complained},
        {"bytes_sent", tally->bytes_sent},
        {"bytes_received", tally->bytes_received},
        {"p50_us", quantile_us(tally, 0.5)},
        {"p99_us", quantile_us(tally, 0.99)},
        {"max_us", tally->latency_max_us},
    };
    size_t i;

    printf("{");
    for (i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        printf("\"%s\": %" PRIu64 ", ", numbers[i].name, numbers[i].value);
    }
    printf("\"complaints\": [");
    if (is_last) {
        print_complaints(tally);
    }
    printf("]}\n");
    fflush(stdout);
}
