#!/bin/sh
# The two roles and the database of Muniment, made once when the server's folder is empty.
set -eu
psql --no-psqlrc --set ON_ERROR_STOP=1 --username "${POSTGRES_USER:-postgres}" \
    --set owner="$(cat /run/secrets/postgresql_owner)" --set app="$(cat /run/secrets/postgresql_app)" <<'SQL'
CREATE ROLE muniment_owner LOGIN PASSWORD :'owner';
CREATE ROLE muniment_app LOGIN PASSWORD :'app';
CREATE DATABASE muniment OWNER muniment_owner TEMPLATE template0 ENCODING 'UTF8' LOCALE 'C';
SQL
