"""What compose gives a fresh PostgreSQL, run by a real one: owners migrate, services only work."""

import subprocess

import pytest

from localrun.binaries import PSQL
from localrun.environment import TREE
from localrun.plan import SERVICES
from localrun.postgres import STATEMENT_TIMEOUT, Postgres
from servers import Servers

INIT = TREE / "deploy/compose/init.sql"


@pytest.fixture(scope="module")
def postgres(servers: Servers) -> Postgres:
    found, address = servers.postgres, servers.addresses.postgres
    env = {
        f"{package.upper()}_{whose}_PASSWORD": f"its {whose}"
        for package in SERVICES.values()
        for whose in ("DATABASE", "OWNER")
    }
    command = (PSQL.find(), "-X", "-v", "ON_ERROR_STOP=1", "-f", INIT, address.url())
    subprocess.run(command, env=env, check=True)
    return found


@pytest.mark.parametrize("package", SERVICES.values())
def test_the_owner_makes_tables_and_the_service_does_not(postgres: Postgres, package: str) -> None:
    postgres.sql(f"SET ROLE {package}_owner", "CREATE TABLE made (id int)", database=package)
    with pytest.raises(RuntimeError, match="permission denied for schema public"):
        postgres.sql(f"SET ROLE {package}", "CREATE TABLE refused (id int)", database=package)
    with pytest.raises(RuntimeError, match="permission denied for table made"):
        postgres.sql(f"SET ROLE {package}", "SELECT * FROM made", database=package)
    limit = "SELECT unnest(setconfig) FROM pg_db_role_setting WHERE setrole = '{}'::regrole"
    assert postgres.sql(limit.format(package)) == f"statement_timeout={STATEMENT_TIMEOUT}"


@pytest.mark.parametrize("package", SERVICES.values())
def test_nobody_enters_anothers_database(postgres: Postgres, package: str) -> None:
    entered = (
        "SELECT rolname FROM pg_roles WHERE rolcanlogin AND NOT rolsuper"
        " AND has_database_privilege(rolname, current_database(), 'CONNECT') ORDER BY 1"
    )
    assert postgres.sql(entered, database=package).splitlines() == [package, f"{package}_owner"]
