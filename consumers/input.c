#include "consumers/input.h"

#include <stdlib.h>

#include "base/mem.h"
#include "io/state_kafka.h"

bool input_check(const struct input_conf *conf, struct err *e)
{
    struct decoder *decoder = decode_new(&conf->record, e);
    decode_free(decoder);
    return decoder != NULL && conf_kafka_check(&conf->kafka, e) &&
           topics_kafka_check(&conf->topics, e) && source_kafka_check(&conf->group, e);
}

static bool join(struct input *in, const struct input_conf *conf, const char *group,
                 struct daemon *d, struct err *e)
{
    char *topic = topics_kafka_name(&conf->topics, TOPICS_EVENTS);
    char *member = mem_printf("%s-%s", group, daemon_instance(d));
    in->source = source_kafka_new(
        &(struct source_kafka_spec){
            .kafka = &conf->kafka,
            .conf = &conf->group,
            .topic = topic,
            .group = group,
            .static_id = daemon_static_member(d) ? member : NULL,
            .metrics = daemon_metrics(d),
            .patience = daemon_patience(d),
        },
        e);
    free(member);
    free(topic);
    return in->source != NULL;
}

bool input_open(struct input *in, const struct input_conf *conf, const char *role, unsigned more,
                struct daemon *d, struct err *e)
{
    *in = (struct input){0};
    unsigned topics = more | 1u << TOPICS_EVENTS | 1u << TOPICS_STATE;
    if (!(in->decoder = decode_new(&conf->record, e))) return false;
    if (!topics_kafka_ensure(&conf->kafka, &conf->topics, topics, e)) return false;
    if (!state_kafka_epoch(&conf->kafka, &conf->topics, "source", &in->epoch, e)) return false;
    char *group = mem_printf("%s-%s", conf->topics.prefix, role);
    bool joined = join(in, conf, group, d, e);
    free(group);
    return joined;
}

void input_close(struct input *in)
{
    source_free(in->source);
    decode_free(in->decoder);
    *in = (struct input){0};
}
