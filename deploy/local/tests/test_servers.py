"""The private servers keep their promises: idempotent, apart from others, honest when failing."""

import http.client
import socket
import subprocess
import sys
from pathlib import Path

import pytest

import servers as program
from localrun.addresses import PostgresAddress, RedisAddress
from localrun.binaries import RABBITMQ, MissingError, Program
from localrun.body import StartError
from localrun.install import services_kept_off
from localrun.ports import LOOPBACK, free_port
from localrun.postgres import Postgres
from localrun.process import spawn
from localrun.rabbitmq import CONSUMER_TIMEOUT_MS
from localrun.redis_server import Redis
from servers import Servers


def test_up_again_changes_nothing(servers: Servers) -> None:
    before = servers.addresses, [server.pid for server in servers.all]
    servers.up()
    assert (servers.addresses, [server.pid for server in servers.all]) == before


def test_every_port_stays_below_the_ephemeral_range(servers: Servers) -> None:
    assert all(port < 32_768 for server in servers.all for port in server.ports)


def test_postgres_keeps_committed_rows_when_killed(servers: Servers) -> None:
    postgres = servers.postgres
    postgres.sql("CREATE TABLE kept (word text)", "INSERT INTO kept VALUES ('committed')")
    postgres.kill()
    assert not postgres.running
    postgres.start()
    assert postgres.sql("SELECT word FROM kept") == "committed"


def test_redis_keeps_its_data_over_a_restart(servers: Servers) -> None:
    servers.redis.call(0, "SET", "word", "kept")
    servers.redis.stop()
    servers.redis.start()
    assert servers.redis.call(0, "STRLEN", "word") == b":4"


def test_rabbitmq_keeps_durable_queues_when_killed(servers: Servers) -> None:
    rabbitmq = servers.rabbitmq
    rabbitmq.create_vhost("kept")
    rabbitmq.api("PUT", "/api/queues/kept/orders", {"durable": True})
    rabbitmq.stop()  # what was declared a moment before a kill may not be on the disk yet
    rabbitmq.start()
    rabbitmq.kill()
    servers.up()  # starts what is missing
    assert rabbitmq.api("GET", "/api/queues/kept/orders")[0] == http.client.OK


@pytest.mark.parametrize("name", ["postgres", "rabbitmq", "redis"])
def test_a_frozen_server_answers_nobody_until_it_is_thawed(servers: Servers, name: str) -> None:
    server = getattr(servers, name)
    server.freeze()
    with socket.create_connection((LOOPBACK, server.ports[0]), timeout=1) as link:
        link.sendall(b"PING\r\n")
        with pytest.raises(TimeoutError):
            link.recv(1)
    server.thaw()
    assert server.ready()


def test_rabbitmq_waits_two_hours_for_an_ack(servers: Servers) -> None:
    rabbitmqctl = RABBITMQ.find().with_name("rabbitmqctl")
    asked = subprocess.run(
        [rabbitmqctl, "-q", "eval", "application:get_env(rabbit, consumer_timeout)."],
        env=servers.rabbitmq.env(),
        capture_output=True,
        text=True,
        check=True,
    )
    assert asked.stdout.strip() == f"{{ok,{CONSUMER_TIMEOUT_MS}}}"


def test_each_service_gets_a_database_only_its_own_role_may_enter(servers: Servers) -> None:
    postgres = servers.postgres
    assert postgres.create_database("apart_a", "apart_a").endswith("/apart_a")
    postgres.create_database("apart_b", "apart_b")
    postgres.create_database("apart_b", "apart_b")  # again is no error
    entered = "SELECT has_database_privilege('apart_a', datname, 'CONNECT') FROM pg_database"
    assert postgres.sql(f"{entered} WHERE datname = 'apart_a'") == "t"
    assert postgres.sql(f"{entered} WHERE datname = 'apart_b'") == "f"
    postgres.drop_database("apart_a", "apart_a")
    postgres.drop_database("apart_b", "apart_b")
    assert postgres.sql("SELECT 1 FROM pg_roles WHERE rolname LIKE 'apart_%'") == ""


def test_a_database_whose_role_owned_all_gets_an_owner_apart(servers: Servers) -> None:
    """As a former build made it."""
    postgres = servers.postgres
    postgres.sql("CREATE ROLE former LOGIN", "CREATE DATABASE former OWNER former")
    postgres.sql("SET ROLE former", "CREATE TABLE kept (word text)", database="former")
    owner = "SELECT tableowner FROM pg_tables WHERE tablename = 'kept'"
    assert postgres.sql(owner, database="former") == "former"
    for _ in range(2):
        postgres.create_database("former", "former")
        assert postgres.sql(owner, database="former") == "former_owner"
    may = "SELECT has_database_privilege('former', 'former', '{}')"
    assert postgres.sql(may.format("CONNECT")) == "t"
    assert postgres.sql(may.format("CREATE")) == "f"
    postgres.drop_database("former", "former")


def test_stacks_share_redis_without_seeing_each_other(servers: Servers) -> None:
    redis = servers.redis
    one, other = redis.allocate_db("one"), redis.allocate_db("other")
    assert one != other
    assert redis.allocate_db("one") == one
    redis.call(one, "SET", "word", "mine")
    assert redis.call(other, "EXISTS", "word") == b":0"
    redis.release_db("one")
    assert redis.call(one, "EXISTS", "word") == b":0"


def test_two_homes_live_side_by_side(servers: Servers, folder: Path) -> None:
    beside = Servers(folder)
    try:
        beside.up()
        assert not {p for s in beside.all for p in s.ports} & {
            p for s in servers.all for p in s.ports
        }
        beside.down()
        assert not any(server.running for server in beside.all)
        assert all(server.ready() for server in servers.all)
    finally:
        beside.wipe()
    assert not folder.exists()


def test_a_stopped_server_moves_away_from_a_port_taken_meanwhile(servers: Servers) -> None:
    taken = servers.redis.ports[0]
    servers.redis.stop()
    with socket.create_server((LOOPBACK, taken)):
        with pytest.raises(StartError, match=f"port {taken} is taken"):
            servers.redis.start()
        servers.up()
    assert servers.redis.ports[0] != taken
    assert servers.redis.ready()


def test_a_failed_start_shows_the_end_of_the_log(folder: Path) -> None:
    postgres = Postgres(folder, PostgresAddress(free_port(), "native"))
    postgres.start()
    postgres.stop()
    with (postgres.data / "postgresql.conf").open("a") as settings:
        settings.write("shared_bufers = 1\n")
    with pytest.raises(StartError, match='unrecognized configuration parameter "shared_bufers"'):
        postgres.start()
    postgres.wipe()


def test_a_pid_that_was_given_to_somebody_else_is_never_signalled(folder: Path) -> None:
    folder.mkdir()
    stranger = spawn(["sleep", "60"], env={}, cwd=folder, log=folder / "log")
    redis = Redis(folder, RedisAddress(free_port(), "native"))
    redis.home.mkdir()
    record = redis.home / "pid.json"
    record.write_text(f'{{"pid": {stranger.pid}, "born": "another boot/1"}}')
    redis.kill()
    redis.stop()
    assert not redis.running
    assert stranger.alive
    stranger.kill()
    assert not stranger.alive


def test_a_missing_program_is_named_with_its_package() -> None:
    with pytest.raises(MissingError, match=r"no-such-server .* package no-such-package"):
        Program("no-such-server", "no-such-package").find()


def test_apt_is_kept_from_starting_services_and_an_own_policy_is_respected(tmp_path: Path) -> None:
    policy = tmp_path / "policy-rc.d"
    with services_kept_off(policy):
        assert subprocess.run([policy], check=False).returncode == 101
    assert not policy.exists()
    policy.write_text("the administrator's own")
    with services_kept_off(policy):
        pass
    assert policy.read_text() == "the administrator's own"


def test_status_before_the_first_start_says_what_to_do(folder: Path) -> None:
    command = (sys.executable, program.__file__, "status", "--home", str(folder))
    status = subprocess.run(command, capture_output=True, text=True, check=False)
    assert status.returncode == 1
    assert "run servers.py up" in status.stderr
