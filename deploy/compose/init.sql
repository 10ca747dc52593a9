-- One database and one role per service: none can read another's tables.
\getenv connections_password CONNECTIONS_DATABASE_PASSWORD
\getenv oauth_gateway_password OAUTH_GATEWAY_DATABASE_PASSWORD
\getenv publisher_password PUBLISHER_DATABASE_PASSWORD
\getenv stats_collector_password STATS_COLLECTOR_DATABASE_PASSWORD

CREATE ROLE connections LOGIN PASSWORD :'connections_password';
CREATE ROLE oauth_gateway LOGIN PASSWORD :'oauth_gateway_password';
CREATE ROLE publisher LOGIN PASSWORD :'publisher_password';
CREATE ROLE stats_collector LOGIN PASSWORD :'stats_collector_password';

CREATE DATABASE connections OWNER connections;
CREATE DATABASE oauth_gateway OWNER oauth_gateway;
CREATE DATABASE publisher OWNER publisher;
CREATE DATABASE stats_collector OWNER stats_collector;

REVOKE ALL ON DATABASE connections, oauth_gateway, publisher, stats_collector FROM PUBLIC;
