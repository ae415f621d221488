"""Wrong or missing credentials, certificates and host names: a program that is not let in does not start, and
says so in one line that names what to look at."""
import pytest

from secured import Authority
from weir import CONSUMERS, DONE, REFUSED, RETRY

KAFKA = (*CONSUMERS, "replay", "status", "reset")
ARGUMENTS = {"replay": ["/dev/null"], "reset": ["ranking", "--yes"]}
PASSWORD = "kafka.password_file"


@pytest.fixture
def wrong(tmp_path):
    """A file with a password that is nobody's."""
    path = tmp_path / "wrong.password"
    path.write_text("hush-wrong-one\n")
    return path


@pytest.fixture(scope="session")
def stranger(tmp_path_factory):
    """An authority that has signed nothing here."""
    return Authority(tmp_path_factory.mktemp("stranger") / "tls").ca


@pytest.fixture(scope="session")
def topics(guarded, secured):
    """They are there: what is refused is not for want of them."""
    assert secured.start(guarded, "replay", "/dev/null").wait() == DONE


def refused(program, *hints, status=REFUSED):
    """-> its one line of complaint."""
    assert program.wait() == status, program.log
    name = program.argv[0].name
    lines = [line for line in program.log.splitlines()
             if line.startswith((f"{name}: ", "level=warn", "level=error"))]
    assert len(lines) == 1, program.log
    assert all(hint in lines[0] for hint in hints), lines[0]
    assert "hush-" not in program.log
    return lines[0]


def all_refused(guarded, secured, programs, *hints, **how):
    started = [secured.start(guarded, name, *ARGUMENTS.get(name, []), **how) for name in programs]
    for program in started:
        refused(program, *hints)


# ---------------------------------------------------------------------------- Kafka

def test_42_wrong_password_for_kafka(guarded, secured, wrong):
    all_refused(guarded, secured, KAFKA, PASSWORD, "kafka.sasl.", secret=wrong)


def test_42_unknown_user_of_kafka(guarded, secured, wrong):
    all_refused(guarded, secured, ["archive"], PASSWORD, user="ghost", secret=wrong)


def test_42_no_password_for_kafka(guarded, secured, tmp_path):
    all_refused(guarded, secured, KAFKA, "kafka", secret="", **{"mongo.user": "", "redis.user": ""})


def test_42_brokers_of_an_unknown_authority(guarded, secured, stranger):
    all_refused(guarded, secured, KAFKA, "kafka.ssl.", "certificate verify failed", authority=stranger)


def test_42_brokers_of_another_name(guarded, secured):
    all_refused(guarded, secured, KAFKA, "kafka.bootstrap.servers", "certificate verify failed",
                host="127.0.0.1")


def test_42_no_such_authority_file(guarded, secured):
    all_refused(guarded, secured, ["archive", "replay"], "ssl.ca.location", authority="/no/such.pem")


@pytest.mark.long
def test_42_plain_words_to_a_tls_port(guarded, secured):
    """It looks like an outage: the daemon ends with the status that has it restarted."""
    program = secured.start(guarded, "archive", **{"kafka.security.protocol": "PLAINTEXT"})
    refused(program, "cannot reach the Kafka brokers", status=RETRY)


def test_42_a_user_without_rights_in_kafka(guarded, secured, topics):
    all_refused(guarded, secured, CONSUMERS, "topic", user="weir-nobody")


# ---------------------------------------------------------------------------- MongoDB and Redis

MONGO = ("archive", "recommend")
WRONG_FOR_MONGO = {
    "wrong user": ({"mongo.user": "ghost"}, ["mongo.user", "mongo.password_file"]),
    "no user": ({"mongo.user": ""}, ["mongo.user", "mongo.password_file"]),
    "no rights": ({"mongo.user": "weir-nobody"}, ["mongo.user", "mongo.password_file"]),
}


@pytest.mark.parametrize("case", WRONG_FOR_MONGO)
def test_42_who_is_not_let_into_mongodb(guarded, secured, topics, case):
    options, hints = WRONG_FOR_MONGO[case]
    all_refused(guarded, secured, MONGO, *hints, **options)


@pytest.mark.parametrize("host, authority", [("localhost", "stranger"), ("127.0.0.1", None),
                                             ("localhost", "/no/such.pem")])
def test_42_mongodb_is_not_what_it_should_be(guarded, secured, topics, stranger, host, authority):
    authority = {"stranger": stranger, None: secured.tls.ca}.get(authority, authority)
    uri = secured.mongo_uri(guarded, host, authority)
    all_refused(guarded, secured, MONGO, "mongo.uri", **{"mongo.uri": uri})


@pytest.mark.parametrize("user", ["ghost", "", "weir-web"])
def test_42_who_is_not_let_into_redis(guarded, secured, topics, user):
    all_refused(guarded, secured, ["rank", "recommend"], "redis", "password_file", **{"redis.user": user})


# ---------------------------------------------------------------------------- files

@pytest.mark.parametrize("content, hint", [
    (None, "No such file"), ("", "empty"), ("\nhush-second-line", "empty"), ("x" * 5000, "longer"),
    ("hush-a\0b", "zero byte")])
def test_42_files_that_hold_no_password(guarded, secured, tmp_path, content, hint):
    path = tmp_path / "bad.password"
    if content is not None:
        path.write_text(content)
    all_refused(guarded, secured, KAFKA, str(path), hint, secret=path)


def test_42_a_directory_is_no_password(guarded, secured, tmp_path):
    all_refused(guarded, secured, ["archive"], str(tmp_path), "directory", secret=tmp_path)
