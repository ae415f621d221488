"""A stack that lets nobody in without a reason: Kafka by TLS and SCRAM with ACLs, MongoDB by TLS and SCRAM with roles,
Redis with users of least privilege; all rights are those of the files in deploy/.

Everything that a World asks of a Stack is here, with the rights of an administrator; settings() is what a
program of Weir is given instead."""
import base64
import hashlib
import json
import os
import re
import secrets
import shlex
import subprocess
from pathlib import Path

import pymongo
import redis
from confluent_kafka.admin import (AclBinding, AclOperation, AclPermissionType, AdminClient,
                                   ResourcePatternType, ResourceType)

from weir import ROOT, eventually, free_port, known_keys

HOME = Path(os.environ.get("WEIR_HOME", ROOT / ".weir"))
DEPLOY = ROOT / "deploy"
ADMIN = "admin"
USERS = ("weir-replay", "weir-archive", "weir-fit", "weir-count", "weir-rank", "weir-recommend", "weir-status",
         "weir-reset", "weir-web", "weir-nobody")

KAFKA = """
listeners=SASL_SSL://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}
advertised.listeners=SASL_SSL://localhost:{port}
controller.quorum.voters=1@127.0.0.1:{controller}
listener.security.protocol.map=SASL_SSL:SASL_SSL,CONTROLLER:PLAINTEXT
inter.broker.listener.name=SASL_SSL
log.dirs={folder}/data
sasl.enabled.mechanisms=SCRAM-SHA-512
sasl.mechanism.inter.broker.protocol=SCRAM-SHA-512
listener.name.sasl_ssl.scram-sha-512.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule \
required username="admin" password="{password}";
ssl.keystore.type=PEM
ssl.keystore.location={tls}/server.pem
ssl.truststore.type=PEM
ssl.truststore.location={tls}/ca.pem
authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer
super.users=User:admin;User:ANONYMOUS
"""


def openssl(*words):
    subprocess.run(["openssl", *map(str, words)], check=True, capture_output=True)


class Authority:
    """A certificate authority and a server's certificate by it, for `localhost` and no other name."""

    def __init__(self, folder):
        folder.mkdir(parents=True)
        self.folder, self.ca, self.server = folder, folder / "ca.pem", folder / "server.pem"
        key, request, extension = (folder / name for name in ("server.key", "server.csr", "ext"))
        elliptic = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
        openssl("req", "-x509", *elliptic, "-keyout", folder / "ca.key", "-out", self.ca, "-days", 30,
                "-subj", "/CN=test authority")
        openssl("req", *elliptic, "-keyout", key, "-out", request, "-subj", "/CN=localhost")
        extension.write_text("subjectAltName=DNS:localhost\n")
        openssl("x509", "-req", "-in", request, "-CA", self.ca, "-CAkey", folder / "ca.key", "-days", 30,
                "-CAcreateserial", "-extfile", extension, "-out", folder / "server.crt")
        self.server.write_bytes(key.read_bytes() + (folder / "server.crt").read_bytes())


class Secured:
    """The three servers, with the users of USERS in Kafka."""

    def __init__(self, folder):
        self.folder, self.processes, self.keys = folder, [], []
        self.passwords = {user: f"hush-{secrets.token_urlsafe(12)}" for user in (ADMIN, *USERS)}
        self.tls = Authority(folder / "tls")
        self.password_files = {user: self._password_file(user) for user in self.passwords}
        self._start_kafka()
        self._start_mongo()
        self._start_redis()
        self._await_all()

    def _password_file(self, user):
        path = self.folder / f"{user}.password"
        path.touch(0o400)
        path.chmod(0o600)
        path.write_text(self.passwords[user] + "\n")
        path.chmod(0o400)
        return path

    def _spawn(self, name, *words):
        folder = self.folder / name
        folder.mkdir(exist_ok=True)
        with open(self.folder / f"{name}.log", "ab") as log:
            self.processes.append(subprocess.Popen(list(map(str, words)), cwd=folder, stdout=log,
                                                   stderr=log, stdin=subprocess.DEVNULL))

    # ---- the servers

    def _start_kafka(self):
        folder, self.kafka_port = self.folder / "kafka", free_port()
        folder.mkdir()
        properties = folder / "server.properties"
        properties.write_text((DEPLOY / "kafka/server.properties").read_text() + KAFKA.format(
            port=self.kafka_port, controller=free_port(), folder=folder, tls=self.tls.folder,
            password=self.passwords[ADMIN]))
        scrams = [f"SCRAM-SHA-512=[name={user},password={password},iterations=4096]"
                  for user, password in self.passwords.items()]
        java = ("java", "-Xms128m", "-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1",
                f"-Dlog4j.configuration=file:{DEPLOY}/kafka/log4j.properties",
                "-cp", f"{HOME}/servers/kafka/libs/*")
        uuid = base64.urlsafe_b64encode(secrets.token_bytes(16)).decode().rstrip("=").replace("-", "a")
        subprocess.run([*java, "kafka.tools.StorageTool", "format", "-t", uuid, "-c", properties,
                        *(word for scram in scrams for word in ("--add-scram", scram))],
                       check=True, capture_output=True)
        self._spawn("kafka", *java, "kafka.Kafka", properties)
        self.kafka = f"localhost:{self.kafka_port}"
        self.client = {"bootstrap.servers": self.kafka, "log_level": 2, **self.kafka_tls(),
                       "sasl.username": ADMIN, "sasl.password": self.passwords[ADMIN]}

    def kafka_as(self, user):
        return {**self.client, "sasl.username": user, "sasl.password": self.passwords[user]}

    def kafka_tls(self):
        return {"security.protocol": "SASL_SSL", "sasl.mechanism": "SCRAM-SHA-512",
                "ssl.ca.location": str(self.tls.ca), "broker.address.family": "v4"}

    def _start_mongo(self):
        key, self.mongo_port = self.folder / "mongo.key", free_port()
        key.write_text(secrets.token_hex(32))
        key.chmod(0o400)
        self._spawn("mongo", HOME / "servers/mongod", "--bind_ip", "127.0.0.1", "--port", self.mongo_port,
                    "--dbpath", ".", "--replSet", "rs0", "--wiredTigerCacheSizeGB", "0.25",
                    "--oplogSize", "128", "--nounixsocket", "--quiet", "--keyFile", key, "--auth",
                    "--tlsMode", "requireTLS", "--tlsCertificateKeyFile", self.tls.server,
                    "--tlsCAFile", self.tls.ca, "--tlsAllowConnectionsWithoutCertificates")
        self.mongo = (f"mongodb://{ADMIN}:{self.passwords[ADMIN]}@localhost:{self.mongo_port}/"
                      f"?authSource=admin&{self.mongo_tls()}")

    def mongo_tls(self):
        return f"directConnection=true&tls=true&tlsCAFile={self.tls.ca}"

    def _start_redis(self):
        self.redis_port, self.acl_path = free_port(), self.folder / "users.acl"
        self._write_acl()
        self._spawn("redis", HOME / "servers/redis-server", "--bind", "127.0.0.1", "--port",
                    self.redis_port, "--save", "", "--aclfile", self.acl_path,
                    "--enable-debug-command", "yes", "--enable-module-command", "yes")
        self.redis = f"{ADMIN}:{self.passwords[ADMIN]}@127.0.0.1:{self.redis_port}"

    def _write_acl(self):
        """The file that is shipped, with a password for everybody and the keys of all worlds, and the
        administrator of the tests."""
        text = (DEPLOY / "redis/users.acl").read_text()
        text = re.sub(r"(\S*)~\{weir:popular\}\*", self._patterns, text)
        text = re.sub(r"^user (\S+) on resetpass",
                      lambda found: f"user {found[1]} on #{self._digest(found[1])}", text, flags=re.M)
        self.acl_path.write_text(f"{text}user {ADMIN} on #{self._digest(ADMIN)} ~* &* +@all\n")

    def _patterns(self, found):
        return " ".join(f"{found[1]}~{key}*" for key in self.keys)

    def _digest(self, user):
        return hashlib.sha256(self.passwords[user].encode()).hexdigest()

    def _await_all(self):
        self.admin = AdminClient(self.client)
        eventually(self._mongo_answers)
        eventually(lambda: self.redis_as(ADMIN, lambda r: r.ping()))
        eventually(self._kafka_answers)

    def _kafka_answers(self):
        try:
            assert self.admin.list_topics(timeout=2).brokers
        except Exception as failure:
            raise AssertionError(f"Kafka: {failure}") from failure

    def _mongo_answers(self):
        """The first user may be made from this machine without being one."""
        try:
            with pymongo.MongoClient("localhost", self.mongo_port, tls=True, directConnection=True,
                                     tlsCAFile=str(self.tls.ca), serverSelectionTimeoutMS=500) as client:
                client.admin.command("replSetInitiate", {"_id": "rs0", "members": [
                    {"_id": 0, "host": f"localhost:{self.mongo_port}"}]})
                eventually(lambda: self._mongo_leads(client), 30)
                client.admin.command("createUser", ADMIN, pwd=self.passwords[ADMIN], roles=["root"])
        except pymongo.errors.ServerSelectionTimeoutError as failure:
            raise AssertionError("MongoDB is not there yet") from failure

    @staticmethod
    def _mongo_leads(client):
        assert client.admin.command("hello")["isWritablePrimary"]

    def connection(self, user):
        """To Redis, as one of the users."""
        return redis.Redis(port=self.redis_port, username=user, password=self.passwords[user],
                           decode_responses=True)

    def redis_as(self, user, use):
        """-> use(connection) as a user; AssertionError when nobody is there yet."""
        with self.connection(user) as connection:
            try:
                return use(connection)
            except redis.exceptions.ConnectionError as failure:
                raise AssertionError("Redis is not there yet") from failure

    def mongo_as(self, user, world):
        return pymongo.MongoClient(f"mongodb://localhost:{self.mongo_port}/?{self.mongo_tls()}",
                                   username=user, password=self.passwords[user], authSource=world.name)

    def down(self):
        for process in self.processes:
            process.terminate()
        for process in self.processes:
            process.wait(30)

    def run(self, *_):
        """Nobody stops these servers."""

    # ---- the rights of deploy/, for the names of a world

    def admit(self, world):
        self.keys.append(world.key)
        self._write_acl()
        self.redis_as(ADMIN, lambda r: r.acl_load())
        self._make_roles(world)
        self.admin_acls(bindings(world.name))

    def _make_roles(self, world):
        text = (DEPLOY / "mongo/roles.json").read_text().replace('"db": "weir"', f'"db": "{world.name}"')
        for role in json.loads(text):
            world.mongo.command(role)
            name = role["createRole"]
            world.mongo.command("createUser", name, pwd=self.passwords[name], roles=[name])
        world.mongo.command("createUser", "weir-nobody", pwd=self.passwords["weir-nobody"], roles=[])

    def admin_acls(self, acls):
        for made in self.admin.create_acls(acls).values():
            made.result(30)

    # ---- programs

    def start(self, world, program, *arguments, instance=None, user=None, authority=None, host="localhost",
              secret=None, **more):
        """Starts a program with what lets it in; or with what keeps it out, if user, authority, host or secret
        (a file; "" = none) are wrong."""
        user = user or f"weir-{program}"
        options = {**self._options(world, user, authority or self.tls.ca, host), **more}
        known = known_keys(f"weir-{program}")
        options = {key: value for key, value in options.items()
                   if key in known or key.startswith("kafka.") and "topics.prefix" in known}
        if secret is None:
            secret = self.password_files[user]
        path = self._secrets(world, program, known, secret)
        return world.start(program, *arguments, "-c", path, instance=instance, **options)

    def _options(self, world, user, authority, host):
        kafka = {**self.kafka_tls(), "ssl.ca.location": authority, "sasl.username": user,
                 "bootstrap.servers": f"{host}:{self.kafka_port}"}
        return {**{f"kafka.{name}": value for name, value in kafka.items()},
                "mongo.uri": self.mongo_uri(world, host, authority),
                "mongo.user": user, "redis.user": user,
                "redis.address": f"127.0.0.1:{self.redis_port}"}

    def mongo_uri(self, world, host, authority):
        return (f"mongodb://{host}:{self.mongo_port}/?authSource={world.name}"
                f"&directConnection=true&tls=true&tlsCAFile={authority}")

    @staticmethod
    def _secrets(world, program, known, secret):
        """Names of secrets are taken from a file only."""
        path = world.folder / f"{len(world.programs)}-{program}.conf"
        path.write_text("".join(f"[{name}]\npassword_file = {secret}\n"
                                for name in ("kafka", "mongo", "redis")
                                if f"{name}.password_file" in known))
        return path


# ---------------------------------------------------------------------------- deploy/kafka/acls

RESOURCES = {"--topic": ResourceType.TOPIC, "--group": ResourceType.GROUP,
             "--transactional-id": ResourceType.TRANSACTIONAL_ID}


def bindings(prefix):
    """What `kafka-acls --add` makes of each line of the file, for topics of another prefix."""
    lines = (DEPLOY / "kafka/acls").read_text().splitlines()
    return [binding for line in lines for binding in bindings_of(line, prefix)]


def bindings_of(line, prefix):
    words = shlex.split(line)
    given = list(zip(words[::2], words[1::2], strict=True))
    [principal] = [value for name, value in given if name == "--allow-principal"]
    pattern = dict(given).get("--resource-pattern-type", "literal")
    operations = [AclOperation[value.upper().replace("DESCRIBECONFIGS", "DESCRIBE_CONFIGS")]
                  for name, value in given if name == "--operation"]
    resources = [(RESOURCES[name], renamed(value, prefix)) for name, value in given
                 if name in RESOURCES]
    return [AclBinding(kind, name, ResourcePatternType[pattern.upper()], principal, "*", operation,
                       AclPermissionType.ALLOW)
            for kind, name in resources for operation in operations]


def renamed(value, prefix):
    """A name that is made of topics.prefix; the group of all scans is not."""
    if value.startswith("weir-replay:"):
        return value.replace("weir-events", f"{prefix}-events")
    return value if value == "weir-scan" else value.replace("weir", prefix, 1)
