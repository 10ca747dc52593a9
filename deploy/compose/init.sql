-- One database for each service, and two roles: the owner of its tables, which migrates, and the one
-- the service works as. That one may enter; what it may do there, the migrations' task says. None
-- can read another's tables.
\getenv connections_password CONNECTIONS_DATABASE_PASSWORD
\getenv connections_owner_password CONNECTIONS_OWNER_PASSWORD
\getenv oauth_gateway_password OAUTH_GATEWAY_DATABASE_PASSWORD
\getenv oauth_gateway_owner_password OAUTH_GATEWAY_OWNER_PASSWORD
\getenv publisher_password PUBLISHER_DATABASE_PASSWORD
\getenv publisher_owner_password PUBLISHER_OWNER_PASSWORD
\getenv stats_collector_password STATS_COLLECTOR_DATABASE_PASSWORD
\getenv stats_collector_owner_password STATS_COLLECTOR_OWNER_PASSWORD

CREATE ROLE connections LOGIN PASSWORD :'connections_password';
CREATE ROLE connections_owner LOGIN PASSWORD :'connections_owner_password';
CREATE ROLE oauth_gateway LOGIN PASSWORD :'oauth_gateway_password';
CREATE ROLE oauth_gateway_owner LOGIN PASSWORD :'oauth_gateway_owner_password';
CREATE ROLE publisher LOGIN PASSWORD :'publisher_password';
CREATE ROLE publisher_owner LOGIN PASSWORD :'publisher_owner_password';
CREATE ROLE stats_collector LOGIN PASSWORD :'stats_collector_password';
CREATE ROLE stats_collector_owner LOGIN PASSWORD :'stats_collector_owner_password';

CREATE DATABASE connections OWNER connections_owner;
CREATE DATABASE oauth_gateway OWNER oauth_gateway_owner;
CREATE DATABASE publisher OWNER publisher_owner;
CREATE DATABASE stats_collector OWNER stats_collector_owner;

REVOKE ALL ON DATABASE connections, oauth_gateway, publisher, stats_collector FROM PUBLIC;
GRANT CONNECT ON DATABASE connections TO connections;
GRANT CONNECT ON DATABASE oauth_gateway TO oauth_gateway;
GRANT CONNECT ON DATABASE publisher TO publisher;
GRANT CONNECT ON DATABASE stats_collector TO stats_collector;

-- Longer than a process itself waits: for statements whose process is gone.
ALTER ROLE connections SET statement_timeout = '15s';
ALTER ROLE oauth_gateway SET statement_timeout = '15s';
ALTER ROLE publisher SET statement_timeout = '15s';
ALTER ROLE stats_collector SET statement_timeout = '15s';
