"""Who has the credentials of deploy/ can do his work and nothing else."""
import re

import pymongo
import pytest
import redis
from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, Producer, TopicPartition
from confluent_kafka.admin import NewTopic

import agree
import logs
import service as inference
from weir import CONSUMERS, DONE, ROOT

ACL = ROOT / "deploy/redis/users.acl"


def test_42_the_rights_of_deploy_suffice(own, secured, service, tmp_path):
    """TLS, SCRAM, ACLs and roles everywhere: the whole pipeline, from the making of its topics on."""
    own.settings["infer.url"] = service.url
    log = logs.write(tmp_path / "log.csv", logs.spoiled(logs.rows_of(logs.make(401, 1500)), 401))
    assert secured.start(own, "replay", log).wait() == DONE
    for name in CONSUMERS:
        secured.start(own, name, instance=0)
    agree.everything(own, answer=inference.answer)
    status = secured.start(own, "status", "--sums")
    assert status.wait() == DONE, status.log
    fit = secured.start(own, "fit", "transitions", "--from-mongodb", "--out", tmp_path / "models/transitions")
    assert fit.wait() == DONE, fit.log


# ---------------------------------------------------------------------------- Redis

def granted(user):
    """-> the commands that deploy/redis/users.acl gives a user: {"hset", "script|load", ...}"""
    [line] = [words for words in map(str.split, ACL.read_text().splitlines()) if words[1] == user]
    return {word[1:] for word in line if word[0] == "+"}


def test_the_ranking_may_call_what_it_calls():
    """Exactly: what its script and its sink say, and nothing in vain."""
    sink = (ROOT / "common/io/sink_redis.c").read_text()
    called = set(re.findall(r"redis\.call\('([A-Z]+)'", sink)) | {"SCRIPT|LOAD", "CLIENT|SETNAME"}
    called |= set(re.findall(r'str_of\("([A-Z]+)"\)', sink)) - {"SCRIPT", "LOAD"}
    assert {name.lower() for name in called} == granted("weir-rank")


@pytest.mark.parametrize("user", ["weir-rank", "weir-recommend", "weir-status", "weir-reset", "weir-web"])
def test_every_other_command_of_redis_is_refused(guarded, secured, user):
    known = secured.redis_as("admin", lambda r: r.execute_command("COMMAND"))
    forbidden = {name: arity for name, arity in commands(known) if name not in granted(user)}
    assert len(forbidden) > 300 and {"flushall", "config|set", "acl|setuser", "eval"} <= forbidden.keys()
    with secured.connection(user) as connection:
        answers = {name: refusal(connection, name, arity) for name, arity in forbidden.items()}
    assert {name: answer for name, answer in answers.items() if "NOPERM" not in answer} == {}


def commands(known):
    """(name, arity) of all commands and subcommands but those that a stranger may give, like AUTH."""
    for name, about in known.items():
        leaves = [sub[:3] for sub in about["subcommands"]] or [(name, about["arity"], about["flags"])]
        yield from ((leaf, abs(arity)) for leaf, arity, flags in leaves if "no_auth" not in flags)


def refusal(connection, name, arity):
    """-> the error that a command gets, with made-up arguments of the right number."""
    words = name.split("|")
    try:
        return f"done: {connection.execute_command(*words, *['x'] * (arity - len(words)))}"
    except redis.exceptions.NoPermissionError:
        return "NOPERM"
    except redis.exceptions.RedisError as error:
        return str(error)


def test_other_keys_of_redis_are_out_of_reach(guarded, secured):
    key = guarded.key
    cases = [("weir-rank", "HSET", "other", "a", "1"), ("weir-rank", "DEL", "weir:popular"),
             ("weir-rank", "HGET", key.strip("{}"), "a"), ("weir-web", "HGETALL", "other"),
             ("weir-recommend", "LRANGE", "other", "0", "1"), ("weir-reset", "DEL", "other")]
    for user, *words in cases:
        with secured.connection(user) as connection, pytest.raises(redis.exceptions.NoPermissionError):
            connection.execute_command(*words)
    with secured.connection("weir-web") as reader:
        assert reader.hgetall(key) == {} and reader.ping()


def test_a_script_has_no_more_rights_than_its_caller(guarded, secured):
    with secured.connection("weir-rank") as connection:
        for body in ("redis.call('FLUSHALL')", "redis.call('SET', 'other', '1')", "redis.call('GET', KEYS[1])"):
            sha = connection.script_load(f"return {body}")
            with pytest.raises(redis.exceptions.ResponseError, match="ACL failure|can't run this command"):
                connection.evalsha(sha, 1, guarded.key)


def test_the_default_user_of_redis_is_off(secured):
    for password in (None, "", "x"):
        with redis.Redis(port=secured.redis_port, password=password, retry=None) as connection:
            with pytest.raises(redis.exceptions.AuthenticationError):
                connection.ping()


# ---------------------------------------------------------------------------- MongoDB

REFUSED_TO = {
    "weir-archive": ["events.update", "events.delete", "events.drop", "consumed.delete", "users.find",
                     "recommendations.find", "recommendations.insert", "other.insert", "other.find"],
    "weir-recommend": ["users.delete", "recommendations.delete", "recommendations.drop", "events.find",
                       "events.insert", "consumed.find", "consumed.update", "other.insert"],
    "weir-status": ["events.insert", "users.update", "consumed.delete", "recommendations.drop"],
    "weir-reset": ["events.find", "users.find", "recommendations.insert"],
    "weir-web": ["users.insert", "users.update", "recommendations.insert", "recommendations.update",
                 "recommendations.delete", "consumed.drop", "events.find", "other.find"],
    "weir-nobody": ["events.find", "events.insert", "users.find", "recommendations.find"],
}

OPERATIONS = {
    "find": lambda collection: collection.find_one(),
    "insert": lambda collection: collection.insert_one({}),
    "update": lambda collection: collection.update_one({}, {"$set": {"a": 1}}),
    "delete": lambda collection: collection.delete_one({}),
    "drop": lambda collection: collection.database.command("drop", collection.name),
}


@pytest.mark.parametrize("user", REFUSED_TO)
def test_other_operations_of_mongodb_are_refused(guarded, secured, user):
    with secured.mongo_as(user, guarded) as client:
        for name in REFUSED_TO[user]:
            collection, operation = name.split(".")
            with pytest.raises(pymongo.errors.OperationFailure, match="not authorized") as refusal:
                OPERATIONS[operation](client[guarded.name][collection])
            assert refusal.value.code == 13, name
        with pytest.raises(pymongo.errors.OperationFailure):
            client.elsewhere.events.find_one()


# ---------------------------------------------------------------------------- Kafka

def test_other_topics_of_kafka_are_refused(own, secured):
    """Foreign topics, and those of Weir that are none of one's business."""
    events, panes, foreign = own.topic("events"), own.topic("panes"), f"foreign-{own.name}"
    made = secured.admin.create_topics([NewTopic(name, 1, 1) for name in (events, panes, foreign)])
    for future in made.values():
        future.result(30)
    for user, topic in (("weir-archive", events), ("weir-rank", events), ("weir-recommend", panes),
                        ("weir-replay", panes), ("weir-count", foreign), ("weir-nobody", events)):
        assert write_error(secured, user, topic) == KafkaError.TOPIC_AUTHORIZATION_FAILED, (user, topic)
    for user, topic in (("weir-replay", events), ("weir-archive", panes), ("weir-recommend", foreign)):
        assert read_error(secured, user, topic) == KafkaError.TOPIC_AUTHORIZATION_FAILED, (user, topic)
    secured.admin.delete_topics([foreign])[foreign].result(30)


def write_error(secured, user, topic):
    found = []
    producer = Producer(secured.kafka_as(user))
    producer.produce(topic, b"x", on_delivery=lambda error, _: found.append(error))
    assert producer.flush(30) == 0
    return found[0] and found[0].code()


def read_error(secured, user, topic):
    """No rights for the group are needed: the partition is assigned by hand."""
    consumer = Consumer({**secured.kafka_as(user), "group.id": "weir-scan"})
    error = consumer.list_topics(topic, timeout=30).topics[topic].error
    if not error:
        consumer.assign([TopicPartition(topic, 0, OFFSET_BEGINNING)])
        message = consumer.poll(30)
        assert message is not None, "neither a message nor an error"
        error = message.error()
    consumer.close()
    return error and error.code()


def test_the_rights_of_reset_suffice(own, secured):
    """In the stores; in Kafka it is an administrator's."""
    own.mongo.events.insert_one({})
    own.redis.hset(own.key, "a", "b")
    with secured.mongo_as("weir-reset", own) as client:
        client[own.name].drop_collection("events")
    with secured.connection("weir-reset") as connection:
        assert connection.delete(own.key) == 1
    assert own.mongo.list_collection_names() == []
