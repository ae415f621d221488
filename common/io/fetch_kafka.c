#include "io/fetch_kafka.h"

#include <librdkafka/rdkafka.h>
#include <poll.h>
#include <unistd.h>

enum { NAP_MIN_MS = 5, NAP_MAX_MS = 1000 };

/* Nothing is left in the queues, and the brokers have told of more. */
static bool is_starved(const struct fetch_kafka_of *of)
{
    for (size_t i = 0; i < of->n; i++)
        if (partition_kafka_wanted(&of->parts[i], of->stage) &&
            partition_kafka_behind(&of->parts[i], of->rk, of->topic))
            return true;
    return false;
}

static void ask_leaders(const struct fetch_kafka_of *of)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new((int)of->n);
    for (size_t i = 0; i < of->n; i++)
        rd_kafka_topic_partition_list_add(list, of->topic, of->parts[i].id)->offset =
            RD_KAFKA_OFFSET_END;
    (void)rd_kafka_offsets_for_times(of->rk, list, 0);
    rd_kafka_topic_partition_list_destroy(list);
}

static bool sleep_until_woken(int wakeup_fd, int64_t wait_ms)
{
    struct pollfd fd = {.fd = wakeup_fd, .events = POLLIN};
    bool woken = poll(&fd, 1, (int)wait_ms) > 0;
    uint64_t wakeups;
    ssize_t n = read(wakeup_fd, &wakeups, sizeof wakeups);
    (void)n; /* nothing there: time is up, or a signal */
    return woken;
}

void fetch_kafka_sleep(struct fetch_kafka *f, const struct fetch_kafka_of *of, int wakeup_fd,
                       int64_t wait_ms)
{
    if (wait_ms <= 0 || !is_starved(of)) {
        sleep_until_woken(wakeup_fd, wait_ms > 0 ? wait_ms : 0);
        return;
    }
    if (!f->nap_ms) f->nap_ms = NAP_MIN_MS;
    bool whole = f->nap_ms <= wait_ms;
    bool woken = sleep_until_woken(wakeup_fd, whole ? f->nap_ms : wait_ms);
    if (woken) f->nap_ms = NAP_MIN_MS;
    if (woken || !whole) return;
    ask_leaders(of);
    f->nap_ms = f->nap_ms < NAP_MAX_MS / 2 ? 2 * f->nap_ms : NAP_MAX_MS;
}
