#include "archive/letters.h"

#include <assert.h>
#include <stdlib.h>

#include "base/mem.h"
#include "io/dead_letter_json.h"
#include "io/sink_kafka.h"

enum { LETTER_MAX_BYTES = 256 << 10, SEND_MS = 2000 };

struct letter {
    size_t key_bytes, value_bytes;
};

struct letters {
    struct sink_kafka *sink; /* own */
    char *topic;             /* own */
    struct buf text;         /* keys and values, one behind the other */
    struct letter *at;       /* own */
    size_t n, cap;
    bool sent;       /* all of them are with the producer */
    struct buf json; /* for building one */
};

struct letters *letters_new(const struct input_conf *conf, struct metrics *metrics, struct err *e)
{
    struct sink_kafka_spec spec = {.kafka = &conf->kafka, .metrics = metrics};
    struct sink_kafka *sink = sink_kafka_new(&spec, e);
    if (!sink) return NULL;
    struct letters *l = mem_zero(1, sizeof *l);
    l->sink = sink;
    l->topic = topics_kafka_name(&conf->topics, TOPICS_DEAD);
    buf_init(&l->text, SIZE_MAX / 4);
    buf_init(&l->json, LETTER_MAX_BYTES);
    return l;
}

void letters_free(struct letters *l)
{
    if (!l) return;
    sink_kafka_free(l->sink);
    free(l->topic);
    buf_finish(&l->text);
    free(l->at);
    buf_finish(&l->json);
    free(l);
}

void letters_add(struct letters *l, const char *reason, struct str id, struct str row)
{
    dead_letter_json(&l->json, reason, id, row);
    assert(!l->json.overflow);
    buf_add_str(&l->text, id);
    buf_add_str(&l->text, buf_str(&l->json));
    assert(!l->text.overflow);
    l->at = mem_grow(l->at, l->n, &l->cap, sizeof l->at[0]);
    l->at[l->n++] = (struct letter){id.len, l->json.len};
}

size_t letters_bytes(const struct letters *l)
{
    return l->text.len;
}

void letters_clear(struct letters *l)
{
    buf_clear(&l->text);
    l->n = 0;
    l->sent = false;
}

static bool put(struct letters *l, const struct letter *letter, const char **at, struct err *e)
{
    struct sink_kafka_message m = {.topic = l->topic, .partition = -1};
    m.key = (struct str){*at, letter->key_bytes};
    m.value = (struct str){*at + letter->key_bytes, letter->value_bytes};
    *at += letter->key_bytes + letter->value_bytes;
    return sink_kafka_put(l->sink, &m, e) == TXN_DONE;
}

static bool put_all(struct letters *l, struct err *e)
{
    const char *at = l->text.at;
    for (size_t i = 0; i < l->n && !l->sent; i++)
        if (!put(l, &l->at[i], &at, e)) return false;
    return l->sent = true;
}

bool letters_send(struct letters *l, bool *ret_again, struct err *e)
{
    *ret_again = false;
    if (l->n == 0) return true;
    if (!put_all(l, e)) return false;
    /* What is still on its way is not put a second time. */
    if (sink_kafka_flush(l->sink, SEND_MS, &l->sent, e)) return true;
    *ret_again = e->status == ERR_FAILED;
    return false;
}
